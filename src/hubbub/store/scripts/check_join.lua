-- Tells whether a newcomer would get a seat, without taking one.
-- KEYS  party:CODE, {party:CODE}:ended
-- ARGV  none
-- reply now, 'joinable' | 'locked' | 'full' | 'ended' | 'missing'
local document = redis.call('GET', KEYS[1])
if not document then
  return {now, redis.call('EXISTS', KEYS[2]) == 1 and 'ended' or 'missing'}
end
local party = party_in(document)
if not party then return redis.error_reply('ERR ' .. KEYS[1] .. ' holds no party document') end
if party.locked then return {now, 'locked'} end
local capacity = party.terms[4]
if party.seats >= capacity then return {now, 'full'} end
return {now, 'joinable'}
