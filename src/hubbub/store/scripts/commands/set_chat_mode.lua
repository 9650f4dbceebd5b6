-- needs: access
-- Sets the chat mode, which decides who may send messages and reactions.
-- ARGV  not_after, lease in ms, seat, holder, mode
-- reply now, 'done' | 'not_host' | 'kicked' | 'timed_out' | 'taken_over' | 'ended' | 'missing' | 'late'
local host, reply = authorize_host()
if not host then return reply end

party.chatMode = ARGV[5]
document_changed = true
emit('"t":"CHAT_MODE_SET","mode":"' .. party.chatMode .. '"')
return accept('done')
