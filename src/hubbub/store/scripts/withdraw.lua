-- Takes back a party whose creation was answered as failed, though the store had made it. Spared: another
-- party under that code, one that a repeated create has found since, and one whose host has come.
-- KEYS  party:CODE
-- ARGV  not_after, id of the party
-- reply now, 'deleted' | 'missing' | 'late'
local party_key = KEYS[1]
local not_after, id = ARGV[1], ARGV[2]

if late(not_after) then return {now, 'late'} end

local document = redis.call('GET', party_key)
if not document then return {now, 'missing'} end
local party = party_in(document)
if not party or party.id ~= id or party.repeated or party.hostConnected then
  return {now, 'missing'}
end
redis.call('DEL', party_key)
return {now, 'deleted'}
