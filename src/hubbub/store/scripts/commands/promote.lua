-- needs: access
-- Makes a connected guest the host, and the host a guest.
-- ARGV  not_after, lease in ms, seat, holder, seat of the guest
-- reply now, 'done' | 'not_host' | 'invalid_target' | 'not_connected' | 'kicked' | 'timed_out' | 'taken_over' | 'ended'
--         | 'missing' | 'late'
local host, reply = authorize_host()
if not host then return reply end

local guest = load_seat(ARGV[5])
if not guest or is_host(guest) then return refuse('invalid_target') end
if not is_connected(guest.id) then return refuse('not_connected') end

-- Both are connected. One becomes a guest, one no longer is: the guest count stays.
party.hostId = guest.id
party.hostName = guest.name
document_changed = true
if not guest.listed then
  add_to_roster(guest)
  save_seat(guest)
end
emit('"t":"HOST_CHANGED","hostId":"' .. guest.id .. '","member":' .. member_json(guest) .. ',' .. guest_count_json())
return accept('done')
