-- Reacts with an emoji: told, counted, not kept.
-- ARGV  not_after, lease in ms, seat, connection, emoji
-- reply now, 'done' | 'chat_locked' | 'kicked' | 'timed_out' | 'taken_over' | 'ended' | 'missing' | 'late'
local emoji = ARGV[5]

local seat, reply = enter()
if not seat then return reply end
if party.chatMode == 'LOCKED' and not is_host(seat) then return refuse('chat_locked') end

state.reactions = state.reactions + 1
mention('R', '{"t":"REACTION","memberId":"' .. seat.id .. '","name":' .. cjson.encode(seat.name)
  .. ',"emoji":' .. cjson.encode(emoji) .. '}')
return accept('done')
