-- Ends a party: deletes it and leaves a tombstone, so that late guests hear that it ended and its code is
-- not drawn again while they may still try it. The id keeps a latecomer from ending a later party that
-- was given the same code.
-- KEYS  party:CODE, {party:CODE}:ended, {party:CODE}:tries
-- ARGV  not_after, id of the party
-- reply now, 'deleted' | 'missing' | 'late'
local party_key, ended_key, tries_key = KEYS[1], KEYS[2], KEYS[3]
local not_after, id = ARGV[1], ARGV[2]

if late(not_after) then return {now, 'late'} end

local document = redis.call('GET', party_key)
if not document then return {now, 'missing'} end
local party = party_in(document)
if not party or party.id ~= id then return {now, 'missing'} end

local ttl = party.terms[1]
redis.call('DEL', party_key, tries_key)
redis.call('SET', ended_key, party.hostToken, 'EX', ttl)
return {now, 'deleted'}
