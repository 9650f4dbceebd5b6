-- Seats and who holds them. A seat is a JSON array under its id in the hash of seats:
--   [name, holder, number, listed, hash of its token, doubted holder if any]
-- `holder` is the connection that has or last had it; `number` is the N of "Guest N", 0 for the first host. The holder
-- is '' where nobody has come yet, and where whoever took over may be lost: then the last one that is known is doubted.
-- In the sorted set of leases stand, by the party's clock, when each runs out:
--   on:SEAT     the lease of the connection that has the seat
--   held:SEAT   the hold of a seat whose connection dropped; for the host's seat, the grace
--   watch:ID    the lease of a watcher
local KICKED = 'kicked'  -- stands for a seat whose token may not come back

local function seat_of(id)
  local record = redis.call('HGET', seats_key, id)
  if not record then return nil, 'timed_out' end
  if record == KICKED then return nil, 'kicked' end
  record = cjson.decode(record)
  return {
    id = id, name = record[1], holder = record[2], number = record[3], listed = record[4], token = record[5],
    doubted = record[6],
  }
end

local function keep(seat)
  local record = {seat.name, seat.holder, seat.number, seat.listed or false, seat.token, seat.doubted}
  redis.call('HSET', seats_key, seat.id, cjson.encode(record))
end

local function give(seat, holder)
  seat.holder, seat.doubted = holder, nil
  keep(seat)
end

local function is_host(seat)
  return seat.id == party.hostId
end

local function is_connected(id)
  return redis.call('ZSCORE', leases_key, 'on:' .. id) and true or false
end

local function list(seat)
  seat.listed = true
  redis.call('RPUSH', roster_key, seat.id)
end

local function member(seat)
  return '{"id":"' .. seat.id .. '","name":' .. cjson.encode(seat.name)
    .. ',"isHost":' .. tostring(is_host(seat)) .. ',"connected":' .. tostring(is_connected(seat.id)) .. '}'
end

local function guest_count()
  return '"guestCount":' .. integer(party.guestCount)
end

local function tell_count()
  tell('"t":"GUEST_COUNT",' .. guest_count())
end

-- Tells what happened to a seat; of one that is not listed, only the count.
local function tell_of(seat, body)
  if seat.listed then tell(body .. ',' .. guest_count()) else tell_count() end
end

local function tell_updated(seat)
  tell_of(seat, '"t":"MEMBER_UPDATED","member":' .. member(seat))
end

local function count(seat, change)
  rewritten = true
  if is_host(seat) then
    party.hostConnected = change > 0
  else
    party.guestCount = party.guestCount + change
  end
end

-- Gives the seat's connection a lease from now on; true where the seat had none.
local function lease(seat)
  local new = redis.call('ZADD', leases_key, integer(party_now + lease_ms), 'on:' .. seat.id) == 1
  if new then
    grown = true
    redis.call('ZREM', leases_key, 'held:' .. seat.id)
    count(seat, 1)
  end
  return new
end

-- Begins the hold of a seat whose connection was lost at `instant` of the party's clock.
local function hold(seat, instant)
  local seconds = is_host(seat) and party.terms[2] or party.terms[3]
  redis.call('ZREM', leases_key, 'on:' .. seat.id)
  redis.call('ZADD', leases_key, integer(instant + seconds * 1000), 'held:' .. seat.id)
  grown = true
  count(seat, -1)
end

-- Takes a guest's seat away.
local function free(seat)
  redis.call('HDEL', seats_key, seat.id)
  redis.call('HDEL', tokens_key, seat.token)
  if redis.call('ZREM', leases_key, 'on:' .. seat.id) == 1 then count(seat, -1) end
  redis.call('ZREM', leases_key, 'held:' .. seat.id)
  if seat.listed then redis.call('LREM', roster_key, 1, seat.id) end
  party.seats = party.seats - 1
  rewritten = true
end

local function tell_left(seat, cause)
  tell_of(seat, '"t":"MEMBER_LEFT","memberId":"' .. seat.id .. '","cause":"' .. cause .. '"')
end

-- The host's seat, which a party has from its creation on, becomes a seat like the others.
local function seat_first_host()
  local seat = {id = party.hostId, name = party.hostName, holder = '', number = 0, token = party.hostToken}
  list(seat)
  keep(seat)
  redis.call('HSET', tokens_key, seat.token, seat.id)
  state.touchedAt = now
  grown = true
end

-- What ran out first goes first, since a lease that ran out begins a hold that may have run out too. Of seats that
-- are not listed one count is told at the end, or an instance's death would be told once a head.
local function sweep()
  local watchers, uncounted = state.watchers, false
  while not over do
    local due = redis.call('ZRANGE', leases_key, '-inf', integer(party_now), 'BYSCORE', 'LIMIT', 0, 1, 'WITHSCORES')
    if #due == 0 then break end
    local kind, id = string.match(due[1], '^(%l+):(.*)$')
    if kind == 'watch' then
      redis.call('ZREM', leases_key, due[1])
      state.watchers = state.watchers - 1
    else
      local seat = seat_of(id)
      if kind == 'on' then
        hold(seat, due[2])
        if seat.listed then tell_updated(seat) else uncounted = true end
      elseif is_host(seat) then
        end_party('host_timeout')
      else
        free(seat)
        if seat.listed then tell_left(seat, 'timeout') else uncounted = true end
      end
    end
  end
  if uncounted and not over then tell_count() end
  if state.watchers ~= watchers then mention('W', integer(state.watchers)) end
end

-- Lets the party's clock run and what has run out go. Returns nothing, or the reply where that ended the party.
local function bring_up_to_now()
  if not before.version then seat_first_host() end
  run_clock()
  sweep()
  if over then return finish('ended', false) end
end

-- Opens the party and brings it up to now. Returns nothing when it is there, else the reply that says why not.
local function open()
  if late(not_after) then return {now, 'late'} end
  return read_party() or bring_up_to_now()
end

-- The seat of a connection that has it, its lease renewed; or nil and what became of it: 'kicked', 'timed_out' or
-- 'taken_over'. A connection whose lease had run out while its seat was held is connected again.
local function present(id, holder)
  local seat, gone = seat_of(id)
  if not seat then return nil, gone end
  if seat.holder == '' then give(seat, holder) end
  if seat.holder ~= holder then return nil, 'taken_over' end
  if lease(seat) then tell_updated(seat) end
  return seat
end

-- Opens the party for a command of seat ARGV[3] by connection ARGV[4]. Returns the seat, or nil and the reply.
local function enter()
  local absent = open()
  if absent then return nil, absent end
  local seat, gone = present(ARGV[3], ARGV[4])
  if not seat then return nil, refuse(gone) end
  return seat
end

local function enter_as_host()
  local seat, reply = enter()
  if seat and not is_host(seat) then return nil, refuse('not_host') end
  return seat, reply
end
