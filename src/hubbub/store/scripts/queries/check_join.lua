-- Tells whether a newcomer would get a seat, without taking one. Seats whose hold has run out count as free.
-- KEYS  party:CODE, then of {party:CODE}: ended, state, leases
-- ARGV  lease in ms
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
-- The party's own clock, as a join would find it (party.lua).
local party_now = now
local touched_at, stood_still, watchers = unpack(redis.call('HMGET', state_key, 'touchedAt', 'stoodStill', 'watchers'))
if touched_at then
  local gap = now - touched_at
  local connected = party.hostConnected or party.guestCount > 0 or tonumber(watchers) > 0
  local stands_still = gap < 0 or connected and gap > ARGV[1] * CLOCK_STOPS_AFTER_RENEWALS / RENEWALS_PER_LEASE
  party_now = (stands_still and touched_at or now) - stood_still
end
for _, over in ipairs(redis.call('ZRANGE', leases_key, '-inf', string.format('%d', party_now), 'BYSCORE')) do
  local id = string.match(over, '^held:(.*)$')
  if id == party.hostId then return {now, 'ended'} end
  if id then seats = seats - 1 end
end
if seats >= party.terms[4] then return {now, 'full'} end
return {now, 'joinable'}
