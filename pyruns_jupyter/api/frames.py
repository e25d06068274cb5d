"""Results as tables of the libraries that people analyse them with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pyruns_jupyter.core.common.errors import InvalidInput

LIBRARIES = ("pandas", "polars")


def frame(library: str, titles: Sequence[str], rows: Sequence[dict[str, Any]]) -> Any:
    """Return rows as a `DataFrame` with the columns `titles`, in their order.

    Raises:
        InvalidInput: for another library.
        ImportError: when the library is not installed.
    """
    if library == "pandas":
        import pandas  # type: ignore[import-untyped]  # optional, so its stubs are not required

        return pandas.DataFrame(rows, columns=list(titles))
    if library == "polars":
        import polars

        # Of a column that holds numbers and texts, or whole numbers and others, polars wants to be told.
        columns = {title: _alike([row.get(title) for row in rows]) for title in titles}
        return polars.DataFrame(columns, strict=False)
    raise InvalidInput(f"{library!r} is no library for tables: pandas or polars.", field="library")


def _alike(values: list[Any]) -> list[Any]:
    """Return values of one kind: as they are, as floats, or else as texts."""
    kinds = {type(value) for value in values if value is not None}
    if len(kinds) <= 1 and not kinds & {list, dict}:
        return values
    if kinds <= {int, float}:
        return [None if value is None else _float(value) for value in values]
    return [None if value is None else str(value) for value in values]


def _float(value: int | float) -> float:
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")
