-- Tells whether a newcomer would get a seat, without taking one. Seats whose hold has run out count as free.
-- KEYS  party:CODE, then of {party:CODE}: ended, state, leases
-- ARGV  none
-- reply now, 'joinable' | 'locked' | 'full' | 'ended' | 'missing'
local party_key, ended_key, state_key, leases_key = KEYS[1], KEYS[2], KEYS[3], KEYS[4]

local document = redis.call('GET', party_key)
if not document then
  return {now, redis.call('EXISTS', ended_key) == 1 and 'ended' or 'missing'}
end
local party = party_in(document)
if not party then return redis.error_reply('ERR ' .. party_key .. ' holds no party document') end
if party.locked then return {now, 'locked'} end

local seats = party.seats
local party_now = now - (redis.call('HGET', state_key, 'stoodStill') or 0)
for _, over in ipairs(redis.call('ZRANGE', leases_key, '-inf', string.format('%d', party_now), 'BYSCORE')) do
  if string.match(over, '^held:') then seats = seats - 1 end
end
if seats >= party.terms[4] then return {now, 'full'} end
return {now, 'joinable'}
