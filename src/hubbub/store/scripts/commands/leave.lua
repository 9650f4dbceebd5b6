-- needs: access
-- Gives up a seat. If the host leaves, the party ends.
-- ARGV  not_after, lease in ms, seat, holder
-- reply now, 'done' | 'kicked' | 'timed_out' | 'taken_over' | 'ended' | 'missing' | 'late'
local seat, reply = authorize()
if not seat then return reply end

if is_host(seat) then
  end_party('host_left')
else
  remove_seat(seat)
  emit_left(seat, 'left')
end
return accept('done')
