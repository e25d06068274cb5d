"""Failed tasks, grouped by their error, with the values of parameters that they have in common."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pyruns_jupyter.core.common.errors import PyrunsError
from pyruns_jupyter.core.common.json_floats import encode_nonfinite
from pyruns_jupyter.core.common.printable import printable
from pyruns_jupyter.core.logs.diagnosis import GPU_MEMORY, is_gpu_memory_error
from pyruns_jupyter.core.taskfile.runs import FAILED, failure_of
from pyruns_jupyter.core.taskfile.task_file import read_task
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder

from .row import TaskRow

MAX_SHARED = 20  # values that the tasks of one group have in common
EXCLUSIVE_GPUS, SEQUENTIAL = "exclusive_gpus", "sequential"  # kinds of remedies
_MAX_CAUSES = 3  # in a summary
_MAX_CAUSE = 80  # characters of an error in a summary

_GPU_MEMORY_ADVICE = "Reserve more GPU memory (--gpu-memory), or retry with exclusive GPUs (--retry-alone)."
# The beginning of a message of ours, and what the user can do.
_OUT_OF_MEMORY = "Killed: out of memory"
_ADVICE = {
    _OUT_OF_MEMORY: "Reserve more memory (--memory), or run fewer tasks in parallel (-j).",
    "Stopped because it exceeded its time limit": "Increase --time-limit, or save checkpoints and --requeue.",
}


@dataclass(frozen=True)
class SharedValue:
    """A value that all tasks of a group have, and how many of the other tasks have it too."""

    key: str
    value: Any
    others: int


@dataclass(frozen=True)
class Remedy:
    """A way to run failed tasks again with a better chance: `run` are the run options."""

    kind: str
    run: Mapping[str, Any]


@dataclass(frozen=True)
class FailureGroup:
    """Failed tasks with the same error.

    Attributes:
        message: the error.
        names: the names of the tasks.
        others: how many of the compared tasks are not in this group.
        shared: values of parameters that all of them have, first those that the fewest other tasks have.
        advice: what the user can do, empty if that is not known.
        remedies: run options that may prevent the error, the best one first.
    """

    message: str
    names: tuple[str, ...]
    others: int
    shared: tuple[SharedValue, ...]
    advice: str = ""
    remedies: tuple[Remedy, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Return the group as data for JSON."""
        lists = {
            "shared": [vars(one) for one in self.shared],
            "remedies": [vars(one) for one in self.remedies],
        }
        return {**vars(self), "names": list(self.names), **lists}

    def summary(self) -> str:
        """Return the number of tasks and their error, with the value that distinguishes them from others."""
        cause = printable(self.message or "unknown reason").rstrip(".")
        cause = cause if len(cause) <= _MAX_CAUSE else f"{cause[:_MAX_CAUSE]}..."
        found = self.distinguishing
        shared = f", all with {found.key}={printable(json.dumps(found.value))[:_MAX_CAUSE]}" if found else ""
        return f"{len(self.names):,} {cause}{shared}"

    @property
    def distinguishing(self) -> SharedValue | None:
        """The value that all these tasks have, and less than half of the others; None if there is none."""
        first = self.shared[0] if self.shared else None
        return first if first is not None and 2 * first.others < self.others else None


def failure_groups(
    workspace: WorkspaceFolder,
    rows: Sequence[TaskRow],
    configs: Sequence[Mapping[str, Any]],
    is_given_up: Callable[[], bool] = lambda: False,
) -> list[FailureGroup]:
    """Return the groups of the failed ones of some tasks, the largest one first.

    `configs` are the flat configurations of all the tasks. This reads a file for each failed one; there are
    no groups if `is_given_up` returns true meanwhile.
    """
    groups: dict[tuple[str, str], list[int]] = {}
    headlines: dict[tuple[str, str], tuple[str, str]] = {}
    for at, row in enumerate(rows):
        if row.status == FAILED:
            if is_given_up():
                return []
            headline, mark, kind = _failure(workspace, row)
            key = (mark, "" if mark else headline)
            groups.setdefault(key, []).append(at)
            headlines.setdefault(key, (headline, kind))
    keyed = [{name: _key(value) for name, value in config.items()} for config in configs] if groups else []
    found = [
        FailureGroup(
            message=headlines[key][0],
            names=tuple(rows[at].name for at in places),
            others=len(rows) - len(places),
            shared=_shared(places, configs, keyed) if len(places) > 1 else (),
            advice=_advice(*headlines[key]),
            remedies=_remedies(*headlines[key], max(len(rows[at].gpus) for at in places)),
        )
        for key, places in groups.items()
    ]
    return sorted(found, key=lambda group: -len(group.names))


def failures_summary(groups: Sequence[FailureGroup], more_failed: int = 0, more: int = 0) -> str:
    """Return groups of failures as one sentence, such as `14 of 500 failed: 11 CUDA out of memory, all with
    bs=512; 3 ValueError: loss is nan.`; empty if no task failed.

    Of `more` tasks that are not in the groups, `more_failed` failed.
    """
    if not groups:
        return ""
    failed, total = sum(len(one.names) for one in groups), len(groups[0].names) + groups[0].others
    causes = [one.summary() for one in groups[:_MAX_CAUSES]]
    rest = sum(len(one.names) for one in groups[_MAX_CAUSES:]) + more_failed
    found = f"{'; '.join(causes)}{f'; {rest:,} others' if rest else ''}"
    return f"{failed + more_failed:,} of {total + more:,} failed: {found}."


def _key(value: Any) -> str:
    """Return a text that is equal for equal values."""
    return json.dumps(encode_nonfinite(value), sort_keys=True)


def _failure(workspace: WorkspaceFolder, row: TaskRow) -> tuple[str, str, str]:
    """Return the error of a failed task, a mark that equal errors share, and its kind."""
    message = row.message or ("" if row.exit_code is None else f"Exit code {row.exit_code}")
    try:
        headline, mark, kind = failure_of(read_task(workspace.paths(row.name).folder), row.run)
    except (PyrunsError, OSError):
        return message, "", ""
    return message or headline, mark, kind


def _advice(message: str, kind: str) -> str:
    if kind == GPU_MEMORY or is_gpu_memory_error(message):
        return _GPU_MEMORY_ADVICE
    return next((advice for part, advice in _ADVICE.items() if message.startswith(part)), "")


def _remedies(message: str, kind: str, gpus: int) -> tuple[Remedy, ...]:
    """Return what may prevent an error of tasks that had up to `gpus` GPUs."""
    alone = Remedy(SEQUENTIAL, {"jobs": 1})
    if kind == GPU_MEMORY or is_gpu_memory_error(message):
        return Remedy(EXCLUSIVE_GPUS, {"gpus": max(1, gpus)}), alone
    return (alone,) if message.startswith(_OUT_OF_MEMORY) else ()


def _shared(
    places: list[int], configs: Sequence[Mapping[str, Any]], keyed: Sequence[Mapping[str, str]]
) -> tuple[SharedValue, ...]:
    """Return the values of parameters that all tasks at `places` have, but not all tasks."""
    shared = []
    first = places[0]
    for name, value in configs[first].items():
        key = keyed[first][name]
        if value is None or any(keyed[at].get(name) != key for at in places):
            continue
        same = sum(one.get(name) == key for one in keyed) - len(places)
        if same + len(places) < len(keyed):
            shared.append(SharedValue(name, encode_nonfinite(value), same))
    shared.sort(key=lambda one: one.others)
    return tuple(shared[:MAX_SHARED])
