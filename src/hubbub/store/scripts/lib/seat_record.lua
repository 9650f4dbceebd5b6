-- needs: nothing
-- Encodes a seat: a JSON array under the seat's id in the hash of seats. `SeatRecord` in
-- core/seats.py has the same layout.
--   [name, holder, number, listed, hash of its token, previous holder if uncertain]
-- `holder` is the connection that has the seat, or had it last; '' before the first one. `number` is
-- the N of "Guest N", 0 for the first host. After a data loss a take-over may be lost, and the holder
-- is uncertain: then `holder` is '' and `previous_holder` is the last one known.
local BANNED = 'kicked'  -- in place of a record: the seat's token cannot take a seat again

-- The seat in a record; nil if its token is banned.
local function decode_seat(id, record)
  if record == BANNED then return nil end
  local fields = cjson.decode(record)
  return {
    id = id, name = fields[1], holder = fields[2], number = fields[3], listed = fields[4], token = fields[5],
    previous_holder = fields[6],
  }
end

local function encode_seat(seat)
  return cjson.encode({
    seat.name, seat.holder, seat.number, seat.listed or false, seat.token, seat.previous_holder,
  })
end
