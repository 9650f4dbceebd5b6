"""Select, queue and play tracks by the store's clock."""

import pytest

from hubbub.core.errors import Reason
from hubbub.core.protocol import ChangeTrack, MemberCommand, Pause, Play, Playback, QueueTrack, SelectTrack
from hubbub.core.results import Rejected
from hubbub.core.seats import Lease
from hubbub.store import keys
from hubbub.store.redis_store import RedisStore
from tests.contract.conftest import draft, soon, take_seat
from tests.contract.party_actions import load_snapshot, run_commands
from tests.contract.store_dump import CODE, Event, Subscriber, document_of
from tests.support.stores import StoreServer

pytestmark = pytest.mark.usefixtures("check_invariants")


def play_on(server: StoreServer, seconds: float) -> None:
    """Move the play event so many seconds back, as if the track had played since."""
    server.admin.hincrby(keys.state(CODE), "at", -round(seconds * 1000))


async def told(store: RedisStore, host: Lease, subscriber: Subscriber, command: MemberCommand) -> Event:
    """The event of a command."""
    await run_commands(store, host, command)
    (event,) = subscriber.take_events()
    return event


async def playback(store: RedisStore) -> Playback:
    return (await load_snapshot(store)).playback


async def test_new_party_plays_nothing(store: RedisStore, host: Lease, server: StoreServer) -> None:
    created_at = document_of(server)["createdAt"]
    assert await playback(store) == Playback("stopped", None, None, 0.0, created_at)
    del host


async def test_selected_track_is_paused_at_start(store: RedisStore, host: Lease, subscriber: Subscriber) -> None:
    await run_commands(store, host, SelectTrack(filename="a"), QueueTrack(filename="b"), Play(position=30.0))
    subscriber.take_events()
    event = await told(store, host, subscriber, SelectTrack(filename="c"))
    assert abs(event["at"] - store.now_ms()) < 10_000
    assert event == {"t": "TRACK_SELECTED", "filename": "c", "at": event["at"], "version": 5}
    assert await playback(store) == Playback("stopped", "c", "b", 0.0, event["at"])


async def test_next_track_is_queued_and_removed(store: RedisStore, host: Lease, subscriber: Subscriber) -> None:
    event = await told(store, host, subscriber, QueueTrack(filename="b"))
    assert event == {"t": "NEXT_TRACK_QUEUED", "filename": "b", "version": 2}
    assert (await playback(store)).next_track == "b"
    event = await told(store, host, subscriber, QueueTrack(filename=None))
    assert event == {"t": "NEXT_TRACK_QUEUED", "filename": None, "version": 3}
    assert (await playback(store)).next_track is None


@pytest.mark.parametrize(
    ("before", "state"), [((), "stopped"), ((Play(),), "playing"), ((Play(), Pause(position=7.5)), "paused")]
)
async def test_updated_track_keeps_playing(
    store: RedisStore, host: Lease, subscriber: Subscriber, before: tuple[MemberCommand, ...], state: str
) -> None:
    await run_commands(store, host, SelectTrack(filename="a"), *before)
    subscriber.take_events()
    event = await told(store, host, subscriber, ChangeTrack(filename="b", next_filename="c"))
    assert event | {"version": 0} == {
        "t": "TRACK_CHANGED",
        "filename": "b",
        "nextFilename": "c",
        "at": event["at"],
        "version": 0,
    }
    now = await playback(store)
    assert (now.state, now.track, now.next_track, now.position, now.at) == (state, "b", "c", 0.0, event["at"])
    event = await told(store, host, subscriber, ChangeTrack(filename="c"))
    assert event["nextFilename"] is None
    assert (await playback(store)).next_track is None


async def test_play_and_pause_take_given_position(store: RedisStore, host: Lease, subscriber: Subscriber) -> None:
    await run_commands(store, host, SelectTrack(filename="a"))
    subscriber.take_events()
    event = await told(store, host, subscriber, Play(position=12.3456))
    assert abs(event["at"] - store.now_ms()) < 10_000
    assert event == {"t": "PLAY", "position": 12.346, "at": event["at"], "version": 3}
    assert await playback(store) == Playback("playing", "a", None, 12.346, event["at"])
    event = await told(store, host, subscriber, Pause(position=1_000_000.0))
    assert event == {"t": "PAUSE", "position": 1_000_000.0, "at": event["at"], "version": 4}
    assert await playback(store) == Playback("paused", "a", None, 1_000_000.0, event["at"])


async def test_position_defaults_to_store_clock(
    store: RedisStore, host: Lease, subscriber: Subscriber, server: StoreServer
) -> None:
    await run_commands(store, host, SelectTrack(filename="a"), Play(position=10.0))
    subscriber.take_events()
    play_on(server, 60)
    at = (await playback(store)).at
    paused = await told(store, host, subscriber, Pause())
    assert paused["position"] == pytest.approx(10 + (paused["at"] - at) / 1000)
    assert paused["position"] >= 70
    # While it is paused it stays there.
    play_on(server, 60)
    again = await told(store, host, subscriber, Pause())
    assert again["position"] == paused["position"]
    played = await told(store, host, subscriber, Play())
    assert played["position"] == paused["position"]
    # And a track that plays goes on after PLAY.
    play_on(server, 5)
    at = (await playback(store)).at
    played_on = await told(store, host, subscriber, Play())
    assert played_on["position"] == pytest.approx(played["position"] + (played_on["at"] - at) / 1000)
    assert played_on["position"] >= 75


async def test_track_position_never_runs_backwards(
    store: RedisStore, host: Lease, subscriber: Subscriber, server: StoreServer
) -> None:
    await run_commands(store, host, SelectTrack(filename="a"), Play(position=10.0))
    subscriber.take_events()
    play_on(server, -3600)
    assert (await told(store, host, subscriber, Pause()))["position"] == 10.0


async def test_play_after_select_starts_at_zero(
    store: RedisStore, host: Lease, subscriber: Subscriber, server: StoreServer
) -> None:
    await run_commands(store, host, SelectTrack(filename="a"))
    subscriber.take_events()
    play_on(server, 60)
    assert (await told(store, host, subscriber, Play()))["position"] == 0


async def test_play_without_track_is_refused(store: RedisStore, host: Lease, subscriber: Subscriber) -> None:
    await run_commands(store, host, QueueTrack(filename="b"))
    subscriber.take_events()
    for command in (Play(), Play(position=1.0), Pause(), Pause(position=1.0)):
        assert await store.execute(host, command, soon()) == Rejected(Reason.NO_TRACK)
    assert subscriber.take_events() == []
    await run_commands(store, host, ChangeTrack(filename="a"), Play())
    assert (await playback(store)).state == "playing"


async def test_rejoined_host_sees_playback(store: RedisStore) -> None:
    party = draft()
    await store.create(party, soon())
    host = await take_seat(store, token=party.host_token_hash)
    await run_commands(store, host, SelectTrack(filename="a"), Play(position=3.0))
    before = await playback(store)
    await store.drop_connection(host, soon())
    await take_seat(store, token=party.host_token_hash)
    assert await playback(store) == before
