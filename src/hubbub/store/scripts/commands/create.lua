-- Creates a party, unless its code is taken. A repeat with the same host's token finds the party that an
-- earlier try made. From then on the party has a set of tries, since more than one caller may have been told
-- of it: it can be withdrawn only once every one of them was told that it failed.
-- KEYS  party:CODE, then of {party:CODE}: ended, tries, state, seats, tokens, roster, leases, log, messages
-- ARGV  not_after, document without createdAt, TTL in s, hash of the host's token, id of the try
-- reply now, 'created' | 'repeated', document, when it expires in ms
--       now, 'taken' | 'ended' | 'late'
local party_key, ended_key, tries_key = KEYS[1], KEYS[2], KEYS[3]
local not_after, draft, ttl, host_token, try = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]

if late(not_after) then return {now, 'late'} end

local ended_host_token = redis.call('GET', ended_key)
if ended_host_token then
  return {now, ended_host_token == host_token and 'ended' or 'taken'}
end

-- Concatenated, not re-encoded: cjson would reorder the fields and write large numbers its own way.
local document = '{"createdAt":' .. string.format('%d', now) .. ',' .. string.sub(draft, 2)
local expires_at = now + ttl * 1000
if redis.call('SET', party_key, document, 'NX', 'PXAT', string.format('%d', expires_at)) then
  -- An operator may have deleted an earlier party's document by hand, and no more.
  redis.call('DEL', unpack(KEYS, 3))
  return {now, 'created', document, expires_at}
end

document = redis.call('GET', party_key)
local party = party_in(document)
if not party or party.hostToken ~= host_token then
  return {now, 'taken'}
end
expires_at = redis.call('PEXPIRETIME', party_key)
if redis.call('EXISTS', tries_key) == 0 then
  redis.call('SADD', tries_key, party.id)
end
redis.call('SADD', tries_key, try)
redis.call('PEXPIREAT', tries_key, string.format('%d', expires_at))
return {now, 'repeated', document, expires_at}
