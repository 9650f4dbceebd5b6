-- needs: nothing
-- Starts every script. `now` is the store's clock, ms. It comes first in every reply, so an instance
-- learns the store's clock from every call.
local seconds_and_us = redis.call('TIME')
local now = seconds_and_us[1] * 1000 + math.floor(seconds_and_us[2] / 1000)

-- True if a change arrives after its deadline. Then it must do nothing: its caller has already
-- answered that it failed.
local function is_late(not_after)
  return now >= tonumber(not_after)
end

local function integer(number)
  return string.format('%d', number)
end
