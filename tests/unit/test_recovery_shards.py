"""The phases of a shard's recovery."""

from hubbub.recovery.shards import Phase, ShardRecovery

RESTORE = [Phase.RESTORING_TOMBSTONES, Phase.RESTORING_ROOMS, Phase.RESTORING_CREATES]


def phases(shard: ShardRecovery) -> list[Phase]:
    """Advance until nothing is left to do."""
    entered: list[Phase] = []
    while (phase := shard.advance()) is not Phase.WATCHING:
        entered.append(phase)
    return entered


def test_data_loss_restores_tombstones_then_rooms_then_creates() -> None:
    shard = ShardRecovery()
    assert phases(shard) == []
    shard.lose_data()
    assert shard.is_interrupted
    assert not shard.is_restoring
    for phase in RESTORE:
        assert shard.advance() is phase
        assert shard.is_restoring
    assert phases(shard) == []
    assert not shard.is_restoring


def test_suspect_creates_are_rechecked_without_a_restore() -> None:
    shard = ShardRecovery()
    shard.suspect_creates()
    assert shard.advance() is Phase.RECHECKING_CREATES
    assert not shard.is_restoring
    assert phases(shard) == []


def test_a_restore_covers_creates_that_were_suspect_before() -> None:
    shard = ShardRecovery()
    shard.suspect_creates()
    shard.lose_data()
    assert phases(shard) == RESTORE


def test_creates_suspect_during_their_phase_are_rechecked() -> None:
    shard = ShardRecovery()
    shard.lose_data()
    while shard.advance() is not Phase.RESTORING_CREATES:
        pass
    shard.suspect_creates()
    assert phases(shard) == [Phase.RECHECKING_CREATES]


def test_data_loss_in_any_phase_restores_again() -> None:
    for lost_in in [*RESTORE, Phase.RECHECKING_CREATES]:
        shard = ShardRecovery()
        if lost_in is Phase.RECHECKING_CREATES:
            shard.suspect_creates()
        else:
            shard.lose_data()
        while shard.advance() is not lost_in:
            pass
        assert not shard.is_interrupted
        shard.lose_data()
        assert shard.is_interrupted
        assert phases(shard)[-3:] == RESTORE
