-- What a live party is to a script: its keys, its document, its numbers and its own clock.
-- KEYS  party:CODE, then of {party:CODE}: ended, tries, state, seats, tokens, roster, leases, log, messages
-- ARGV  begins with not_after, lease of a connection in ms
local party_key, ended_key, state_key = KEYS[1], KEYS[2], KEYS[4]
local seats_key, tokens_key, roster_key, leases_key = KEYS[5], KEYS[6], KEYS[7], KEYS[8]
local log_key, messages_key = KEYS[9], KEYS[10]
local channel = '{' .. party_key .. '}:events'
local not_after, lease_ms = ARGV[1], tonumber(ARGV[2])

local NUMBERS = {'version', 'touchedAt', 'stoodStill', 'guests', 'messages', 'reactions', 'watchers', 'logBytes'}

local party       -- the document, decoded
local rewritten   -- whether the document has changed
local grown       -- whether a key may be new, and so without a life of its own
local epoch       -- names this life of the party's data; the party's id until data was lost
local state = {}  -- the numbers of the state hash
local before = {} -- what they were
local party_now   -- ms of the party's own clock, by which leases, holds and the host's grace run

local function integer(number)
  return string.format('%d', number)
end

-- The party's clock stops while nobody touches it though somebody is connected, who would: an outage or a sleeping
-- laptop costs nobody a seat. Nor does it jump when the store's clock is set.
local function run_clock()
  local gap = now - state.touchedAt
  local connected = party.hostConnected or party.guestCount > 0 or state.watchers > 0
  if gap < 0 or connected and gap > lease_ms * CLOCK_STOPS_AFTER_RENEWALS / RENEWALS_PER_LEASE then state.stoodStill = state.stoodStill + gap end
  state.touchedAt = now
  party_now = now - state.stoodStill
end

-- Reads document and numbers. Returns nothing when the party is there, else the reply that says why not. A party
-- that was only created has no numbers yet.
local function read_party()
  local document = redis.call('GET', party_key)
  if not document then
    return {now, redis.call('EXISTS', ended_key) == 1 and 'ended' or 'missing'}
  end
  party = party_in(document)
  if not party then return redis.error_reply('ERR ' .. party_key .. ' holds no party document') end
  local values = redis.call('HMGET', state_key, 'epoch', unpack(NUMBERS))
  epoch = table.remove(values, 1) or party.id
  for place, name in ipairs(NUMBERS) do
    before[name] = tonumber(values[place])
    state[name] = before[name] or 0
  end
end
