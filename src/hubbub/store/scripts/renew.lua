-- Renews the leases of an instance's connections to a party, and tells how far the party's events have got.
-- ARGV  not_after, lease in ms, then pairs: seat or '' for a watcher, connection
-- reply now, 'renewed', party id, version, watchers, when the party expires, ms until something else runs out or -1,
--         then for each pair that could not be renewed: seat, connection, 'kicked' | 'timed_out' | 'taken_over'
--       now, 'ended' | 'missing' | 'late'
local absent = open()
if absent then return absent end

local verdicts = {}
local renewed = 0
for place = 3, #ARGV, 2 do
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
if renewed == 0 then return finish('renewed', false, state.watchers, now + redis.call('PTTL', party_key), due, unpack(verdicts)) end
return accept('renewed', state.watchers, now + party.terms[1] * 1000, due, unpack(verdicts))
