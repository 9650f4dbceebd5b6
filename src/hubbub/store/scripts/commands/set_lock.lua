-- needs: access
-- Locks the party against newcomers, or unlocks it.
-- ARGV  not_after, lease in ms, seat, holder, '1' | '0'
-- reply now, 'done' | 'not_host' | 'kicked' | 'timed_out' | 'taken_over' | 'ended' | 'missing' | 'late'
local host, reply = authorize_host()
if not host then return reply end

party.locked = ARGV[5] == '1'
document_changed = true
emit('"t":"LOCK_SET","locked":' .. tostring(party.locked))
return accept('done')
