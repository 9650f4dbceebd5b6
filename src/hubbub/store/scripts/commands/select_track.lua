-- Selects a track: it stands at its beginning, and the next one stays.
-- ARGV  not_after, lease in ms, seat, connection, filename
-- reply now, 'done' | 'not_host' | 'kicked' | 'timed_out' | 'taken_over' | 'ended' | 'missing' | 'late'
local host, reply = enter_as_host()
if not host then return reply end

local filename = cjson.encode(ARGV[5])
redis.call('HSET', state_key, 'track', filename, 'playing', 'stopped', 'position', '0', 'at', integer(now))
tell('"t":"TRACK_SELECTED","filename":' .. filename .. ',"at":' .. integer(now))
return accept('done')
