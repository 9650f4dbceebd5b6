-- needs: prelude
-- Checks whether a shard lost data. A generation is a random id and a counter, which instances
-- remember. If the id is another one, or the counter is lower than remembered, the store lost data.
-- Then for a while nothing counts as absent: instances restore what they have.
-- Example: an instance remembers g1, 40.
--   store has g1, 42       no loss: other instances have counted
--   store has g1, 31       loss: the store came back from an older snapshot
--   store has none, or g2  loss: the store came back empty
-- KEYS  hubbub:{SHARD}:life, hubbub:{SHARD}:recovering
-- ARGV  id for a new generation, remembered id or '', remembered counter,
--         'read' | 'write' (count) | 'recover' (count; the caller restores), time to restore in ms
-- reply now, 'as_known' | 'lost', id, counter, 1 if an instance is restoring
local generation_key, recovering_key = KEYS[1], KEYS[2]
local new_id, known_id, known_counter, mode, recovering_ms = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4], ARGV[5]

local id, counter = unpack(redis.call('HMGET', generation_key, 'id', 'beat'))
local lost = known_id ~= '' and (id ~= known_id or tonumber(counter) < known_counter)
if not id then
  id = new_id
  redis.call('HSET', generation_key, 'id', id, 'beat', 0)
end
counter = mode == 'read' and tonumber(counter or 0) or redis.call('HINCRBY', generation_key, 'beat', 1)
if lost or mode == 'recover' then redis.call('SET', recovering_key, '1', 'PX', recovering_ms) end
return {now, lost and 'lost' or 'as_known', id, counter, redis.call('EXISTS', recovering_key)}
