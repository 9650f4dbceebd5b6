-- needs: access
-- Ends the lease of a lost connection. A seat is held, for the host's seat the grace starts, and a
-- watcher goes.
-- ARGV  not_after, lease in ms, seat or '' for a watcher, holder
-- reply now, 'done' | 'not_held' | 'missing' | 'ended' | 'late'
local id, holder = ARGV[3], ARGV[4]

local absent = load_party()
if absent then return absent end

if id == '' then
  if redis.call('ZREM', leases_key, 'watch:' .. holder) == 0 then return refuse('not_held') end
  state.watchers = state.watchers - 1
  publish_watchers()
  return refuse('done')
end

local seat = load_seat(id)
if not seat or seat.holder ~= holder or not is_connected(id) then return refuse('not_held') end
start_hold(seat, party_now)
emit_updated(seat)
-- Not `accept`: a drop is no activity, so it must not extend the TTL.
return refuse('done')
