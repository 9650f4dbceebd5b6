"""Whatever clients send and whatever the service answers: nothing raises, everything is answered, all stays consistent.

What must hold is in `tests/fuzz/driver.py`, which a run led by coverage drives too.
"""

import json
import random

from hypothesis import given, settings
from hypothesis import strategies as st

from hubbub.core.errors import Reason
from hubbub.core.frames import InvalidMessage, read_frame
from hubbub.core.protocol import encode
from tests.fuzz.driver import MESSAGES, ODDITIES, Conversation, Pick, converse, run_replica_scenario, some_frame

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text(max_size=8), inner, max_size=5),
    max_leaves=20,
)
KINDS = st.sampled_from(sorted({message["t"] for message in MESSAGES}))
FIELDS = st.sampled_from(sorted({field for message in MESSAGES for field in message} | {"requestId"}))
MESSAGE = st.builds(
    lambda kind, fields: {**fields, "t": kind},
    KINDS | JSON,
    st.dictionaries(FIELDS, JSON | st.sampled_from(ODDITIES), max_size=5),
)
FRAME = st.one_of(
    st.none(),
    st.binary(max_size=200),
    st.text(max_size=200),
    JSON.map(json.dumps),
    MESSAGE.map(json.dumps),
    st.lists(MESSAGE, max_size=6).map(json.dumps),
)


def picking(seed: int) -> Pick:
    """Decisions that follow from a seed; far quicker than asking Hypothesis for each."""
    dice = random.Random(seed)
    return dice.randrange


@given(JSON)
def test_any_json_is_messages_or_none(value: object) -> None:
    messages = read_frame(json.dumps(value))
    items = value if isinstance(value, list) else [value]
    is_batch = bool(items) and all(isinstance(item, dict) and isinstance(item.get("t"), str) for item in items)
    assert (messages is not None) == is_batch
    assert messages is None or len(messages) == len(items)


@given(MESSAGE.filter(lambda message: isinstance(message["t"], str)))
def test_message_is_parsed_unchanged_or_refused(message: dict[str, object]) -> None:
    messages = read_frame(json.dumps(message))
    assert messages is not None
    (read,) = messages
    if isinstance(read, InvalidMessage):
        assert read.reason in {
            Reason.UNKNOWN_MESSAGE,
            Reason.BAD_FIELD,
            Reason.TOO_LONG,
            Reason.TOKEN_INVALID,
            Reason.CODE_REQUIRED,
            Reason.CODE_INVALID,
        }
        return
    known = json.loads(encode(read))
    assert all(known[name] == message.get(name) for name in known)


@settings(max_examples=300, deadline=None)
@given(st.lists(FRAME, max_size=20), st.integers(0, 2**32))
def test_conversation_of_any_frames_keeps_promises(frames: list[str | bytes | None], seed: int) -> None:
    converse(picking(seed), frames)


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 2**64))
def test_conversation_of_valid_frames_keeps_promises(seed: int) -> None:
    pick = picking(seed)
    converse(pick, (some_frame(pick) for _ in range(40)))


def test_conversations_reach_every_outcome() -> None:
    # If this fails the fuzzing has become toothless, and not the program wrong.
    endings = set()
    for seed in range(300):
        pick = picking(seed)
        conversation = Conversation(pick)
        for _ in range(60):
            conversation.hear(some_frame(pick) if pick(20) else b"junk")
        endings.add(conversation.hung_up)
    assert {None if code is None else int(code) for code in endings} >= {1000, 4409, 4503, 4504, 4509, 4513}


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 2**64), st.integers(1, 80))
def test_replica_syncs_after_any_event_disorder(seed: int, steps: int) -> None:
    run_replica_scenario(picking(seed), steps)
