-- needs: access, playback
-- Changes to the beginning of another track. It plays if the previous one played.
-- ARGV  not_after, lease in ms, seat, holder, filename, filename of the next one or '' for none
-- reply now, 'done' | 'not_host' | 'kicked' | 'timed_out' | 'taken_over' | 'ended' | 'missing' | 'late'
local host, reply = authorize_host()
if not host then return reply end

local filename = cjson.encode(ARGV[5])
local next_filename = ARGV[6] ~= '' and cjson.encode(ARGV[6]) or 'null'
save_playback({track = filename, nextTrack = next_filename, position = '0', at = integer(now)})
emit('"t":"TRACK_CHANGED","filename":' .. filename .. ',"nextFilename":' .. next_filename .. ',"at":' .. integer(now))
return accept('done')
