"""Retired names stay retired: each concept has one name, that of docs/glossary.md.

To retire a name, rename it everywhere and add it to `RETIRED` with the name to use instead.
"""

import re
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
SCANNED = ("src", "tests", "bench", "docs", "deploy", "README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "Makefile")
EXEMPT = {Path("tests/unit/test_words.py"), Path("docs/glossary.md")}
"""Files that may name what was retired: this list, and the glossary."""
SUFFIXES = {".py", ".js", ".lua", ".css", ".html", ".md", ".json", ".cfg", ".service", ""}

RETIRED = {
    # core
    "Crowded": "TooManyWatchers",
    "Declined": "Rejected",
    "Healing": "RestoreRequest",
    "Missed": "EventsSince",
    "Verdict": "LeaseLoss (results) or Severity (doctor)",
    "_consider": "_handle",
    "_mended": "_drop_lone_surrogates",
    "ENGINE_OUTLIVES_SECONDS_MAX": "PROMISE_ENGINE_OUTLIVES_SECONDS",
    "_is_void_in_store": "_needs_full_state",
    "lives_until": "set_expiry",
    "watched_by": "set_watcher_count",
    "has_news": "has_pending",
    "HEALING_RETRY_SECONDS": "RESTORE_RETRY_SECONDS",
    "Healed": "Restored",
    "HealOutcome": "RestoreOutcome",
    "LIFE_RENEWAL_MS_MIN": "TTL_REFRESH_MS_MIN",
    "WITHDRAWALS_MAX": "ROLLBACKS_MAX",
    "WITHDRAWAL_MARGIN_SECONDS": "ROLLBACK_MARGIN_SECONDS",
    "WITHDRAWAL_RETRY_SECONDS": "ROLLBACK_RETRY_SECONDS",
    "WithdrawOutcome": "RollbackOutcome",
    "HangUp": "Close",
    "digest_of": "event_digest",
    "squeeze_code": "normalize_code",
    "ENGINE_TIDY_INTERVAL_SECONDS": "ENGINE_AOF_REWRITE_SECONDS",
    "DEAF_SECONDS_MAX": "PROMISE_STALLED_SECONDS",
    "RETURN_SECONDS_MAX": "PROMISE_RETURN_SECONDS",
    "ANSWER_SECONDS_MAX": "PROMISE_ANSWER_SECONDS",
    "ActOutcome": "CommandResult",
    "AWAY_FAILURES": "BREAKER_FAILURE_THRESHOLD",
    "AWAY_PAUSE_SECONDS": "BREAKER_OPEN_SECONDS",
    "BURIALS_FIRST_SECONDS": "TOMBSTONES_FIRST_SECONDS",
    "CloseCode.GOING_AWAY": "CloseCode.SERVICE_RESTART",
    "CloseCode.SILENT": "CloseCode.ENTER_TIMEOUT",
    "CODE_DRAWS_MAX": "CODE_ATTEMPTS_MAX",
    "CREATE_FAILED": "CREATE_STORE_UNAVAILABLE",
    "EVENT_PATIENCE_SECONDS": "EVENT_WAIT_SECONDS",
    "FEED_DEAF_SECONDS": "PUBSUB_PROBE_TIMEOUT_SECONDS",
    "FEED_SILENCE_SECONDS": "PUBSUB_IDLE_SECONDS",
    "HEALED_AT_ONCE": "RESTORE_CONCURRENCY",
    "KICKED_KEPT_MAX": "RECENT_KICKS_MAX",
    "KickedOut": "Kicked",
    "KnownPosition": "ProvenPosition",
    "LOOKS_PER_RENEWAL": "LEASE_CHECKS_PER_RENEWAL",
    "LOST_HOLDERS_MAX": "RECENT_LEASE_LOSSES_MAX",
    "MessageSaid": "MessageEvent",
    "PartyCopy": "PartyBackup",
    "PartyTerms": "PartyPolicy",
    "REACTIONS_APART_MAX": "REACTIONS_UNMERGED_MAX",
    "RememberedEnd": "Tombstone",
    "SENTINEL_OTHERS_SECONDS": "SENTINEL_QUORUM_WAIT_SECONDS",
    "Unproved": "HistoryLost",
    "brought_up": "merge_room_state",
    # store
    "Audience": "SubscriptionEvents",
    "Ear": "SubscriptionEvents",
    "Life": "DataLossDetector",
    "POWERS": "DANGEROUS_COMMANDS",
    "_TELLTALES": "_DANGEROUS_PROBES",
    "Trouble": "StoreFailure",
    "_aboard": "_in_flight",
    "_home_of": "_subscriber_for",
    "_land": "_on_batch_done",
    "_last_words": "_last_log_line",
    "_launch": "_flush",
    "_newest": "_latest_by_epoch",
    "_takeoff": "_flush_handle",
    "is_well": "is_up",
    "probe_by": "set_probe_channel",
    "seat_own": "add_own_seat",
    "tell_left": "emit_left",
    "tell_of": "emit_for_seat",
    "tell_updated": "emit_updated",
    "write_whole": "restore_document",
    "_stillbirths": "_failed_starts",
    "bring_up_to_now": "advance",
    "doubt_holders": "clear_holders",
    "is_doubted": "holder_uncertain",
    "life_ms": "ttl_ms",
    "renew_life": "refresh_ttl",
    "tell_count": "emit_count",
    "ClusterCalls": "ClusterScriptClient",
    "EngineNotStarted": "EngineStartError",
    "EngineUnavailable": "EngineUnavailableError",
    "FEED_RETRY_SECONDS": "PUBSUB_RETRY_SECONDS",
    "JOIN_WITHOUT_MEMORY": "JOIN_ALLOW_OOM",
    "OneServer": "SinglePrimary",
    "PrimaryWatch": "PrimaryMonitor",
    "READ_ON_PRIMARY": "READ_WRITABLE_ONLY",
    "ShardHealths": "ClusterHealth",
    "StoreLink": "StoreConnections",
    "StoreUnavailable": "StoreUnavailableError",
    "Switchboard": "SubscriptionRouter",
    "TooLate": "DeadlineExceededError",
    "deafen": "stall_subscriptions",
    "die_with_parent": "set_parent_death_signal",
    "foreign_names": "can_touch_foreign_keys",
    "of_nobody": "foreign_key",
    "unwant": "unsubscribe",
    "vouch_for": "verify_is_primary",
    # hub, services, recovery
    "Presence": "LeaseRenewer",
    "_AT_ONCE": "_DUE_NOW",
    "_HOPELESS": "_PERMANENT",
    "_Made": "_CreateResult",
    "_drop_later": "_close_when_idle",
    "_insist": "_retry_until_done",
    "ended_by": "wait_until_ended",
    "look_again": "recheck_recent_creates",
    "take_back": "roll_back",
    "Doubts": "Rollbacks",
    "Healer": "Recovery",
    "may_be_healed": "_is_recoverable",
    "NewParty": "CreatedParty",
    "OpenRoom": "LocalRoom",
    "RoomClosed": "RoomClosedError",
    "doubt_absence": "handle_absence",
    "end_soon": "schedule_close",
    "settle_the_rest": "drain",
    "worth_a_beat": "has_local_state",
    # transport, server, doctor, monitor
    "_ALWAYS": "_COMMON_HEADERS",
    "_OF_DOCUMENTS": "_DOCUMENT_HEADERS",
    "_STEERING": "_CONTROL_CATEGORIES",
    "_YOUNG_OBJECTS_MAX": "_GC_THRESHOLD",
    "_tell_healing": "_log_recovery",
    "_tell_withdrawal": "_log_rollback",
    "_told_in_passing": "_format_other",
    "_hear_the_end": "_wait_party_ended",
    "_keeps_up": "_check_backlog",
    "as_no_answer": "unreachable_sentence",
    "check_up": "run_doctor",
    "PhoneFailed": "PhoneFailedError",
    "CannotListen": "ListenError",
    "Envelope": "RequestMiddleware",
    "FOR_OTHER_ORIGINS": "CROSS_ORIGIN",
    "Judged": "CheckResult",
    "NotWatched": "WatchError",
    "PART_OF_A_PAGE": "IS_SUBRESOURCE",
    "SettingsRefused": "SettingsError",
    "SocketPhone": "SocketConnection",
    "TaskEnded": "TaskFailedError",
    "tell_store_changes": "log_store_changes",
    "watch_silence": "arm_entry_timeout",
    # web
    "CODE_CHARS": "CODE_LENGTH",
    "DOORS": "STATUS_SCREENS",
    "FakeWorld": "FakePlatform",
    "Keeping": "PartyRecords",
    "TEXT_CHARS_MAX": "MESSAGE_CHARS_MAX",
    "Visit": "PartySession",
    "charsOver": "excessChars",
    "distrust": "invalidate",
    "doorView": "statusView",
    "floatsLayer": "reactionOverlay",
    "impatience": "abort",
    "isLevel": "isSynced",
    "letGo": "disconnect",
    "onHeard": "onAnnounce",
    "browserWorld": "browserPlatform",
    "doorModel": "statusModel",
    "heardText": "announcementText",
    "keepList": "syncList",
    # tests
    "Ears": "RecordingListener",
    "Evening": "Scenario",
    "Inside": "StoreDump",
    "NoOlderVersion": "NoOlderVersionError",
    "NothingWillHappen": "NothingWillHappenError",
    "Rested": "Quiesced",
    "Said": "MessageSent",
    "Struck": "FaultStarted",
    "Ward": "RecoveryWorld",
    "expected_in_vain": "unmet_expectations",
    "look_inside": "dump",
    "risen_parties": "resurrected_parties",
    "told_twice": "conflicting_events",
    "two_truths": "conflicting_versions",
}
"""Retired names, found as whole words, and the name to use instead. A name may have one dot, such as `Enum.MEMBER`."""

PHRASES = {
    "airline": "batch, flush, send",
    "be it": "if, when",
    "bury": "restore a tombstone",
    "expected in vain": "did not happen",
    "had better": "must",
    "heal": "restore",
    "hear of": "receive",
    "heard of": "received",
    "in vain": "without a result",
    "lest": "so that ... not",
    "of before": "earlier",
    "stillbirth": "failed start",
    "vouch": "verify",
    "whoever": "the client, the caller, the instance",
    "whomever": "the client, the caller, the instance",
    "worth a beat": "has local state",
}
"""Private phrases of code and prose, found in any case as whole words, and the plain words for them."""
PROSE = ("src", "docs", "tests")

WORD = re.compile(r"[\w$]+")
DOTTED = re.compile(r"[\w$]+\.[A-Z]\w+")


@cache
def sources() -> dict[Path, str]:
    """Return the text of every scanned file by its path from the root."""
    texts: dict[Path, str] = {}
    for name in SCANNED:
        place = ROOT / name
        for path in sorted(place.rglob("*")) if place.is_dir() else [place]:
            relative = path.relative_to(ROOT)
            if path.is_file() and path.suffix in SUFFIXES and "node_modules" not in path.parts:
                texts[relative] = path.read_text(encoding="utf-8")
    return {path: text for path, text in texts.items() if path not in EXEMPT}


def retired_uses(path: Path, text: str) -> list[str]:
    """Return one sentence for each use of a retired name in `text`."""
    used = RETIRED.keys() & {*WORD.findall(text), *DOTTED.findall(text)}
    return [
        f"{path}:{number} has {name}: use {RETIRED[name]}"
        for name in sorted(used)
        for number, line in enumerate(text.splitlines(), 1)
        if re.search(rf"(?<![\w$]){re.escape(name)}(?![\w$])", line)
    ]


def phrase_uses(path: Path, text: str) -> list[str]:
    """Return one sentence for each use of a private phrase in `text`."""
    found = re.compile(rf"\b({'|'.join(map(re.escape, PHRASES))})\b", re.IGNORECASE)
    return [
        f"{path}:{number} says '{phrase}': use {PHRASES[phrase.lower()]}"
        for number, line in enumerate(text.splitlines(), 1)
        for phrase in found.findall(line)
    ]


def test_no_private_phrase_is_used() -> None:
    prose = [(path, text) for path, text in sources().items() if path.parts[0] in PROSE]
    uses = [use for path, text in prose for use in phrase_uses(path, text)]
    assert not uses, "\n".join(uses[:40])


def test_private_phrase_is_found_in_any_case() -> None:
    assert phrase_uses(Path("x"), "a\nWhoever healed") == [
        "x:2 says 'Whoever': use the client, the caller, the instance"
    ]


def test_no_retired_name_is_used() -> None:
    uses = [use for path, text in sources().items() for use in retired_uses(path, text)]
    assert not uses, "\n".join(uses[:40])


def test_retired_name_is_found_as_a_whole_word() -> None:
    text = "a = OpenRoom()\nOpenRooms, ReOpenRoom\nCloseCode.SILENT"
    assert retired_uses(Path("x"), text) == [
        "x:3 has CloseCode.SILENT: use CloseCode.ENTER_TIMEOUT",
        "x:1 has OpenRoom: use LocalRoom",
    ]


def test_every_kind_of_source_is_scanned() -> None:
    assert {path.suffix for path in sources()} >= {".py", ".js", ".lua", ".css", ".md"}
