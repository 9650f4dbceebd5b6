-- needs: access, playback
-- Selects a track. It is stopped at its beginning, and the next track stays.
-- ARGV  not_after, lease in ms, seat, holder, filename
-- reply now, 'done' | 'not_host' | 'kicked' | 'timed_out' | 'taken_over' | 'ended' | 'missing' | 'late'
local host, reply = authorize_host()
if not host then return reply end

local filename = cjson.encode(ARGV[5])
save_playback({track = filename, playing = 'stopped', position = '0', at = integer(now)})
emit('"t":"TRACK_SELECTED","filename":' .. filename .. ',"at":' .. integer(now))
return accept('done')
