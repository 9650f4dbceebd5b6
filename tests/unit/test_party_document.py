"""Party documents of older and newer versions: both must decode, or a rolling deploy loses parties."""

from typing import Final

import msgspec

from hubbub.core.party import DOCUMENT_SCHEMA, ChatMode, PartyDocument, PartyDraft, PartyPolicy

# A stored party of version 1 of the schema. Never change it: instances of that version have written such parties.
STORED: Final = (
    b'{"createdAt":1700000000000,"schema":1,"id":"cGFydHk","hostId":"aG9zdA","hostName":"Ann","hostToken":"aGFzaA",'
    b'"hostConnected":true,"guestCount":2,"seats":3,"chatMode":"OPEN","locked":false,"terms":[7200,300,60,50]}'
)
FIELDS_OF_VERSION_1: Final = frozenset(msgspec.json.decode(STORED))


def required_fields(kind: type[msgspec.Struct]) -> set[str]:
    return {field.encode_name for field in msgspec.structs.fields(kind) if field.required}


def test_document_of_version_1_decodes() -> None:
    party = msgspec.json.decode(STORED, type=PartyDocument)
    assert party == PartyDocument(
        created_at=1_700_000_000_000,
        schema=1,
        id="cGFydHk",
        host_id="aG9zdA",
        host_name="Ann",
        host_token="aGFzaA",
        host_connected=True,
        guest_count=2,
        seats=3,
        chat_mode=ChatMode.OPEN,
        locked=False,
        terms=PartyPolicy(7200, 300, 60, 50),
    )
    assert msgspec.json.decode(msgspec.json.encode(party)).items() >= msgspec.json.decode(STORED).items()


def test_document_of_newer_version_decodes() -> None:
    newer = msgspec.json.decode(STORED) | {"unknown field": {"of": "tomorrow"}}
    newer["terms"] += [9, "later"]
    expected = msgspec.json.decode(STORED, type=PartyDocument)
    assert msgspec.json.decode(msgspec.json.encode(newer), type=PartyDocument) == expected


def test_new_document_fields_have_defaults() -> None:
    assert required_fields(PartyDocument) == FIELDS_OF_VERSION_1
    assert len(required_fields(PartyPolicy)) <= 4


def test_draft_writes_all_fields_of_version_1() -> None:
    draft = PartyDraft("BCDFGH", "id", "host", "Ann", "hash", PartyPolicy(7200, 300, 60, 50))
    written = msgspec.json.decode(draft.document())
    assert written.keys() | {"createdAt"} >= FIELDS_OF_VERSION_1
    assert written["schema"] == DOCUMENT_SCHEMA
