-- Tries every command that scripts run on a key, and leaves nothing behind. The server could be asked instead
-- (`redis.acl_check_cmd`), but an answer is no proof, and to ask in the wrong words crashes Valkey 9.1.2.
-- KEYS  a key that nobody uses
-- ARGV  none
-- reply now, then each command that was refused
local key = KEYS[1]
local refused = {}

local function try(command, ...)
  local reply = redis.pcall(command, key, ...)
  local allowed = not (type(reply) == 'table' and reply.err)
  if not allowed then refused[#refused + 1] = command end
  return allowed
end

-- In an order in which each finds what it needs.
local STEPS = {
  {'SET', 'x', 'PX', 1000}, {'GET'}, {'EXISTS'}, {'PEXPIRETIME'}, {'PTTL'}, {'PEXPIRE', 1000},
  {'PEXPIREAT', now + 1000}, {'DEL'},
  {'HSET', 'x', 1}, {'HGET', 'x'}, {'HMGET', 'x'}, {'HGETALL'}, {'HKEYS'}, {'HEXISTS', 'x'}, {'HINCRBY', 'x', 1},
  {'HDEL', 'x'}, {'DEL'},
  {'RPUSH', 'x'}, {'LLEN'}, {'LRANGE', 0, 0}, {'LINDEX', 0}, {'LREM', 1, 'y'}, {'LPOP'}, {'DEL'},
  {'SADD', 'x'}, {'SREM', 'x'}, {'DEL'},
  {'ZADD', 1, 'x'}, {'ZSCORE', 'x'}, {'ZRANGE', 0, 0}, {'ZREM', 'x'}, {'DEL'},
}

-- What could not be deleted is not made.
if try('DEL') then
  for _, step in ipairs(STEPS) do try(unpack(step)) end
end
return {now, unpack(refused)}
