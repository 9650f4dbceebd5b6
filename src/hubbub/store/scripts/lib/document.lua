-- needs: prelude
-- Reads the party document, the JSON value under party:CODE.
local TTL_SECONDS, GRACE_SECONDS, HOLD_SECONDS, CAPACITY = 1, 2, 3, 4  -- positions in the array `terms`

-- The party in a document, or nil if the key holds something else.
local function decode_party(document)
  local readable, party = pcall(cjson.decode, document)
  return readable and type(party) == 'table' and party.terms and party or nil
end

-- Returns nil, the party and its document; or only the reply that says why there is none.
local function load_document(document_key, tombstone_key)
  local document = redis.call('GET', document_key)
  if not document then
    return {now, redis.call('EXISTS', tombstone_key) == 1 and 'ended' or 'missing'}
  end
  local party = decode_party(document)
  if not party then return redis.error_reply('ERR ' .. document_key .. ' holds no party document') end
  return nil, party, document
end
