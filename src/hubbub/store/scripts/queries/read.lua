-- needs: document
-- Reads a party. A query does not sweep, so the document may count connections whose leases expired:
-- the reply has the counts without those.
-- KEYS  party:CODE, then of {party:CODE}: ended, state, leases
-- ARGV  none
-- reply now, 'found', document, 1 if the host is connected, connected guests
--       now, 'ended' | 'missing'
local party_key, ended_key, state_key, leases_key = KEYS[1], KEYS[2], KEYS[3], KEYS[4]

local absent, party, document = load_document(party_key, ended_key)
if absent then return absent end

local host_connected, guests = party.hostConnected, party.guestCount
-- Unlike a join, this ignores that the clock may have stopped. If every instance was killed, nobody
-- is connected, although the party clock stands still.
local party_now = now - (redis.call('HGET', state_key, 'stoodStill') or 0)
for _, entry in ipairs(redis.call('ZRANGE', leases_key, '-inf', integer(party_now), 'BYSCORE')) do
  local seat = string.match(entry, '^on:(.*)$')
  if seat == party.hostId then
    host_connected = false
  elseif seat then
    guests = guests - 1
  end
end
return {now, 'found', document, host_connected and 1 or 0, guests}
