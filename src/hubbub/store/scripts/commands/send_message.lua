-- needs: access
-- Sends a chat message. The snapshot keeps the last SNAPSHOT_MESSAGES_MAX.
-- ARGV  not_after, lease in ms, seat, holder, id of the message, text
-- reply now, 'done' | 'chat_locked' | 'emoji_only' | 'kicked' | 'timed_out' | 'taken_over' | 'ended'
--         | 'missing' | 'late'
local id, text = ARGV[5], ARGV[6]

local seat, reply = authorize()
if not seat then return reply end
if not is_host(seat) then
  if party.chatMode == 'LOCKED' then return refuse('chat_locked') end
  if party.chatMode == 'EMOJI_ONLY' then return refuse('emoji_only') end
end

local message = '"id":"' .. id .. '","memberId":"' .. seat.id .. '","name":' .. cjson.encode(seat.name)
  .. ',"text":' .. cjson.encode(text) .. ',"at":' .. integer(now)
local length = redis.call('RPUSH', messages_key, '{' .. message .. '}')
if length == 1 then has_new_keys = true end
if length > SNAPSHOT_MESSAGES_MAX then redis.call('LPOP', messages_key) end
state.messages = state.messages + 1
emit('"t":"MESSAGE",' .. message)
return accept('done')
