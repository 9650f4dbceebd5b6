-- needs: access
-- Rolls back a join that was answered as failed although the store had executed it. A seat that the
-- join made is removed. A seat that it only took is held. After a data loss another connection may
-- have taken the seat over: then the rollback waits until every instance has reported its holders.
-- ARGV  not_after, lease in ms, holder, hash of its token, id of the seat it would have made,
--         1 if all instances had the time to report their holders
-- reply now, 'done' | 'uncertain' | 'not_held' | 'missing' | 'ended' | 'late'
local holder, token, new_id, all_reported = ARGV[3], ARGV[4], ARGV[5], ARGV[6] == '1'

local absent = load_party()
if absent then return absent end

local id = redis.call('HGET', tokens_key, token)
local seat = id and load_seat(id)
local holder_uncertain = seat and seat.holder == '' and seat.previous_holder == holder
if not seat or seat.holder ~= holder and not holder_uncertain then return refuse('not_held') end
if holder_uncertain and not all_reported then return refuse('uncertain') end
if id == new_id and not is_host(seat) then
  remove_seat(seat)
  emit_left(seat, 'left')
elseif is_connected(id) then
  start_hold(seat, party_now)
  emit_updated(seat)
end
return refuse('done')
