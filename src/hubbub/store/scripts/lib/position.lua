-- needs: prelude, keys
-- Compares positions. A position is an epoch and a version. After a data loss the store gives the same
-- versions out again, so a caller proves its position by a digest: the SHA-1 of the event with that
-- version. An epoch that a recovery began is named 'N.RANDOM', N counting the recoveries.
-- Example: an instance knows epoch 'p1', version 7 and the digest of event 7.
--   store at p1, version 9; its event 7 has that digest   'current': the instance missed 8 and 9
--   store at p1, version 5: it lost 6 and 7               'truncated'
--   store at p1, version 8; its event 7 is another one    'diverged': it lost 7, then numbered others
--   store at '1.x', version 7: another instance           'other_epoch': the instance needs a snapshot
--     restored the party
--   instance at '1.x', store at p1: it fell back          'truncated': it lost the whole epoch

-- The number of recoveries before the epoch began; 0 for the first epoch, named by the party's id.
local function recoveries_before(name)
  return tonumber(string.match(name, '^(%d+)%.') or 0)
end

local function compare_position(known, own)
  if known.epoch ~= own.epoch then
    return recoveries_before(own.epoch) < recoveries_before(known.epoch) and 'truncated' or 'other_epoch'
  end
  if known.version > own.version then return 'truncated' end
  local event = redis.call('LINDEX', log_key, known.version - own.version - 1)
  if event and known.digest ~= '' and redis.sha1hex(event) ~= known.digest then return 'diverged' end
  return 'current'
end

-- Begins the epoch after the known one. Its log is empty: events of the old epoch are not replayed.
local function begin_epoch(known_epoch, random)
  local name = integer(recoveries_before(known_epoch) + 1) .. '.' .. random
  redis.call('DEL', log_key)
  redis.call('HSET', state_key, 'epoch', name, 'logBytes', '0')
end
