-- Starts or pauses the track, at a position or where it is.
-- ARGV  not_after, lease in ms, seat, connection, 'playing' | 'paused', position in s or ''
-- reply now, 'done' | 'not_host' | 'no_track' | 'kicked' | 'timed_out' | 'taken_over' | 'ended' | 'missing' | 'late'
local playing, position = ARGV[5], ARGV[6]

local host, reply = enter_as_host()
if not host then return reply end

local track, was, last, at = unpack(redis.call('HMGET', state_key, 'track', 'playing', 'position', 'at'))
if not track then return refuse('no_track') end

if position == '' then
  local elapsed = was == 'playing' and math.max(0, now - at) / 1000 or 0
  position = string.format('%.3f', last + elapsed)
end
redis.call('HSET', state_key, 'playing', playing, 'position', position, 'at', integer(now))
tell('"t":"' .. (playing == 'playing' and 'PLAY' or 'PAUSE') .. '","position":' .. position .. ',"at":' .. integer(now))
return accept('done')
