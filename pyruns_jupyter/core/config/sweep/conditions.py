"""Conditions of a search space: `momentum: uniform(0, 1) if opt == sgd else 0.0`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pyruns_jupyter.core.config.yamltext.batch_spans import ConditionalValue
from pyruns_jupyter.core.config.yamltext.textscan import ScanError, split_top, strip_span
from pyruns_jupyter.core.config.yamltext.values import identity

from .batch import DEFAULT_LIMIT, Candidate, expand

AMONG = "in"
_ORDERED: dict[str, Callable[[Any, Any], bool]] = {
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}


@dataclass(frozen=True)
class Condition:
    """A comparison of the value of another key; `operator` is one of `== != < <= > >= in`.

    `values` has one value, or several for `in`.
    """

    key: str
    operator: str
    values: tuple[object, ...]

    @property
    def is_ordered(self) -> bool:
        """Whether it compares numbers by size."""
        return self.operator in _ORDERED

    def holds(self, value: object) -> bool:
        """Return whether the condition holds if the key has this value."""
        if self.operator in _ORDERED:
            return is_number(value) and _ORDERED[self.operator](value, self.values[0])
        is_among = _mark(value) in map(_mark, self.values)
        return is_among if self.operator != "!=" else not is_among


def read_condition(parts: ConditionalValue, key: str) -> Condition:
    """Return the condition of the value of `key`.

    Raises:
        ScanError: when a part is not valid, with the offset within the text.
    """
    wanted = _wanted(parts, key)
    condition = Condition(parts.key, parts.operator, tuple(one.value for one in wanted))
    if condition.is_ordered and not is_number(condition.values[0]):
        raise ScanError(
            f"{parts.operator} needs a number, but {parts.wanted} is not a number", parts.wanted_at
        )
    return condition


def is_number(value: object) -> bool:
    """Return whether a value of a configuration is a number."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _wanted(parts: ConditionalValue, key: str) -> list[Candidate]:
    """Return the values after the operator."""
    text, start = parts.wanted, parts.wanted_at
    if parts.operator != AMONG:
        return [_single(text, key, start, f"after {parts.operator}")]
    if text[0] + text[-1] not in ("()", "[]"):
        raise ScanError("'in' needs several values, such as opt in (adam, sgd)", start)
    spans = [strip_span(text, begin + 1, end + 1) for begin, end in split_top(text[1:-1], ",")]
    return [_single(text[begin:end], key, start + begin, "in the list") for begin, end in spans]


def _single(text: str, key: str, start: int, place: str) -> Candidate:
    try:
        candidates = expand(text, key=key, limit=DEFAULT_LIMIT).candidates if text else ()
    except ScanError as error:
        raise ScanError(error.message, start + error.offset) from None
    if len(candidates) != 1:
        raise ScanError(f"exactly one value is needed {place}", start)
    return candidates[0]


def _mark(value: object) -> object:
    """Return a key that is equal for equal values: 1 and 1.0 are, 1 and true are not."""
    return ("number", value) if is_number(value) else identity(value)
