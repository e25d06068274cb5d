"""Aggregates of metrics as users write them: `min(loss)`, `best(acc)`, `mean(loss, 10)`, `at(loss, 100)`."""

from __future__ import annotations

import math
import re
from typing import Final, Literal, NamedTuple

from pyruns_jupyter.core.common.errors import InvalidInput

LAST, BEST, MIN, MAX, MEAN, AT = "last", "best", "min", "max", "mean", "at"
FUNCTIONS = (LAST, BEST, MIN, MAX, MEAN, AT)
MAX_LAST = 1000  # values that `mean` can be limited to
Direction = Literal["minimize", "maximize"]
MINIMIZE: Final = "minimize"
MAXIMIZE: Final = "maximize"

# A function with its arguments, valid or not; a text in quotes may contain parentheses.
TEXT = re.compile(
    rf"(?P<function>{'|'.join(FUNCTIONS)})\((?P<arguments>(?:\"(?:\\.|[^\"\\\n])*\"|[^()\"\n])*)\)",
    re.IGNORECASE,
)
_ARGUMENTS = re.compile(r"\s*(?:\"((?:\\.|[^\"\\])*)\"|([^\",]+?))\s*(?:,\s*([^\s,]+)\s*)?")
_PLAIN = re.compile(r"[^\s\"(),\\][^\"(),\\]*(?<!\s)")
_ESCAPE = re.compile(r"\\(.)")


class Aggregate(NamedTuple):
    """One value of a curve.

    `function` is `last`, `best` (the minimum or the maximum, depending on the goal of the metric), `min`,
    `max`, `mean` (of the last `number` values, or of all) or `at` (the value at the step `number`). `key` is
    the metric.
    """

    function: str
    key: str
    number: float | None = None

    @property
    def needs_points(self) -> bool:
        """Whether the statistics of a curve are not sufficient: some of its points are needed."""
        return self.number is not None

    def resolved(self, goal: str) -> Aggregate:
        """Return `best` as the minimum or the maximum, and other aggregates unchanged."""
        if self.function != BEST:
            return self
        return self._replace(function=MIN if goal == MINIMIZE else MAX)

    def __str__(self) -> str:
        key = self.key
        if not _PLAIN.fullmatch(key):
            key = '"' + key.replace("\\", "\\\\").replace('"', '\\"') + '"'
        if self.number is None:
            return f"{self.function}({key})"
        number = int(self.number) if float(self.number).is_integer() else self.number
        return f"{self.function}({key}, {number!r})"


def parse_aggregate(text: str) -> Aggregate | None:
    """Return the aggregate that a text is, None if it is not one.

    Raises:
        InvalidInput: when an argument is missing or not valid.
    """
    found = TEXT.fullmatch(text) if text.endswith(")") else None
    if found is None:
        return None
    function = found["function"].lower()
    arguments = _ARGUMENTS.fullmatch(found["arguments"])
    if arguments is None:
        raise InvalidInput(f"{text} is not valid. {_usage(function)}")
    quoted, plain, number = arguments.groups()
    key = _ESCAPE.sub(r"\1", quoted) if plain is None else plain
    if function == AT:
        return Aggregate(function, key, _step(text, number))
    if function == MEAN and number is not None:
        return Aggregate(function, key, _count(text, number))
    if number is not None:
        raise InvalidInput(f"{text} has too many arguments. {_usage(function)}")
    return Aggregate(function, key)


def _step(text: str, number: str | None) -> float:
    step = _number(number)
    if step is None or not math.isfinite(step):
        raise InvalidInput(f"{text} is not valid. {_usage(AT)}")
    return step


def _count(text: str, number: str) -> float:
    count = _number(number)
    if count is None or not (1 <= count <= MAX_LAST and count.is_integer()):
        raise InvalidInput(f"{text} is not valid. {_usage(MEAN)}")
    return count


def _number(text: str | None) -> float | None:
    try:
        return None if text is None else float(text)
    except ValueError:
        return None


def _usage(function: str) -> str:
    if function == AT:
        return "Write at(loss, 100) for the value at step 100."
    if function == MEAN:
        return f"Write mean(loss), or mean(loss, 10) for the mean of the last 10 values (at most {MAX_LAST})."
    return f"Write {function}(loss)."
