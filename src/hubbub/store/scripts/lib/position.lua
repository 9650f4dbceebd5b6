-- A position proved: an epoch and a version name a state only as long as the store has lost nothing, since after that it
-- gives the same versions out again. So whoever knows a position brings a digest of its last event.

-- How often the party had been healed when the epoch began, by which its name begins; the first one's is the party's id.
local function healings_before(name)
  return tonumber(string.match(name, '^(%d+)%.') or 0)
end

-- How a known position stands to the party's own: 'level', it is of this party's past; 'elsewhere', it is of another
-- life; 'behind', the store has lost what came up to it, be it a whole life; 'forked', something else came by the same
-- version.
local function standing(known, own, log_key)
  if known.epoch ~= own.epoch then
    return healings_before(own.epoch) < healings_before(known.epoch) and 'behind' or 'elsewhere'
  end
  if known.version > own.version then return 'behind' end
  local event = redis.call('LINDEX', log_key, known.version - own.version - 1)
  if event and known.digest ~= '' and redis.sha1hex(event) ~= known.digest then return 'forked' end
  return 'level'
end
