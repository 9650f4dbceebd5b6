"""The descriptions that every instance serves for programs."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.support.instances import Instance


@pytest.fixture(scope="module")
def instance(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Instance]:
    instance = Instance(tmp_path_factory.mktemp("documents")).start()
    yield instance
    instance.close()


def served(instance: Instance, path: str) -> Any:
    """Return the document at that path."""
    answer = instance.call("GET", path)
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "application/json"
    assert instance.call("HEAD", path).status == 200
    return answer.body


def test_http_interface_is_described_as_openapi(instance: Instance) -> None:
    document = served(instance, "/openapi.json")
    assert document["openapi"] == "3.1.0"
    assert {"/openapi.json", "/asyncapi.json", "/ws"} <= set(document["paths"])


def test_websocket_is_described_as_asyncapi(instance: Instance) -> None:
    document = served(instance, "/asyncapi.json")
    assert document["asyncapi"] == "3.0.0"
    assert document["info"]["version"] == instance.call("GET", "/health").body["version"]
    assert [channel["address"] for channel in document["channels"].values()] == ["/ws"]
    assert {operation["action"] for operation in document["operations"].values()} == {"receive", "send"}


def test_descriptions_reference_each_other(instance: Instance) -> None:
    assert "/asyncapi.json" in served(instance, "/openapi.json")["info"]["description"]
    assert "/openapi.json" in served(instance, "/asyncapi.json")["info"]["description"]


def test_described_paths_exist(instance: Instance) -> None:
    for path, item in served(instance, "/openapi.json")["paths"].items():
        for method in item.keys() & {"get", "post"}:
            answer = instance.call(method.upper(), path.replace("{code}", "ABC123"))
            assert answer.status not in {405, 500, 501}, path
            assert not isinstance(answer.body, dict) or answer.body.get("reason") != "not_found", path
    assert instance.call("GET", "/ws").body["reason"] == "bad_request"
