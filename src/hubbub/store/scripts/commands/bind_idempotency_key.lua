-- needs: prelude
-- Binds an idempotency key to a code, or returns the code it is bound to. If that code turned out to
-- belong to another party, the candidate may replace it. Of several callers at once the first one wins.
-- KEYS  hubbub:once:HASH
-- ARGV  not_after, candidate, code to be replaced or '' or 'any', TTL in s
-- reply now, 'bound', code, 1 if it was bound to none before
--       now, 'late'
local binding_key = KEYS[1]
local not_after, candidate, replaced, ttl = ARGV[1], ARGV[2], ARGV[3], ARGV[4]

if is_late(not_after) then return {now, 'late'} end

local code = redis.call('GET', binding_key)
local is_new = not code
if is_new then
  redis.call('SET', binding_key, candidate, 'EX', ttl)
elseif code ~= candidate and (code == replaced or replaced == 'any') then
  redis.call('SET', binding_key, candidate, 'KEEPTTL')
else
  return {now, 'bound', code, 0}
end
return {now, 'bound', candidate, is_new and 1 or 0}
