"""A sweep: one YAML text with sweep syntax that stands for many configurations.

The order is that of `pyruns` 0.3.17: the product axes in key order, then the zip groups; the last one varies
fastest. Configurations are only made when they are needed.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from pyruns_jupyter.core.common.errors import InvalidInput
from pyruns_jupyter.core.config.yamltext.reader import Path, SweptValue
from pyruns_jupyter.core.config.yamltext.values import identity

from .batch import DEFAULT_LIMIT, Candidate
from .generators import count_text
from .swept_text import SweptText

_MAX_ERRORS = 100  # that are reported at once
_SHOWN_FOLDS = 3  # values that occur more than once
_MAX_DUPLICATES = 2**53 - 1  # the largest whole number in JavaScript


class TooManyTasks(InvalidInput):
    """Each value of a sweep is valid, but there are too many combinations."""


@dataclass(frozen=True)
class Axis:
    """One swept key. `kind` and `group` are those of `batch.Values`; the axes of a group are zipped."""

    key: str
    path: Path
    kind: str
    group: str | None
    candidates: tuple[Candidate, ...]
    line: int
    column: int

    @property
    def values(self) -> list[object]:
        """The candidates' values, in order."""
        return [candidate.value for candidate in self.candidates]


@dataclass(frozen=True)
class Notice:
    """A sentence about something that is allowed but may be a mistake."""

    message: str
    key: str
    line: int
    column: int


@dataclass(frozen=True)
class Fold:
    """Equal values of an axis (or of zipped axes), which make one task: dotted key -> value as written."""

    values: dict[str, str]
    times: int


@dataclass(frozen=True)
class AxisGroup:
    """The indexes of one axis or of zipped axes, and the positions of their different candidates."""

    axes: tuple[int, ...]
    positions: tuple[int, ...]
    length: int
    folds: tuple[Fold, ...]


class SweepPlan(SweptText[int]):
    """The configurations that a YAML mapping with sweep syntax stands for: at most `limit`.

    As much is read as possible. A plan with `errors` is only good for checking the rest of it. `broken` are
    the keys whose values are invalid.
    """

    def __init__(self, text: str, *, limit: int = DEFAULT_LIMIT) -> None:
        self.axes: list[Axis] = []
        self.notices: list[Notice] = []
        self.broken: set[str] = set()
        self._constants: list[tuple[Path, object]] = []
        super().__init__(text, limit=limit)
        template = self.template
        self.broken.update(error.field for error in template.errors if error.field)
        for leaf in template.quoted_bars():
            message = f"{leaf.key} is quoted, so its bars are plain text. Remove the quotes to sweep it."
            self.notices.append(Notice(message, leaf.key, leaf.line, leaf.column))
        self.groups = self._make_groups()
        self.raw_count: int = math.prod(group.length for group in self.groups)
        self.count: int = math.prod(len(group.positions) for group in self.groups)
        self.duplicates: int = min(self.raw_count - self.count, _MAX_DUPLICATES)
        self._notice_folds()
        if self.count > limit:
            largest = max(self.axes, key=lambda axis: len(axis.candidates))
            self.errors.append(
                TooManyTasks(
                    f"This configuration makes {count_text(self.count)} tasks, but at most {limit:,} are "
                    "allowed. Use fewer values, or raise sweep_limit in the settings.",
                    field=largest.key,
                    line=largest.line,
                    column=largest.column,
                )
            )
        self.errors.sort(key=lambda error: (error.line or 0, error.column or 0))
        del self.errors[_MAX_ERRORS:]

    @property
    def folds(self) -> list[Fold]:
        """The equal values that make one task, in the order of the text."""
        return [fold for group in self.groups for fold in group.folds]

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[dict[str, object]]:
        return (self.config(index) for index in range(self.count))

    def row(self, index: int) -> dict[str, object]:
        """Return the swept values of configuration `index` by dotted key, in key order.

        Raises:
            IndexError: when the index is out of range.
        """
        return {
            axis.key: axis.candidates[at].value
            for axis, at in zip(self.axes, self._choice(index), strict=True)
        }

    def config(self, index: int) -> dict[str, object]:
        """Return configuration `index` as plain data, keys in the order of the text."""
        return self.assembled(zip(self.axes, self._choice(index), strict=True))

    def assembled(self, chosen: Iterable[tuple[Axis, int]]) -> dict[str, object]:
        """Return the configuration with these candidates (axis, position)."""
        return self.template.config(
            [*self._constants, *((axis.path, axis.candidates[at].value) for axis, at in chosen)]
        )

    def config_text(self, index: int) -> str:
        """Return the YAML of configuration `index`: the text with one value for each axis, else unchanged."""
        choice = self._choice(index)
        return "".join(
            piece if isinstance(piece, str) else self.axes[piece].candidates[choice[piece]].text
            for piece in self._pieces
        )

    def _read(self, place: SweptValue) -> str | int:
        values = self._expanded(place)
        if values.notice:
            self.notices.append(Notice(values.notice, place.key, place.line, place.column))
        if values.kind == "fixed":
            only = values.candidates[0]
            self._constants.append((place.path, only.value))
            return only.text if "\\|" in place.source else place.source
        where = place.line, place.column
        self.axes.append(Axis(place.key, place.path, values.kind, values.group, values.candidates, *where))
        return len(self.axes) - 1

    def _reject(self, place: SweptValue) -> None:
        self.broken.add(place.key)
        self._constants.append((place.path, None))

    def _make_groups(self) -> list[AxisGroup]:
        made: list[AxisGroup] = []
        zipped: dict[str, list[int]] = {}
        for number, axis in enumerate(self.axes):
            if axis.group is None:
                made.append(self._group([number]))
            else:
                zipped.setdefault(axis.group, []).append(number)
        for members in zipped.values():
            first = self.axes[members[0]]
            for number in members[1:]:
                axis = self.axes[number]
                if len(axis.candidates) != len(first.candidates):
                    self.errors.append(_unequal_lengths(first, axis))
            made.append(self._group(members))
        return made

    def _group(self, members: list[int]) -> AxisGroup:
        axes = [self.axes[number] for number in members]
        length = min(len(axis.candidates) for axis in axes)
        seen: dict[object, list[int]] = {}
        for at in range(length):
            mark = tuple(identity(axis.candidates[at].value) for axis in axes)
            seen.setdefault(mark, []).append(at)
        folds = [
            Fold({axis.key: axis.candidates[equal[0]].source for axis in axes}, len(equal))
            for equal in seen.values()
            if len(equal) > 1
        ]
        return AxisGroup(tuple(members), tuple(equal[0] for equal in seen.values()), length, tuple(folds))

    def _notice_folds(self) -> None:
        """Add a notice about equal values, at their first key."""
        if not self.duplicates or self.errors:
            return
        for group in self.groups:
            if not group.folds:
                continue
            axis = self.axes[group.axes[0]]
            several = self.count > 1 and len(self.groups) > 1
            total = f" ({count_text(self.raw_count)} become {count_text(self.count)})" if several else ""
            self.notices.append(
                Notice(
                    f"{describe_folds(group.folds)}. Equal configurations make one task{total}.",
                    axis.key,
                    axis.line,
                    axis.column,
                )
            )

    def choices(self) -> Iterator[tuple[int, ...]]:
        """Iterate over the configurations in order, as the position of the candidate of each axis."""
        order = [number for group in self.groups for number in group.axes]
        where = sorted(range(len(order)), key=order.__getitem__)
        sizes = [len(group.axes) for group in self.groups]
        single = all(size == 1 for size in sizes) and where == list(range(len(order)))
        combinations = itertools.product(*(group.positions for group in self.groups))
        if single:
            return combinations
        return (_by_axis(positions, sizes, where) for positions in combinations)

    def _choice(self, index: int) -> list[int]:
        """Return the positions of the candidates of configuration `index`."""
        if not 0 <= index < self.count:
            noun = "configuration" if self.count == 1 else "configurations"
            total = f"{count_text(self.count)} {noun}"
            raise IndexError(f"configuration {index} is out of range: the sweep has {total}")
        choice = [0] * len(self.axes)
        for group in reversed(self.groups):
            index, at = divmod(index, len(group.positions))
            for number in group.axes:
                choice[number] = group.positions[at]
        return choice


def _by_axis(positions: Sequence[int], sizes: Sequence[int], where: Sequence[int]) -> tuple[int, ...]:
    """Return the positions of groups of axes as one for each axis, in the order of the axes."""
    repeated = [at for at, size in zip(positions, sizes, strict=True) for _ in range(size)]
    return tuple(repeated[index] for index in where)


def describe_folds(folds: Sequence[Fold]) -> str:
    """Return which values occur more than once: `lr=0.1 occurs 3 times`."""
    texts = [
        f"{', '.join(f'{key}={source}' for key, source in fold.values.items())} occurs "
        + ("twice" if fold.times == 2 else f"{fold.times} times")
        for fold in folds[:_SHOWN_FOLDS]
    ]
    more = len(folds) - _SHOWN_FOLDS
    return ", ".join(texts) + (f" and {more} more" if more > 0 else "")


def _unequal_lengths(first: Axis, axis: Axis) -> InvalidInput:
    group = f"the zip group {axis.group!r}" if axis.group else "a zip (a | b)"
    return InvalidInput(
        f"All keys of {group} must have the same number of values: {first.key} has {len(first.candidates)}, "
        f"{axis.key} has {len(axis.candidates)}.",
        field=axis.key,
        line=axis.line,
        column=axis.column,
    )
