"""The options of a queueing as people and programs give them: times as texts, tasks by name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sized

from pyruns_jupyter.core.common.byte_sizes import parse_size
from pyruns_jupyter.core.common.errors import InvalidInput, shown
from pyruns_jupyter.core.common.timestamps import duration
from pyruns_jupyter.core.workspace.cluster_settings import LOCAL, JobResources
from pyruns_jupyter.core.workspace.settings import Settings
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
from pyruns_jupyter.engine.cluster.resources import engine_of
from pyruns_jupyter.engine.gpus.memory_estimate import memory_need
from pyruns_jupyter.engine.memory.reservations import check_memory
from pyruns_jupyter.engine.queue.option_effects import check_effects
from pyruns_jupyter.engine.queue.options import MAX_AFTER, MAX_JOBS, After, QueueOptions

KEYS = (
    *("jobs", "priority", "after", "after_any", "retries", "retry_delay", "time_limit", "grace"),
    *("stop_after", "resume", "gpus", "gpu_memory", "gpu_devices", "retry_alone", "memory"),
    *("engine", "cluster"),
)
MAX_LISTED = MAX_AFTER  # texts of one option
_TIMES = ("retry_delay", "time_limit", "grace")


def queue_options(workspace: WorkspaceFolder, given: Mapping[str, object]) -> QueueOptions:
    """Return the options of a queueing of tasks of `workspace`.

    `given` has some of `KEYS`: times are seconds or texts such as `10m`, `gpu_memory` GiB or `auto` (what
    completed runs have used, and a tenth more), `memory` an amount such as `16G`, `cluster` a mapping of what
    a job asks for, `after` and `after_any` names of tasks, `workspace/task` for those of another workspace of
    the project.

    Raises:
        InvalidInput: when one cannot be used or would have no effect, with it as `field`.
    """
    unknown = given.keys() - set(KEYS)
    if unknown:
        raise InvalidInput(
            f"Unknown run option {shown(min(unknown))}. Valid options: {', '.join(KEYS)}.", field=min(unknown)
        )
    known = {key: value for key, value in given.items() if key not in ("after", "after_any")}
    for key in _TIMES:
        if key in known:
            known[key] = _seconds(key, known[key])
    if isinstance(known.get("gpu_memory"), str):
        known["gpu_memory"] = _gpu_memory(workspace, str(known["gpu_memory"]))
    if known.get("memory") is not None:
        known["memory"] = _memory(known["memory"])
    if "gpu_devices" in known:
        known["gpu_devices"] = tuple(map(str, _listed("gpu_devices", known["gpu_devices"])))
    if "cluster" in known:
        known["cluster"] = JobResources.from_dict(known["cluster"])
    engine = engine_of(Settings.load(workspace.root), workspace.name, known.get("engine"))
    if isinstance(size := known.get("memory"), int) and engine == LOCAL:
        check_memory(size)
    if "jobs" not in known and engine != LOCAL:
        known["jobs"] = MAX_JOBS  # the cluster knows how many there is room for
    after = [
        *_after(workspace.name, _listed("after", given.get("after", ())), ok=True),
        *_after(workspace.name, _listed("after_any", given.get("after_any", ())), ok=False),
    ]
    options = QueueOptions(**known, after=tuple(after)).check()  # type: ignore[arg-type]  # `check` looks at types
    check_effects(options, engine, given.keys())
    return options


def _seconds(key: str, value: object) -> object:
    if not isinstance(value, str):
        return value
    seconds = duration(value)
    if seconds is None:
        seconds = _number(value)
    if seconds is None:
        raise InvalidInput(
            f"{key} must be seconds, or a time such as 90s, 10m or 1h30m, not {shown(value)}.", field=key
        )
    return seconds


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _memory(value: object) -> int:
    size = parse_size(value) if isinstance(value, str) else None
    if not size:
        raise InvalidInput(
            f"memory must be an amount with its unit such as 800M or 16G, not {shown(value)}.", field="memory"
        )
    return size


def _gpu_memory(workspace: WorkspaceFolder, text: str) -> float:
    amount = memory_need(workspace) if text == "auto" else _number(text)
    if amount is None:
        told = (
            "no completed run of the workspace was measured"
            if text == "auto"
            else f"{shown(text)} is no number"
        )
        raise InvalidInput(f"gpu_memory must be GiB, or 'auto', but {told}.", field="gpu_memory")
    return amount


def _listed(key: str, value: object) -> list[str | int]:
    """Return what may be one text or several."""
    listed: list[str | int] = []
    if isinstance(value, Sized) and not isinstance(value, str) and len(value) > MAX_LISTED:
        raise InvalidInput(f"{key} must hold at most {MAX_LISTED:,} texts, not {len(value):,}.", field=key)
    for one in [value] if isinstance(value, str) or not isinstance(value, Iterable) else value:
        if isinstance(one, bool) or not isinstance(one, (str, int)):
            raise InvalidInput(f"{key} must be a list of texts, not {shown(value)}.", field=key)
        listed.append(one)
    return listed


def _after(workspace: str, names: list[str | int], *, ok: bool) -> list[After]:
    found = []
    for name in names:
        place, _, task = str(name).rpartition("/")
        found.append(After(place or workspace, task, ok))
    return found
