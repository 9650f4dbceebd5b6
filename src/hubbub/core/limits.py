"""Every bound of Hubbub, with units in the names; inequalities are asserted on import.

Lua gets the bounds that it needs from `store/scripts`, JavaScript from the generated `web/core/contract.js`.
"""

from typing import Final

# A party's code. Codes that people type may be any of A-Z0-9; generated ones leave out vowels (no words
# appear by chance) and look-alikes, as RFC 8628 §6.1 recommends for codes typed by hand.
CODE_LENGTH: Final = 6
CODE_ATTEMPTS_MAX: Final = 10

NAME_CHARS_MAX: Final = 50

# A token is the secret that owns a seat. An idempotency key is a secret of the caller; the host's token is derived
# from it.
TOKEN_BITS: Final = 128
TOKEN_CHARS_MIN: Final = 22
TOKEN_CHARS_MAX: Final = 64
IDEMPOTENCY_KEY_CHARS_MIN: Final = 16
IDEMPOTENCY_KEY_CHARS_MAX: Final = 128
IDEMPOTENCY_SECONDS: Final = 600

# An id is public and must be unique only within its party or code: 64 random bits.
ID_BYTES: Final = 8

BODY_BYTES_MAX: Final = 16 * 1024
BODY_SECONDS_MAX: Final = 5.0
REQUEST_ID_CHARS_MAX: Final = 128
# A name has at most 253 characters (RFC 1035). This bounds the QR code, which holds no more than some 2,300 bytes.
HOST_HEADER_CHARS_MAX: Final = 255
# A QR code of a much longer URL is hard to scan.
PUBLIC_URL_CHARS_MAX: Final = 200
QR_CODES_CACHED: Final = 1024
QR_CACHE_SECONDS: Final = 300
# Of a code that is none, the answer repeats at most this much.
ECHOED_CODE_CHARS_MAX: Final = 64

# What the store may use of PROMISE_ANSWER_SECONDS; the rest is for reading the request and writing the answer on a
# busy machine.
STORE_BUDGET_SECONDS: Final = 1.5
READINESS_BUDGET_SECONDS: Final = 0.8

# How often an instance probes the store while there are no other calls.
PROBE_INTERVAL_SECONDS: Final = 0.5
PROBE_BUDGET_SECONDS: Final = 1.0
# After this many failures in a row, the circuit breaker of a server opens: every call fails at once for a while. One
# failure alone may be a broken connection.
BREAKER_FAILURE_THRESHOLD: Final = 2
BREAKER_OPEN_SECONDS: Final = 0.25

# A sentinel that does not answer within this time is skipped. A call's time suffices for several of them.
SENTINEL_ANSWER_SECONDS: Final = 0.4
# After the first answer, wait this long for the other sentinels: they may know of a later failover.
SENTINEL_QUORUM_WAIT_SECONDS: Final = 0.1
SENTINEL_LOOK_INTERVAL_SECONDS: Final = 0.5
# A primary that answers after such a silence may have been replaced meanwhile. Sentinels wait longer before they
# replace one, and instances probe it more often.
PRIMARY_SILENCE_SECONDS: Final = 1.0

# A cluster's slot map: how long one server may take to send it, how soon to refresh it after a redirection, and how
# often to refresh it otherwise.
CLUSTER_ASK_SECONDS: Final = 0.5
CLUSTER_LOOK_AGAIN_SECONDS: Final = 0.3
CLUSTER_LOOK_INTERVAL_SECONDS: Final = 5.0
# A call that was redirected more often than this, or whose slot is moving, pauses before the next attempt.
REDIRECTIONS_MAX: Final = 3
SLOT_MOVING_PAUSE_SECONDS: Final = 0.03

# `Retry-After` of a refusal.
RETRY_AFTER_SECONDS: Final = 1

# Calls that share one round trip. A create takes the store about 20 µs, so a full batch blocks it for about 10 ms:
# long enough to amortize the round trip, short enough for the next batch.
BATCH_CALLS_MAX: Final = 512
# One batch is in flight at a time. The rest is room for connections that are being closed.
STORE_CONNECTIONS_MAX: Final = 4

# Stop waiting for replicas this long before the create's deadline.
REPLICAS_ANSWER_MARGIN_SECONDS: Final = 0.2

# Creates in doubt: answered as failed though the store may have carried them out. They are kept until rolled back.
ROLLBACKS_MAX: Final = 10_000
ROLLBACK_RETRY_SECONDS: Final = 0.5
# Added to a create's deadline before its rollback: more than two clocks drift apart meanwhile.
ROLLBACK_MARGIN_SECONDS: Final = 0.1

# Data loss. All instances detect a loss within one probe interval. So every instance with something to restore has
# said so before another one reports a party as absent. Tombstones are restored before parties.
RECOVERING_SECONDS: Final = 3.0
TOMBSTONES_FIRST_SECONDS: Final = 1.0
# The instance that created a party keeps a backup of it until the first client enters.
RECENT_CREATE_SECONDS: Final = 60.0
RECENT_CREATES_MAX: Final = 10_000
REMEMBERED_TOMBSTONES_MAX: Final = 10_000
# A backup of 500 seats is 55 KB, and concurrent restores must fit into one call's time.
RESTORE_CONCURRENCY: Final = 16
RESTORE_RETRY_SECONDS: Final = 0.25

# The embedded engine. Other instances check this often whether its owner has exited.
ENGINE_LOCK_POLL_SECONDS: Final = 0.1
ENGINE_START_SECONDS_MAX: Final = 10.0
ENGINE_STOP_SECONDS_MAX: Final = 2.0
ENGINE_RESTART_PAUSE_SECONDS: Final = 1.0
ENGINE_START_POLL_SECONDS: Final = 0.02
# After so many starts that failed at once, `hubbub serve` gives up.
ENGINE_FAILED_STARTS_MAX: Final = 2
ENGINE_AOF_REWRITE_SECONDS: Final = 600.0

# The doctor. Each check has the budget of a call; all of them together must not take longer than this.
DOCTOR_SECONDS_MAX: Final = 20.0
DOCTOR_ROUND_TRIPS: Final = 200
DOCTOR_ROUND_TRIPS_AT_START: Final = 50
DOCTOR_ROUND_TRIPS_SECONDS_MAX: Final = 3.0
DOCTOR_RETRY_SECONDS: Final = 2.0
DOCTOR_REPLICAS_WAIT_SECONDS: Final = 0.1
# From which values on it reports something: see docs/redis.md, "Production".
DOCTOR_ROUND_TRIP_NOTE_MS: Final = 20.0
DOCTOR_ROUND_TRIP_WARNING_MS: Final = 100.0
DOCTOR_CLOCKS_APART_NOTE_MS: Final = 1000.0
DOCTOR_REPLICA_LAG_WARNING_SECONDS: Final = 10
DOCTOR_MEMORY_WARNING_SHARE: Final = 0.9
DOCTOR_CERTIFICATE_WARNING_DAYS: Final = 21

LISTEN_BACKLOG: Final = 1024
DRAIN_SECONDS_MAX: Final = 10.0
# Sockets are closed in this many batches, evenly over the time that is left after requests in progress.
DRAIN_SOCKETS_SECONDS: Final = 5.0
DRAIN_BATCHES: Final = 20
# After the drain, the last answers get this long to be written.
LAST_ANSWERS_SECONDS_MAX: Final = 1.0

# Parties whose key names are cached, about 2 KB each.
CODES_CACHED: Final = 4096

# An active party in the store. A replay above its bound costs more than a new snapshot.
LISTED_MAX: Final = 200
LOG_EVENTS_MAX: Final = 256
LOG_BYTES_MAX: Final = 64 * 1024
# The TTL of a party's keys is refreshed at most this often.
TTL_REFRESH_MS_MIN: Final = 1000
REPLAY_BYTES_MAX: Final = 32 * 1024
SNAPSHOT_MESSAGES_MAX: Final = 20
WATCHERS_MAX: Final = 16

# `hubbub watch` reconnects after a random wait between these two.
WATCH_RETRY_SECONDS_MIN: Final = 0.5
WATCH_RETRY_SECONDS_MAX: Final = 3.0
WATCH_CONNECT_SECONDS_MAX: Final = 5.0

# What a client may send.
FRAME_BYTES_MAX: Final = 8 * 1024
MESSAGE_CHARS_MAX: Final = 500
FILENAME_CHARS_MAX: Final = 500
POSITION_SECONDS_MAX: Final = 1_000_000.0
SOCKET_REQUEST_ID_CHARS_MAX: Final = 128
COMMANDS_PER_SECOND_MAX: Final = 20
UNDECODABLE_FRAMES_MAX: Final = 10
UNKNOWN_CODES_MAX: Final = 5

# A connection that has not entered a party within this time is closed. One that has entered is pinged; a dead one is
# detected within 40 s.
ENTER_SECONDS_MAX: Final = 10.0
HEARTBEAT_SECONDS: Final = 20
PING_INTERVAL_SECONDS: Final = 25.0
DEAD_SOCKET_SECONDS_MAX: Final = 40.0

# A client that does not read: how much may be unsent besides a snapshot or a replay, and how long to wait for the
# close handshake.
UNSENT_BYTES_MAX: Final = 64 * 1024
CLOSE_SECONDS_MAX: Final = 2.0
SOCKET_SEND_BUFFER_BYTES: Final = 64 * 1024

# Sending to one client costs about 5 µs. The send window grows with the room, so that sending takes a tenth of the
# time.
SEND_SECONDS_PER_PHONE: Final = 50e-6
SEND_WINDOW_SECONDS_MAX: Final = 0.05
REACTIONS_UNMERGED_MAX: Final = 8
"""More reactions than these in one window are merged and counted."""

# Leases are renewed this often per lease, and checked for what is due this often per renewal. A party's clock stops if
# no instance has touched the party for this many renewals although a member is connected.
RENEWALS_PER_LEASE: Final = 3
CLOCK_STOPS_AFTER_RENEWALS: Final = 2
# A call that renews this many blocks the store for about 3 ms.
LEASES_PER_CALL_MAX: Final = 500
LEASE_CHECKS_PER_RENEWAL: Final = 5

# Event delivery. A room stays open for a while after its last member here has left. Late events are requested from
# the log after EVENT_WAIT_SECONDS. After a silence, an instance publishes a probe to itself to test its subscription.
ROOM_LINGER_SECONDS: Final = 10.0
RECENT_LEASE_LOSSES_MAX: Final = 256
RECENT_KICKS_MAX: Final = 256
EVENT_WAIT_SECONDS: Final = 0.25
CATCH_UP_JITTER_SECONDS: Final = 1.0
PUBSUB_RETRY_SECONDS: Final = 0.5
PUBSUB_IDLE_SECONDS: Final = 2.0
PUBSUB_PROBE_TIMEOUT_SECONDS: Final = 2.0

# JSON may escape any character. One outside the Basic Multilingual Plane takes two escapes like \ud83d, 6 bytes each.
ESCAPED_CHAR_BYTES_MAX: Final = 12
MESSAGE_OVERHEAD_BYTES_MAX: Final = 1024
"""Upper bound of everything in a client's frame but its longest text: type, names of fields, `requestId`."""

# Promises, not knobs: no code reads them but assertions, tests and documents.
PROMISE_ANSWER_SECONDS: Final = 2.0
PROMISE_RETURN_SECONDS: Final = 2.0
PROMISE_ENGINE_OUTLIVES_SECONDS: Final = 5.0
PROMISE_STALLED_SECONDS: Final = 10.0

assert READINESS_BUDGET_SECONDS < STORE_BUDGET_SECONDS < PROMISE_ANSWER_SECONDS
assert PROBE_INTERVAL_SECONDS + PROBE_BUDGET_SECONDS < PROMISE_RETURN_SECONDS
assert PROBE_INTERVAL_SECONDS + PROBE_BUDGET_SECONDS < RECOVERING_SECONDS
assert SENTINEL_ANSWER_SECONDS * 2 < STORE_BUDGET_SECONDS
assert PROBE_INTERVAL_SECONDS < PRIMARY_SILENCE_SECONDS
assert CLUSTER_ASK_SECONDS * 2 < STORE_BUDGET_SECONDS
assert PING_INTERVAL_SECONDS * 1.5 < DEAD_SOCKET_SECONDS_MAX
assert DRAIN_SOCKETS_SECONDS < DRAIN_SECONDS_MAX
assert PUBLIC_URL_CHARS_MAX < HOST_HEADER_CHARS_MAX < 2300
assert REPLAY_BYTES_MAX <= LOG_BYTES_MAX
assert (
    2 * PUBSUB_IDLE_SECONDS + PUBSUB_PROBE_TIMEOUT_SECONDS + PUBSUB_RETRY_SECONDS + CATCH_UP_JITTER_SECONDS
    < PROMISE_STALLED_SECONDS
)
assert ENGINE_STOP_SECONDS_MAX < PROMISE_ENGINE_OUTLIVES_SECONDS
assert DOCTOR_ROUND_TRIP_WARNING_MS * 3 < STORE_BUDGET_SECONDS * 1000
assert DOCTOR_ROUND_TRIPS_SECONDS_MAX < DOCTOR_SECONDS_MAX
assert DOCTOR_REPLICAS_WAIT_SECONDS < STORE_BUDGET_SECONDS
assert IDEMPOTENCY_KEY_CHARS_MIN <= IDEMPOTENCY_KEY_CHARS_MAX
assert 0 < CLOCK_STOPS_AFTER_RENEWALS < RENEWALS_PER_LEASE
# A client that escapes every character may still send the longest message and the longest track.
assert (
    max(MESSAGE_CHARS_MAX, FILENAME_CHARS_MAX) * ESCAPED_CHAR_BYTES_MAX + MESSAGE_OVERHEAD_BYTES_MAX <= FRAME_BYTES_MAX
)
