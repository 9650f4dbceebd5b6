"""A party and a replica of it."""

import pytest

from hubbub.core.replica import Replica
from tests.support.fakes import FakeParty
from tests.support.rooms import synced_replica


@pytest.fixture
def party() -> FakeParty:
    """A party at version 5."""
    return FakeParty(version=5)


@pytest.fixture
def room(party: FakeParty) -> Replica:
    return synced_replica(party)
