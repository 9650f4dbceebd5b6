-- Sets who may speak.
-- ARGV  not_after, lease in ms, seat, connection, mode
-- reply now, 'done' | 'not_host' | 'kicked' | 'timed_out' | 'taken_over' | 'ended' | 'missing' | 'late'
local host, reply = enter_as_host()
if not host then return reply end

party.chatMode = ARGV[5]
rewritten = true
tell('"t":"CHAT_MODE_SET","mode":"' .. party.chatMode .. '"')
return accept('done')
