-- needs: access, playback
-- Queues the next track, or none.
-- ARGV  not_after, lease in ms, seat, holder, filename or '' for none
-- reply now, 'done' | 'not_host' | 'kicked' | 'timed_out' | 'taken_over' | 'ended' | 'missing' | 'late'
local host, reply = authorize_host()
if not host then return reply end

local filename = ARGV[5] ~= '' and cjson.encode(ARGV[5]) or 'null'
save_playback({nextTrack = filename})
emit('"t":"NEXT_TRACK_QUEUED","filename":' .. filename)
return accept('done')
