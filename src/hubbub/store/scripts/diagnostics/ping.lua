-- A sign of life from a server that would take a write.
-- KEYS  hubbub:{SHARD}:life, for the way there only
-- ARGV  none
-- reply now, 'pong'
return {now, 'pong'}
