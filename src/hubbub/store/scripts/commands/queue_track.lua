-- Queues the next track, or none.
-- ARGV  not_after, lease in ms, seat, connection, filename or '' for none
-- reply now, 'done' | 'not_host' | 'kicked' | 'timed_out' | 'taken_over' | 'ended' | 'missing' | 'late'
local host, reply = enter_as_host()
if not host then return reply end

local filename = ARGV[5] ~= '' and cjson.encode(ARGV[5]) or 'null'
redis.call('HSET', state_key, 'nextTrack', filename)
tell('"t":"NEXT_TRACK_QUEUED","filename":' .. filename)
return accept('done')
