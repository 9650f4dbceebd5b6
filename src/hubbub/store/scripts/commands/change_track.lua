-- Goes on to another track from its beginning; what was playing plays on, what was not does not.
-- ARGV  not_after, lease in ms, seat, connection, filename, filename of the next one or '' for none
-- reply now, 'done' | 'not_host' | 'kicked' | 'timed_out' | 'taken_over' | 'ended' | 'missing' | 'late'
local host, reply = enter_as_host()
if not host then return reply end

local filename = cjson.encode(ARGV[5])
local next_filename = ARGV[6] ~= '' and cjson.encode(ARGV[6]) or 'null'
redis.call('HSET', state_key, 'track', filename, 'nextTrack', next_filename, 'position', '0', 'at', integer(now))
tell('"t":"TRACK_CHANGED","filename":' .. filename .. ',"nextFilename":' .. next_filename .. ',"at":' .. integer(now))
return accept('done')
