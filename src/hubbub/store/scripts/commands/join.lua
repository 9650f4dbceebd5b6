-- needs: access
-- Gives a connection a seat: the one that its token owns, taken over from any earlier holder, or a new
-- one.
-- ARGV  not_after, lease in ms, holder, hash of its token, id for a new seat, name or '',
--       'anyone' | 'seated': whether newcomers get a seat
-- reply now, 'joined', epoch, version, seat, 1 if host, 1 if the token owned it, when the party expires in ms
--       now, 'kicked' | 'locked' | 'full' | 'no_memory' | 'ended' | 'missing' | 'late'
local holder, token, new_id, name, admitted = ARGV[3], ARGV[4], ARGV[5], ARGV[6], ARGV[7]

local absent = load_party()
if absent then return absent end

local function joined(seat, owned)
  return accept('joined', seat.id, is_host(seat) and 1 or 0, owned and 1 or 0, next_expiry())
end

local owned_id = redis.call('HGET', tokens_key, token)
if owned_id then
  local seat = load_seat(owned_id)
  if not seat then return refuse('kicked') end
  local renamed = name ~= '' and name ~= seat.name
  if renamed then set_name(seat, name) end
  if seat.holder ~= '' then publish_ephemeral('T', seat.holder) end
  set_holder(seat, holder)
  if renew_lease(seat) or renamed then emit_updated(seat) end
  return joined(seat, true)
end

if party.locked then return refuse('locked') end
if party.seats >= party.terms[CAPACITY] then return refuse('full') end
if admitted ~= 'anyone' then return refuse('no_memory') end
return joined(add_seat(new_id, holder, token, name), false)
