"""Write tables as Parquet with pyarrow or, if it is not installed, polars."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime, timezone
from itertools import islice
from typing import IO, Any, Protocol

from pyruns_jupyter.core.common.errors import InvalidInput

_ROWS = 200_000  # of a table with types that are written at once
_MAX_INTEGER = 1 << 63


class Rows(Protocol):
    """A table. `times` are the titles of columns with epoch seconds. `types` are the types of all columns:
    `text`, `integer`, `number` or `time`; if it is empty, they depend on the values.
    """

    @property
    def columns(self) -> list[str]:
        """The titles of the columns."""

    @property
    def times(self) -> frozenset[str]:
        """See above."""

    @property
    def types(self) -> Mapping[str, str]:
        """See above."""

    def rows(self) -> Iterator[dict[str, Any]]:
        """Yield each row as a dictionary of all columns by title."""


def check_installed() -> None:
    """Check that a library that writes Parquet is installed.

    Raises:
        InvalidInput: if none is, with `field` "format".
    """
    _writer()


def write_parquet(table: Rows, stream: IO[bytes]) -> None:
    """Write a table. Points in time are timestamps in UTC; lists and mappings are JSON.

    Raises:
        InvalidInput: if no library for Parquet is installed.
        OSError: if it cannot be written.
    """
    _writer()(table, stream)


def _writer() -> Callable[[Rows, IO[bytes]], None]:
    for library, write in (("pyarrow.parquet", _with_pyarrow), ("polars", _with_polars)):
        try:
            __import__(library)
            return write
        except ImportError:
            continue
    raise InvalidInput(
        "Parquet files need pyarrow or polars, and neither is installed. Run 'pip install pyarrow', or "
        "choose another format.",
        field="format",
    )


def _with_pyarrow(table: Rows, stream: IO[bytes]) -> None:
    import pyarrow  # type: ignore[import-not-found,import-untyped,unused-ignore]  # optional
    from pyarrow import parquet  # type: ignore[import-not-found,import-untyped,unused-ignore]

    kinds = {
        "text": pyarrow.string(),
        "integer": pyarrow.int64(),
        "number": pyarrow.float64(),
        "time": pyarrow.timestamp("us", tz="UTC"),
    }
    schema = pyarrow.schema([(title, kinds[kind]) for title, kind in table.types.items()])
    writer = None
    try:
        for columns in _parts(table):
            part = pyarrow.table(columns, schema=schema if table.types else None)
            if writer is None:
                writer = parquet.ParquetWriter(stream, part.schema)
            writer.write_table(part)
    finally:
        if writer is not None:
            writer.close()


def _with_polars(table: Rows, stream: IO[bytes]) -> None:
    import polars

    kinds: dict[str, Any] = {
        "text": polars.String,
        "integer": polars.Int64,
        "number": polars.Float64,
        "time": polars.Datetime("us", "UTC"),
    }
    schema = {title: kinds[kind] for title, kind in table.types.items()} or None
    parts = [polars.DataFrame(columns, schema=schema, strict=False) for columns in _parts(table)]
    polars.concat(parts).write_parquet(stream)


def _parts(table: Rows) -> Iterator[dict[str, list[Any]]]:
    """Yield the values of the columns, some rows at a time if their types are known; at least once.

    All titles and texts can be encoded as UTF-8.
    """
    rows, titles, is_first = table.rows(), table.columns, True
    while True:
        part = list(islice(rows, _ROWS) if table.types else rows)
        if not part and not is_first:
            return
        is_first = False
        columns = {title: [row[title] for row in part] for title in titles}
        for title, values in columns.items():
            if title in table.times:
                columns[title] = [_moment(value) for value in values]
            elif not table.types:
                columns[title] = of_one_type(values, _as_json)
            elif table.types[title] == "number":
                columns[title] = [None if value is None else _float(value) for value in values]
        yield {_encodable(title): [_encodable(one) for one in values] for title, values in columns.items()}


def of_one_type(values: Sequence[Any], as_text: Callable[[Any], str] = str) -> list[Any]:
    """Return values of a single type: unchanged, as floats, or else as texts."""
    kinds = {type(value) for value in values if value is not None}
    is_large = int in kinds and any(type(one) is int and abs(one) >= _MAX_INTEGER for one in values)
    if len(kinds) <= 1 and not kinds & {list, dict} and not is_large:
        return list(values)
    if kinds <= {int, float}:
        return [None if value is None else _float(value) for value in values]
    return [None if value is None else as_text(value) for value in values]


def _encodable(value: Any) -> Any:
    return value.encode("utf-8", "backslashreplace").decode() if isinstance(value, str) else value


def _as_json(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _float(value: int | float) -> float:
    try:
        return float(value)
    except OverflowError:
        return float("inf") if value > 0 else float("-inf")


def _moment(epoch: Any) -> datetime | None:
    try:
        return datetime.fromtimestamp(epoch, timezone.utc)
    except (TypeError, ValueError, OverflowError, OSError):
        return None
