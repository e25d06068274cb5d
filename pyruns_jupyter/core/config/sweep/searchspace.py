"""The search space of an adaptive study: one YAML text whose values are ranges and choices.

The grammar is that of `batch`, but a trial takes one of the values of each key. Ranges need no count here:

    log(1e-5, 1e-1)      any number between the ends on a log scale; an integer if both ends are integers
    uniform(0, 0.5)      any number between the ends
    1:65                 any integer from 1 to 64

A zip `(a | b)` is not allowed, as the keys are independent.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

from pyruns_jupyter.core.common.errors import InvalidInput
from pyruns_jupyter.core.config.yamltext.batch_spans import GENERATOR, RANGE, group_of, looks_batch
from pyruns_jupyter.core.config.yamltext.reader import Path, SweptValue
from pyruns_jupyter.core.config.yamltext.textscan import ScanError, matching_close
from pyruns_jupyter.core.config.yamltext.values import identity, number_text, value_text

from .batch import DEFAULT_LIMIT, Candidate
from .generators import OPEN_RANGES, Number, call_arguments, ends
from .swept_text import SweptText

_DIGITS = 6  # significant digits of a number in a trial, so that it is easy to read


@dataclass(frozen=True)
class Dimension:
    """A key of the search space and its position in the text."""

    key: str
    path: Path
    line: int
    column: int


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

    As much is read as possible; `errors` has all errors.
    """

    def __init__(self, text: str, *, limit: int = DEFAULT_LIMIT) -> None:
        self.dimensions: list[Interval | Choices] = []
        super().__init__(text, limit=limit)
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
        """The number of configurations, None when a dimension is continuous."""
        sizes = [_size(dimension) for dimension in self.dimensions]
        return None if None in sizes else math.prod(size for size in sizes if size is not None)

    def config_text(self, values: Mapping[str, Any]) -> str:
        """Return the text with one value for each dimension, else unchanged."""
        return "".join(
            piece if isinstance(piece, str) else piece.text(values[piece.key]) for piece in self._pieces
        )

    def corners(self) -> str:
        """Return the text as a sweep over the ends of each interval and all other values, to check these
        against the script's parameters.
        """
        return "".join(
            piece
            if isinstance(piece, str)
            else " | ".join(map(piece.text, (piece.low, piece.high)))
            if isinstance(piece, Interval)
            else " | ".join(candidate.text for candidate in piece.candidates)
            for piece in self._pieces
        )

    def _read(self, place: SweptValue) -> Interval | Choices | str:
        at = (place.key, place.path, place.line, place.column)
        dimension: Interval | Choices
        found = _open_ends(place.source)
        if found is not None:
            dimension = Interval(*at, *found)
        else:
            group = group_of(place.source)
            if group is not None and looks_batch(group[1].strip()):
                raise ScanError(
                    "zipped values (a | b) are not allowed in a search space. Remove the parentheses"
                )
            different: dict[object, Candidate] = {}
            for one in self._expanded(place).candidates:
                different.setdefault(identity(one.value), one)
            candidates = tuple(different.values())
            if len(candidates) == 1:
                return candidates[0].text
            dimension = Choices(*at, candidates, _is_ordered(candidates))
        self.dimensions.append(dimension)
        return dimension


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


def _size(dimension: Interval | Choices) -> int | None:
    if isinstance(dimension, Choices):
        return len(dimension.candidates)
    return int(dimension.high) - int(dimension.low) + 1 if dimension.whole else None
