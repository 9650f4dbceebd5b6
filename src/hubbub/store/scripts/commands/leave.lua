-- Gives up a seat; the host's leaving ends the party.
-- ARGV  not_after, lease in ms, seat, connection
-- reply now, 'done' | 'kicked' | 'timed_out' | 'taken_over' | 'ended' | 'missing' | 'late'
local seat, reply = enter()
if not seat then return reply end

if is_host(seat) then
  end_party('host_left')
else
  free(seat)
  tell_left(seat, 'left')
end
return accept('done')
