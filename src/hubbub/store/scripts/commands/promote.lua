-- Makes a connected guest the host, and the host a guest.
-- ARGV  not_after, lease in ms, seat, connection, seat of the guest
-- reply now, 'done' | 'not_host' | 'invalid_target' | 'not_connected' | 'kicked' | 'timed_out' | 'taken_over' | 'ended'
--         | 'missing' | 'late'
local host, reply = enter_as_host()
if not host then return reply end

local guest = seat_of(ARGV[5])
if not guest or is_host(guest) then return refuse('invalid_target') end
if not is_connected(guest.id) then return refuse('not_connected') end

-- Both are connected, so one guest more and one less: the count stays.
party.hostId = guest.id
party.hostName = guest.name
rewritten = true
if not guest.listed then
  list(guest)
  keep(guest)
end
tell('"t":"HOST_CHANGED","hostId":"' .. guest.id .. '","member":' .. member(guest) .. ',' .. guest_count())
return accept('done')
