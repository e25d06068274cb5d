"""Where tasks run and the resources of their cluster jobs, for project settings and run options alike."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any

from pyruns_jupyter.core.common.errors import InvalidInput, shown
from pyruns_jupyter.core.common.timestamps import duration

LOCAL, SLURM = "local", "slurm"
ENGINES = (LOCAL, SLURM)

_NAME = re.compile(r"[\w.,@+:/-]{1,200}")
_GPUS = re.compile(r"([\w.-]{1,60}:)?\d{1,4}")
_MEMORY = re.compile(r"\d{1,9}[KMGT]", re.IGNORECASE)
_CLOCK = re.compile(r"(?:(\d{1,4})-)?(\d{1,4}):([0-5]?\d)(?::([0-5]?\d))?")
_MAX_SECONDS = 10 * 365 * 86400.0  # seconds
_MAX_LINES, _MAX_LINE = 100, 2000
_MAX_NAME = 200  # characters of the name of a workspace in a message


@dataclass(frozen=True)
class JobResources:
    """The resources of a cluster job; for an empty field the default of the cluster applies.

    Attributes:
        partition: one or more partitions, separated by commas.
        account: the account to charge.
        gpus: number of GPUs, `2` or `a100:2`.
        cpus: number of processors.
        memory: an amount with its unit: `800M`, `16G`.
        time: time limit in seconds.
        extra: lines of the job script. Those that begin with `-` are options of the submission command
            (`--qos=high`), others are commands to run before the task (`module load cuda`).
    """

    partition: str = ""
    account: str = ""
    gpus: str = ""
    cpus: int | None = None
    memory: str = ""
    time: float | None = None
    extra: tuple[str, ...] = ()

    def over(self, base: JobResources) -> JobResources:
        """Return these resources, with those of `base` for empty fields and the extra lines of both."""
        return replace(base, **{**self.to_dict(), "extra": base.extra + self.extra})

    def to_dict(self) -> dict[str, Any]:
        """Return the fields that are not empty as JSON-ready data."""
        found = {one.name: getattr(self, one.name) for one in fields(self) if getattr(self, one.name)}
        return {**found, "extra": list(self.extra)} if self.extra else found

    @classmethod
    def from_dict(cls, value: object) -> JobResources:
        """Return the resources in a mapping of the user or of `to_dict`.

        Raises:
            InvalidInput: if it is not one, with the key as `field`.
        """
        if not isinstance(value, Mapping):
            raise InvalidInput(
                "cluster must be a mapping such as {partition: gpu, cpus: 4}.", field="cluster"
            )
        known: dict[str, Any] = {}
        for key, given in value.items():
            rule = _RULES.get(key)
            if rule is None:
                raise InvalidInput(
                    f"Unknown cluster option {shown(key)}. Valid options: {', '.join(_RULES)}.",
                    field="cluster",
                )
            expected, convert = rule
            converted = None if given is None else convert(given)
            if given is not None and converted is None:
                raise InvalidInput(f"{key} must be {expected}, not {shown(given)}.", field=f"cluster.{key}")
            if converted is not None:
                known[key] = converted
        return cls(**known)


NOTHING = JobResources()


@dataclass(frozen=True)
class ClusterSettings:
    """Where the tasks of a project run, by default and for single workspaces (`workspaces`, by name).

    `python` is the interpreter on the nodes that has this package, "" for the one of this process.
    `poll_seconds` is the maximum time between two queries to the cluster.
    """

    engine: str = LOCAL
    need: JobResources = field(default_factory=JobResources)
    python: str = ""
    poll_seconds: float = 15.0
    workspaces: Mapping[str, tuple[str | None, JobResources]] = field(default_factory=dict)

    def of(self, workspace: str) -> tuple[str, JobResources]:
        """Return the engine and the job resources of the tasks of a workspace."""
        engine, need = self.workspaces.get(workspace, (None, NOTHING))
        return engine or self.engine, need.over(self.need)

    @classmethod
    def parse(cls, values: Mapping[Any, Any]) -> tuple[ClusterSettings, list[str]]:
        """Return the settings in `engine`, `slurm` and `workspaces`, and their problems as sentences."""
        problems: list[str] = []

        def mapping(key: str, example: str) -> dict[Any, Any]:
            value = values.get(key)
            if value is not None and not isinstance(value, Mapping):
                problems.append(f"{key} must be a mapping {example}.")
            return dict(value) if isinstance(value, Mapping) else {}

        slurm = mapping("slurm", "such as {partition: gpu, cpus: 4}")
        own: dict[str, Any] = {}
        if isinstance(python := slurm.pop("python", None), str) and "\0" not in python:
            own["python"] = python.strip()
        poll = slurm.pop("poll_seconds", None)
        if type(poll) in (int, float) and 1 <= poll <= 3600:
            own["poll_seconds"] = float(poll)
        elif poll is not None:
            problems.append(
                f"slurm.poll_seconds must be a number of seconds from 1 to 3600, not {shown(poll)}."
            )
        engine, need = _executor(values.get("engine"), slurm, "", problems)
        workspaces: dict[str, tuple[str | None, JobResources]] = {}
        for name, one in mapping("workspaces", "of names to settings").items():
            label = f"workspaces.{name[:_MAX_NAME] if isinstance(name, str) else shown(name)}"
            if isinstance(name, str) and isinstance(one, Mapping):
                workspaces[name] = _executor(one.get("engine"), one.get("slurm") or {}, f"{label}.", problems)
            else:
                problems.append(f"{label} must be a mapping such as {{engine: slurm}}.")
        return cls(engine=engine or LOCAL, need=need, workspaces=workspaces, **own), problems


def _executor(
    engine: object, need: object, where: str, problems: list[str]
) -> tuple[str | None, JobResources]:
    if engine is not None and engine not in ENGINES:
        problems.append(f"{where}engine must be {' or '.join(ENGINES)}, not {shown(engine)}.")
        engine = None
    try:
        found = JobResources.from_dict(need)
    except InvalidInput as error:
        problems.append(f"{where}slurm: {error.message}")
        found = NOTHING
    return (engine if isinstance(engine, str) else None), found


def seconds_of(value: object) -> float | None:
    """Return the seconds of a number, of `4h` or `1h30m`, or of `4:00:00` or `1-12:00` (days and hours) as
    Slurm writes them; None for anything else.
    """
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value) if 0 < value <= _MAX_SECONDS else None  # YAML also reads 4:00:00 as seconds
    if not isinstance(value, str):
        return None
    text = value.strip()
    clock = _CLOCK.fullmatch(text)
    seconds = _clock(clock) if clock else duration(text)
    return seconds if seconds is not None and 0 < seconds <= _MAX_SECONDS else None


def _clock(found: re.Match[str]) -> float:
    days, first, second, third = (int(one or 0) for one in found.groups())
    if found[1] is None and found[4] is None:  # minutes and seconds
        return first * 60.0 + second
    return days * 86400.0 + first * 3600 + second * 60 + third


def _matching(pattern: re.Pattern[str]) -> Callable[[object], str | None]:
    def convert(value: object) -> str | None:
        is_count = type(value) is int and 0 <= value < 10**9
        text = str(value).strip() if is_count or isinstance(value, str) else ""
        return text if pattern.fullmatch(text) and not text.startswith("-") else None

    return convert


def _cpus(value: object) -> int | None:
    return value if type(value) is int and 0 < value <= 100_000 else None


def _lines(value: object) -> tuple[str, ...] | None:
    lines = [value] if isinstance(value, str) else value
    if not isinstance(lines, (list, tuple)) or len(lines) > _MAX_LINES:
        return None
    for line in lines:
        if not isinstance(line, str) or len(line) > _MAX_LINE or not line.isprintable():
            return None
        if line.lstrip().startswith("-") and not _is_words(line):
            return None
    return tuple(line.strip() for line in lines if line.strip())


def _is_words(line: str) -> bool:
    try:
        return bool(shlex.split(line))
    except ValueError:  # a quote that is not closed
        return False


_RULES: dict[str, tuple[str, Callable[[object], Any]]] = {
    "partition": ("a name", _matching(_NAME)),
    "account": ("a name", _matching(_NAME)),
    "gpus": ("a number of GPUs such as 2, or a type and a number such as a100:2", _matching(_GPUS)),
    "cpus": ("a positive whole number", _cpus),
    "memory": ("a size with a unit such as 800M or 16G", _matching(_MEMORY)),
    "time": ("a time such as 90m, 4h or 1-12:00:00", seconds_of),
    "extra": (f"a list of at most {_MAX_LINES} printable lines", _lines),
}
