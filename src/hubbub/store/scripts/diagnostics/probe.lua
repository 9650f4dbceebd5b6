-- needs: prelude
-- Publishes a word to an instance. If it arrives, events reach the instance too.
-- KEYS  hubbub:{SHARD}:probe:INSTANCE, the name of a channel
-- ARGV  the word
-- reply now, 'sent'
redis.call('SPUBLISH', KEYS[1], ARGV[1])
return {now, 'sent'}
