"""The kinds of values that options of a batch may have: how they are parsed, and what is wrong with one."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sized
from typing import Any, NamedTuple

from pyruns_jupyter.core.common.byte_sizes import parse_size
from pyruns_jupyter.core.common.errors import InvalidInput, shown
from pyruns_jupyter.core.common.timestamps import duration
from pyruns_jupyter.core.taskfile.paths import SHELL_WORKSPACE, is_task_name
from pyruns_jupyter.core.workspace.cluster_settings import ENGINE_NAMES, ENGINES, JobResources
from pyruns_jupyter.core.workspace.settings import MAX_GPUS

MAX_LISTED = 1000  # texts of one option
_MAX_GIB = 100_000  # of a GPU
_MAX_BYTES = 1 << 60
_MAX_SECONDS = 10 * 365 * 86400.0
SIGNALS = ("USR1", "USR2", "INT", "HUP", "TERM")
_SIGNAL = re.compile(rf"({'|'.join(SIGNALS)})@\d+(\.\d+)?")
_DEVICE = re.compile(r"\d{1,4}(:\d{1,3})?|(GPU|MIG)-[0-9A-Za-z/-]{4,100}")


class Kind(NamedTuple):
    """The values that an option may have.

    Attributes:
        problem: returns what is wrong with a stored value (the end of a sentence); empty if nothing. parse:
            returns the value to store for the user's value of the option of this name; raises InvalidInput.
            metavar: the placeholder for a value on the command line; empty for a flag. choices: the allowed
            words, if there are few. low, high: the bounds of a number. is_list: whether it is a list of
            texts.
    """

    problem: Callable[[Any], str]
    parse: Callable[[str, Any], Any] = lambda name, value: value
    metavar: str = ""
    choices: tuple[str, ...] = ()
    low: int | None = None
    high: int | None = None
    is_list: bool = False


def number_in(text: str) -> float | None:
    """Return a text as a number, None if it is not one."""
    try:
        return float(text)
    except ValueError:
        return None


def check_listed(name: str, listed: Sized) -> None:
    """Check the length of a list option.

    Raises:
        InvalidInput: with the option as `field`.
    """
    if len(listed) > MAX_LISTED:
        raise InvalidInput(f"{name} must have at most {MAX_LISTED:,} items, not {len(listed):,}.", field=name)


def whole(low: int, high: int) -> Kind:
    def problem(value: Any) -> str:
        fits = type(value) is int and low <= value <= high
        return "" if fits else f"must be a whole number from {low} to {high}"

    return Kind(problem, metavar="N", low=low, high=high)


def seconds(low: float = 0.0) -> Kind:
    def problem(value: Any) -> str:
        fits = type(value) in (int, float) and low <= value <= _MAX_SECONDS
        return "" if fits else f"must be a number of seconds, {'more than 0' if low else '0 or more'}"

    return Kind(problem, _parse_time, "TIME")


def _parse_time(name: str, value: Any) -> Any:
    if not isinstance(value, str):
        return value
    seconds = duration(value)
    if seconds is None:
        seconds = number_in(value)
    if seconds is None:
        raise InvalidInput(
            f"{name} must be a number of seconds or a duration such as 90s, 10m or 1h30m, not "
            f"{shown(value)}.",
            field=name,
        )
    return seconds


def _parse_bytes(name: str, value: Any) -> int | None:
    size = parse_size(value) if isinstance(value, str) else None
    if not size and value is not None:
        raise InvalidInput(
            f"{name} must be a size with a unit, such as 800M or 16G, not {shown(value)}.", field=name
        )
    return size


def _parse_gib(name: str, value: Any) -> Any:
    number = number_in(value) if isinstance(value, str) else value
    if number is None and value is not None:
        raise InvalidInput(f"{name} must be a number of GiB or 'auto', not {shown(value)}.", field=name)
    return number


def _gib_problem(value: Any) -> str:
    fits = type(value) in (int, float) and 0 < value <= _MAX_GIB
    return "" if fits else f"must be a number of GiB, more than 0 and at most {_MAX_GIB}"


def _flag_problem(value: Any) -> str:
    return "" if isinstance(value, bool) else "must be true or false"


def _parse_texts(name: str, value: Any) -> tuple[str, ...]:
    """Return a tuple of texts; the user may also give a single one."""
    if isinstance(value, str) or not isinstance(value, Iterable):
        value = (value,)
    if isinstance(value, Sized):
        check_listed(name, value)
    listed = tuple(value)
    for one in listed:
        if isinstance(one, bool) or not isinstance(one, (str, int)):
            raise InvalidInput(f"{name} must be a list of strings, not {shown(one)}.", field=name)
    return tuple(map(str, listed))


def _devices_problem(value: Any) -> str:
    fits = isinstance(value, tuple) and len(value) <= MAX_GPUS and all(map(_DEVICE.fullmatch, value))
    return "" if fits else "must be a list of GPU indices or UUIDs"


def _tasks_problem(value: Any) -> str:
    if not isinstance(value, tuple):
        return "must be a list of task names"
    for one in value:
        is_workspace = one.workspace == SHELL_WORKSPACE or is_task_name(one.workspace)
        if not is_workspace or not is_task_name(one.task):
            return "must name tasks of this project"
    return ""


def _rules_problem(value: Any) -> str:
    if value == ():
        return ""
    from pyruns_jupyter.core.alerts.rules import MAX_RULES, parse_rule  # few batches have rules

    if not isinstance(value, tuple) or len(value) > MAX_RULES:
        return f"must be a list of up to {MAX_RULES} alert rules"
    for one in value:
        parse_rule(one)
    return ""


def _parse_signal(name: str, value: Any) -> Any:
    """Return a signal with its time in seconds: `USR1@120` for `SIGUSR1@2m`."""
    if not isinstance(value, str):
        return value
    signal, at, time = value.strip().partition("@")
    signal = signal.upper().removeprefix("SIG")
    seconds = _parse_time(name, time.strip()) if at else None
    return value if seconds is None else f"{signal}@{seconds:g}"


def _signal_problem(value: Any) -> str:
    fits = isinstance(value, str) and _SIGNAL.fullmatch(value) and 0 < float(value.partition("@")[2]) < 1e6
    signals = ", ".join(SIGNALS)
    return "" if fits else f"must be a signal ({signals}) and a time before the limit, such as USR1@2m"


BYTES = Kind(whole(1, _MAX_BYTES).problem, _parse_bytes, "SIZE")
GIB = Kind(_gib_problem, _parse_gib, "GIB")
FLAG = Kind(_flag_problem)
SIGNAL_TIME = Kind(_signal_problem, _parse_signal, "SIGNAL@TIME")
DEVICES = Kind(_devices_problem, _parse_texts, "ID", is_list=True)
TASKS = Kind(_tasks_problem, _parse_texts, "TASK", is_list=True)
RULES = Kind(_rules_problem, _parse_texts, "RULE", is_list=True)
EXECUTOR = Kind(lambda value: "" if value in ENGINES else f"must be {ENGINE_NAMES}", choices=ENGINES)
RESOURCES = Kind(
    lambda value: "" if isinstance(value, JobResources) else "must be a mapping of the resources of a job",
    lambda name, value: JobResources.from_dict(value),
)
