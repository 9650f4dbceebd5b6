-- Binds an idempotency key to a code, or tells which code it is bound to. A code that turned out to be
-- somebody else's may be replaced by the candidate; of several callers at once the first one's stands.
-- KEYS  hubbub:once:HASH
-- ARGV  not_after, candidate, code to be replaced or '' or 'any', life in s
-- reply now, 'claimed', code, 1 if it was bound to none before
--       now, 'late'
local once_key = KEYS[1]
local not_after, candidate, replaced, life = ARGV[1], ARGV[2], ARGV[3], ARGV[4]

if late(not_after) then return {now, 'late'} end

local code = redis.call('GET', once_key)
local is_new = not code
if is_new then
  redis.call('SET', once_key, candidate, 'EX', life)
elseif code ~= candidate and (code == replaced or replaced == 'any') then
  redis.call('SET', once_key, candidate, 'KEEPTTL')
else
  return {now, 'claimed', code, 0}
end
return {now, 'claimed', candidate, is_new and 1 or 0}
