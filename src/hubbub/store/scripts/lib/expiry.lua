-- needs: seats
-- Expires keys, leases, holds and the host's grace, and ends the party.
local ended = false  -- true if this script has ended the party

-- The TTL of all keys from now on, ms. If the host came once, has dropped and nobody else is
-- connected, the party lives no longer than what is left of the grace.
local function ttl_ms()
  local whole_ttl = party.terms[TTL_SECONDS] * 1000
  if has_connections(party, state.watchers) then return whole_ttl end
  local grace_ends = redis.call('ZSCORE', leases_key, 'held:' .. party.hostId)
  if not grace_ends then return whole_ttl end
  return math.max(1, math.min(whole_ttl, grace_ends - party_now))
end

-- When an accepted command lets the party expire, ms of the store's clock.
local function next_expiry()
  return now + party.terms[TTL_SECONDS] * 1000
end

-- Refreshes the TTL of all keys. A refused command is no activity, but it may still have swept: it can
-- shorten the TTL, not extend it. A difference below TTL_REFRESH_MS_MIN is left alone; without this a
-- busy party would run nine PEXPIREs per message.
local function refresh_ttl(accepted)
  local left = redis.call('PTTL', party_key)
  local ttl = ttl_ms()
  if not accepted and left >= 0 then ttl = math.max(1, math.min(ttl, left)) end
  if not has_new_keys and left <= ttl and ttl - left < TTL_REFRESH_MS_MIN then return end
  redis.call('PEXPIRE', party_key, integer(ttl))
  for _, key in ipairs({
    attempts_key, state_key, seats_key, tokens_key, roster_key, leases_key, log_key, messages_key,
  }) do
    redis.call('PEXPIRE', key, integer(ttl))
  end
end

-- Ends the party. Its keys go at once. A tombstone stays for the party's TTL: late guests learn that
-- the party ended, and no create draws its code while they may still try it.
local function end_party(cause)
  local seconds = math.floor(math.max(0, now - party.createdAt) / 1000)
  emit('"t":"ENDED","cause":"' .. cause .. '","recap":{"seconds":' .. integer(seconds)
    .. ',"guests":' .. integer(state.guests) .. ',"messages":' .. integer(state.messages)
    .. ',"reactions":' .. integer(state.reactions) .. '}')
  redis.call('DEL', unpack(KEYS))
  redis.call('SET', ended_key, party.hostToken, 'EX', party.terms[TTL_SECONDS])
  ended = true
end

-- Processes expired entries, oldest first: an expired lease starts a hold, which may have expired too.
-- For unlisted seats it emits one GUEST_COUNT at the end. Without this, a dead instance would cost one
-- event per guest.
local function sweep()
  local watchers, count_changed = state.watchers, false
  while not ended do
    local oldest = redis.call('ZRANGE', leases_key, '-inf', integer(party_now), 'BYSCORE', 'LIMIT', 0, 1, 'WITHSCORES')
    local entry, expired_at = unpack(oldest)
    if not entry then break end
    local kind, id = string.match(entry, '^(%l+):(.*)$')
    if kind == 'watch' then
      redis.call('ZREM', leases_key, entry)
      state.watchers = state.watchers - 1
    else
      local seat = load_seat(id)
      if kind == 'on' then
        start_hold(seat, expired_at)
        if seat.listed then emit_updated(seat) else count_changed = true end
      elseif is_host(seat) then
        end_party('host_timeout')
      else
        remove_seat(seat)
        if seat.listed then emit_left(seat, 'timeout') else count_changed = true end
      end
    end
  end
  if count_changed and not ended then emit_count() end
  if state.watchers ~= watchers then publish_watchers() end
end
