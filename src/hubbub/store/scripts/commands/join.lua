-- Seats a connection: in the seat that its token owns, taken over from whatever connection had it, or in a new one.
-- ARGV  not_after, lease in ms, connection, hash of its token, id for a new seat, name or '',
--       'anyone' | 'seated': whether newcomers get a seat
-- reply now, 'joined', epoch, version, seat, is the host, was owned, when the party expires in ms
--       now, 'kicked' | 'locked' | 'full' | 'no_memory' | 'ended' | 'missing' | 'late'
local holder, token, new_id, name, admitted = ARGV[3], ARGV[4], ARGV[5], ARGV[6], ARGV[7]

local absent = open()
if absent then return absent end

local function joined(seat, owned)
  local expires_at = now + party.terms[1] * 1000
  return accept('joined', seat.id, is_host(seat) and 1 or 0, owned and 1 or 0, expires_at)
end

local function resume(seat)
  local renamed = name ~= '' and name ~= seat.name
  if renamed then
    seat.name = name
    if is_host(seat) then
      party.hostName = name
      rewritten = true
    end
  end
  if seat.holder ~= '' then mention('T', seat.holder) end
  give(seat, holder)
  if lease(seat) or renamed then tell_updated(seat) end
  return joined(seat, true)
end

local owned_id = redis.call('HGET', tokens_key, token)
if owned_id then
  local seat = seat_of(owned_id)
  if not seat then return refuse('kicked') end
  return resume(seat)
end

if party.locked then return refuse('locked') end
if party.seats >= party.terms[4] then return refuse('full') end
if admitted ~= 'anyone' then return refuse('no_memory') end

state.guests = state.guests + 1
party.seats = party.seats + 1
rewritten = true
local seat = {id = new_id, holder = holder, number = state.guests, token = token}
seat.name = name ~= '' and name or 'Guest ' .. integer(seat.number)
if redis.call('LLEN', roster_key) < LISTED_MAX then list(seat) end
keep(seat)
redis.call('HSET', tokens_key, token, seat.id)
lease(seat)
tell_of(seat, '"t":"MEMBER_JOINED","member":' .. member(seat))
return joined(seat, false)
