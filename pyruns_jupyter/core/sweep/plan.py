"""A sweep: one YAML text with batch syntax that stands for many configurations.

Order, as in `pyruns` 0.3.17: the product axes in key order, then the zip groups; the last one varies fastest.
Configurations are made one by one when they are asked for.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

from ..errors import InvalidInput, InvalidInputs
from ..yamltext.template import Path, Place, Template
from ..yamltext.textscan import ScanError
from ..yamltext.values import identity
from .batch import DEFAULT_LIMIT, Candidate, Values, expand, sentence

__all__ = ["Axis", "Notice", "SweepPlan"]


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
class _Wheel:
    """Axes that turn together, and the positions that are left after folding equal ones."""

    axes: tuple[int, ...]
    positions: tuple[int, ...]
    length: int


class SweepPlan:
    """What would be made of a text. Make one with `SweepPlan.parse`; nothing is written."""

    def __init__(self, template: Template, limit: int) -> None:
        self.template = template
        self.axes: list[Axis] = []
        self.notices: list[Notice] = []
        self._constants: list[tuple[Path, object]] = []
        self._pieces: list[str | int] = []
        errors: list[InvalidInput] = []
        position = 0
        for place in template.places:
            try:
                values = expand(place.source, key=place.key, limit=limit, in_flow=place.in_flow)
            except ScanError as error:
                errors.append(_located(template, place, error))
                continue
            self._add_text(template.text[position : place.start])
            position = place.end
            self._add(place, values)
        self._add_text(template.text[position:])
        if errors:
            raise InvalidInputs(errors)
        for leaf in template.quoted_bars():
            message = f"{leaf.key} is quoted, so its bars are plain text: remove the quotes to sweep it."
            self.notices.append(Notice(message, leaf.key, leaf.line, leaf.column))
        self._wheels = self._make_wheels()
        self.raw_count: int = math.prod(wheel.length for wheel in self._wheels)
        self.count: int = math.prod(len(wheel.positions) for wheel in self._wheels)
        self.duplicates: int = self.raw_count - self.count
        if self.count > limit:
            largest = max(self.axes, key=lambda axis: len(axis.candidates))
            raise InvalidInputs(
                [
                    InvalidInput(
                        f"This makes {self.count:,} tasks; at most {limit:,} are made at once. "
                        "Take values away or raise the limit in the settings.",
                        field=largest.key,
                        line=largest.line,
                        column=largest.column,
                    )
                ]
            )

    @staticmethod
    def parse(text: str, *, limit: int = DEFAULT_LIMIT) -> SweepPlan:
        """Read a YAML mapping with batch syntax; at most `limit` configurations.

        Raises:
            InvalidInputs: every place that is wrong, with dotted key (or "yaml"), line and column.
        """
        try:
            return SweepPlan(Template.parse(text), limit)
        except InvalidInputs:
            raise
        except InvalidInput as error:
            raise InvalidInputs([error]) from None

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

    def sources(self, index: int) -> dict[str, str]:
        """Return the swept values as the user wrote them, for names and tables."""
        return {
            axis.key: axis.candidates[at].source
            for axis, at in zip(self.axes, self._choice(index), strict=True)
        }

    def rows(self, offset: int = 0, limit: int = 200) -> list[dict[str, object]]:
        """Return up to `limit` rows from `offset` on."""
        return [self.row(index) for index in range(max(offset, 0), min(offset + limit, self.count))]

    def config(self, index: int) -> dict[str, object]:
        """Return configuration `index` as plain data, keys in the order of the text."""
        chosen = zip(self.axes, self._choice(index), strict=True)
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

    def _add(self, place: Place, values: Values) -> None:
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

    def _make_wheels(self) -> list[_Wheel]:
        wheels: list[_Wheel] = []
        groups: dict[str, list[int]] = {}
        for number, axis in enumerate(self.axes):
            if axis.group is None:
                wheels.append(self._wheel([number]))
            else:
                groups.setdefault(axis.group, []).append(number)
        errors: list[InvalidInput] = []
        for members in groups.values():
            first = self.axes[members[0]]
            for number in members[1:]:
                axis = self.axes[number]
                if len(axis.candidates) != len(first.candidates):
                    errors.append(_unequal(first, axis))
            if not errors:
                wheels.append(self._wheel(members))
        if errors:
            raise InvalidInputs(errors)
        return wheels

    def _wheel(self, members: list[int]) -> _Wheel:
        length = len(self.axes[members[0]].candidates)
        seen: set[object] = set()
        positions: list[int] = []
        for at in range(length):
            mark = tuple(identity(self.axes[number].candidates[at].value) for number in members)
            if mark not in seen:
                seen.add(mark)
                positions.append(at)
        return _Wheel(tuple(members), tuple(positions), length)

    def _choice(self, index: int) -> list[int]:
        """Return which candidate each axis takes in configuration `index`."""
        if not 0 <= index < self.count:
            raise IndexError(f"there are {self.count} configurations, {index} is not one of them")
        choice = [0] * len(self.axes)
        for wheel in reversed(self._wheels):
            index, at = divmod(index, len(wheel.positions))
            for number in wheel.axes:
                choice[number] = wheel.positions[at]
        return choice


def _unequal(first: Axis, axis: Axis) -> InvalidInput:
    group = f"the zip group {axis.group!r}" if axis.group else "a zip (a | b)"
    return InvalidInput(
        f"All keys of {group} need equally many values: {first.key} has {len(first.candidates)}, "
        f"{axis.key} has {len(axis.candidates)}.",
        field=axis.key,
        line=axis.line,
        column=axis.column,
    )


def _located(template: Template, place: Place, error: ScanError) -> InvalidInput:
    before = template.text[: place.start + error.offset].replace("\r\n", "\n").replace("\r", "\n")
    line = before.count("\n") + 1
    column = len(before) - (before.rfind("\n") + 1) + 1
    return InvalidInput(sentence(error.message), field=place.key, line=line, column=column)
