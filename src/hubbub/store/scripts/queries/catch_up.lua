-- needs: document, position, playback
-- Returns the events after an instance's position if the log reaches back to it, else a snapshot.
-- KEYS  those of lib/keys.lua
-- ARGV  epoch, version, digest of the last event; '', 0 and '' if the instance knows no position
-- reply now, 'events', version, events...
--       now, 'whole', epoch, version, document, when it expires in ms, listed: flat [id, record, 1 if connected...],
--         messages, log, watchers, [track, nextTrack, playing, position, at]
--       now, 'other_epoch' | 'truncated' | 'diverged', if the store lost data or another instance restored it
--       now, 'ended' | 'missing'
local known = {epoch = ARGV[1], version = tonumber(ARGV[2]), digest = ARGV[3]}

local absent, party, document = load_document(party_key, ended_key)
if absent then return absent end

local version, epoch = unpack(redis.call('HMGET', state_key, 'version', 'epoch'))
version, epoch = tonumber(version or 0), epoch or party.id
if known.epoch ~= '' then
  local position = compare_position(known, {epoch = epoch, version = version})
  if position ~= 'current' then return {now, position} end
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
  read_playback(),
}
