-- needs: document, keys
-- Creates a party, unless its code is taken. A repeat with the same host's token finds the party of an
-- earlier attempt. From then on the party has a set of attempts, since several callers may have
-- received it: it can be rolled back only when every attempt is known to have failed.
-- KEYS  those of lib/keys.lua
-- ARGV  not_after, document without createdAt, TTL in s, hash of the host's token, id of the attempt
-- reply now, 'created' | 'repeated', document, when it expires in ms
--       now, 'taken' | 'ended' | 'late'
local not_after, draft, ttl, host_token, attempt = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]

if is_late(not_after) then return {now, 'late'} end

local ended_host_token = redis.call('GET', ended_key)
if ended_host_token then
  return {now, ended_host_token == host_token and 'ended' or 'taken'}
end

-- Concatenated: cjson would reorder the fields and write large numbers its own way.
local document = '{"createdAt":' .. integer(now) .. ',' .. string.sub(draft, 2)
local expires_at = now + ttl * 1000
if redis.call('SET', party_key, document, 'NX', 'PXAT', integer(expires_at)) then
  -- If an operator deleted only the document of an earlier party, its other keys are still there.
  redis.call('DEL', unpack(KEYS, 3))
  return {now, 'created', document, expires_at}
end

document = redis.call('GET', party_key)
local party = decode_party(document)
if not party or party.hostToken ~= host_token then
  return {now, 'taken'}
end
expires_at = redis.call('PEXPIRETIME', party_key)
if redis.call('EXISTS', attempts_key) == 0 then
  redis.call('SADD', attempts_key, party.id)
end
redis.call('SADD', attempts_key, attempt)
redis.call('PEXPIREAT', attempts_key, integer(expires_at))
return {now, 'repeated', document, expires_at}
