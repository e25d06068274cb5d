"""Alert rules: conditions on the metrics or the output of a run, and what to do when one holds.

    rule       = condition [ "->" action ]
    condition  = metric "is nan"
               | metric ("<" | "<=" | ">" | ">=") limit [ "for" count unit ]
               | "no" ("decrease" | "increase") "of" metric "in" count unit
               | "no output for" duration
    limit      = number | [ number "*" ] ("min" | "max" | "mean" | "first")
    unit       = "points" | "steps" | "epochs"
    action     = "notify" | "tag" name | "stop"

`min`, `max`, `mean` and `first` are those of the earlier values of the metric in the run. Steps and epochs
are differences of the metrics `step` and `epoch` that were tracked with the metric; without them, each point
counts as one. A rule alerts once in a run.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from pyruns_jupyter.core.common.errors import InvalidInput, shown
from pyruns_jupyter.core.common.timestamps import duration
from pyruns_jupyter.core.taskfile.metadata import check_tags

NOTIFY, TAG, STOP = "notify", "tag", "stop"
MAX_RULES = 50  # of a run
MAX_RULE_CHARACTERS = 300
_MAX_COUNT = 1_000_000_000
_MAX_SECONDS = 10 * 365 * 86400.0
_UNITS = {"point": "", "points": "", "step": "step", "steps": "step", "epoch": "epoch", "epochs": "epoch"}
_COMPARE: dict[str, Callable[[float, float], bool]] = {
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
}
_NUMBER = r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?"
_METRIC = r"(?P<metric>\S+)"
_COUNT = r"(?P<count>\d{1,10})\s+(?P<unit>[a-z]+)"
_ACTION = re.compile(r"(?P<condition>.*?)(?:\s*->\s*(?P<action>.*))?", re.DOTALL)
_NAN = re.compile(rf"{_METRIC}\s+is\s+nan")
_LIMIT = re.compile(
    rf"(?P<metric>[^\s<>=]+)\s*(?P<operator><=?|>=?)\s*"
    rf"(?:(?P<number>{_NUMBER})|(?:(?P<factor>{_NUMBER})\s*\*\s*)?(?P<statistic>min|max|mean|first))"
    rf"(?:\s+for\s+{_COUNT})?"
)
_STAGNATION = re.compile(rf"no\s+(?P<way>decrease|increase)\s+of\s+{_METRIC}\s+in\s+{_COUNT}")
_SILENCE = re.compile(r"no\s+output\s+for\s+(?P<time>\S+)")
_FORMS = (
    "'loss is nan', 'val_loss > 1.5 * min for 5 steps', 'no decrease of val_loss in 10 epochs' or "
    "'no output for 10m', with '-> stop' or '-> tag NAME' after it if wanted"
)


@dataclass(frozen=True)
class Rule:
    """A rule that was parsed.

    Attributes:
        text: the rule as the user wrote it, with single spaces.
        condition: the part of the text before the action.
        action: `notify`, `tag` or `stop`.
        tag: the tag of the action `tag`.
        metric: the metric that is watched; empty for the output.
        seconds: the time without output; 0 for a metric.
    """

    text: str
    condition: str
    action: str
    tag: str
    metric: str
    seconds: float
    _values: Mapping[str, str]

    def watch(self) -> MetricWatch:
        """Return what watches the metric of this rule in one run."""
        if self._values.get("way"):
            return _Stagnation(self._values)
        return _Limit(self._values) if self._values.get("operator") else _NotANumber()


class MetricWatch:
    """Watches the values of one metric in a run."""

    def add(self, value: float, point: Mapping[str, Any]) -> bool:
        """Take the next value and the point that it belongs to; return whether the condition holds now."""
        raise NotImplementedError


class _NotANumber(MetricWatch):
    def add(self, value: float, point: Mapping[str, Any]) -> bool:
        return math.isnan(value)


class _Limit(MetricWatch):
    def __init__(self, values: Mapping[str, str]) -> None:
        self._holds = _COMPARE[values["operator"]]
        self._number = float(values["number"]) if values.get("number") else None
        self._factor = float(values.get("factor") or 1.0)
        self._statistic = values.get("statistic", "")
        self._clock = _Clock(values) if values.get("count") else None
        self._earlier = _Earlier()

    def add(self, value: float, point: Mapping[str, Any]) -> bool:
        limit = self._number
        if limit is None and self._earlier.count:
            limit = self._factor * self._earlier.value(self._statistic)
        holds = limit is not None and self._holds(value, limit)
        if math.isfinite(value):
            self._earlier.add(value)
        if self._clock is None:
            return holds
        if not holds:
            self._clock.stop()
            return False
        return self._clock.has_passed(point, counts_first=True)


class _Stagnation(MetricWatch):
    def __init__(self, values: Mapping[str, str]) -> None:
        self._is_better = _COMPARE["<" if values["way"] == "decrease" else ">"]
        self._clock = _Clock(values)
        self._best: float | None = None

    def add(self, value: float, point: Mapping[str, Any]) -> bool:
        if not math.isnan(value) and (self._best is None or self._is_better(value, self._best)):
            self._best = value
            self._clock.stop()
        return self._clock.has_passed(point, counts_first=False)


class _Clock:
    """Counts points, or the steps or epochs that were tracked with them, since a start."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._wanted = int(values["count"])
        self._unit = _UNITS[values["unit"]]
        self.stop()

    def stop(self) -> None:
        """Start again with the next point."""
        self._points = 0
        self._first: float | None = None

    def has_passed(self, point: Mapping[str, Any], *, counts_first: bool) -> bool:
        """Return whether the count has been reached with this point."""
        self._points += 1
        at = number_of(point.get(self._unit)) if self._unit else None
        if at is None or math.isnan(at):
            passed = float(self._points - 1)
        else:
            self._first = at if self._first is None else self._first
            passed = at - self._first
        return passed + counts_first >= self._wanted


class _Earlier:
    """Statistics of the values so far."""

    def __init__(self) -> None:
        self.count = 0
        self._first = self._min = self._max = self._mean = 0.0

    def add(self, value: float) -> None:
        self.count += 1
        if self.count == 1:
            self._first = self._min = self._max = self._mean = value
        self._min, self._max = min(self._min, value), max(self._max, value)
        self._mean += (value - self._mean) / self.count

    def value(self, statistic: str) -> float:
        return {"min": self._min, "max": self._max, "mean": self._mean}.get(statistic, self._first)


def number_of(value: Any) -> float | None:
    """Return a tracked value as a number, None if it is not a number."""
    if type(value) not in (int, float):
        return None
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf


def valid_rules(given: object) -> tuple[tuple[str, ...], list[str]]:
    """Return the texts of the valid rules of a list, and what is wrong with the others, as sentences."""
    if not isinstance(given, list) or len(given) > MAX_RULES:
        return (), [f"Expected a list of up to {MAX_RULES} alert rules, not {shown(given)}."]
    found, wrong = [], []
    for one in given:
        try:
            found.append(parse_rule(one).text)
        except InvalidInput as error:
            wrong.append(error.message)
    return tuple(found), wrong


def parse_rule(text: object) -> Rule:
    """Return a rule of the user.

    Raises:
        InvalidInput: with the field `alerts`.
    """
    if not isinstance(text, str) or len(text) > MAX_RULE_CHARACTERS:
        raise _invalid(text)
    words = " ".join(text.split())
    split = _ACTION.fullmatch(words)
    assert split is not None
    condition, action, tag = split["condition"], split["action"], ""
    if action is None:
        action = NOTIFY
    elif action.startswith("tag "):
        action, tag = TAG, action.removeprefix("tag ").strip()
    if action not in (NOTIFY, STOP) and not tag:
        raise InvalidInput(
            f"The action of an alert rule must be notify, stop or tag NAME, not {shown(action)}.",
            field="alerts",
        )
    if tag:
        try:
            check_tags((tag,))
        except InvalidInput as error:
            raise InvalidInput(error.message, field="alerts") from None
    for form in (_SILENCE, _STAGNATION, _NAN, _LIMIT):
        found = form.fullmatch(condition)
        if found is not None:
            values = {name: value for name, value in found.groupdict().items() if value is not None}
            return Rule(
                words, condition, action, tag, values.get("metric", ""), _checked(words, values), values
            )
    raise _invalid(text)


def _checked(text: str, values: Mapping[str, str]) -> float:
    """Check the unit and the count of a rule, and return its seconds."""
    unit, count, time = values.get("unit"), values.get("count"), values.get("time")
    if unit is not None and unit not in _UNITS:
        raise InvalidInput(
            f"The unit in the alert rule {shown(text)} must be points, steps or epochs, not {unit!r}.",
            field="alerts",
        )
    if count is not None and not 1 <= int(count) <= _MAX_COUNT:
        raise InvalidInput(f"The count in the alert rule {shown(text)} must be 1 or more.", field="alerts")
    if time is None:
        return 0.0
    seconds = duration(time)
    if seconds is None or not 0 < seconds <= _MAX_SECONDS:
        raise InvalidInput(
            f"The time in the alert rule {shown(text)} must be a duration such as 90s, 10m or 1h30m.",
            field="alerts",
        )
    return seconds


def _invalid(text: object) -> InvalidInput:
    return InvalidInput(f"An alert rule must be {_FORMS}, not {shown(text)}.", field="alerts")
