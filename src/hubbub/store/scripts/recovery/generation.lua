-- Looks after the life of a shard's data: an id and a beat, which instances remember. Where the id is another one or the
-- beat is lower than an instance remembers, the store has lost data; then nothing is known to be absent for a while, in
-- which instances write back what they have.
-- KEYS  hubbub:{SHARD}:life, hubbub:{SHARD}:recovering
-- ARGV  id for a life that begins, remembered id or '', remembered beat,
--         'read' | 'write' | 'recover': whether to beat, and whether the caller is writing back, how long the others wait in ms
-- reply now, 'as_known' | 'lost', id, beat, 1 if somebody is writing back
local life_key, recovering_key = KEYS[1], KEYS[2]
local new_id, known_id, known_beat, what, wait_ms = ARGV[1], ARGV[2], tonumber(ARGV[3]), ARGV[4], ARGV[5]

local id, beat = unpack(redis.call('HMGET', life_key, 'id', 'beat'))
local lost = known_id ~= '' and (id ~= known_id or tonumber(beat) < known_beat)
if not id then
  id = new_id
  redis.call('HSET', life_key, 'id', id, 'beat', 0)
end
beat = what == 'read' and tonumber(beat or 0) or redis.call('HINCRBY', life_key, 'beat', 1)
if lost or what == 'recover' then redis.call('SET', recovering_key, '1', 'PX', wait_ms) end
return {now, lost and 'lost' or 'as_known', id, beat, redis.call('EXISTS', recovering_key)}
