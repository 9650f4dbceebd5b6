-- Writes back that a party ended, for a store that has lost it; where an older state has raised the party it goes.
-- KEYS  party:CODE, then of {party:CODE}: ended, tries, state, seats, tokens, roster, leases, log, messages
-- ARGV  not_after, party id, hash of its host's token or '', when to forget it, ms
-- reply now, 'done' | 'late'
local party_key, ended_key = KEYS[1], KEYS[2]
local not_after, id, host_token, until_ms = ARGV[1], ARGV[2], ARGV[3], ARGV[4]

if late(not_after) then return {now, 'late'} end
local document = redis.call('GET', party_key)
if document then
  local party = party_in(document)
  if not party or party.id ~= id then return {now, 'done'} end
  redis.call('DEL', unpack(KEYS))
end
redis.call('SET', ended_key, host_token, 'NX', 'PXAT', until_ms)
return {now, 'done'}
