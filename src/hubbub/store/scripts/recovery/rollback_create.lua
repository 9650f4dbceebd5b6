-- Takes back what a try has left that was answered as failed, though the store had carried it out. The party
-- goes unless another try found it too and may have been told of it, or its host has come by another connection.
-- KEYS  party:CODE, then of {party:CODE}: ended, tries, state, seats, tokens, roster, leases, log, messages
-- ARGV  not_after, id of the try, the try's own connection or ''
-- reply now, 'deleted' | 'missing' | 'late'
local party_key, tries_key, seats_key = KEYS[1], KEYS[3], KEYS[5]
local not_after, try, holder = ARGV[1], ARGV[2], ARGV[3]

if late(not_after) then return {now, 'late'} end

-- pcall, since a key of another type is somebody else's too and no reason to try again.
local document = redis.pcall('GET', party_key)
if type(document) ~= 'string' then return {now, 'missing'} end
local party = party_in(document)
if not party then return {now, 'missing'} end

local seat = redis.call('HGET', seats_key, party.hostId)
local come = seat and cjson.decode(seat)[2] or ''
if come ~= '' and come ~= holder then return {now, 'missing'} end

if redis.call('EXISTS', tries_key) == 0 then
  if party.id ~= try then return {now, 'missing'} end
elseif redis.call('SREM', tries_key, try) == 0 or redis.call('EXISTS', tries_key) == 1 then
  return {now, 'missing'}
end
redis.call('DEL', unpack(KEYS))
return {now, 'deleted'}
