-- Writes back a party that the store has lost, or what it has lost of it, from what an instance has kept, and seats the
-- instance's own connections, none of which can have left. What was told since may be told no more under the same
-- versions, so a new epoch begins; unless another instance has begun it already: then only seats are added.
-- ARGV  not_after, lease in ms, party id or '' where it is not known, epoch, version, digest of the last event,
--         what makes a new epoch's name unlike all others, when the party expires,
--         copy as JSON, or '' where the instance has none, number of its own connections,
--         four for each of these: seat, connection, hash of its token, name or '',
--         two for each guest whom it saw kicked: seat, hash of its token
-- reply now, 'healed' | 'another' | 'ended' | 'missing' | 'late'
local known = {epoch = ARGV[4], version = tonumber(ARGV[5]), digest = ARGV[6]}
local id, expires_at, copy = ARGV[3], ARGV[8], ARGV[9]
local own_connections = tonumber(ARGV[10])
local new_epoch = integer(healings_before(known.epoch) + 1) .. '.' .. ARGV[7]
local can_write = copy ~= '' and now < tonumber(expires_at)
local begun = false  -- a new epoch has begun in this script
local CHUNK = 1000  -- words in one command; Lua hands over some 8,000 at most

local function write(command, key, words)
  for first = 1, #words, CHUNK do
    redis.call(command, key, unpack(words, first, math.min(first + CHUNK - 1, #words)))
  end
end

local function begin_epoch()
  redis.call('DEL', log_key)
  redis.call('HSET', state_key, 'epoch', new_epoch, 'logBytes', '0')
  begun = true
end

-- Who had taken over from whom may be lost, even where no version is, since that has none. So whoever still has a
-- connection may claim its seat again.
local function doubt_holders()
  for _, seat_id in ipairs(redis.call('HKEYS', seats_key)) do
    local seat = seat_of(seat_id)
    if seat and seat.holder ~= '' then
      seat.holder, seat.doubted = '', seat.holder
      keep(seat)
    end
  end
end

-- The party as it was; its clock has stood still since then.
local function write_whole(has_own)
  redis.call('DEL', unpack(KEYS))
  local kept = cjson.decode(copy)
  redis.call('SET', party_key, kept.document, 'PXAT', expires_at)
  if #kept.state == 0 then
    if has_own then begin_epoch() end
    return
  end
  write('HSET', state_key, kept.state)
  write('HSET', seats_key, kept.seats)
  write('HSET', tokens_key, kept.tokens)
  write('RPUSH', roster_key, kept.roster)
  write('ZADD', leases_key, kept.leases)
  write('RPUSH', messages_key, kept.messages)
  local touched_at, stood_still = unpack(redis.call('HMGET', state_key, 'touchedAt', 'stoodStill'))
  redis.call('HSET', state_key, 'touchedAt', integer(now), 'stoodStill', integer(now - touched_at + stood_still))
  begin_epoch()
end

local function seat_own(seat_id, holder, token, name)
  local seat, gone = seat_of(seat_id)
  if gone == 'kicked' then return end
  if not seat then
    if redis.call('HEXISTS', tokens_key, token) == 1 then return end
    state.guests = state.guests + 1
    party.seats = party.seats + 1
    rewritten = true
    seat = {id = seat_id, holder = holder, number = state.guests, token = token}
    seat.name = name ~= '' and name or 'Guest ' .. integer(seat.number)
    if redis.call('LLEN', roster_key) < LISTED_MAX then list(seat) end
    keep(seat)
    redis.call('HSET', tokens_key, token, seat.id)
    lease(seat)
    tell_of(seat, '"t":"MEMBER_JOINED","member":' .. member(seat))
    return
  end
  if seat.holder == '' then give(seat, holder) end
  if seat.holder == holder and lease(seat) then tell_updated(seat) end
end

local function ban(seat_id, token)
  local seat = seat_of(seat_id)
  if seat then
    if is_host(seat) then return end  -- the host who kicked this one is lost, and there must be one
    free(seat)
    tell_left(seat, 'kicked')
  end
  redis.call('HSET', seats_key, seat_id, KICKED)
  redis.call('HSET', tokens_key, token, seat_id)
end

if late(not_after) then return {now, 'late'} end
local has_own = own_connections > 0
local absent = read_party()
if absent then
  if absent[2] ~= 'missing' or not can_write then return absent end
  write_whole(has_own)
else
  if id ~= '' and party.id ~= id then return {now, 'another'} end
  local position = standing(known, {epoch = epoch, version = state.version}, log_key)
  if position == 'behind' and can_write then
    write_whole(has_own)
  elseif position ~= 'elsewhere' then
    begin_epoch()
    doubt_holders()
  end
end
read_party()
if not has_own and not begun then return {now, 'healed'} end

grown = true
absent = bring_up_to_now()
if absent then return absent end
local after_own = 11 + 4 * own_connections
for place = 11, after_own - 1, 4 do seat_own(unpack(ARGV, place, place + 3)) end
for place = after_own, #ARGV, 2 do ban(ARGV[place], ARGV[place + 1]) end
return accept('healed')
