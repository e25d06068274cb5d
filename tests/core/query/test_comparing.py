"""Comparisons of the values of a column, which may have several types."""

import math
from typing import Any

from pyruns_jupyter.core.query import select
from pyruns_jupyter.core.tasks.row import TaskRow, with_values


def test_values_of_several_types() -> None:
    values = ["1", 1, 1.0, True, "auto", "AUTO", None, [1], math.nan]
    rows = [
        with_values(TaskRow(f"task{at}", "pending"), swept={"key": value}) for at, value in enumerate(values)
    ]

    def found(query: str) -> list[Any]:
        return [row.swept["key"] for row in select(rows, query, sort="name", order="asc").items]

    assert found("key=1") == ["1", 1, 1.0, [1]]
    assert found("key=auto") == ["auto", "AUTO"]
    assert found("key!=auto")[:6] == ["1", 1, 1.0, True, None, [1]]
    assert found("key>0") == ["1", 1, 1.0]
    assert found("key=null") == [None]
