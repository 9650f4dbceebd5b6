-- needs: access
-- Lets a connection watch without a seat.
-- ARGV  not_after, lease in ms, holder
-- reply now, 'watching', epoch, version, watchers, when the party expires in ms
--       now, 'locked' | 'crowded' | 'ended' | 'missing' | 'late'
local absent = load_party()
if absent then return absent end

if party.locked then return refuse('locked') end
if state.watchers >= WATCHERS_MAX then return refuse('crowded') end

redis.call('ZADD', leases_key, integer(party_now + lease_ms), 'watch:' .. ARGV[3])
has_new_keys = true
state.watchers = state.watchers + 1
publish_watchers()
return accept('watching', state.watchers, next_expiry())
