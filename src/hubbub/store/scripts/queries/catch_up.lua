-- Tells an instance what it has missed of a party: the events since its position where the log reaches that far,
-- else the whole of it as everybody may see it.
-- KEYS  party:CODE, then of {party:CODE}: ended, tries, state, seats, tokens, roster, leases, log, messages
-- ARGV  epoch, version, digest of the last event; '', 0 and '' for an instance that knows nothing
-- reply now, 'events', version, events...
--       now, 'whole', epoch, version, document, when it expires in ms, listed: flat [id, record, 1 if connected...], messages,
--         log, watchers, [track, nextTrack, playing, position, at]
--       now, 'elsewhere' | 'behind' | 'forked', where the store has lost something that the instance may still have
--       now, 'ended' | 'missing'
local party_key, ended_key, state_key, seats_key = KEYS[1], KEYS[2], KEYS[4], KEYS[5]
local roster_key, leases_key, log_key, messages_key = KEYS[7], KEYS[8], KEYS[9], KEYS[10]
local known = {epoch = ARGV[1], version = tonumber(ARGV[2]), digest = ARGV[3]}

local document = redis.call('GET', party_key)
if not document then return {now, redis.call('EXISTS', ended_key) == 1 and 'ended' or 'missing'} end
local party = party_in(document)
if not party then return redis.error_reply('ERR ' .. party_key .. ' holds no party document') end

local version, epoch = unpack(redis.call('HMGET', state_key, 'version', 'epoch'))
version, epoch = tonumber(version or 0), epoch or party.id
if known.epoch ~= '' then
  local position = standing(known, {epoch = epoch, version = version}, log_key)
  if position ~= 'level' then return {now, position} end
  local missed = version - known.version
  if missed <= redis.call('LLEN', log_key) then
    local events = missed > 0 and redis.call('LRANGE', log_key, -missed, -1) or {}
    return {now, 'events', version, unpack(events)}
  end
end

local listed = {}
for _, id in ipairs(redis.call('LRANGE', roster_key, 0, -1)) do
  listed[#listed + 1] = id
  listed[#listed + 1] = redis.call('HGET', seats_key, id)
  listed[#listed + 1] = redis.call('ZSCORE', leases_key, 'on:' .. id) and 1 or 0
end
return {
  now, 'whole', epoch, version, document, now + redis.call('PTTL', party_key), listed,
  redis.call('LRANGE', messages_key, 0, -1),
  redis.call('LRANGE', log_key, 0, -1),
  redis.call('HGET', state_key, 'watchers') or '0',
  redis.call('HMGET', state_key, 'track', 'nextTrack', 'playing', 'position', 'at'),
}
