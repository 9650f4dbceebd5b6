-- needs: access, position
-- Renews the leases of an instance's connections to a party, and returns the party's position. If the
-- instance's position proves that the store lost data, the script does nothing: members that look
-- absent may only have been lost. If the instance has an older backup, the reply contains a new one.
-- ARGV  not_after, lease in ms, epoch or '' if the instance knows no position, version, digest of the
--         last event, version of the instance's backup or -1,
--         then pairs: seat or '' for a watcher, holder
-- reply now, 'renewed', epoch, version, watchers, when the party expires, ms until the next entry expires or -1,
--         backup or false, then for each lease that could not be renewed: seat, holder,
--         'kicked' | 'timed_out' | 'taken_over'
--       now, 'other_epoch' | 'truncated' | 'diverged'
--       now, 'ended' | 'missing' | 'late'
-- backup  document, then flat: state, seats, tokens, roster, leases, messages
local known = {epoch = ARGV[3], version = tonumber(ARGV[4]), digest = ARGV[5]}
local backup_version = tonumber(ARGV[6])
local FIRST_PAIR = 7

if is_late(not_after) then return {now, 'late'} end
local absent = read_party()
if absent then return absent end
local has_position = known.epoch ~= ''
if has_position then
  local position = compare_position(known, {epoch = epoch, version = state.version})
  if position ~= 'current' then return {now, position} end
end
absent = advance()
if absent then return absent end

local losses = {}
local renewed = 0
for index = FIRST_PAIR, #ARGV, 2 do
  local id, holder = ARGV[index], ARGV[index + 1]
  local _, reason
  if id ~= '' then
    _, reason = renew_or_reason(id, holder)
  elseif redis.call('ZADD', leases_key, 'XX', 'CH', integer(party_now + lease_ms), 'watch:' .. holder) == 0 then
    reason = not redis.call('ZSCORE', leases_key, 'watch:' .. holder) and 'timed_out' or nil
  end
  if reason then
    for _, word in ipairs({id, holder, reason}) do losses[#losses + 1] = word end
  else
    renewed = renewed + 1
  end
end

local _, first_expires_at = unpack(redis.call('ZRANGE', leases_key, 0, 0, 'WITHSCORES'))
local due_ms = first_expires_at and math.max(0, first_expires_at - party_now) or -1
local expires_at = renewed > 0 and next_expiry() or now + redis.call('PTTL', party_key)
commit(renewed > 0)
local backup = false
if has_position and backup_version ~= state.version then
  backup = {
    redis.call('GET', party_key), redis.call('HGETALL', state_key), redis.call('HGETALL', seats_key),
    redis.call('HGETALL', tokens_key), redis.call('LRANGE', roster_key, 0, -1),
    redis.call('ZRANGE', leases_key, 0, -1, 'WITHSCORES'), redis.call('LRANGE', messages_key, 0, -1),
  }
end
return {now, 'renewed', epoch, state.version, state.watchers, expires_at, due_ms, backup, unpack(losses)}
