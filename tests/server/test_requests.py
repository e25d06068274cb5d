"""What an address, a message and a body carry, as a struct."""

from __future__ import annotations

from typing import Any

import pytest

from pyruns_jupyter.core.common.errors import InvalidInput
from pyruns_jupyter.service.curves import TracksRequest
from pyruns_jupyter.service.generator import PreviewRequest
from pyruns_jupyter.service.groups import GroupRequest
from pyruns_jupyter.service.request import Arguments, parse_body, read_request
from pyruns_jupyter.service.tasks import TaskChange, TaskPageRequest


def test_texts_of_an_address_are_read_by_their_types() -> None:
    found = read_request(TracksRequest, {"task": "12", "run": "3", "points": None}, strict=False)
    assert found == TracksRequest(task="12", run=3)
    with pytest.raises(InvalidInput, match="run must be a whole number from 1") as caught:
        read_request(TracksRequest, {"task": "a", "run": "0"}, strict=False)
    assert caught.value.field == "run"


def test_equal_texts_in_a_list_count_once() -> None:
    assert read_request(GroupRequest, {"by": ["lr", "seed", "lr"]}, strict=False).by == ("lr", "seed")
    assert Arguments({"by": ["lr", "lr"], "ws": "/x"}).read(GroupRequest).by == ("lr",)


@pytest.mark.parametrize(
    ("values", "body", "field"),
    [
        ({"task": "a"}, {"task": "b"}, "task"),  # another task than the one in the address
        ({"task": "a"}, {"more": 1}, "more"),
        ({"task": "a"}, {"more": None}, "more"),
        ({"task": "a"}, {"pinned": "true"}, "pinned"),
        ({"task": "a"}, {"order": "1"}, "order"),
        ({"task": "a"}, {"env": {"A": 1}}, "env"),
        ({"task": "a"}, {"tags": ["x", 1]}, "tags"),
        ({}, {"notes": "x"}, "task"),
    ],
)
def test_a_body_is_read_strictly(values: dict[str, Any], body: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        read_request(TaskChange, values, body, strict=False)
    assert caught.value.field == field


def test_null_is_not_given_but_unsets_a_variable() -> None:
    found = read_request(TaskChange, {"task": "a"}, {"notes": None, "env": {"A": None}})
    assert found == TaskChange(task="a", env={"A": None})
    assert Arguments({"body": {"text": "lr: 1", "limit": None}}).read(PreviewRequest).limit == 200
    assert Arguments({"limit": None}).read(TaskPageRequest).limit == 200


def test_a_message_without_a_body_lacks_what_is_needed() -> None:
    with pytest.raises(InvalidInput, match="Missing field 'text'"):
        Arguments({}).read(PreviewRequest)
    with pytest.raises(InvalidInput, match="body must be an object"):
        Arguments({"body": [1]}).read(PreviewRequest)


@pytest.mark.parametrize(
    "data", [b"{", b"[1]", b"\xff", b'{"a": NaN}', b'{"a": "\\ud800"}', b"[" * 100_000, b" "]
)
def test_what_is_no_json_object_is_refused(data: bytes) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse_body(data)
    assert caught.value.field == "body"
    assert str(caught.value).endswith(".")
