-- needs: expiry
-- Writes and publishes what a script has changed, once, at its end.
local function save_counters()
  local changed = {}
  for _, name in ipairs(COUNTERS) do
    if state[name] ~= original[name] then
      changed[#changed + 1] = name
      changed[#changed + 1] = integer(state[name])
    end
  end
  if #changed > 0 then redis.call('HSET', state_key, unpack(changed)) end
end

-- `accepted`: only an accepted command is activity, which extends the TTL.
local function commit(accepted)
  if not ended then
    append_log()
    save_counters()
    if document_changed then redis.call('SET', party_key, cjson.encode(party), 'KEEPTTL') end
    refresh_ttl(accepted)
  end
  publish_events()
end

-- Commits and returns the reply of an accepted command.
local function accept(status, ...)
  commit(true)
  return {now, status, epoch, state.version, ...}
end

-- Commits what the sweep did, and returns the reply of a refused command.
local function refuse(status)
  commit(false)
  return {now, status, epoch, state.version}
end
