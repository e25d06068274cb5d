"""The search space of an adaptive study: one YAML text whose values are ranges and choices.

The grammar is that of `batch`, but a trial takes one of the values of each key. Ranges need no count here:

    log(1e-5, 1e-1)      any number between the ends on a log scale; an integer if both ends are integers
    uniform(0, 0.5)      any number between the ends
    1:65                 any integer from 1 to 64
    0.1 | 0.9 if opt == sgd else 0.0
                         only varied in trials in which the condition on another key of the search space holds

A zip `(a | b)` is not allowed, as the keys are independent.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar

from pyruns_jupyter.core.common.errors import InvalidInput
from pyruns_jupyter.core.common.time_limit import check_time
from pyruns_jupyter.core.config.yamltext.batch_spans import (
    GENERATOR,
    RANGE,
    group_of,
    looks_batch,
    split_conditional,
)
from pyruns_jupyter.core.config.yamltext.reader import Path, SweptValue
from pyruns_jupyter.core.config.yamltext.textscan import ScanError, matching_close
from pyruns_jupyter.core.config.yamltext.values import identity, number_text, value_text

from .batch import DEFAULT_LIMIT, Candidate
from .conditions import Condition, is_number, read_condition
from .generators import OPEN_RANGES, Number, call_arguments, ends
from .swept_text import SweptText

_DIGITS = 6  # significant digits of a number in a trial, so that it is easy to read


@dataclass(frozen=True)
class Dimension:
    """A key of the search space and its position in the text.

    If `condition` does not hold in a trial, the key has the value `otherwise`.
    """

    key: str
    path: Path
    line: int
    column: int
    condition: Condition | None = field(default=None, kw_only=True)
    otherwise: Candidate | None = field(default=None, kw_only=True)

    def contains(self, value: object) -> bool:
        """Return whether a trial can have this value."""
        raise NotImplementedError

    @property
    def size(self) -> int | None:
        """The number of values, None if it is continuous."""
        raise NotImplementedError

    def _is_numeric(self) -> bool:
        """Return whether all values are numbers."""
        raise NotImplementedError

    def check_condition(self, condition: Condition) -> str:
        """Return what is wrong with a condition on the value of this key; empty if nothing."""
        if condition.is_ordered:
            if self._is_numeric():
                return ""
            return f"{condition.operator} compares numbers, but {self.key} has other values"
        for value in condition.values:
            if not self.contains(value) and not self._is_otherwise(value):
                return f"the condition names {value_text(value)}, but {self.key} never has this value"
        return ""

    def _is_otherwise(self, value: object) -> bool:
        """Return whether a value is the one that the key has if its condition does not hold."""
        return self.otherwise is not None and identity(self.otherwise.value) == identity(value)


@dataclass(frozen=True)
class Interval(Dimension):
    """Any number from `low` to `high`, both included; only integers when both are. `log`: on a log scale."""

    kind: ClassVar[str] = "interval"

    low: Number
    high: Number
    log: bool = False

    @property
    def whole(self) -> bool:
        """Whether a trial gets an integer."""
        return isinstance(self.low, int) and isinstance(self.high, int)

    def contains(self, value: object) -> bool:
        """Return whether a trial can have this value."""
        if not isinstance(value, (int, float)) or not is_number(value):
            return False
        return bool(self.low <= value <= self.high) and (not self.whole or isinstance(value, int))

    @property
    def size(self) -> int | None:
        """The number of values, None if it is continuous."""
        return int(self.high) - int(self.low) + 1 if self.whole else None

    def _is_numeric(self) -> bool:
        return True

    def near(self, value: Number) -> Number:
        """Return a number between the ends, rounded for a trial."""
        if self.whole:
            return int(value)
        return min(max(float(f"{value:.{_DIGITS}g}"), float(self.low)), float(self.high))

    def text(self, value: object) -> str:
        """Return a value as YAML."""
        return number_text(value) if isinstance(value, (int, float)) else value_text(value)


@dataclass(frozen=True)
class Choices(Dimension):
    """One of several values; `ordered` when they are rising or falling numbers, so near ones are similar."""

    candidates: tuple[Candidate, ...]
    ordered: bool = False

    @property
    def kind(self) -> str:
        """`ordered` or `choice`."""
        return "ordered" if self.ordered else "choice"

    def contains(self, value: object) -> bool:
        """Return whether a trial can have this value."""
        return self.index(value) is not None

    @property
    def size(self) -> int:
        """The number of values."""
        return len(self.candidates)

    def _is_numeric(self) -> bool:
        return all(is_number(one.value) for one in self.candidates)

    def index(self, value: object) -> int | None:
        """Return the index of the candidate that a value is, None when it is not a candidate."""
        mark = identity(value)
        found = (at for at, one in enumerate(self.candidates) if identity(one.value) == mark)
        return next(found, None)

    def text(self, value: object) -> str:
        """Return a value as YAML, as written in the text."""
        at = self.index(value)
        return value_text(value) if at is None else self.candidates[at].text


class SearchSpace(SweptText["Interval | Choices"]):
    """The dimensions of a YAML mapping; a key has at most `limit` values to choose from.

    As much is read as possible; `errors` has all errors. `dimensions` have the order of the text, `ordered`
    are the same with each one after that on which its condition depends.
    """

    def __init__(self, text: str, *, limit: int = DEFAULT_LIMIT) -> None:
        self.dimensions: list[Interval | Choices] = []
        self._conditional: list[tuple[SweptValue, int, Interval | Choices]] = []  # with the offset of the key
        super().__init__(text, limit=limit)
        self.ordered = self._in_order()
        if not self.errors and not self.dimensions:
            self.errors.append(
                InvalidInput(
                    "The search space is empty. Specify a range or several values for at least one "
                    "key, such as "
                    "log(1e-5, 1e-1), 1:65 or adam | sgd.",
                    field="yaml",
                )
            )

    @property
    def size(self) -> int | None:
        """The number of configurations if all conditions held: with conditions, an upper bound.

        None when a dimension is continuous.
        """
        sizes = [dimension.size for dimension in self.dimensions]
        return None if None in sizes else math.prod(size for size in sizes if size is not None)

    def active(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return those of the values whose conditions hold; keys that have no value are missing."""
        found: dict[str, Any] = {}
        effective: dict[str, Any] = {}
        for one in self.ordered:
            if self.is_active(one, effective):
                if one.key not in values:
                    continue
                found[one.key] = values[one.key]
            effective[one.key] = found[one.key] if one.key in found else _otherwise(one)
        return {one.key: found[one.key] for one in self.dimensions if one.key in found}

    def values_in(self, config: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return the values of the dimensions whose conditions hold in a configuration, None if one of these
        values is missing or not in the search space.
        """
        given = {one.key: _value_at(config, one.path) for one in self.dimensions}
        found = self.active(given)
        known = {one.key: one for one in self.dimensions}
        return found if all(known[key].contains(value) for key, value in found.items()) else None

    @staticmethod
    def is_active(dimension: Dimension, values: Mapping[str, Any]) -> bool:
        """Return whether the condition of a dimension holds; `values` has the value of its key."""
        condition = dimension.condition
        return condition is None or (condition.key in values and condition.holds(values[condition.key]))

    def config_text(self, values: Mapping[str, Any]) -> str:
        """Return the text with one value for each dimension, else unchanged.

        A dimension that has no value in `values` is not active and gets that of its `else`.
        """

        def text_of(piece: str | Interval | Choices) -> str:
            if isinstance(piece, str):
                return piece
            if piece.otherwise is not None and piece.key not in values:
                return piece.otherwise.text
            return piece.text(values[piece.key])

        return "".join(map(text_of, self._pieces))

    def corners(self) -> str:
        """Return the text as a sweep over the ends of each interval and all other values, to check these
        against the script's parameters.
        """
        return "".join(
            piece if isinstance(piece, str) else " | ".join(_corner_texts(piece)) for piece in self._pieces
        )

    def _read(self, place: SweptValue) -> Interval | Choices | str:
        parts = split_conditional(place.source)
        if parts is None:
            dimension = self._dimension(place)
        else:
            condition, otherwise = read_condition(parts, place.key)
            dimension = self._dimension(replace(place, source=parts.values))
            if isinstance(dimension, str):
                raise ScanError("a value with a condition needs a range or several values before 'if'")
            dimension = replace(dimension, condition=condition, otherwise=otherwise)
            self._conditional.append((place, parts.key_at, dimension))
        if not isinstance(dimension, str):
            self.dimensions.append(dimension)
        return dimension

    def _dimension(self, place: SweptValue) -> Interval | Choices | str:
        """Return the dimension of a value without a condition; its text if it is a single value."""
        at = (place.key, place.path, place.line, place.column)
        found = _open_ends(place.source)
        if found is not None:
            return Interval(*at, *found)
        group = group_of(place.source)
        if group is not None and looks_batch(group[1].strip()):
            raise ScanError("zipped values (a | b) are not allowed in a search space. Remove the parentheses")
        different: dict[object, Candidate] = {}
        for one in self._expanded(place).candidates:
            different.setdefault(identity(one.value), one)
        candidates = tuple(different.values())
        if len(candidates) == 1:
            return candidates[0].text
        return Choices(*at, candidates, _is_ordered(candidates))

    def _in_order(self) -> list[Interval | Choices]:
        """Return the dimensions, each after the one on which its condition depends; add wrong conditions to
        `errors`.
        """
        known = {one.key: one for one in self.dimensions}
        for place, offset, one in self._conditional:
            check_time()
            assert one.condition is not None
            other = known.get(one.condition.key)
            if other is None:
                wrong = (
                    f"the condition needs a key of the search space, but {one.condition.key} is not varied"
                )
            else:
                wrong = other.check_condition(one.condition)
            if wrong:
                self.errors.append(self.template.located(place, ScanError(wrong, offset)))
        places = {one.key: at for at, one in enumerate(self.dimensions)}
        dependents: dict[str, list[Interval | Choices]] = {}
        for one in self.dimensions:
            if one.condition is not None:
                dependents.setdefault(one.condition.key, []).append(one)
        ordered: list[Interval | Choices] = []
        ready = [one for one in self.dimensions if one.condition is None]
        while ready:
            check_time()
            ordered += ready
            found = [one for done in ready for one in dependents.pop(done.key, [])]
            ready = sorted(found, key=lambda one: places[one.key])
        if dependents:
            self._reject_circles({one.key for group in dependents.values() for one in group})
        return ordered

    def _reject_circles(self, waiting: set[str]) -> None:
        for place, offset, one in self._conditional:
            check_time()
            if one.key in waiting and one.condition is not None and one.condition.key in waiting:
                message = f"the conditions of {one.key} and {one.condition.key} depend on each other"
                self.errors.append(self.template.located(place, ScanError(message, offset)))


_MISSING = object()  # no dimension contains it


def _value_at(config: object, path: Path) -> object:
    for part in path:
        if isinstance(config, dict) and part in config:
            config = config[part]
        elif isinstance(config, list) and str(part).isdecimal() and int(part) < len(config):
            config = config[int(part)]
        else:
            return _MISSING
    return config


def _otherwise(dimension: Dimension) -> object:
    return None if dimension.otherwise is None else dimension.otherwise.value


def _corner_texts(dimension: Interval | Choices) -> list[str]:
    if isinstance(dimension, Interval):
        texts = [dimension.text(dimension.low), dimension.text(dimension.high)]
    else:
        texts = [candidate.text for candidate in dimension.candidates]
    return texts if dimension.otherwise is None else [*texts, dimension.otherwise.text]


def _open_ends(text: str) -> tuple[Number, Number, bool] | None:
    """Return low, high and `log` of a range without a count, None for other text.

    Raises:
        ScanError: when its ends are invalid.
    """
    call = GENERATOR.match(text)
    if call and call.group(1) in OPEN_RANGES and matching_close(text, call.end() - 1) == len(text) - 1:
        positional, named = call_arguments(text[call.end() : -1])
        if len(positional) != 2 or "n" in named:
            return None
        name = call.group(1)
        low, high = ends(name, [one for one, _ in positional], f"{name}(low, high)")
        if low >= high:
            raise ScanError(f"the lower bound of {name}(low, high) must be less than the upper bound")
        return (float(low), float(high), False) if name == "uniform" else (low, high, True)
    found = RANGE.fullmatch(text)
    if found and found.group(3) is None:
        try:
            low, high = int(found.group(1)), int(found.group(2)) - 1
        except ValueError:
            return None
        return (low, high, False) if low < high else None
    return None


def _is_ordered(candidates: Sequence[Candidate]) -> bool:
    numbers = [
        one.value
        for one in candidates
        if isinstance(one.value, (int, float)) and not isinstance(one.value, bool)
    ]
    if len(numbers) != len(candidates) or len(numbers) < 3:
        return False
    steps = [after - before for before, after in itertools.pairwise(numbers)]
    return all(step > 0 for step in steps) or all(step < 0 for step in steps)
