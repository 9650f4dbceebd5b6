-- How a change is numbered, written, logged and published: all of it once, at the end of a script.
local events = {}       -- encoded, in the order of their versions
local first_version     -- of events
local over = false      -- the party has ended in this script

local function tell(body)
  state.version = state.version + 1
  first_version = first_version or state.version
  events[#events + 1] = '{' .. body .. ',"version":' .. integer(state.version) .. '}'
end

-- What is not numbered and not kept: 'T' the connection whose seat was taken over, 'K' that of a guest who was
-- removed, 'W' the count of watchers, 'R' a reaction.
local function mention(kind, text)
  redis.call('SPUBLISH', channel, kind .. text)
end

local function publish()
  if #events > 0 then
    mention('E', epoch .. ' ' .. integer(first_version) .. '\n' .. table.concat(events, '\n'))
  end
end

-- Keeps the last events for those who come back, within bounds of count and size.
local function keep_log()
  local length
  for _, event in ipairs(events) do
    length = redis.call('RPUSH', log_key, event)
    state.logBytes = state.logBytes + #event
  end
  if length == #events then grown = true end
  while length and (length > LOG_EVENTS_MAX or state.logBytes > LOG_BYTES_MAX) do
    state.logBytes = state.logBytes - #redis.call('LPOP', log_key)
    length = length - 1
  end
end

-- How long the keys live from now on, ms. Where nobody is connected, a host who has been there and is missed has
-- no longer than what is left of the grace.
local function life_ms()
  local ttl_ms = party.terms[1] * 1000
  if party.hostConnected or party.guestCount > 0 or state.watchers > 0 then return ttl_ms end
  local grace_ends = redis.call('ZSCORE', leases_key, 'held:' .. party.hostId)
  if not grace_ends then return ttl_ms end
  return math.max(1, math.min(ttl_ms, grace_ends - party_now))
end

local function write_numbers()
  local changed = {}
  for _, name in ipairs(NUMBERS) do
    if state[name] ~= before[name] then
      changed[#changed + 1] = name
      changed[#changed + 1] = integer(state[name])
    end
  end
  if #changed > 0 then redis.call('HSET', state_key, unpack(changed)) end
end

-- Renews the life of all keys, but not for less than a second of it: a busy party would do little else. Only an
-- accepted command is a sign of life; a refused one may still have swept.
local function renew_life(accepted)
  local left = redis.call('PTTL', party_key)
  local life = life_ms()
  if not accepted and left >= 0 then life = math.max(1, math.min(life, left)) end
  if not grown and left <= life and life - left < LIFE_RENEWAL_MS_MIN then return end
  redis.call('PEXPIRE', party_key, integer(life))
  for place = 3, 10 do redis.call('PEXPIRE', KEYS[place], integer(life)) end
end

-- Writes and publishes what the script has done, and returns its reply.
local function finish(status, accepted, ...)
  if not over then
    keep_log()
    write_numbers()
    if rewritten then redis.call('SET', party_key, cjson.encode(party), 'KEEPTTL') end
    renew_life(accepted)
  end
  publish()
  return {now, status, epoch, state.version, ...}
end

local function accept(status, ...)
  return finish(status, true, ...)
end

local function refuse(status)
  return finish(status, false)
end

-- Ends the party: its keys go at once, and a tombstone stays, so that late guests hear that it ended and its code
-- is not drawn again while they may still try it.
local function end_party(cause)
  local seconds = math.floor(math.max(0, now - party.createdAt) / 1000)
  tell('"t":"ENDED","cause":"' .. cause .. '","recap":{"seconds":' .. integer(seconds)
    .. ',"guests":' .. integer(state.guests) .. ',"messages":' .. integer(state.messages)
    .. ',"reactions":' .. integer(state.reactions) .. '}')
  redis.call('DEL', unpack(KEYS))
  redis.call('SET', ended_key, party.hostToken, 'EX', party.terms[1])
  over = true
end
