-- Removes a guest, whose token cannot take a seat here again.
-- ARGV  not_after, lease in ms, seat, connection, seat of the guest
-- reply now, 'done' | 'not_host' | 'invalid_target' | 'kicked' | 'timed_out' | 'taken_over' | 'ended' | 'missing' | 'late'
local host, reply = enter_as_host()
if not host then return reply end

local guest = seat_of(ARGV[5])
if not guest or is_host(guest) then return refuse('invalid_target') end

free(guest)
redis.call('HSET', seats_key, guest.id, KICKED)
redis.call('HSET', tokens_key, guest.token, guest.id)
tell_left(guest, 'kicked')
-- Of a seat that is not listed the event says nothing, and the instance that has its connection must know.
mention('K', guest.doubted or guest.holder)
return accept('done')
