-- Takes back a join that was answered as failed, though the store had carried it out: the seat goes if that join had
-- made it, and is held if the join had only taken it.
-- ARGV  not_after, lease in ms, connection, hash of its token, id of the seat it would have made
-- reply now, 'done' | 'not_held' | 'missing' | 'ended' | 'late'
local holder, token, new_id = ARGV[3], ARGV[4], ARGV[5]

local absent = open()
if absent then return absent end

local id = redis.call('HGET', tokens_key, token)
local seat = id and seat_of(id)
if not seat or seat.holder ~= holder then return refuse('not_held') end
if id == new_id and not is_host(seat) then
  free(seat)
  tell_left(seat, 'left')
elseif is_connected(id) then
  hold(seat, party_now)
  tell_updated(seat)
end
return refuse('done')
