-- needs: prelude, document, clock, keys
-- Holds what a script changes of a live party: its document, its counters and its clock.
-- ARGV  begins with not_after, lease of a connection in ms
local not_after, lease_ms = ARGV[1], tonumber(ARGV[2])

-- Fields of the state hash. `touchedAt` is the last activity, `stoodStill` the clock offset, both in ms.
local COUNTERS = {'version', 'touchedAt', 'stoodStill', 'guests', 'messages', 'reactions', 'watchers', 'logBytes'}

local party             -- the document, decoded
local document_changed  -- true if `party` must be written
local has_new_keys      -- true if a key may be new and so has no TTL yet
local epoch             -- the party's id; after a recovery, the name that the recovery chose
local state = {}        -- the counters
local original = {}     -- the counters as read; nil where the hash has none
local party_now         -- the party clock, ms

-- Reads document and counters. Returns nil, or the reply that says why there is no party. A party
-- that was only created has no counters yet.
local function read_party()
  local absent
  absent, party = load_document(party_key, ended_key)
  if absent then return absent end
  local values = redis.call('HMGET', state_key, 'epoch', unpack(COUNTERS))
  epoch = table.remove(values, 1) or party.id
  for index, name in ipairs(COUNTERS) do
    original[name] = tonumber(values[index])
    state[name] = original[name] or 0
  end
end

-- Records activity now and sets the party clock.
local function run_clock()
  local gap = now - state.touchedAt
  if clock_stopped(gap, has_connections(party, state.watchers), lease_ms) then
    state.stoodStill = state.stoodStill + gap
  end
  state.touchedAt = now
  party_now = now - state.stoodStill
end
