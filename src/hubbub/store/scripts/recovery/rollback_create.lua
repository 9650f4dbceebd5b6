-- needs: document, keys, seat_record
-- Rolls back a create that was answered as failed although the store had executed it. The party stays
-- if another attempt found it and may have answered its caller, or if its host entered by another
-- connection.
-- KEYS  those of lib/keys.lua
-- ARGV  not_after, id of the attempt, the attempt's own holder or ''
-- reply now, 'deleted' | 'missing' | 'late'
local not_after, attempt, holder = ARGV[1], ARGV[2], ARGV[3]

if is_late(not_after) then return {now, 'late'} end

-- pcall: if the key has another type, it belongs to another program, and a retry would not help.
local document = redis.pcall('GET', party_key)
if type(document) ~= 'string' then return {now, 'missing'} end
local party = decode_party(document)
if not party then return {now, 'missing'} end

local record = redis.call('HGET', seats_key, party.hostId)
local host = record and decode_seat(party.hostId, record)
if host and host.holder ~= '' and host.holder ~= holder then return {now, 'missing'} end

if redis.call('EXISTS', attempts_key) == 0 then
  if party.id ~= attempt then return {now, 'missing'} end
elseif redis.call('SREM', attempts_key, attempt) == 0 or redis.call('EXISTS', attempts_key) == 1 then
  return {now, 'missing'}
end
redis.call('DEL', unpack(KEYS))
return {now, 'deleted'}
