"""Where tasks run and the resources of their cluster jobs, for project settings and run options alike."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from msgspec import Struct, field
from msgspec.structs import asdict, replace

from pyruns_jupyter.core.common.errors import InvalidInput, shown
from pyruns_jupyter.core.common.timestamps import duration

LOCAL, SLURM, DASK = "local", "slurm", "dask"
CLUSTERS = (SLURM, DASK)
ENGINES = (LOCAL, *CLUSTERS)
ENGINE_NAMES = f"{', '.join(ENGINES[:-1])} or {ENGINES[-1]}"  # for messages

# Regular expressions that are compiled when they are first used: few projects use a cluster.
_NAME = r"[\w.,@+:/-]{1,200}"
_GPUS = r"([\w.-]{1,60}:)?\d{1,4}"
_RESOURCE = r"[\w.-]{1,60}"
_ADDRESS = r"(?i)[a-z+]{1,20}://[\w.~%/:@\[\]-]{1,300}"
_MEMORY = r"(?i)\d{1,9}[KMGT]"
_CLOCK = r"(?:(\d{1,4})-)?(\d{1,4}):([0-5]?\d)(?::([0-5]?\d))?"
_MAX_SECONDS = 10 * 365 * 86400.0  # seconds
_MAX_LINES, _MAX_LINE = 100, 2000
_MAX_RESOURCES = 20
_MAX_NAME = 200  # characters of the name of a workspace in a message


class JobResources(Struct, frozen=True):
    """The resources of a cluster job; for an empty field the default of the cluster applies.

    Attributes:
        partition: one or more partitions, separated by commas (Slurm).
        account: the account to charge (Slurm).
        gpus: number of GPUs, `2` or with Slurm `a100:2`.
        cpus: number of processors (Slurm).
        memory: an amount with its unit: `800M`, `16G`.
        time: time limit in seconds (Slurm).
        extra: lines of the job script (Slurm). Those that begin with `-` are options of the submission
            command (`--qos=high`), others are commands to run before the task (`module load cuda`).
        resources: amounts of resources that the workers declare (Dask).
    """

    partition: str = ""
    account: str = ""
    gpus: str = ""
    cpus: int | None = None
    memory: str = ""
    time: float | None = None
    extra: tuple[str, ...] = ()
    resources: Mapping[str, float] = field(default_factory=dict)

    def over(self, base: JobResources) -> JobResources:
        """Return these resources, with those of `base` for empty fields, and the extra lines and the worker
        resources of both.
        """
        both = {"extra": base.extra + self.extra, "resources": {**base.resources, **self.resources}}
        return replace(base, **{**self.to_dict(), **both})

    def problem_with(self, engine: str) -> str:
        """Return why a field has no effect with a cluster (`CLUSTERS`), as a sentence; empty if all have."""
        for key in self.to_dict():
            if key not in _KEYS[engine]:
                valid = ", ".join(_KEYS[engine])
                return f"{key} has no effect with the executor {engine}. Valid options: {valid}."
        if engine == DASK and ":" in self.gpus:
            return f"gpus must be a number with the executor dask, not {self.gpus!r}."
        return ""

    def to_dict(self) -> dict[str, Any]:
        """Return the fields that are not empty as JSON-ready data."""
        found = {name: value for name, value in asdict(self).items() if value}
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


class ClusterAccess(Struct, frozen=True):
    """How a project uses a cluster.

    Attributes:
        python: the interpreter on the nodes that has this package, empty for the one of this process.
        poll_seconds: the maximum time between two queries to the cluster.
        address: the address of the Dask scheduler; empty for that in `DASK_SCHEDULER_ADDRESS`.
        cluster: the name of a cluster of Dask Gateway, in place of an address. The gateway gets a token of
            the user, so its address is not a setting of a project, but of Dask's own configuration.
    """

    python: str = ""
    poll_seconds: float = 15.0
    address: str = ""
    cluster: str = ""


class ClusterSettings(Struct, frozen=True):
    """Where the tasks of a project run, by default and for single workspaces (`workspaces`, by name).

    `needs` and `access` are by executor.
    """

    engine: str = LOCAL
    needs: Mapping[str, JobResources] = field(default_factory=dict)
    access: Mapping[str, ClusterAccess] = field(default_factory=dict)
    workspaces: Mapping[str, tuple[str | None, Mapping[str, JobResources]]] = field(default_factory=dict)

    def of(self, workspace: str, engine: str | None = None) -> tuple[str, JobResources]:
        """Return the executor of the tasks of a workspace, by default that of the settings, and the job
        resources with it.
        """
        own, needs = self.workspaces.get(workspace, (None, {}))
        engine = engine or own or self.engine
        return engine, needs.get(engine, NOTHING).over(self.needs.get(engine, NOTHING))

    def access_of(self, engine: str) -> ClusterAccess:
        """Return how the project uses a cluster."""
        return self.access.get(engine, ClusterAccess())

    @classmethod
    def parse(cls, values: Mapping[Any, Any]) -> tuple[ClusterSettings, list[str]]:
        """Return the settings in `engine`, `CLUSTERS` and `workspaces`, and their problems as sentences."""
        problems: list[str] = []

        def mapping(key: str, example: str) -> dict[Any, Any]:
            value = values.get(key)
            if value is not None and not isinstance(value, Mapping):
                problems.append(f"{key} must be a mapping {example}.")
            return dict(value) if isinstance(value, Mapping) else {}

        sections = {engine: mapping(engine, f"such as {_EXAMPLES[engine]}") for engine in CLUSTERS}
        access = {engine: _take_access(engine, section, problems) for engine, section in sections.items()}
        engine, needs = _executor(values.get("engine"), sections, "", problems)
        workspaces: dict[str, tuple[str | None, Mapping[str, JobResources]]] = {}
        for name, one in mapping("workspaces", "of names to settings").items():
            label = f"workspaces.{name[:_MAX_NAME] if isinstance(name, str) else shown(name)}"
            if isinstance(name, str) and isinstance(one, Mapping):
                workspaces[name] = _executor(one.get("engine"), one, f"{label}.", problems)
            else:
                problems.append(f"{label} must be a mapping such as {{engine: slurm}}.")
        used = {engine: one for engine, one in access.items() if one != ClusterAccess()}
        return cls(engine or LOCAL, needs, used, workspaces), problems


def _take_access(engine: str, section: dict[Any, Any], problems: list[str]) -> ClusterAccess:
    """Return what the section of a cluster has besides job resources, which remain in `section`."""
    known: dict[str, Any] = {}
    if isinstance(python := section.pop("python", None), str) and "\0" not in python:
        known["python"] = python.strip()
    poll = section.pop("poll_seconds", None)
    if type(poll) in (int, float) and 1 <= poll <= 3600:
        known["poll_seconds"] = float(poll)
    elif poll is not None:
        problems.append(
            f"{engine}.poll_seconds must be a number of seconds from 1 to 3600, not {shown(poll)}."
        )
    for key, (expected, pattern) in _DASK_PLACES.items() if engine == DASK else ():
        value = section.pop(key, None)
        if isinstance(value, str) and re.fullmatch(pattern, value.strip()):
            known[key] = value.strip()
        elif value is not None:
            problems.append(f"{engine}.{key} must be {expected}, not {shown(value)}.")
    if known.get("address") and known.get("cluster"):
        problems.append("dask.address and dask.cluster both name a cluster. Remove one of them.")
        del known["address"]
    return ClusterAccess(**known)


def _executor(
    engine: object, sections: Mapping[Any, Any], where: str, problems: list[str]
) -> tuple[str | None, dict[str, JobResources]]:
    if engine is not None and engine not in ENGINES:
        problems.append(f"{where}engine must be {ENGINE_NAMES}, not {shown(engine)}.")
        engine = None
    needs: dict[str, JobResources] = {}
    for cluster in CLUSTERS:
        try:
            found = JobResources.from_dict(sections.get(cluster) or {})
            problem = found.problem_with(cluster)
        except InvalidInput as error:
            found, problem = NOTHING, error.message
        if problem:
            problems.append(f"{where}{cluster}: {problem}")
        elif found != NOTHING:
            needs[cluster] = found
    return (engine if isinstance(engine, str) else None), needs


def seconds_of(value: object) -> float | None:
    """Return the seconds of a number, of `4h` or `1h30m`, or of `4:00:00` or `1-12:00` (days and hours) as
    Slurm writes them; None for anything else.
    """
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value) if 0 < value <= _MAX_SECONDS else None  # YAML also reads 4:00:00 as seconds
    if not isinstance(value, str):
        return None
    text = value.strip()
    clock = re.fullmatch(_CLOCK, text)
    seconds = _clock(clock) if clock else duration(text)
    return seconds if seconds is not None and 0 < seconds <= _MAX_SECONDS else None


def _clock(found: re.Match[str]) -> float:
    days, first, second, third = (int(one or 0) for one in found.groups())
    if found[1] is None and found[4] is None:  # minutes and seconds
        return first * 60.0 + second
    return days * 86400.0 + first * 3600 + second * 60 + third


def _matching(pattern: str) -> Callable[[object], str | None]:
    def convert(value: object) -> str | None:
        is_count = type(value) is int and 0 <= value < 10**9
        text = str(value).strip() if is_count or isinstance(value, str) else ""
        return text if re.fullmatch(pattern, text) and not text.startswith("-") else None

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


def _resources(value: object) -> dict[str, float] | None:
    if not isinstance(value, Mapping) or len(value) > _MAX_RESOURCES:
        return None
    found: dict[str, float] = {}
    for name, amount in value.items():
        if not isinstance(name, str) or not re.fullmatch(_RESOURCE, name):
            return None
        if type(amount) not in (int, float) or not 0 < amount < 1e18:
            return None
        found[name] = float(amount)
    return found


def _is_words(line: str) -> bool:
    try:
        import shlex  # slow to import, and few projects use a cluster

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
    "resources": ("a mapping of resources of the workers to amounts such as {LICENSE: 1}", _resources),
}
# The fields that have an effect with a cluster.
_KEYS = {
    SLURM: ("partition", "account", "gpus", "cpus", "memory", "time", "extra"),
    DASK: ("gpus", "memory", "resources"),
}
_EXAMPLES = {
    SLURM: "{partition: gpu, cpus: 4}",
    DASK: "{address: 'tcp://scheduler:8786', resources: {LICENSE: 1}}",
}
_DASK_PLACES = {
    "address": ("an address such as tcp://scheduler:8786", _ADDRESS),
    "cluster": ("the name of a cluster of Dask Gateway", _NAME),
}
