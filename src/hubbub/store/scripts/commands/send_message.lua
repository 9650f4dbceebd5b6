-- Says something in the chat.
-- ARGV  not_after, lease in ms, seat, connection, id of the message, text
-- reply now, 'done' | 'chat_locked' | 'emoji_only' | 'kicked' | 'timed_out' | 'taken_over' | 'ended' | 'missing' | 'late'
local id, text = ARGV[5], ARGV[6]

local seat, reply = enter()
if not seat then return reply end
if not is_host(seat) then
  if party.chatMode == 'LOCKED' then return refuse('chat_locked') end
  if party.chatMode == 'EMOJI_ONLY' then return refuse('emoji_only') end
end

local message = '"id":"' .. id .. '","memberId":"' .. seat.id .. '","name":' .. cjson.encode(seat.name)
  .. ',"text":' .. cjson.encode(text) .. ',"at":' .. integer(now)
local kept = redis.call('RPUSH', messages_key, '{' .. message .. '}')
if kept == 1 then grown = true end
if kept > MESSAGES_MAX then redis.call('LPOP', messages_key) end
state.messages = state.messages + 1
tell('"t":"MESSAGE",' .. message)
return accept('done')
