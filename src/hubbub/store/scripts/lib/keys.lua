-- needs: nothing
-- Names the keys of a party, in the order of `keys.py`.
-- KEYS  party:CODE, then of {party:CODE}: ended, tries, state, seats, tokens, roster, leases, log, messages
local party_key, ended_key, attempts_key, state_key = KEYS[1], KEYS[2], KEYS[3], KEYS[4]
local seats_key, tokens_key, roster_key, leases_key = KEYS[5], KEYS[6], KEYS[7], KEYS[8]
local log_key, messages_key = KEYS[9], KEYS[10]
