-- Renews the leases of an instance's connections to a party, and tells how far the party's events have got. Where the
-- instance's position shows that the store has lost something it does nothing, since whoever seems to be gone may have
-- been lost. All that the store has of the party goes with the reply where the instance has an older copy.
-- ARGV  not_after, lease in ms, epoch or '' where nothing is known, version, digest of the last event, version of the
--         instance's copy or -1,
--         then pairs: seat or '' for a watcher, connection
-- reply now, 'renewed', epoch, version, watchers, when the party expires, ms until something else runs out or -1,
--         copy or false, then for each pair that could not be renewed: seat, connection, 'kicked' | 'timed_out' | 'taken_over'
--       now, 'elsewhere' | 'behind' | 'forked'
--       now, 'ended' | 'missing' | 'late'
-- copy  document, then flat: state, seats, tokens, roster, leases, messages
local known = {epoch = ARGV[3], version = tonumber(ARGV[4]), digest = ARGV[5]}
local copied_version = tonumber(ARGV[6])

if late(not_after) then return {now, 'late'} end
local absent = read_party()
if absent then return absent end
local knows = known.epoch ~= ''
local position = knows and standing(known, {epoch = epoch, version = state.version}, log_key)
if knows and position ~= 'level' then return {now, position} end
absent = bring_up_to_now()
if absent then return absent end

local verdicts = {}
local renewed = 0
for place = 7, #ARGV, 2 do
  local id, holder = ARGV[place], ARGV[place + 1]
  local gone
  if id ~= '' then
    gone = select(2, present(id, holder))
  elseif redis.call('ZADD', leases_key, 'XX', 'CH', integer(party_now + lease_ms), 'watch:' .. holder) == 0 then
    gone = redis.call('ZSCORE', leases_key, 'watch:' .. holder) == false and 'timed_out' or nil
  end
  if gone then
    for _, word in ipairs({id, holder, gone}) do verdicts[#verdicts + 1] = word end
  else
    renewed = renewed + 1
  end
end

local first = redis.call('ZRANGE', leases_key, 0, 0, 'WITHSCORES')
local due = first[2] and math.max(0, first[2] - party_now) or -1
local expires_at = now + (renewed > 0 and party.terms[1] * 1000 or redis.call('PTTL', party_key))
local reply = finish('renewed', renewed > 0, state.watchers, expires_at, due, false, unpack(verdicts))
if knows and copied_version ~= state.version then
  reply[8] = {
    redis.call('GET', party_key), redis.call('HGETALL', state_key), redis.call('HGETALL', seats_key),
    redis.call('HGETALL', tokens_key), redis.call('LRANGE', roster_key, 0, -1),
    redis.call('ZRANGE', leases_key, 0, -1, 'WITHSCORES'), redis.call('LRANGE', messages_key, 0, -1),
  }
end
return reply
