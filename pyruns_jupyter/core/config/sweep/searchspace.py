"""What an adaptive sweep searches: one YAML text whose values are ranges and choices to pick from.

The grammar is that of `batch`, read otherwise: a value stands for what may be tried, not for what has to be.
Beside that, ranges need no count here:

    log(1e-5, 1e-1)      any number between, evenly in its logarithm; whole where both ends are
    uniform(0, 0.5)      any number between
    1:65                 any whole number from 1 to 64

A zip `(a | b)` has no meaning: each key is searched for itself.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pyruns_jupyter.core.common.errors import InvalidInput, InvalidInputs
from pyruns_jupyter.core.common.time_limit import check_time
from pyruns_jupyter.core.config.yamltext.batch_spans import GENERATOR, RANGE, group_of, looks_batch
from pyruns_jupyter.core.config.yamltext.reader import Path, SweptValue
from pyruns_jupyter.core.config.yamltext.template import Template
from pyruns_jupyter.core.config.yamltext.textscan import ScanError, matching_close
from pyruns_jupyter.core.config.yamltext.values import identity, number_text, value_text

from .batch import DEFAULT_LIMIT, Candidate, expand
from .generators import OPEN_RANGES, Number, ValueCounter, call_arguments, ends

_DIGITS = 6  # significant digits of a number that is tried: more would only be hard to read


@dataclass(frozen=True)
class Dimension:
    """One searched key and where it stands in the text."""

    key: str
    path: Path
    line: int
    column: int


@dataclass(frozen=True)
class Interval(Dimension):
    """Any number from `low` to `high`, both included; whole numbers only when both are; `log`: evenly in the
    logarithm.
    """

    low: Number
    high: Number
    log: bool = False

    @property
    def kind(self) -> str:
        """`interval`."""
        return "interval"

    @property
    def whole(self) -> bool:
        """Whether only whole numbers are tried."""
        return isinstance(self.low, int) and isinstance(self.high, int)

    def near(self, value: Number) -> Number:
        """Return the number that is tried for one between the ends: short enough to read."""
        if self.whole:
            return int(value)
        return min(max(float(f"{value:.{_DIGITS}g}"), float(self.low)), float(self.high))

    def text(self, value: object) -> str:
        """Return a value as YAML."""
        return number_text(value) if isinstance(value, (int, float)) else value_text(value)


@dataclass(frozen=True)
class Choices(Dimension):
    """One of several values; `ordered` when they are numbers that rise or fall: near ones are alike then."""

    candidates: tuple[Candidate, ...]
    ordered: bool = False

    @property
    def kind(self) -> str:
        """`ordered` or `choice`."""
        return "ordered" if self.ordered else "choice"

    def index(self, value: object) -> int | None:
        """Return which candidate a value is, None when it is none."""
        mark = identity(value)
        found = (at for at, one in enumerate(self.candidates) if identity(one.value) == mark)
        return next(found, None)

    def text(self, value: object) -> str:
        """Return a value as YAML, as it was written."""
        at = self.index(value)
        return value_text(value) if at is None else self.candidates[at].text


class SearchSpace:
    """The dimensions of a YAML mapping, in which a key has at most `limit` values to choose from.

    As much is read as can be understood; `errors` says what is wrong.
    """

    def __init__(self, text: str, *, limit: int = DEFAULT_LIMIT) -> None:
        self.template = template = Template.examine(text)
        self.dimensions: list[Interval | Choices] = []
        self.errors: list[InvalidInput] = list(template.errors)
        self._pieces: list[str | Interval | Choices] = []
        position, counter = 0, ValueCounter(limit)
        for place in template.places:
            check_time()
            self._pieces.append(template.text[position : place.start])
            position = place.end
            if counter.is_full:
                continue
            try:
                self._pieces.append(self._read(place, limit, counter))
            except ScanError as error:
                self.errors.append(template.located(place, error))
        self._pieces.append(template.text[position:])
        if not self.errors and not self.dimensions:
            self.errors.append(
                InvalidInput(
                    "Nothing is searched: give at least one key a range or several values, such as "
                    "log(1e-5, 1e-1), 1:65 or adam | sgd.",
                    field="yaml",
                )
            )

    @staticmethod
    def parse(text: str) -> SearchSpace:
        """Read a YAML mapping.

        Raises:
            InvalidInputs: every place that is wrong, with dotted key (or "yaml"), line and column.
        """
        space = SearchSpace(text)
        if space.errors:
            raise InvalidInputs(space.errors)
        return space

    @property
    def size(self) -> int | None:
        """How many configurations there are, None when a dimension is continuous."""
        sizes = [_size(dimension) for dimension in self.dimensions]
        return None if None in sizes else math.prod(size for size in sizes if size is not None)

    def config_text(self, values: Mapping[str, Any]) -> str:
        """Return the text with one value for each searched key, else untouched."""
        return "".join(
            piece if isinstance(piece, str) else piece.text(values[piece.key]) for piece in self._pieces
        )

    def corners(self) -> str:
        """Return the text as a sweep over the ends of each interval and all other values, to be checked
        against what the script takes.
        """
        return "".join(
            piece
            if isinstance(piece, str)
            else " | ".join(map(piece.text, (piece.low, piece.high)))
            if isinstance(piece, Interval)
            else " | ".join(candidate.text for candidate in piece.candidates)
            for piece in self._pieces
        )

    def placed(self, error: InvalidInput) -> InvalidInput:
        """Return an error about `corners` with the place of its key in this text."""
        leaf = self.template.leaf(error.field) if error.field else None
        if leaf is None:
            return error
        return error.at(leaf.line, leaf.column)

    def _read(self, place: SweptValue, limit: int, counter: ValueCounter) -> Interval | Choices | str:
        text = place.source
        at = (place.key, place.path, place.line, place.column)
        found = _open_ends(text)
        if found is not None:
            dimension: Interval | Choices = Interval(*at, *found)
            self.dimensions.append(dimension)
            return dimension
        group = group_of(text)
        if group is not None and looks_batch(group[1].strip()):
            raise ScanError(
                "values that advance together cannot be searched: each key is searched for itself. "
                "Remove the parentheses"
            )
        values = expand(text, key=place.key, limit=limit, in_flow=place.in_flow)
        counter.add(values.count)
        different: dict[object, Candidate] = {}
        for one in values.candidates:
            different.setdefault(identity(one.value), one)
        candidates = [*different.values()]
        if len(candidates) == 1:
            return candidates[0].text
        dimension = Choices(*at, tuple(candidates), _is_ordered(candidates))
        self.dimensions.append(dimension)
        return dimension


def _open_ends(text: str) -> tuple[Number, Number, bool] | None:
    """Return low, high and `log` of a range without a count, None for other text.

    Raises:
        ScanError: when its ends cannot be used.
    """
    call = GENERATOR.match(text)
    if call and call.group(1) in OPEN_RANGES and matching_close(text, call.end() - 1) == len(text) - 1:
        positional, named = call_arguments(text[call.end() : -1])
        if len(positional) != 2 or "n" in named:
            return None
        name = call.group(1)
        low, high = ends(name, [one for one, _ in positional], f"{name}(low, high)")
        if low >= high:
            raise ScanError(f"the first end of {name}(low, high) has to be below the second")
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
