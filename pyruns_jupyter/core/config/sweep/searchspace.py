"""The search space of an adaptive study: one YAML text whose values are ranges and choices.

The grammar is that of `batch`, but a trial takes one of the values of each key. Ranges need no count here:

    log(1e-5, 1e-1)      any number between the ends on a log scale; an integer if both ends are integers
    uniform(0, 0.5)      any number between the ends
    1:65                 any integer from 1 to 64
    0.1 | 0.9 if opt == sgd else 0.0
                         only varied in trials in which the condition on another key of the search space holds
    log(1e-5, 1e-3) if opt == adam else log(1e-3, 1e-1)
                         a range or choices for each value of another key

A zip `(a | b)` is not allowed, as the keys are independent.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, TypeAlias

from pyruns_jupyter.core.common.errors import InvalidInput
from pyruns_jupyter.core.common.time_limit import check_time
from pyruns_jupyter.core.config.yamltext.batch_spans import (
    GENERATOR,
    MAX_CONDITIONS,
    RANGE,
    group_of,
    looks_batch,
    split_conditional,
)
from pyruns_jupyter.core.config.yamltext.reader import Path, SweptValue
from pyruns_jupyter.core.config.yamltext.textscan import ScanError, matching_close
from pyruns_jupyter.core.config.yamltext.values import identity, number_text, value_text

from .batch import DEFAULT_LIMIT, Candidate, shifted
from .conditions import Condition, is_number, read_condition
from .generators import OPEN_RANGES, Number, call_arguments, ends
from .swept_text import SweptText

_DIGITS = 6  # significant digits of a number in a trial, so that it is easy to read


@dataclass(frozen=True)
class Dimension:
    """A key of the search space and its position in the text.

    If `condition` does not hold in a trial, the key has the value `otherwise`, or one of this range or these
    choices. Of a key with several ranges or choices, each is a dimension with the text of its condition as
    `branch`.
    """

    key: str
    path: Path
    line: int
    column: int
    condition: Condition | None = field(default=None, kw_only=True)
    otherwise: Candidate | Interval | Choices | None = field(default=None, kw_only=True)
    branch: str = field(default="", kw_only=True)

    @property
    def name(self) -> str:
        """The key, with the branch if the key has several."""
        return f"{self.key} ({self.branch})" if self.branch else self.key

    @property
    def is_conditional(self) -> bool:
        """Whether some trials do not vary it."""
        return self.condition is not None or bool(self.branch)

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
            if self._is_always_numeric():
                return ""
            return f"{condition.operator} compares numbers, but {self.key} has other values"
        for value in condition.values:
            if not self._can_be(value):
                return f"the condition names {value_text(value)}, but {self.key} never has this value"
        return ""

    def _is_always_numeric(self) -> bool:
        after = self.otherwise
        return self._is_numeric() and (not isinstance(after, Dimension) or after._is_always_numeric())

    def _can_be(self, value: object) -> bool:
        """Return whether the key can have this value in any trial."""
        after = self.otherwise
        if isinstance(after, Dimension):
            return self.contains(value) or after._can_be(value)
        return self.contains(value) or (after is not None and identity(after.value) == identity(value))


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


Branch: TypeAlias = Interval | Choices


def branches(dimension: Branch) -> list[Branch]:
    """Return the range or choices of a key, and those after `else`."""
    found = [dimension]
    while isinstance(dimension.otherwise, (Interval, Choices)):
        dimension = dimension.otherwise
        found.append(dimension)
    return found


def active_branch(dimension: Branch, values: Mapping[str, Any]) -> Branch | Candidate:
    """Return the range, choices or single value of a key in a trial with these values of other keys."""
    found: Branch | Candidate = dimension
    while not isinstance(found, Candidate) and (condition := found.condition) is not None:
        if condition.key in values and condition.holds(values[condition.key]):
            break
        assert found.otherwise is not None
        found = found.otherwise
    return found


class SearchSpace(SweptText[Branch]):
    """The dimensions of a YAML mapping; a key has at most `limit` values to choose from.

    As much is read as possible; `errors` has all errors. `dimensions` have the order of the text, `ordered`
    are the same with each one after that on which its condition depends.
    """

    def __init__(self, text: str, *, limit: int = DEFAULT_LIMIT) -> None:
        self.dimensions: list[Branch] = []
        self._conditional: list[tuple[SweptValue, int, Condition]] = []  # with the offset of the key
        super().__init__(text, limit=limit)
        self.ordered = self._in_order()
        if not self.errors and not self.dimensions:
            self.errors.append(
                InvalidInput(
                    "The search space is empty. Specify a range or several values for at least one key, such "
                    "as log(1e-5, 1e-1), 1:65 or adam | sgd.",
                    field="yaml",
                )
            )

    @property
    def size(self) -> int | None:
        """The number of configurations if all conditions held: with conditions, an upper bound.

        None when a dimension is continuous.
        """
        sizes = [[branch.size for branch in branches(one)] for one in self.dimensions]
        known = [[size for size in found if size is not None] for found in sizes]
        return math.prod(map(max, known)) if known == sizes else None

    def active_branches(self, values: Mapping[str, Any]) -> dict[str, Branch]:
        """Return the ranges and choices that apply to a trial with these values, by key."""
        found: dict[str, Branch] = {}
        effective: dict[str, Any] = {}
        for one in self.ordered:
            branch = active_branch(one, effective)
            if isinstance(branch, Candidate):
                effective[one.key] = branch.value
            elif one.key in values:
                found[one.key], effective[one.key] = branch, values[one.key]
        return {one.key: found[one.key] for one in self.dimensions if one.key in found}

    def values_in(self, config: Mapping[str, Any]) -> dict[str, Any] | None:
        """Return the values of the dimensions whose conditions hold in a configuration, None if one of these
        values is missing or not in the search space.
        """
        given = {one.key: _value_at(config, one.path) for one in self.dimensions}
        found = self.active_branches(given)
        if not all(branch.contains(given[key]) for key, branch in found.items()):
            return None
        return {key: given[key] for key in found}

    def config_text(self, values: Mapping[str, Any]) -> str:
        """Return the text with one value for each dimension, else unchanged.

        A dimension that has no value in `values` is not active and gets that of its `else`.
        """

        def text_of(piece: str | Branch) -> str:
            if isinstance(piece, str):
                return piece
            known = branches(piece)
            single = known[-1].otherwise
            if isinstance(single, Candidate) and piece.key not in values:
                return single.text
            value = values[piece.key]
            return next((one for one in known if one.contains(value)), piece).text(value)

        return "".join(map(text_of, self._pieces))

    def corners(self) -> str:
        """Return the text as a sweep over the ends of each interval and all other values, to check these
        against the script's parameters.
        """
        return "".join(
            piece if isinstance(piece, str) else " | ".join(_corner_texts(piece)) for piece in self._pieces
        )

    def _read(self, place: SweptValue) -> Branch | str:
        found = self._branch(place, 0, ())
        if isinstance(found, Candidate):
            return found.text
        self.dimensions.append(found)
        return found

    def _branch(self, place: SweptValue, start: int, failed: tuple[Condition, ...]) -> Branch | Candidate:
        """Return what is in the text of a value from `start` on, after the conditions `failed`."""
        rest = replace(place, source=place.source[start:])
        parts = split_conditional(rest.source)
        with shifted(start):
            if parts is None:
                found = self._dimension(rest)
                if failed and not isinstance(found, Candidate):
                    found = replace(found, branch="else")
                return found
            condition = read_condition(parts, place.key)
            found = self._dimension(replace(place, source=parts.values))
            if isinstance(found, Candidate):
                raise ScanError("a value with a condition needs a range or several values before 'if'")
            if failed and condition.key != failed[0].key:
                raise ScanError(
                    f"all conditions of a value compare the same key, here {failed[0].key}", parts.key_at
                )
            if condition in failed or len(failed) >= MAX_CONDITIONS:
                raise ScanError(
                    f"a value has at most {MAX_CONDITIONS} conditions, each of them once", parts.key_at
                )
        otherwise = self._branch(place, start + parts.otherwise_at, (*failed, condition))
        self._conditional.append((place, start + parts.key_at, condition))
        is_only = isinstance(otherwise, Candidate) and not failed
        branch = "" if is_only else f"{parts.key} {parts.operator} {parts.wanted}"
        return replace(found, condition=condition, otherwise=otherwise, branch=branch)

    def _dimension(self, place: SweptValue) -> Branch | Candidate:
        """Return what is in the text of a value without a condition."""
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
            return candidates[0]
        return Choices(*at, candidates, _is_ordered(candidates))

    def _in_order(self) -> list[Branch]:
        """Return the dimensions, each after the one on which its condition depends; add wrong conditions to
        `errors`.
        """
        known = {one.key: one for one in self.dimensions}
        for place, offset, condition in self._conditional:
            check_time()
            other = known.get(condition.key)
            if other is None:
                wrong = f"the condition needs a key of the search space, but {condition.key} is not varied"
            else:
                wrong = other.check_condition(condition)
            if wrong:
                self.errors.append(self.template.located(place, ScanError(wrong, offset)))
        places = {one.key: at for at, one in enumerate(self.dimensions)}
        dependents: dict[str, list[Branch]] = {}
        for one in self.dimensions:
            if one.condition is not None:
                dependents.setdefault(one.condition.key, []).append(one)
        ordered: list[Branch] = []
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
        for place, offset, condition in self._conditional:
            check_time()
            if place.key in waiting and condition.key in waiting:
                message = f"the conditions of {place.key} and {condition.key} depend on each other"
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


def _corner_texts(dimension: Branch) -> list[str]:
    texts = []
    for one in branches(dimension):
        if isinstance(one, Interval):
            texts += [one.text(one.low), one.text(one.high)]
        else:
            texts += [candidate.text for candidate in one.candidates]
        if isinstance(one.otherwise, Candidate):
            texts.append(one.otherwise.text)
    return texts


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
