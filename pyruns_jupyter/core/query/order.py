"""Sort rows: numbers by value, also within texts; missing values last; equal values by name."""

from __future__ import annotations

import re
from array import array
from collections.abc import Sequence
from itertools import compress, islice, repeat
from math import nan
from operator import ge, le
from struct import error, pack
from typing import Any, TypeVar

from pyruns_jupyter.core.common.errors import InvalidInput
from pyruns_jupyter.core.common.natural_order import natural_key
from pyruns_jupyter.core.tasks.row import TaskRow

from .diagnostics import QueryNotice, names
from .fields import MISSING, NO_VALUES, AmbiguousField, Column, Fields, UnknownField, sort_ranks
from .values import value_text

MAX_KEYS = 8
_COMMA = re.compile(r",(?![^()]*\))")  # outside parentheses
_NUMBERS = {int, float, bool}
_SAMPLE = 500  # numbers
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
    steps: list[tuple[Column, bool] | None] = []  # None for the reversed order of `rows`
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
        steps.append((sort_ranks(field), is_descending))
    pinned = [row for row in rows if row.pinned]
    found = _sorted(pinned, steps, first)
    if first is None or len(found) < first:
        others = [row for row in rows if not row.pinned] if pinned else rows
        found += _sorted(others, steps, None if first is None else first - len(found))
    return found, notices


def _sorted(
    rows: Sequence[TaskRow], steps: Sequence[tuple[Column, bool] | None], first: int | None
) -> list[TaskRow]:
    """Return the `first` rows after all steps, of which the last one decides most."""
    found = list(rows)
    for left, step in zip(range(len(steps) - 1, -1, -1), steps, strict=True):
        if step is None:
            found = found[::-1]
        else:
            found = sort_by(found, step[0](found), step[1], None if left else first)
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
    items: Sequence[T], values: Sequence[Any], is_descending: bool, first: int | None = None
) -> list[T]:
    """Return the `first` items sorted by their values: numbers, then texts, or reversed; those without a
    value last.
    """
    counted: Sequence[int] | None = _first_numbers(values, is_descending, first)
    if counted is None and frozenset(map(type, values)) - NO_VALUES == {str}:
        texts = {one for one in values if type(one) is str}  # many tasks have the same text
        ranks = {text: rank for rank, text in enumerate(sorted(texts, key=natural_key))}
        values = [*map(ranks.get, values)]
        counted = _first_numbers(values, is_descending, first)
    if counted is None:
        counted = _in_order(values, is_descending)
    return [items[position] for position in counted[:first]]


def _in_order(values: Sequence[Any], is_descending: bool) -> Sequence[int]:
    """Return the positions of all values in order."""
    numbers: Sequence[int] = range(len(values))
    texts: dict[int, str] = {}
    missing: list[int] = []
    if _are_numbers(values):
        if not is_descending and all(map(le, values, islice(values, 1, None))):
            return numbers  # as the creation times of tasks in the order of their names
    else:
        having = [at for at, value in enumerate(values) if value is not None and value is not MISSING]
        numbers = [at for at in having if type(values[at]) in _NUMBERS and values[at] == values[at]]
        if len(numbers) < len(having):
            others = [at for at in having if type(values[at]) not in _NUMBERS]
            texts = {at: natural_key(value_text(values[at])) for at in others}
        known = {*numbers, *texts}
        missing = [at for at in range(len(values)) if at not in known]
    named = sorted(texts, key=texts.__getitem__, reverse=is_descending)
    counted = sorted(numbers, key=values.__getitem__, reverse=is_descending)
    return [*named, *counted, *missing] if is_descending else [*counted, *named, *missing]


def _are_numbers(values: Sequence[Any]) -> bool:
    """Return whether all values are numbers, and none is NaN. False may be wrong, with infinities.

    A sum is quicker than a look at each of them.
    """
    try:
        total = sum(values)
    except (TypeError, OverflowError):  # the latter for a very large integer among floats
        return False
    return bool(total == total)


def _packed(values: Sequence[Any]) -> array[float]:
    """Return numbers in one block of memory, which are quick to read; NaN where there is no value."""
    form = f"{len(values)}d"  # quicker than `array`
    try:
        return array("d", pack(form, *values))
    except error:
        return array("d", pack(form, *[nan if value is None else value for value in values]))


def _first_numbers(values: Sequence[Any], is_descending: bool, first: int | None) -> list[int] | None:
    """Return the positions of at least the `first` numbers in order; None if they cannot be found quickly."""
    count = len(values)
    if first is None or count <= 10 * max(first, _SAMPLE):
        return None
    try:
        floats = _packed(values)
    except (error, OverflowError):  # for a text, and for a very large whole number
        return None
    # Few of all numbers lie beyond a limit that a sample of them shows.
    sample = sorted([one for one in floats[:: count // _SAMPLE] if one == one], reverse=is_descending)
    place = 2 * first * _SAMPLE // count + _SAMPLE // 50
    if place >= len(sample):
        return None
    compare = ge if is_descending else le
    beyond = [*compress(range(count), map(compare, floats, repeat(sample[place])))]
    return sorted(beyond, key=values.__getitem__, reverse=is_descending) if len(beyond) >= first else None
