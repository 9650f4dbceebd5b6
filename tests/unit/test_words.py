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
    "Doubts": "Rollbacks",
    "Healer": "Recovery",
    "may_be_healed": "is_recoverable",
    "NewParty": "CreatedParty",
    "OpenRoom": "LocalRoom",
    "RoomClosed": "RoomClosedError",
    "doubt_absence": "check_absence",
    "end_soon": "schedule_close",
    "settle_the_rest": "drain",
    "worth_a_beat": "has_local_state",
    # transport, server, doctor, monitor
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
    "browserWorld": "browserPlatform",
    "doorModel": "statusModel",
    "heardText": "announcementText",
    "keepList": "syncList",
    # tests
    "risen_parties": "resurrected_parties",
    "told_twice": "conflicting_events",
    "two_truths": "conflicting_versions",
}
"""Retired names, found as whole words, and the name to use instead. A name may have one dot, such as `Enum.MEMBER`."""


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
