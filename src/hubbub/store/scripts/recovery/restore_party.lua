-- needs: access, position
-- Restores a party that the store lost, or the part that it lost, from an instance's backup. Then it
-- gives the instance's own connections their seats: none of them can have left. The lost versions will
-- be given out again, so a new epoch begins. If another instance has begun it, only seats are added.
-- ARGV  not_after, lease in ms, party id or '' if unknown, epoch, version, digest of the last event,
--         random part of a new epoch's name, when the party expires,
--         backup as JSON or '' if the instance has none, number of its own connections,
--         four for each of these: seat, holder, hash of its token, name or '',
--         two for each guest whom it saw kicked: seat, hash of its token
-- reply now, 'restored' | 'other_party' | 'ended' | 'missing' | 'late'
local id, random, expires_at, backup = ARGV[3], ARGV[7], ARGV[8], ARGV[9]
local known = {epoch = ARGV[4], version = tonumber(ARGV[5]), digest = ARGV[6]}
local own_connections = tonumber(ARGV[10])
local FIRST_OWN = 11
local FIRST_KICKED = FIRST_OWN + 4 * own_connections
local CHUNK = 1000  -- words in one command: Lua's stack takes about 8,000

local has_own = own_connections > 0
local has_backup = backup ~= '' and now < tonumber(expires_at)

local function write(command, key, words)
  for first = 1, #words, CHUNK do
    redis.call(command, key, unpack(words, first, math.min(first + CHUNK - 1, #words)))
  end
end

-- Marks every holder as uncertain. Take-overs are not versioned, so the store may have lost one even
-- if the version did not go back. Then each connection may claim its seat again.
local function clear_holders()
  for _, seat_id in ipairs(redis.call('HKEYS', seats_key)) do
    local seat = load_seat(seat_id)
    if seat and seat.holder ~= '' then
      seat.holder, seat.previous_holder = '', seat.holder
      save_seat(seat)
    end
  end
end

-- Writes the party as it was. Its clock has stood still since then. Returns true if an epoch began.
local function restore_document()
  redis.call('DEL', unpack(KEYS))
  local copy = cjson.decode(backup)
  redis.call('SET', party_key, copy.document, 'PXAT', expires_at)
  if #copy.state == 0 then
    -- Nobody ever connected, so no client knows a version of it.
    if has_own then begin_epoch(known.epoch, random) end
    return has_own
  end
  write('HSET', state_key, copy.state)
  write('HSET', seats_key, copy.seats)
  write('HSET', tokens_key, copy.tokens)
  write('RPUSH', roster_key, copy.roster)
  write('ZADD', leases_key, copy.leases)
  write('RPUSH', messages_key, copy.messages)
  local touched_at, stood_still = unpack(redis.call('HMGET', state_key, 'touchedAt', 'stoodStill'))
  redis.call('HSET', state_key, 'touchedAt', integer(now), 'stoodStill', integer(now - touched_at + stood_still))
  begin_epoch(known.epoch, random)
  return true
end

-- Gives a connection of this instance its seat, unless another one has it.
local function add_own_seat(seat_id, holder, token, name)
  local seat, reason = load_seat(seat_id)
  if reason == 'kicked' then return end
  if not seat then
    if redis.call('HEXISTS', tokens_key, token) == 0 then add_seat(seat_id, holder, token, name) end
    return
  end
  if seat.holder == '' then set_holder(seat, holder) end
  if seat.holder == holder and renew_lease(seat) then emit_updated(seat) end
end

-- Repeats a kick that the store may have lost.
local function kick(seat_id, token)
  local seat = load_seat(seat_id)
  if seat then
    -- The store lost the promotion of the host who kicked. A party must have a host, so this one stays.
    if is_host(seat) then return end
    remove_seat(seat)
    emit_left(seat, 'kicked')
  end
  ban(seat_id, token)
end

if is_late(not_after) then return {now, 'late'} end
local begun = false
local absent = read_party()
if absent then
  local _, why = unpack(absent)
  if why ~= 'missing' or not has_backup then return absent end
  begun = restore_document()
elseif id ~= '' and party.id ~= id then
  return {now, 'other_party'}
else
  local position = compare_position(known, {epoch = epoch, version = state.version})
  if position == 'truncated' and has_backup then
    begun = restore_document()
  elseif position ~= 'other_epoch' then
    begin_epoch(known.epoch, random)
    begun = true
    clear_holders()
  end
end
read_party()
if not has_own and not begun then return {now, 'restored'} end

has_new_keys = true
absent = advance()
if absent then return absent end
for index = FIRST_OWN, FIRST_KICKED - 1, 4 do add_own_seat(unpack(ARGV, index, index + 3)) end
for index = FIRST_KICKED, #ARGV, 2 do kick(ARGV[index], ARGV[index + 1]) end
return accept('restored')
