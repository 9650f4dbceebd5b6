"""When one instance writes back what, and what it makes of the store's answer."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import msgspec
import pytest

from hubbub.core.copies import PartyCopy
from hubbub.core.errors import CloseCode
from hubbub.core.limits import BURIALS_FIRST_SECONDS, RECENT_CREATE_SECONDS
from hubbub.core.memory import RecentCreate
from hubbub.core.outcomes import Another, Ended, Healed, HealOutcome, Missing, RenewOutcome, Unproved
from hubbub.core.party import PartyDocument
from hubbub.healing import Healer
from hubbub.presence import Presence
from hubbub.store import StoreUnavailable, Trouble
from tests.support.fake_time import in_fake_time, later, now, settle
from tests.support.fake_world import FakePhone, World
from tests.support.fakes import CODE, DOCUMENT, FakeLife, FakeParty, over, said

LEASE_SECONDS = 10.0
THIRD = LEASE_SECONDS / 3


class Ward(World):
    """An instance that heals."""

    def __init__(self) -> None:
        super().__init__()
        self.life = FakeLife()
        self.told: list[tuple[str, int]] = []
        self.healer = Healer(
            self.store.as_store(),
            self.life.as_life(),
            self.hub,
            LEASE_SECONDS,
            lambda what, number: self.told.append((what, number)),
        )

    async def guests(self, *names: str) -> list[FakePhone]:
        """Phones in a room whose leases have just been renewed."""
        phones = await self.phones(names)
        self.room().renewed_at = now()
        return phones

    def create(self, code: str = CODE, once: str | None = None) -> None:
        """A party is created, which nobody enters."""
        self.healer.note_create(RecentCreate(code, DOCUMENT, 8_200_000, once))

    @asynccontextmanager
    async def healing(self) -> AsyncIterator[None]:
        """While healing goes on."""
        task = asyncio.create_task(self.healer.run())
        await settle()
        yield
        assert not task.done()
        task.cancel()

    @asynccontextmanager
    async def renewing(self) -> AsyncIterator[None]:
        """While leases are renewed."""
        presence = Presence(self.store.as_store(), self.hub, self.healer, LEASE_SECONDS)
        task = asyncio.create_task(presence.run())
        yield
        assert not task.done()
        task.cancel()

    @property
    def codes(self) -> list[str]:
        """Whose healing was asked for, in order."""
        return [healing.code for _, healing in self.store.healed]


# The order of things.


@in_fake_time
async def test_what_ended_is_buried_a_second_before_anything_is_healed() -> None:
    ward = Ward()
    await ward.guests("ann")
    ward.happens(over())
    await settle()
    ward.create("CCCCCC")
    async with ward.healing():
        lost_at = now()
        ward.life.lose()
        await later(5.0)
    ((buried_at, end),) = ward.store.buried
    ((healed_at, _),) = ward.store.healed
    assert (end.code, end.until_ms) == (CODE, 8_200_000)
    assert buried_at == lost_at
    assert healed_at == pytest.approx(lost_at + BURIALS_FIRST_SECONDS)
    assert ward.told == [("buried", 1), ("creates looked after", 1)]


@in_fake_time
async def test_while_it_heals_others_are_made_to_wait() -> None:
    ward = Ward()
    await ward.guests("ann")
    async with ward.healing():
        ward.life.lose()
        await settle()
        assert ward.life.healing == {"0"}
        await later(5.0)
        assert ward.life.healing == set()


@in_fake_time
async def test_healing_is_tried_again_until_the_store_answers() -> None:
    ward = Ward()
    await ward.guests("ann")
    async with ward.healing():
        ward.store.down = True
        ward.life.lose()
        await later(600.0)
        ward.store.down = False
        await later(1.0)
    assert ward.codes == [CODE]


@in_fake_time
async def test_what_is_lost_while_healing_goes_on_is_healed_too() -> None:
    ward = Ward()
    await ward.guests("ann")
    async with ward.healing():
        ward.store.down = True
        ward.life.lose()
        await later(3.0)
        ward.life.lose()
        ward.store.down = False
        await later(5.0)
    assert ward.codes == [CODE]


@in_fake_time
async def test_a_loss_of_one_shard_does_not_end_the_healing_of_another() -> None:
    ward = Ward()
    ward.life.shards = {"CCCCCC": "1"}
    await ward.guests("ann")
    async with ward.healing():
        ward.store.down = True
        ward.life.lose("0")
        await later(3.0)
        ward.life.lose("1")
        ward.store.down = False
        await later(5.0)
    assert ward.codes == [CODE]


@in_fake_time
async def test_only_what_the_shard_had_is_written_back() -> None:
    ward = Ward()
    ward.life.shards = {CODE: "1"}
    await ward.guests("ann")
    async with ward.healing():
        ward.life.lose("0")
        await later(5.0)
        assert ward.codes == []
        ward.happens(over())
        await settle()
        ward.life.lose("0")
        await later(5.0)
        assert ward.store.buried == []
        ward.life.lose("1")
        await later(5.0)
    assert [end.code for _, end in ward.store.buried] == [CODE]


# A room.


@in_fake_time
async def test_a_healed_room_is_told_anew_to_everyone() -> None:
    ward = Ward()
    ann, ben = await ward.guests("ann", "ben")
    ward.store.party = ward.party = FakeParty(epoch="epoch-2", version=1)
    async with ward.healing():
        ward.life.lose()
        await later(5.0)
    assert ann.heard[-1] == ben.heard[-1] == "ROOM"
    assert ann.view.epoch == "epoch-2"
    ((_, healing),) = ward.store.healed
    assert {lease.member_id for lease, _ in healing.own} == {"ann", "ben"}
    assert healing.known is not None
    assert (healing.known.epoch, healing.known.version) == ("epoch-1", 1)


@in_fake_time
async def test_after_healing_a_new_copy_is_asked_for() -> None:
    ward = Ward()
    await ward.guests("ann")
    opened = ward.room()
    opened.copied = 1
    await ward.healer.heal(opened)
    assert opened.copied == -1


@in_fake_time
async def test_a_watcher_has_no_seat_to_be_written_back() -> None:
    ward = Ward()
    await ward.guests("", "ann")
    await ward.healer.heal(ward.room())
    ((_, healing),) = ward.store.healed
    assert [(lease.member_id, name) for lease, name in healing.own] == [("ann", "Ann")]


@in_fake_time
async def test_a_copy_is_brought_up_to_what_the_room_knows() -> None:
    ward = Ward()
    await ward.guests("ann")
    ward.room().copy = PartyCopy(msgspec.json.encode(DOCUMENT))
    ward.happens(said("since"))
    await settle()
    await ward.healer.heal(ward.room())
    ((_, healing),) = ward.store.healed
    assert healing.copy is not None
    assert [msgspec.json.decode(message)["text"] for message in healing.copy.messages] == ["since"]


@in_fake_time
async def test_a_party_whose_time_was_up_is_not_healed_but_over() -> None:
    ward = Ward()
    (phone,) = await ward.guests("ann")
    await later(8200.0)
    await ward.healer.heal(ward.room())
    await later(1.0)
    assert phone.closed == [CloseCode.PARTY_ENDED]
    assert ward.store.healed == []


@pytest.mark.parametrize(("outcome", "is_remembered"), [(Another(), False), (Ended(), True), (Missing(), False)])
def test_a_party_that_cannot_be_healed_is_over(outcome: HealOutcome, is_remembered: bool) -> None:
    @in_fake_time
    async def scene() -> None:
        ward = Ward()
        (phone,) = await ward.guests("ann")
        ward.store.healing = lambda _: outcome
        async with ward.healing():
            ward.life.lose()
            await later(5.0)
            ward.life.lose()
            await later(LEASE_SECONDS)
            ward.life.lose()
            await later(5.0)
            assert phone.closed == [CloseCode.PARTY_ENDED]
            ward.life.lose()
            await later(5.0)
        assert bool(ward.store.buried) == is_remembered

    scene()


@in_fake_time
async def test_what_is_missing_while_others_write_back_may_still_come() -> None:
    ward = Ward()
    (phone,) = await ward.guests("ann")
    ward.life.recovering = True
    ward.store.healing = lambda _: Missing()
    await ward.healer.heal(ward.room())
    await later(1.0)
    assert not phone.closed
    ward.life.recovering = False
    # Whoever has a copy renews within a lease, and finds it missing too.
    await later(LEASE_SECONDS)
    await ward.healer.heal(ward.room())
    await later(1.0)
    assert phone.closed == [CloseCode.PARTY_ENDED]


# What renewals show.


def _renewal(outcome: RenewOutcome) -> Callable[..., RenewOutcome]:
    return lambda _: outcome


@pytest.mark.parametrize("outcome", [Unproved(), Missing()])
def test_a_room_that_a_renewal_shows_as_lost_is_healed(outcome: RenewOutcome) -> None:
    @in_fake_time
    async def scene() -> None:
        ward = Ward()
        (phone,) = await ward.guests("ann")
        ward.store.renewal = _renewal(outcome)

        def heal(_: object) -> HealOutcome:
            ward.store.renewal = ward.store.renewed_all
            return Healed()

        ward.store.healing = heal
        async with ward.renewing():
            await later(THIRD)
        assert ward.codes == [CODE]
        assert not phone.closed

    scene()


@in_fake_time
async def test_a_party_that_is_missing_after_a_lease_without_renewal_has_ended() -> None:
    ward = Ward()
    (phone,) = await ward.guests("ann")
    ward.store.renewal = lambda _: Missing()
    await later(LEASE_SECONDS)
    async with ward.renewing():
        await later(THIRD)
    assert ward.codes == []
    assert phone.closed == [CloseCode.PARTY_ENDED]


@in_fake_time
async def test_a_room_that_somebody_found_missing_is_looked_after_at_once() -> None:
    ward = Ward()
    await ward.guests("ann")
    async with ward.renewing():
        await later(THIRD)
        ward.store.renewal = lambda _: Missing()
        ward.store.healed.clear()
        with pytest.raises(StoreUnavailable) as caught:
            ward.healer.doubt_absence(CODE)
        assert caught.value.trouble is Trouble.RECOVERING
        asked_at = now()
        await later(THIRD / 4)
    assert ward.store.healed[0][0] - asked_at < THIRD / 4


@in_fake_time
async def test_an_absence_is_believed_where_the_leases_have_run_out() -> None:
    ward = Ward()
    await ward.guests("ann")
    await later(LEASE_SECONDS)
    ward.healer.doubt_absence(CODE)
    ward.healer.doubt_absence("CCCCCC")


# Created, and nobody there yet.


@in_fake_time
async def test_a_recent_create_is_healed_and_its_key_bound_again() -> None:
    ward = Ward()
    ward.create("CCCCCC", once="hash")
    ward.create("DDDDDD")
    async with ward.healing():
        ward.life.lose()
        await later(5.0)
    assert ward.codes == ["CCCCCC", "DDDDDD"]
    (_, healing), _ = ward.store.healed
    assert (healing.known, list(healing.own), healing.expires_at) == (None, [], 8_200_000)
    assert healing.copy is not None
    assert msgspec.json.decode(healing.copy.document, type=PartyDocument) == DOCUMENT
    assert ward.store.bound_again == [("hash", "CCCCCC")]


@in_fake_time
async def test_when_the_link_is_back_recent_creates_are_looked_after_at_once() -> None:
    ward = Ward()
    ward.create()
    async with ward.healing():
        ward.healer.look_again()
        await settle()
        assert ward.codes == [CODE]


@in_fake_time
async def test_a_recent_create_that_is_missed_is_healed_at_once() -> None:
    ward = Ward()
    ward.create()
    async with ward.healing():
        with pytest.raises(StoreUnavailable):
            ward.healer.doubt_absence(CODE)
        await settle()
        assert ward.codes == [CODE]


@in_fake_time
async def test_a_create_is_kept_for_a_minute() -> None:
    ward = Ward()
    ward.create()
    async with ward.healing():
        await later(RECENT_CREATE_SECONDS)
        ward.life.lose()
        await later(5.0)
    assert ward.codes == []


@pytest.mark.parametrize("outcome", [Another(), Ended()])
def test_a_create_whose_party_is_no_more_is_forgotten(outcome: HealOutcome) -> None:
    @in_fake_time
    async def scene() -> None:
        ward = Ward()
        ward.create(once="hash")
        ward.store.healing = lambda _: outcome
        async with ward.healing():
            for _ in range(2):
                ward.life.lose()
                await later(5.0)
        assert ward.codes == [CODE]
        assert ward.store.bound_again == []

    scene()


@in_fake_time
async def test_a_create_that_was_withdrawn_is_not_healed() -> None:
    ward = Ward()
    ward.create()
    ward.healer.note_withdrawn(CODE)
    async with ward.healing():
        ward.life.lose()
        await later(5.0)
    assert ward.codes == []


@in_fake_time
async def test_whoever_enters_has_the_party_healed_with_the_room() -> None:
    ward = Ward()
    ward.create()
    await ward.guests("ann")
    ward.healer.note_entered(ward.room())
    async with ward.healing():
        ward.life.lose()
        await later(5.0)
    ((_, healing),) = ward.store.healed
    assert healing.copy is not None
    assert (healing.copy.party_id, healing.copy.host_token_hash) == ("party", "token of Ann")
    assert len(healing.own) == 1


# Whether a beat is worth it.


@in_fake_time
async def test_an_instance_has_something_to_lose_while_it_has_phones_or_remembers() -> None:
    ward = Ward()
    assert not ward.life.worth_a_beat()
    (phone,) = await ward.guests("ann")
    assert ward.life.worth_a_beat()
    ward.leave(phone)
    assert not ward.life.worth_a_beat()
    ward.create()
    assert ward.life.worth_a_beat()
    await later(RECENT_CREATE_SECONDS)
    assert not ward.life.worth_a_beat()
