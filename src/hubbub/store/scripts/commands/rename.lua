-- Renames a seat; a name with nothing in it becomes "Host" or "Guest N".
-- ARGV  not_after, lease in ms, seat, connection, name
-- reply now, 'done' | 'kicked' | 'timed_out' | 'taken_over' | 'ended' | 'missing' | 'late'
local name = ARGV[5]

local seat, reply = enter()
if not seat then return reply end

if name ~= '' then
  seat.name = name
elseif is_host(seat) then
  seat.name = HOST_NAME
else
  if seat.number == 0 then
    state.guests = state.guests + 1
    seat.number = state.guests
  end
  seat.name = 'Guest ' .. integer(seat.number)
end
if is_host(seat) then
  party.hostName = seat.name
  rewritten = true
end
keep(seat)
tell_updated(seat)
return accept('done')
