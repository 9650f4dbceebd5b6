-- needs: prelude, keys
-- Names the fields of the state hash that hold the playback. `replies.py` reads them in this order.
--   track, nextTrack  a filename as JSON, or null
--   playing           'playing', 'paused' or 'stopped'
--   position          seconds in the track at the instant `at`, ms of the store's clock
local PLAYBACK_FIELDS = {'track', 'nextTrack', 'playing', 'position', 'at'}

local function read_playback()
  return redis.call('HMGET', state_key, unpack(PLAYBACK_FIELDS))
end

-- Saves the given fields; the others stay.
local function save_playback(fields)
  local words = {}
  for _, name in ipairs(PLAYBACK_FIELDS) do
    if fields[name] then
      words[#words + 1] = name
      words[#words + 1] = fields[name]
    end
  end
  redis.call('HSET', state_key, unpack(words))
end
