-- needs: prelude
-- Runs every command of the scripts on a key, and leaves nothing behind. `redis.acl_check_cmd` would
-- answer without running them, but an answer is no proof, and a wrong argument crashes Valkey 9.1.2.
-- KEYS  a key that is not in use
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

-- In this order each command finds what it needs.
local STEPS = {
  {'SET', 'x', 'PX', 1000}, {'GET'}, {'EXISTS'}, {'PEXPIRETIME'}, {'PTTL'}, {'PEXPIRE', 1000},
  {'PEXPIREAT', now + 1000}, {'DEL'},
  {'HSET', 'x', 1}, {'HGET', 'x'}, {'HMGET', 'x'}, {'HGETALL'}, {'HKEYS'}, {'HEXISTS', 'x'}, {'HINCRBY', 'x', 1},
  {'HDEL', 'x'}, {'DEL'},
  {'RPUSH', 'x'}, {'LLEN'}, {'LRANGE', 0, 0}, {'LINDEX', 0}, {'LREM', 1, 'y'}, {'LPOP'}, {'DEL'},
  {'SADD', 'x'}, {'SREM', 'x'}, {'DEL'},
  {'ZADD', 1, 'x'}, {'ZSCORE', 'x'}, {'ZRANGE', 0, 0}, {'ZREM', 'x'}, {'DEL'},
}

-- If the key could not be deleted, do not make it.
if try('DEL') then
  for _, step in ipairs(STEPS) do try(unpack(step)) end
end
return {now, unpack(refused)}
