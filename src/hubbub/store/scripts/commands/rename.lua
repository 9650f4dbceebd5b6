-- needs: access
-- Renames a seat. An empty name becomes "Host" or "Guest N".
-- ARGV  not_after, lease in ms, seat, holder, name
-- reply now, 'done' | 'kicked' | 'timed_out' | 'taken_over' | 'ended' | 'missing' | 'late'
local name = ARGV[5]

local seat, reply = authorize()
if not seat then return reply end

if name == '' and is_host(seat) then
  name = HOST_NAME
elseif name == '' then
  -- A first host who is now a guest has no number yet.
  if seat.number == 0 then
    state.guests = state.guests + 1
    seat.number = state.guests
  end
  name = 'Guest ' .. integer(seat.number)
end
set_name(seat, name)
save_seat(seat)
emit_updated(seat)
return accept('done')
