-- needs: events, seat_record
-- Changes seats and the leases of those who hold them. The sorted set of leases has, by the party
-- clock in ms, when each entry expires:
--   on:SEAT     the lease of the connection that holds the seat
--   held:SEAT   the hold of a seat whose connection dropped; the grace if it is the host's seat
--   watch:ID    the lease of a watcher
-- Example with a lease of 30 s and a hold of 120 s, seconds of the party clock:
--   100  connection c1 enters              holder c1, on:ann = 130
--   110  c1 drops                          holder c1, held:ann = 230, no on:ann
--   150  c2 enters with Ann's token        holder c2, on:ann = 180, no held:ann
--   160  c3 enters too: a take-over        holder c3, on:ann = 190; 'T' c2 is published
--   170  a command of c2                   refused: 'taken_over'
--   190  c3 has not renewed: the sweep     held:ann = 310; at 310 the sweep removes the seat

-- The seat; or nil and why it is gone: 'timed_out' or 'kicked'.
local function load_seat(id)
  local record = redis.call('HGET', seats_key, id)
  if not record then return nil, 'timed_out' end
  local seat = decode_seat(id, record)
  if not seat then return nil, 'kicked' end
  return seat
end

local function save_seat(seat)
  redis.call('HSET', seats_key, seat.id, encode_seat(seat))
end

local function set_holder(seat, holder)
  seat.holder, seat.previous_holder = holder, nil
  save_seat(seat)
end

local function is_host(seat)
  return seat.id == party.hostId
end

local function set_name(seat, name)
  seat.name = name
  if is_host(seat) then
    party.hostName = name
    document_changed = true
  end
end

local function is_connected(id)
  return redis.call('ZSCORE', leases_key, 'on:' .. id) and true or false
end

-- Lists the seat by name. A long roster costs every phone, so only the first LISTED_MAX are listed.
local function add_to_roster(seat)
  seat.listed = true
  redis.call('RPUSH', roster_key, seat.id)
end

local function member_json(seat)
  return '{"id":"' .. seat.id .. '","name":' .. cjson.encode(seat.name)
    .. ',"isHost":' .. tostring(is_host(seat)) .. ',"connected":' .. tostring(is_connected(seat.id)) .. '}'
end

local function guest_count_json()
  return '"guestCount":' .. integer(party.guestCount)
end

local function emit_count()
  emit('"t":"GUEST_COUNT",' .. guest_count_json())
end

-- Emits an event of a listed seat; of an unlisted one, only the guest count.
local function emit_for_seat(seat, body)
  if seat.listed then emit(body .. ',' .. guest_count_json()) else emit_count() end
end

local function emit_updated(seat)
  emit_for_seat(seat, '"t":"MEMBER_UPDATED","member":' .. member_json(seat))
end

local function emit_left(seat, cause)
  emit_for_seat(seat, '"t":"MEMBER_LEFT","memberId":"' .. seat.id .. '","cause":"' .. cause .. '"')
end

-- Counts the seat as connected (1) or no longer connected (-1).
local function adjust_counts(seat, change)
  document_changed = true
  if is_host(seat) then
    party.hostConnected = change > 0
  else
    party.guestCount = party.guestCount + change
  end
end

-- Renews the lease of the seat's connection. True if the seat had none, so is connected only now.
local function renew_lease(seat)
  local is_new = redis.call('ZADD', leases_key, integer(party_now + lease_ms), 'on:' .. seat.id) == 1
  if is_new then
    has_new_keys = true
    redis.call('ZREM', leases_key, 'held:' .. seat.id)
    adjust_counts(seat, 1)
  end
  return is_new
end

-- Starts the hold of a seat whose connection dropped at `instant` of the party clock.
local function start_hold(seat, instant)
  local seconds = party.terms[is_host(seat) and GRACE_SECONDS or HOLD_SECONDS]
  redis.call('ZREM', leases_key, 'on:' .. seat.id)
  redis.call('ZADD', leases_key, integer(instant + seconds * 1000), 'held:' .. seat.id)
  has_new_keys = true
  adjust_counts(seat, -1)
end

-- Adds a guest's seat, its connection included.
local function add_seat(id, holder, token, name)
  state.guests = state.guests + 1
  party.seats = party.seats + 1
  document_changed = true
  local seat = {id = id, holder = holder, number = state.guests, token = token}
  seat.name = name ~= '' and name or 'Guest ' .. integer(seat.number)
  if redis.call('LLEN', roster_key) < LISTED_MAX then add_to_roster(seat) end
  save_seat(seat)
  redis.call('HSET', tokens_key, token, seat.id)
  renew_lease(seat)
  emit_for_seat(seat, '"t":"MEMBER_JOINED","member":' .. member_json(seat))
  return seat
end

-- Removes a guest's seat, its token included.
local function remove_seat(seat)
  redis.call('HDEL', seats_key, seat.id)
  redis.call('HDEL', tokens_key, seat.token)
  if redis.call('ZREM', leases_key, 'on:' .. seat.id) == 1 then adjust_counts(seat, -1) end
  redis.call('ZREM', leases_key, 'held:' .. seat.id)
  if seat.listed then redis.call('LREM', roster_key, 1, seat.id) end
  party.seats = party.seats - 1
  document_changed = true
end

-- Bans a token. It still leads to the seat's id, but under that id there is no seat.
local function ban(seat_id, token)
  redis.call('HSET', seats_key, seat_id, BANNED)
  redis.call('HSET', tokens_key, token, seat_id)
end

-- Adds the host's seat. A party that was only created has no seats, to cost one key and not five.
local function add_first_host()
  local seat = {id = party.hostId, name = party.hostName, holder = '', number = 0, token = party.hostToken}
  add_to_roster(seat)
  save_seat(seat)
  redis.call('HSET', tokens_key, seat.token, seat.id)
  state.touchedAt = now
  has_new_keys = true
end
