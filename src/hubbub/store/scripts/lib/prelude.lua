-- The head of every script. `now` is the store's clock in ms; every reply begins with it, so that
-- instances learn the clock on the way. A command that comes after its `not_after` does nothing: its
-- caller has been told that it failed.
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)

local function late(not_after)
  return now >= tonumber(not_after)
end

-- The party in a document, or nil where the key holds something else.
local function party_in(document)
  local readable, party = pcall(cjson.decode, document)
  return readable and type(party) == 'table' and party.terms and party or nil
end
