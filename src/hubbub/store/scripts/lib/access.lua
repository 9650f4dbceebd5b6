-- needs: commit
-- Loads a party and authorizes the holder of a seat.

-- Runs the party clock and sweeps. Returns nil, or the reply if that ended the party.
local function advance()
  if not original.version then add_first_host() end
  run_clock()
  sweep()
  if ended then return refuse('ended') end
end

-- Reads the party and advances it. Returns nil, or the reply that says why there is no party.
local function load_party()
  if is_late(not_after) then return {now, 'late'} end
  return read_party() or advance()
end

-- Renews the lease of a seat's holder. Returns the seat; or nil and the reason: 'kicked',
-- 'timed_out' or 'taken_over'. If the lease had expired and the seat was held, the holder is
-- connected again. If the seat has no holder, the caller becomes it.
local function renew_or_reason(id, holder)
  local seat, reason = load_seat(id)
  if not seat then return nil, reason end
  if seat.holder == '' then set_holder(seat, holder) end
  if seat.holder ~= holder then return nil, 'taken_over' end
  if renew_lease(seat) then emit_updated(seat) end
  return seat
end

-- Loads the party for a command of holder ARGV[4] in seat ARGV[3]. Returns the seat; or nil and the
-- reply.
local function authorize()
  local absent = load_party()
  if absent then return nil, absent end
  local seat, reason = renew_or_reason(ARGV[3], ARGV[4])
  if not seat then return nil, refuse(reason) end
  return seat
end

local function authorize_host()
  local seat, reply = authorize()
  if seat and not is_host(seat) then return nil, refuse('not_host') end
  return seat, reply
end
