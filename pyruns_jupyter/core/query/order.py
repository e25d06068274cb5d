"""Sorting rows: numbers as numbers, numbers within texts too, what is missing last, equal ones by name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pyruns_jupyter.core.common.errors import InvalidInput
from pyruns_jupyter.core.common.natural_order import natural_key
from pyruns_jupyter.core.tasks.row import TaskRow

from .fields import MISSING, AmbiguousField, Fields, Getter, UnknownField, sort_rank
from .notices import QueryNotice, names
from .values import value_text

MAX_KEYS = 8


def ordered(
    rows: Sequence[TaskRow], fields: Fields, sort: str, order: str
) -> tuple[list[TaskRow], list[QueryNotice]]:
    """Return rows in order, pinned ones first, and what is to be said about the sort keys.

    `sort` names fields between commas, the most important one first; a `-` before one turns its direction.

    Raises:
        InvalidInput: with `field` "sort", when a key is ambiguous.
    """
    said: list[QueryNotice] = []
    found = sorted(rows, key=lambda row: natural_key(row.name))
    descending = order == "desc"
    for key, is_turned in reversed(_keys(sort, fields)):
        is_descending = descending != is_turned
        if key == "name":
            found.sort(key=lambda row: natural_key(row.name), reverse=is_descending)
            continue
        try:
            get = sort_rank(fields.find(key))
        except AmbiguousField as error:
            raise InvalidInput(
                f"`{key}` may be {names(error.candidates)}. Sort by one of them.",
                field="sort",
                suggestions=error.candidates,
            ) from None
        except UnknownField as error:
            if fields.rows:
                hint = f"; did you mean {names(error.close)}?" if error.close else "."
                message = f"There is no field `{key}` to sort by{hint}"
                said.append(
                    QueryNotice("unknown_field", message, suggestions=tuple(error.close), field="sort")
                )
            continue
        found = _by(found, get, is_descending)
    pinned = [row for row in found if row.pinned]
    if pinned:
        found = pinned + [row for row in found if not row.pinned]
    return found, said


def _keys(sort: str, fields: Fields) -> list[tuple[str, bool]]:
    """Return the sort keys, and whether each is turned around."""
    parts = [part.strip() for part in sort.split(",")]
    if len(parts) > 1 and (sort in fields.swept or sort in fields.figures):
        parts = [sort]  # a key with a comma in it
    found = [(part.removeprefix("-"), part.startswith("-")) for part in parts if part.strip("-")]
    if len(found) > MAX_KEYS:
        raise InvalidInput(f"Tasks are sorted by at most {MAX_KEYS} fields.", field="sort")
    return found


def _by(rows: list[TaskRow], get: Getter, is_descending: bool) -> list[TaskRow]:
    """Return rows by one field: numbers, then texts, or the other way round; those without it last."""
    numbers: list[tuple[Any, TaskRow]] = []
    texts: list[tuple[Any, TaskRow]] = []
    missing: list[TaskRow] = []
    for row in rows:
        value = get(row)
        kind = type(value)
        if kind is float or kind is int or kind is bool:
            if value == value:
                numbers.append((value, row))
            else:
                missing.append(row)
        elif value is None or value is MISSING:
            missing.append(row)
        else:
            texts.append((natural_key(value_text(value)), row))
    numbers.sort(key=_first, reverse=is_descending)
    texts.sort(key=_first, reverse=is_descending)
    groups: list[list[tuple[Any, TaskRow]]] = [numbers, texts]
    if is_descending:
        groups.reverse()
    return [row for group in groups for _, row in group] + missing


def _first(pair: tuple[Any, TaskRow]) -> Any:
    return pair[0]
