-- Tells that a connection was lost: the seat is held for its guest, the party waits for its host; a watcher goes.
-- ARGV  not_after, lease in ms, seat or '' for a watcher, connection
-- reply now, 'done' | 'not_held' | 'missing' | 'ended' | 'late'
local id, holder = ARGV[3], ARGV[4]

local absent = open()
if absent then return absent end

if id == '' then
  if redis.call('ZREM', leases_key, 'watch:' .. holder) == 0 then return refuse('not_held') end
  state.watchers = state.watchers - 1
  mention('W', integer(state.watchers))
  return refuse('done')
end

local seat = seat_of(id)
if not seat or seat.holder ~= holder or not is_connected(id) then return refuse('not_held') end
hold(seat, party_now)
tell_updated(seat)
return refuse('done')
