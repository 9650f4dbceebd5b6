-- Creates a party, unless its code is taken. A repeat with the same host's token finds the party it made;
-- that party is marked, since from then on more than one caller may have been told of it (see withdraw).
-- KEYS  party:CODE, {party:CODE}:ended
-- ARGV  not_after, document without createdAt, TTL in s, hash of the host's token
-- reply now, 'created' | 'repeated', document, remaining life in ms
--       now, 'taken' | 'ended' | 'late'
local party_key, ended_key = KEYS[1], KEYS[2]
local not_after, draft, ttl, host_token = ARGV[1], ARGV[2], ARGV[3], ARGV[4]

if late(not_after) then return {now, 'late'} end

local ended_host_token = redis.call('GET', ended_key)
if ended_host_token then
  return {now, ended_host_token == host_token and 'ended' or 'taken'}
end

-- Concatenated, not re-encoded: cjson would reorder the fields and write large numbers its own way.
local document = '{"createdAt":' .. string.format('%d', now) .. ',' .. string.sub(draft, 2)
if redis.call('SET', party_key, document, 'NX', 'EX', ttl) then
  return {now, 'created', document, ttl * 1000}
end

document = redis.call('GET', party_key)
local party = party_in(document)
if not party or party.hostToken ~= host_token then
  return {now, 'taken'}
end
if not party.repeated then
  document = '{"repeated":true,' .. string.sub(document, 2)
  redis.call('SET', party_key, document, 'KEEPTTL')
end
return {now, 'repeated', document, redis.call('PTTL', party_key)}
