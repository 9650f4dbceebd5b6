-- Reads a party. What its document counts as connected though the lease has run out is told apart, since reading
-- does not sweep.
-- KEYS  party:CODE, then of {party:CODE}: ended, state, leases
-- ARGV  none
-- reply now, 'found', document, is the host connected, connected guests
--       now, 'ended' | 'missing'
local party_key, ended_key, state_key, leases_key = KEYS[1], KEYS[2], KEYS[3], KEYS[4]

local document = redis.call('GET', party_key)
if not document then
  return {now, redis.call('EXISTS', ended_key) == 1 and 'ended' or 'missing'}
end
local party = party_in(document)
if not party then return redis.error_reply('ERR ' .. party_key .. ' holds no party document') end

local host_connected, guests = party.hostConnected, party.guestCount
-- By the store's clock, unlike a join: where every instance was killed nobody touches the party, and it is true all
-- the same that nobody is connected.
local party_now = now - (redis.call('HGET', state_key, 'stoodStill') or 0)
for _, lapsed in ipairs(redis.call('ZRANGE', leases_key, '-inf', string.format('%d', party_now), 'BYSCORE')) do
  local seat = string.match(lapsed, '^on:(.*)$')
  if seat == party.hostId then
    host_connected = false
  elseif seat then
    guests = guests - 1
  end
end
return {now, 'found', document, host_connected and 1 or 0, guests}
