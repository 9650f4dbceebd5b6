-- needs: document, clock
-- Returns whether a newcomer would get a seat, without taking one. Seats whose hold expired are free.
-- KEYS  party:CODE, then of {party:CODE}: ended, state, leases
-- ARGV  lease in ms
-- reply now, 'joinable' | 'locked' | 'full' | 'ended' | 'missing'
local party_key, ended_key, state_key, leases_key = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local lease_ms = tonumber(ARGV[1])

local absent, party = load_document(party_key, ended_key)
if absent then return absent end
if party.locked then return {now, 'locked'} end

local seats = party.seats
-- The party clock as a join would find it (`run_clock` in lib/party.lua).
local party_now = now
local touched_at, stood_still, watchers = unpack(redis.call('HMGET', state_key, 'touchedAt', 'stoodStill', 'watchers'))
if touched_at then
  local stopped = clock_stopped(now - touched_at, has_connections(party, tonumber(watchers)), lease_ms)
  party_now = (stopped and touched_at or now) - stood_still
end
for _, entry in ipairs(redis.call('ZRANGE', leases_key, '-inf', integer(party_now), 'BYSCORE')) do
  local id = string.match(entry, '^held:(.*)$')
  if id == party.hostId then return {now, 'ended'} end
  if id then seats = seats - 1 end
end
if seats >= party.terms[CAPACITY] then return {now, 'full'} end
return {now, 'joinable'}
