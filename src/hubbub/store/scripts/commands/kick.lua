-- needs: access
-- Removes a guest and bans the guest's token from this party.
-- ARGV  not_after, lease in ms, seat, holder, seat of the guest
-- reply now, 'done' | 'not_host' | 'invalid_target' | 'kicked' | 'timed_out' | 'taken_over' | 'ended'
--         | 'missing' | 'late'
local host, reply = authorize_host()
if not host then return reply end

local guest = load_seat(ARGV[5])
if not guest or is_host(guest) then return refuse('invalid_target') end

remove_seat(guest)
ban(guest.id, guest.token)
emit_left(guest, 'kicked')
-- The event of an unlisted seat does not name it. Without this message, the instance that has the
-- guest's connection would not close it.
publish_ephemeral('K', guest.previous_holder or guest.holder)
return accept('done')
