-- needs: party
-- Numbers, logs and publishes what happens in a party.
local channel = '{' .. party_key .. '}:events'
local events = {}    -- encoded, in the order of their versions
local first_version  -- of `events`

-- Appends an event; `body` is JSON without braces and version. `commit` logs and publishes it.
local function emit(body)
  state.version = state.version + 1
  first_version = first_version or state.version
  events[#events + 1] = '{' .. body .. ',"version":' .. integer(state.version) .. '}'
end

-- Publishes a message that has no version and is not logged. Kinds: 'T' the holder whose seat was
-- taken over, 'K' the holder of a kicked guest, 'W' the number of watchers, 'R' a reaction.
local function publish_ephemeral(kind, text)
  redis.call('SPUBLISH', channel, kind .. text)
end

local function publish_watchers()
  publish_ephemeral('W', integer(state.watchers))
end

local function publish_events()
  if #events > 0 then
    redis.call('SPUBLISH', channel, 'E' .. epoch .. ' ' .. integer(first_version) .. '\n' .. table.concat(events, '\n'))
  end
end

-- Appends the events to the log and trims it to its bounds of count and size.
local function append_log()
  local length
  for _, event in ipairs(events) do
    length = redis.call('RPUSH', log_key, event)
    state.logBytes = state.logBytes + #event
  end
  if length == #events then has_new_keys = true end
  while length and (length > LOG_EVENTS_MAX or state.logBytes > LOG_BYTES_MAX) do
    state.logBytes = state.logBytes - #redis.call('LPOP', log_key)
    length = length - 1
  end
end
