-- needs: nothing
-- Decides when a party's own clock stops. Leases, holds and the host's grace run by that clock, so an
-- outage or a sleeping laptop costs nobody a seat.
-- Example with a lease of 30 s, renewed every 10 s: the clock stops if a connected party had no
-- activity for more than 20 s.
--   activity at 1 000 s; next at 1 015 s, gap 15 s   the clock goes on: offset 0, party clock 1 015 s
--   then an outage;      next at 1 065 s, gap 50 s   it stood still: offset 50 s, party clock 1 015 s
-- If no connection is left, nobody renews, and the clock goes on.
local function has_connections(party, watchers)
  return party.hostConnected or party.guestCount > 0 or watchers > 0
end

-- A negative gap means that the store's clock was set back.
local function clock_stopped(gap, connected, lease_ms)
  return gap < 0 or connected and gap > lease_ms * CLOCK_STOPS_AFTER_RENEWALS / RENEWALS_PER_LEASE
end
