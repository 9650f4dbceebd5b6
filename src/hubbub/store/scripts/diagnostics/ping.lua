-- needs: prelude
-- Answers if the server would accept a write: a read-only replica refuses to run it.
-- KEYS  hubbub:{SHARD}:life, only to route the call to the shard
-- ARGV  none
-- reply now, 'pong'
return {now, 'pong'}
