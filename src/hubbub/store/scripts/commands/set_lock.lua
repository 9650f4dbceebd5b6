-- Locks the party against newcomers, or opens it.
-- ARGV  not_after, lease in ms, seat, connection, '1' | '0'
-- reply now, 'done' | 'not_host' | 'kicked' | 'timed_out' | 'taken_over' | 'ended' | 'missing' | 'late'
local host, reply = enter_as_host()
if not host then return reply end

party.locked = ARGV[5] == '1'
rewritten = true
tell('"t":"LOCK_SET","locked":' .. tostring(party.locked))
return accept('done')
