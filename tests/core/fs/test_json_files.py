"""JSON files: their layout is that of `json.dumps(indent=2)`, and they are read as by `json.loads`."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyruns_jupyter.core.common.errors import Unreadable
from pyruns_jupyter.core.fs.atomic import dump_json, parse_json

_texts = st.text(st.characters(exclude_categories=()))  # also lone surrogates
_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | _texts,
    lambda inner: st.lists(inner) | st.dictionaries(_texts, inner),
    max_leaves=20,
)


@given(_values)
def test_the_layout(value: Any) -> None:
    expected = json.dumps(value, indent=2, ensure_ascii=False)
    assert dump_json(value) == expected.encode("utf-8", "backslashreplace")


def test_numbers_that_are_not_finite_are_texts() -> None:
    value = {"a": [math.nan, math.inf, -math.inf], "\ud800": 1e-05}
    assert json.loads(dump_json(value)) == {"a": ["NaN", "Infinity", "-Infinity"], "\ud800": 1e-05}


@given(
    st.dictionaries(_texts, _values | st.floats()),
    st.sampled_from([None, 1, "\t"]),
    st.booleans(),
)
def test_what_is_read(value: dict[str, Any], indent: str | int | None, escaped: bool) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=escaped)
    data = text.encode("utf-8", "surrogatepass")
    try:
        expected = json.loads(data)
    except ValueError:
        with pytest.raises(Unreadable):
            parse_json(data, "file")
    else:
        assert repr(parse_json(data, "file")) == repr(expected)  # NaN is not equal to itself


@pytest.mark.parametrize(
    "text",
    [
        '{"a": 1, "a": 2}',
        '{"a": 1e400, "b": -1e400, "c": 1e-400}',
        '{"a": NaN, "b": -Infinity}',
        '{"a": 123456789012345678901234567890, "b": -9223372036854775809, "c": -0.0}',
        '\ufeff{"a": 1}',
        '{"a": "\\ud800", "b": "\\ud83d\\ude00", "c": "\x7f"}',
    ],
)
def test_what_other_parsers_read_otherwise(text: str) -> None:
    assert repr(parse_json(text.encode(), "file")) == repr(json.loads(text.encode()))
