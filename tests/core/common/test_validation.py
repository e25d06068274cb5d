"""What is wrong with data is said in one sentence, with its place."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec
import pytest
from msgspec import Meta

from pyruns_jupyter.core.common.errors import InvalidInput
from pyruns_jupyter.core.common.validation import convert


class Inner(msgspec.Struct, forbid_unknown_fields=True):
    count: Annotated[int, Meta(ge=1, le=10)] = 1
    size: Annotated[float, Meta(ge=0, lt=1e9)] = 0.0
    order: Literal["", "up", "down"] = ""


class Outer(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    inner: Inner | None = None
    names: tuple[str, ...] = ()
    flag: bool = False
    env: Mapping[str, str | None] = {}
    time: Annotated[str | None, Meta(description="a time such as 4h")] = None


@pytest.mark.parametrize(
    ("value", "field", "message"),
    [
        ({}, "name", "Missing field 'name'."),
        ({"name": None}, "name", "name must be text, not None."),
        ({"name": 1}, "name", "name must be text, not 1."),
        ({"name": "x", "more": 1}, "more", "Unknown field 'more'. Valid fields: env, flag,"),
        ({"name": "x", "inner": {"more": 1}}, "inner.more", "field 'more'. Valid fields: count, order,"),
        ({"name": "x", "inner": 3}, "inner", "inner must be an object, not 3."),
        ({"name": "x", "inner": {"count": 0}}, "inner.count", "must be a whole number from 1 to 10, not 0."),
        ({"name": "x", "inner": {"count": True}}, "inner.count", "from 1 to 10, not True."),
        ({"name": "x", "inner": {"count": 10**99}}, "inner.count", "not a number with more than 20 digits."),
        ({"name": "x", "inner": {"size": float("nan")}}, "inner.size", "a number, 0 or more, not nan."),
        ({"name": "x", "inner": {"order": "left"}}, "inner.order", "must be one of down, up, not 'left'."),
        ({"name": "x", "names": "y"}, "names", "names must be a list of strings, not 'y'."),
        ({"name": "x", "names": ["y", 2]}, "names", "names[1] must be text, not 2."),
        ({"name": "x", "flag": 1}, "flag", "flag must be true or false, not 1."),
        ({"name": "x", "env": {"A": 1}}, "env", "The values of env must be text."),
        ({"name": "x", "time": 1}, "time", "time must be a time such as 4h, not 1."),
        ([1], "", "This must be an object, not a list."),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_said(value: Any, field: str, message: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        convert(value, Outer)
    assert caught.value.field == field
    assert message in str(caught.value)


@pytest.mark.parametrize(
    "key", ["x` - at `$.name", "x` - at `$.inner.count", "x` - at `$[...]", "` - at", "\ud800", ""]
)
def test_odd_names_of_fields_are_refused(key: str) -> None:
    with pytest.raises(InvalidInput):
        convert({"name": "x", "inner": {}, key: 1}, Outer)


def test_texts_of_an_address_stand_for_numbers_and_flags() -> None:
    class Address(msgspec.Struct):
        limit: Annotated[int, Meta(ge=1)] = 1
        flag: bool = False
        name: str = ""

    found = convert({"limit": "7", "flag": "true", "name": "12"}, Address, strict=False)
    assert found == Address(limit=7, flag=True, name="12")
    with pytest.raises(InvalidInput, match="limit must be a whole number, 1 or more, not 'x'"):
        convert({"limit": "x"}, Address, strict=False)
