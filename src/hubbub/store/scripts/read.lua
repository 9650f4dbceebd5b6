-- Reads a party.
-- KEYS  party:CODE, {party:CODE}:ended
-- ARGV  none
-- reply now, 'found', document
--       now, 'ended' | 'missing'
local document = redis.call('GET', KEYS[1])
if document then return {now, 'found', document} end
if redis.call('EXISTS', KEYS[2]) == 1 then return {now, 'ended'} end
return {now, 'missing'}
