-- needs: access
-- Sends a reaction: it is published and counted, but neither numbered nor stored.
-- ARGV  not_after, lease in ms, seat, holder, emoji
-- reply now, 'done' | 'chat_locked' | 'kicked' | 'timed_out' | 'taken_over' | 'ended' | 'missing' | 'late'
local emoji = ARGV[5]

local seat, reply = authorize()
if not seat then return reply end
if party.chatMode == 'LOCKED' and not is_host(seat) then return refuse('chat_locked') end

state.reactions = state.reactions + 1
publish_ephemeral('R', '{"t":"REACTION","memberId":"' .. seat.id .. '","name":' .. cjson.encode(seat.name)
  .. ',"emoji":' .. cjson.encode(emoji) .. '}')
return accept('done')
