"""A sweep: one YAML text with batch syntax that stands for many configurations.

Order, as in `pyruns` 0.3.17: the product axes in key order, then the zip groups; the last one varies fastest.
Configurations are made one by one when they are asked for.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from pyruns_jupyter.core.common.errors import InvalidInput, InvalidInputs
from pyruns_jupyter.core.common.time_limit import check_time
from pyruns_jupyter.core.config.yamltext.reader import Path, SweptValue
from pyruns_jupyter.core.config.yamltext.template import Template
from pyruns_jupyter.core.config.yamltext.textscan import ScanError
from pyruns_jupyter.core.config.yamltext.values import identity

from .batch import DEFAULT_LIMIT, Candidate, Values, expand
from .generators import ValueCounter, count_told

__all__ = ["Axis", "Fold", "Notice", "SweepPlan", "TooManyTasks", "folds_told"]


_MAX_ERRORS = 100  # that are told at once
_MAX_TOLD = 2**53 - 1  # duplicates: thousands of keys with equal values have astronomically many


class TooManyTasks(InvalidInput):
    """Each value of a sweep is right, but all combinations are more than may be made at once."""


@dataclass(frozen=True)
class Axis:
    """One swept key: `kind` and `group` as in `batch.Values`; zipped axes of one group advance together."""

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
    """A sentence about something that is allowed but may not be meant."""

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
class _AxisGroup:
    """Axes that turn together, and the positions that are left after folding equal ones."""

    axes: tuple[int, ...]
    positions: tuple[int, ...]
    length: int
    folds: tuple[Fold, ...]


class SweepPlan:
    """What would be made of a YAML mapping with batch syntax: at most `limit` configurations.

    As much is read as can be understood. `errors` says what is wrong; where there are any, the plan is good
    for checking what is left of it and for nothing else. `broken` are the keys whose values could not be
    understood.
    """

    def __init__(self, text: str, *, limit: int = DEFAULT_LIMIT) -> None:
        self.template = template = Template.examine(text)
        self.limit = limit
        self.axes: list[Axis] = []
        self.notices: list[Notice] = []
        self.errors: list[InvalidInput] = list(template.errors)
        self.broken: set[str] = {error.field for error in template.errors if error.field}
        self._constants: list[tuple[Path, object]] = []
        self._pieces: list[str | int] = []
        position, counter = 0, ValueCounter(limit)
        for place in template.places:
            check_time()
            self._add_text(template.text[position : place.start])
            position = place.end
            if counter.is_full:
                self.broken.add(place.key)
                self._constants.append((place.path, None))
                continue
            try:
                values = expand(place.source, key=place.key, limit=limit, in_flow=place.in_flow)
                counter.add(values.count)
            except ScanError as error:
                self.errors.append(template.located(place, error))
                self.broken.add(place.key)
                self._constants.append((place.path, None))
                continue
            self._add(place, values)
        self._add_text(template.text[position:])
        for leaf in template.quoted_bars():
            message = f"{leaf.key} is quoted, so its bars are plain text: remove the quotes to sweep it."
            self.notices.append(Notice(message, leaf.key, leaf.line, leaf.column))
        self._groups = self._make_groups()
        self.raw_count: int = math.prod(group.length for group in self._groups)
        self.count: int = math.prod(len(group.positions) for group in self._groups)
        self.duplicates: int = min(self.raw_count - self.count, _MAX_TOLD)
        self._tell_folds()
        if self.count > limit:
            largest = max(self.axes, key=lambda axis: len(axis.candidates))
            self.errors.append(
                TooManyTasks(
                    f"This makes {count_told(self.count)} tasks; at most {limit:,} are made at once. "
                    "Take values away, or raise sweep_limit in the settings.",
                    field=largest.key,
                    line=largest.line,
                    column=largest.column,
                )
            )
        self.errors.sort(key=lambda error: (error.line or 0, error.column or 0))
        del self.errors[_MAX_ERRORS:]

    @staticmethod
    def parse(text: str, *, limit: int = DEFAULT_LIMIT) -> SweepPlan:
        """Read a YAML mapping with batch syntax; at most `limit` configurations.

        Raises:
            InvalidInputs: every place that is wrong, with dotted key (or "yaml"), line and column.
        """
        plan = SweepPlan(text, limit=limit)
        if plan.errors:
            raise InvalidInputs(plan.errors)
        return plan

    @property
    def folds(self) -> list[Fold]:
        """The equal values that were folded, in the order of the text."""
        return [fold for group in self._groups for fold in group.folds]

    def __len__(self) -> int:
        return self.count

    def __iter__(self) -> Iterator[dict[str, object]]:
        return (self.config(index) for index in range(self.count))

    def row(self, index: int) -> dict[str, object]:
        """Return the swept values of configuration `index` by dotted key, in key order.

        Raises:
            IndexError: when there is no such configuration.
        """
        return {
            axis.key: axis.candidates[at].value
            for axis, at in zip(self.axes, self._choice(index), strict=True)
        }

    def config(self, index: int) -> dict[str, object]:
        """Return configuration `index` as plain data, keys in the order of the text."""
        return self.assembled(zip(self.axes, self._choice(index), strict=True))

    def axis_groups(self) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
        """Return what turns: the numbers of axes that advance together, and the positions that they take."""
        return [(group.axes, group.positions) for group in self._groups]

    def assembled(self, chosen: Iterable[tuple[Axis, int]]) -> dict[str, object]:
        """Return a configuration with these candidates, whatever the plan would combine."""
        return self.template.config(
            [*self._constants, *((axis.path, axis.candidates[at].value) for axis, at in chosen)]
        )

    def config_text(self, index: int) -> str:
        """Return the YAML of configuration `index`: the text with one value for each axis, else untouched."""
        choice = self._choice(index)
        return "".join(
            piece if isinstance(piece, str) else self.axes[piece].candidates[choice[piece]].text
            for piece in self._pieces
        )

    def _add_text(self, text: str) -> None:
        if text:
            self._pieces.append(text)

    def _add(self, place: SweptValue, values: Values) -> None:
        if values.notice:
            self.notices.append(Notice(values.notice, place.key, place.line, place.column))
        if values.kind == "fixed":
            only = values.candidates[0]
            self._constants.append((place.path, only.value))
            self._add_text(only.text if "\\|" in place.source else place.source)
            return
        self._pieces.append(len(self.axes))
        self.axes.append(
            Axis(
                place.key, place.path, values.kind, values.group, values.candidates, place.line, place.column
            )
        )

    def _make_groups(self) -> list[_AxisGroup]:
        made: list[_AxisGroup] = []
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
                    self.errors.append(_unequal(first, axis))
            made.append(self._group(members))
        return made

    def _group(self, members: list[int]) -> _AxisGroup:
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
        return _AxisGroup(tuple(members), tuple(equal[0] for equal in seen.values()), length, tuple(folds))

    def _tell_folds(self) -> None:
        """Say which values stand there twice, at their first key."""
        if not self.duplicates or self.errors:
            return
        for group in self._groups:
            if not group.folds:
                continue
            axis = self.axes[group.axes[0]]
            several = self.count > 1 and len(self._groups) > 1
            total = f" ({count_told(self.raw_count)} become {count_told(self.count)})" if several else ""
            self.notices.append(
                Notice(
                    f"{folds_told(group.folds)}; tasks with equal configurations are made once{total}.",
                    axis.key,
                    axis.line,
                    axis.column,
                )
            )

    def choices(self) -> Iterator[tuple[int, ...]]:
        """Iterate over all configurations in order: which candidate each axis takes."""
        order = [number for group in self._groups for number in group.axes]
        where = sorted(range(len(order)), key=order.__getitem__)
        sizes = [len(group.axes) for group in self._groups]
        single = all(size == 1 for size in sizes) and where == list(range(len(order)))
        turns = itertools.product(*(group.positions for group in self._groups))
        if single:
            return turns
        return (self._spread(turn, sizes, where) for turn in turns)

    @staticmethod
    def _spread(turn: tuple[int, ...], sizes: list[int], where: list[int]) -> tuple[int, ...]:
        flat = [at for at, size in zip(turn, sizes, strict=True) for _ in range(size)]
        return tuple(flat[place] for place in where)

    def _choice(self, index: int) -> list[int]:
        """Return which candidate each axis takes in configuration `index`."""
        if not 0 <= index < self.count:
            raise IndexError(f"there are {self.count} configurations, {index} is not one of them")
        choice = [0] * len(self.axes)
        for group in reversed(self._groups):
            index, at = divmod(index, len(group.positions))
            for number in group.axes:
                choice[number] = group.positions[at]
        return choice


def folds_told(folds: Sequence[Fold], most: int = 3) -> str:
    """Return which values stand there more than once: `lr=0.1 stands here 3 times`."""
    told = [
        f"{', '.join(f'{key}={source}' for key, source in fold.values.items())} stands here "
        + ("twice" if fold.times == 2 else f"{fold.times} times")
        for fold in folds[:most]
    ]
    more = len(folds) - most
    return ", ".join(told) + (f" and {more} more" if more > 0 else "")


def _unequal(first: Axis, axis: Axis) -> InvalidInput:
    group = f"the zip group {axis.group!r}" if axis.group else "a zip (a | b)"
    return InvalidInput(
        f"All keys of {group} need equally many values: {first.key} has {len(first.candidates)}, "
        f"{axis.key} has {len(axis.candidates)}.",
        field=axis.key,
        line=axis.line,
        column=axis.column,
    )
