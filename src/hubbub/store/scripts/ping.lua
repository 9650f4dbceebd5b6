-- A sign of life from a store that would take a write.
-- KEYS  none
-- ARGV  none
-- reply now, 'pong'
return {now, 'pong'}
