-- Takes back a join that was answered as failed, though the store had carried it out: the seat goes if that join had
-- made it, and is held if the join had only taken it. Where somebody may have taken it over since and not yet said so
-- after a loss, it is taken back only if that is settled.
-- ARGV  not_after, lease in ms, connection, hash of its token, id of the seat it would have made, 1 if all who have
--         seats have had the time to say so
-- reply now, 'done' | 'doubted' | 'not_held' | 'missing' | 'ended' | 'late'
local holder, token, new_id, is_settled = ARGV[3], ARGV[4], ARGV[5], ARGV[6] == '1'

local absent = open()
if absent then return absent end

local id = redis.call('HGET', tokens_key, token)
local seat = id and seat_of(id)
local is_doubted = seat and seat.holder == '' and seat.doubted == holder
if not seat or seat.holder ~= holder and not is_doubted then return refuse('not_held') end
if is_doubted and not is_settled then return refuse('doubted') end
if id == new_id and not is_host(seat) then
  free(seat)
  tell_left(seat, 'left')
elseif is_connected(id) then
  hold(seat, party_now)
  tell_updated(seat)
end
return refuse('done')
