"""Group the points of a journal by key."""

from __future__ import annotations

from collections.abc import Container, Sequence
from typing import Any, NamedTuple

from .journal import SOURCE, TRACK


class Columns(NamedTuple):
    """Some lines of a journal, and the values of each key in them with the indexes of their lines.

    `replaced`: keys whose values from before these lines do not count any more.
    """

    entries: Sequence[dict[str, Any]]
    values: dict[str, tuple[list[Any], list[int]]]
    replaced: set[str]


def columns_of(entries: Sequence[dict[str, Any]], known: Container[str], imported: set[str]) -> Columns:
    """Return the values in the next lines of a journal that count: a key that the script tracks replaces that
    of a metric source.

    `known` are the keys in earlier lines, and `imported`, which is updated, those with values from sources.
    """
    columns = Columns(entries, {}, set())
    values = columns.values
    for row, entry in enumerate(entries):
        point = entry.get(TRACK)
        if type(point) is not dict:
            continue
        if SOURCE in entry:
            if not imported.issuperset(point):
                imported.update(key for key in point if key not in known and key not in values)
                point = {key: value for key, value in point.items() if key in imported}
        elif not imported.isdisjoint(point):
            for key in imported.intersection(point):
                imported.discard(key)
                values.pop(key, None)
                columns.replaced.add(key)
        for key, value in point.items():
            if key not in values:
                values[key] = ([], [])
            column, rows = values[key]
            column.append(value)
            rows.append(row)
    return columns
