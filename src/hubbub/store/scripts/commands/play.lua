-- needs: access, playback
-- Plays or pauses the track, at a position or where it is.
-- ARGV  not_after, lease in ms, seat, holder, 'playing' | 'paused', position in s or ''
-- reply now, 'done' | 'not_host' | 'no_track' | 'kicked' | 'timed_out' | 'taken_over' | 'ended' | 'missing' | 'late'
local playing, position = ARGV[5], ARGV[6]

local host, reply = authorize_host()
if not host then return reply end

local track, _, was_playing, last_position, at = unpack(read_playback())
if not track then return refuse('no_track') end

if position == '' then
  local elapsed = was_playing == 'playing' and math.max(0, now - at) / 1000 or 0
  position = string.format('%.3f', last_position + elapsed)
end
save_playback({playing = playing, position = position, at = integer(now)})
emit('"t":"' .. (playing == 'playing' and 'PLAY' or 'PAUSE') .. '","position":' .. position .. ',"at":' .. integer(now))
return accept('done')
