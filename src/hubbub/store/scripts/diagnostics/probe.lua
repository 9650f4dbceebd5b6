-- Sends an instance a word by the way that events take, so that it knows whether they reach it.
-- KEYS  hubbub:{SHARD}:probe:INSTANCE, the name of a channel
-- ARGV  the word
-- reply now, 'sent'
redis.call('SPUBLISH', KEYS[1], ARGV[1])
return {now, 'sent'}
