"""The layout of JSON files, which is that of `json.dumps(indent=2)`."""

from __future__ import annotations

import json
import math
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from pyruns_jupyter.core.fs.atomic import dump_json

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
