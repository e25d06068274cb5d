"""The alerts of a task as its file stores them.

In our own part of the file: `"alerts": {run: [{"t": epoch seconds, "title", "text", "level"}]}`, and `"rule"`
with the text of a rule for alerts that the script did not send itself.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from pyruns_jupyter.core.common.json_floats import finite_number
from pyruns_jupyter.core.taskfile.task_file import TaskInfo, own, run_fact

KEY = "alerts"
INFO, WARNING, ERROR = "info", "warning", "error"
LEVELS = (INFO, WARNING, ERROR)
MAX_STORED = 100  # alerts of a run
_MAX_RUNS = 20  # of a task, the latest ones
_MAX_CHARACTERS = 20_000  # of the alerts of a run; the texts of further ones are left out
MAX_TITLE, MAX_TEXT = 200, 2000  # characters
_MAX_TIME = 1e12


class Alert(NamedTuple):
    """An alert of a run.

    Attributes:
        time: when it was sent, in epoch seconds.
        title: a short title; for a rule, its condition.
        text: more about it.
        level: `info`, `warning` or `error`.
        rule: the rule that alerted; empty if the script sent the alert.
    """

    time: float
    title: str
    text: str
    level: str
    rule: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return the alert as data for JSON."""
        return self._asdict()


def store_alerts(info: TaskInfo, run: int, alerts: list[Alert]) -> None:
    """Store all alerts of run `run` in a task file, which other programs read completely: those of early runs
    are removed.
    """
    stored = own(info).get(KEY)
    stored = stored if isinstance(stored, dict) else {}
    numbers = sorted({run, *(int(key) for key in stored if key.isdecimal() and len(key) < 10)})
    kept = {str(number): stored[str(number)] for number in numbers[-_MAX_RUNS:] if str(number) in stored}
    own(info)[KEY] = kept | {str(run): _bounded(alerts[:MAX_STORED])}


def _bounded(alerts: list[Alert]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    room = _MAX_CHARACTERS
    for one in alerts:
        room -= len(one.title) + len(one.text) + len(one.rule)
        fact = {"t": one.time, "title": one.title, "text": one.text if room > 0 else "", "level": one.level}
        found.append(fact | ({"rule": one.rule} if one.rule else {}))
    return found


def merged(alerts: list[Alert], others: list[Alert]) -> list[Alert]:
    """Return the alerts of two lists, in the order of their times, each once."""
    known = {(round(one.time, 3), one.title) for one in alerts}
    fresh = [one for one in others if (round(one.time, 3), one.title) not in known]
    return sorted([*alerts, *fresh], key=lambda one: one.time)


def alerts_of(info: TaskInfo, run: int) -> list[Alert]:
    """Return the alerts of run `run`, the oldest first; what is not valid is omitted."""
    listed = run_fact(info, KEY, run)
    found = (alert_from(one) for one in (listed[:MAX_STORED] if isinstance(listed, list) else ()))
    return [one for one in found if one is not None]


def alert_from(value: Any, time: Any = None) -> Alert | None:
    """Return an alert from stored or tracked data, None if it is not valid; long texts are shortened."""
    if not isinstance(value, dict):
        return None
    moment = finite_number(value.get("t", time), _MAX_TIME)
    title, text, rule = value.get("title"), value.get("text", ""), value.get("rule", "")
    if moment is None or not isinstance(title, str) or not isinstance(text, str) or not isinstance(rule, str):
        return None
    level = value.get("level")
    return Alert(
        moment,
        _cut(title, MAX_TITLE),
        _cut(text, MAX_TEXT),
        level if level in LEVELS else WARNING,
        _cut(rule, MAX_TEXT),
    )


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"
