"""Sort rows: numbers by value, also within texts; missing values last; equal values by name."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from itertools import chain, islice
from operator import ne
from typing import Any, TypeVar

from pyruns_jupyter.core.common.errors import InvalidInput
from pyruns_jupyter.core.common.natural_order import natural_key
from pyruns_jupyter.core.tasks.row import TaskRow

from .diagnostics import QueryNotice, names
from .fields import MISSING, AmbiguousField, Fields, Getter, UnknownField, sort_rank
from .values import value_text

MAX_KEYS = 8
_COMMA = re.compile(r",(?![^()]*\))")  # outside parentheses
_NUMBERS = {int, float, bool}
T = TypeVar("T")


def ordered(
    rows: Sequence[TaskRow], fields: Fields, sort: str, order: str, first: int | None = None
) -> tuple[list[TaskRow], list[QueryNotice]]:
    """Return the `first` sorted rows, pinned ones before others, and notices about the sort keys.

    `rows` are in the natural order of their names. `sort` is a list of fields separated by commas; a `-`
    before a field reverses its order.

    Raises:
        InvalidInput: with `field` "sort", when a key is ambiguous or not valid.
    """
    notices: list[QueryNotice] = []
    steps: list[tuple[Getter, bool] | None] = []  # None for the reversed order of `rows`
    descending = order == "desc"
    for key, is_reversed in reversed(_keys(sort, fields)):
        is_descending = descending != is_reversed
        if key == "name":
            steps = [None] if is_descending else []
            continue
        try:
            field = fields.find(key)
        except AmbiguousField as error:
            raise InvalidInput(
                f"`{key}` is ambiguous and can be {names(error.candidates)}. "
                f"{error.advice or 'Sort by one of them.'}",
                field="sort",
                suggestions=error.candidates,
            ) from None
        except UnknownField as error:
            if fields.rows:
                hint = f". Did you mean {names(error.close)}?" if error.close else "."
                message = f"Unknown field `{key}` in the sort order{hint}"
                notices.append(
                    QueryNotice("unknown_field", message, suggestions=tuple(error.close), field="sort")
                )
            continue
        except InvalidInput as error:  # arguments of an aggregate
            raise InvalidInput(error.message, field="sort") from None
        if field.hint:
            notices.append(QueryNotice("goal", field.hint, field="sort"))
        steps.append((sort_rank(field), is_descending))
    pinned = [row for row in rows if row.pinned]
    found = _sorted(pinned, steps, first)
    if first is None or len(found) < first:
        others = [row for row in rows if not row.pinned] if pinned else rows
        found += _sorted(others, steps, None if first is None else first - len(found))
    return found, notices


def _sorted(
    rows: Sequence[TaskRow], steps: Sequence[tuple[Getter, bool] | None], first: int | None
) -> list[TaskRow]:
    """Return the `first` rows after all steps, of which the last one decides most."""
    found = list(rows)
    for left, step in zip(range(len(steps) - 1, -1, -1), steps, strict=True):
        found = found[::-1] if step is None else sort_by(found, *step, None if left else first)
    return found[:first]


def _keys(sort: str, fields: Fields) -> list[tuple[str, bool]]:
    """Return the sort keys, and whether each is reversed."""
    parts = [part.strip() for part in _COMMA.split(sort)]
    if len(parts) > 1 and (sort in fields.swept or sort in fields.metrics):
        parts = [sort]  # a key with a comma in it
    found = [(part.removeprefix("-"), part.startswith("-")) for part in parts if part.strip("-")]
    if len(found) > MAX_KEYS:
        raise InvalidInput(f"Sort by at most {MAX_KEYS} fields.", field="sort")
    return found


def sort_by(
    items: Iterable[T], get: Callable[[T], Any], is_descending: bool, first: int | None = None
) -> list[T]:
    """Return the `first` items sorted by a value: numbers, then texts, or reversed; those without a value
    last.
    """
    items = list(items)
    values = list(map(get, items))
    numbers: list[int] = []
    missing: list[int] = []
    texts: dict[int, str] = {}
    if set(map(type, values)) <= _NUMBERS and not any(map(ne, values, values)):  # none is NaN
        numbers.extend(range(len(values)))
    else:
        for position, value in enumerate(values):
            if type(value) in _NUMBERS:
                (numbers if value == value else missing).append(position)
            elif value is None or value is MISSING:
                missing.append(position)
            else:
                texts[position] = natural_key(value_text(value))
    numbers.sort(key=values.__getitem__, reverse=is_descending)
    named = sorted(texts, key=texts.__getitem__, reverse=is_descending)
    positions = (named, numbers, missing) if is_descending else (numbers, named, missing)
    return [items[position] for position in islice(chain(*positions), first)]
