-- needs: document, keys
-- Restores the tombstone of a party that ended, if the store lost it. If the store came back from an
-- older snapshot that has the party, the party is deleted.
-- KEYS  those of lib/keys.lua
-- ARGV  not_after, party id, hash of its host's token or '', when the tombstone expires, ms
-- reply now, 'done' | 'late'
local not_after, id, host_token, until_ms = ARGV[1], ARGV[2], ARGV[3], ARGV[4]

if is_late(not_after) then return {now, 'late'} end
local document = redis.call('GET', party_key)
if document then
  local party = decode_party(document)
  if not party or party.id ~= id then return {now, 'done'} end
  redis.call('DEL', unpack(KEYS))
end
redis.call('SET', ended_key, host_token, 'NX', 'PXAT', until_ms)
return {now, 'done'}
