"""The file of a study, `<workspace>/studies/<name>.json`: its search space, its options, and its state."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any, Final, Literal, get_type_hints

from msgspec import Meta

from pyruns_jupyter.core.common.errors import Conflict, InvalidInput, NotFound, Unreadable
from pyruns_jupyter.core.common.validation import convert
from pyruns_jupyter.core.fs.atomic import dump_json, parse_json, read_whole, sync_folder, write_atomic
from pyruns_jupyter.core.fs.locks import FOLDER_MODE, locked
from pyruns_jupyter.core.metrics.expressions import MAXIMIZE, Direction
from pyruns_jupyter.core.taskfile.paths import check_task_name, is_task_name
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
from pyruns_jupyter.engine.queue.options import QueueOptions

from .objectives import MAX_CONSTRAINTS, MAX_OBJECTIVES, Constraint, Objective, parse_constraint
from .pruners import DEFAULT_FACTORS, Pruner
from .rules import check_pruner, check_sampler
from .samplers import TRAITS, Sampler, check_packages

STUDIES = "studies"
State = Literal["active", "stopped", "finished", "failed"]
ACTIVE: Final = "active"
STOPPED: Final = "stopped"
FINISHED: Final = "finished"
FAILED: Final = "failed"
MAX_TRIALS, MAX_JOBS = 10_000, 1000
MAX_RESOURCE = 10_000  # values of a curve by which trials are pruned

TrialCount = Annotated[int, Meta(ge=1, le=MAX_TRIALS)]
Resource = Annotated[int, Meta(ge=1, le=MAX_RESOURCE)]
Factor = Annotated[int, Meta(ge=2, le=100)]

_SUFFIX = ".json"
_LOCK_TIMEOUT = 30.0  # seconds; a driver holds the lock while its sampler computes
_VERSION = 1


@dataclass(frozen=True)
class EarlierTask:
    """The result of an earlier task that a study learns from; the attributes are those of a `Trial`.

    It is copied into the file of the study, so that the suggestions of the study stay the same if the task is
    changed or deleted.
    """

    task: str
    values: dict[str, Any]
    objective_values: tuple[float, ...]
    constraint_values: tuple[float, ...] = ()


@dataclass(frozen=True)
class Definition:
    """The definition and the state of a study.

    Attributes:
        name: its name; its trials are named `name_01` and so on.
        text: YAML of the whole configuration, including the search space (`core.config.sweep.searchspace`).
        objective: the metric to optimize: the value that a run records under this key, else the last value
            that it tracked; or an aggregate such as `min(val_loss)`.
        direction: `maximize` or `minimize`.
        further_objectives: those after the first one; the study then looks for the Pareto front.
        constraints: limits of metrics, such as `latency <= 20`.
        n: the number of trials.
        jobs: the maximum number of parallel trials.
        sampler: `tpe` (tree-structured Parzen estimator), `random`, `cmaes`, `gp` (Gaussian process),
            `nsga2`, `qmc` (quasi-Monte Carlo) or `grid`.
        n_startup_trials: the number of random trials before the sampler learns, of `nsga2` the size of the
            population; None for the default of the sampler.
        seed: the random seed: the same seed and results give the same configurations.
        prune: `median` or `quartile`: stop a run that is worse than the median (top quartile) of the other
            runs at the same step; `asha` or `hyperband`: after 1, 4, 16 ... values of the objective,
            let only the best part of the runs continue; empty for never.
        min_resource: of `asha` and `hyperband`, the number of values before the first comparison.
        max_resource: of `hyperband`, the number of values of a complete run.
        reduction_factor: of `asha` and `hyperband`: one of that many trials continues.
        warm_start: results of earlier tasks that the sampler learns from.
        options: those with which each trial is queued.
        created_at: epoch seconds.
        state: `active`, `stopped`, `finished` or `failed`; `message` is why, if that is not obvious.
    """

    name: str
    text: str
    objective: str
    direction: Direction = MAXIMIZE
    n: TrialCount = 50
    jobs: Annotated[int, Meta(ge=1, le=MAX_JOBS)] = 1
    sampler: Sampler = "tpe"
    seed: Annotated[int, Meta(ge=0, le=2**32 - 1)] = 0
    prune: Pruner = ""
    options: QueueOptions = field(default_factory=QueueOptions)
    created_at: Annotated[float, Meta(ge=0, lt=1e12, description="a time in epoch seconds")] = 0.0
    state: State = ACTIVE
    message: str = ""
    further_objectives: tuple[Objective, ...] = ()
    constraints: tuple[str, ...] = ()
    n_startup_trials: TrialCount | None = None
    min_resource: Resource | None = None
    max_resource: Resource | None = None
    reduction_factor: Factor | None = None
    warm_start: tuple[EarlierTask, ...] = ()

    def check(self) -> Definition:
        """Return this definition if it is valid.

        Raises:
            InvalidInput: with the field that is not.
        """
        for key, kind in get_type_hints(Definition, include_extras=True).items():
            if key != "options":
                convert(getattr(self, key), kind, field=key)
        check_task_name(self.name)
        for objective in self.objectives:
            objective.check()
        self._check_counts()
        check_sampler(self)
        check_pruner(self)
        self.options.check()
        return self

    def _check_counts(self) -> None:
        if len(self.objectives) > MAX_OBJECTIVES:
            raise InvalidInput(f"A study can have at most {MAX_OBJECTIVES} objectives.", field="objectives")
        if len({one.metric for one in self.objectives}) < len(self.objectives):
            raise InvalidInput("Two objectives have the same metric. Remove one of them.", field="objectives")
        if len(self.constraints) > MAX_CONSTRAINTS:
            raise InvalidInput(
                f"A study can have at most {MAX_CONSTRAINTS} constraints.", field="constraints"
            )
        for text in self.constraints:
            parse_constraint(text)

    def check_packages(self) -> None:
        """Check that the packages that the study needs are installed.

        Raises:
            PackageMissing: when one is missing or too old.
        """
        several = bool(self.further_objectives)
        check_packages(self.sampler, constrained=bool(self.constraints), several=several)

    @property
    def objectives(self) -> tuple[Objective, ...]:
        """All objectives."""
        return Objective(self.objective, self.direction), *self.further_objectives

    @property
    def parsed_constraints(self) -> list[Constraint]:
        """The constraints, parsed.

        Raises:
            InvalidInput: when one is not valid.
        """
        return [parse_constraint(text) for text in self.constraints]

    @property
    def startup_trials(self) -> int | None:
        """The number of random trials before the sampler learns, None if it does not learn."""
        default = TRAITS[self.sampler].startup
        return default if self.n_startup_trials is None else self.n_startup_trials

    @property
    def halving(self) -> tuple[int, int]:
        """The resource of the first comparison, and the reduction factor, of `asha` and `hyperband`."""
        return self.min_resource or 1, self.reduction_factor or DEFAULT_FACTORS.get(self.prune, 2)

    @property
    def is_active(self) -> bool:
        """Whether more trials are to be started."""
        return self.state == ACTIVE

    def to_dict(self) -> dict[str, Any]:
        """Return the definition as its file stores it."""
        found = {"version": _VERSION, **vars(self), "options": self.options.to_dict()}
        for key in _OPTIONAL:  # which older versions do not know
            if not found[key]:
                del found[key]
        for key in ("further_objectives", "warm_start"):
            if key in found:
                found[key] = [vars(one) for one in found[key]]
        return found

    @classmethod
    def from_dict(cls, value: dict[str, Any], path: Path) -> Definition:
        """Return the definition that `to_dict` stored in `path`.

        Raises:
            Unreadable: when a field is missing or not valid, or a newer version wrote the file.
        """
        try:
            version = convert(value["version"], int, field="version")
            if version > _VERSION:
                raise Unreadable(
                    f"{path} was written by a newer version of pyruns_jupyter. Update pyruns_jupyter."
                )
            known = {key: value[key] for key in cls.__dataclass_fields__ if key in value}
            for key, kind in _OPTIONAL.items():
                if key in known:
                    known[key] = convert(known[key], kind, field=key)
            known["options"] = QueueOptions.from_dict(dict(value.get("options", {})))
            return cls(**known).check()
        except (KeyError, TypeError, ValueError, InvalidInput) as error:
            raise Unreadable(f"{path} is not a valid study: {str(error).rstrip('.')}.") from error


_OPTIONAL: Final[Mapping[str, Any]] = {
    "further_objectives": tuple[Objective, ...],
    "constraints": tuple[str, ...],
    "n_startup_trials": int | None,
    "min_resource": int | None,
    "max_resource": int | None,
    "reduction_factor": int | None,
    "warm_start": tuple[EarlierTask, ...],
}


class StudyPaths:
    """The paths of the files of one study."""

    def __init__(self, workspace: WorkspaceFolder, name: str) -> None:
        """Return the paths of the study `name`, which need not exist.

        Raises:
            InvalidInput: when no study can have this name.
        """
        check_task_name(name)
        self.workspace = workspace
        self.folder = workspace.folder / STUDIES
        self.file = self.folder / f"{name}{_SUFFIX}"
        self.lock = self.folder / f".{name}.lock"


def study_names(workspace: WorkspaceFolder) -> list[str]:
    """Return the names of a workspace's studies; none if their folder is a link."""
    folder = workspace.folder / STUDIES
    try:
        files = [] if folder.is_symlink() else os.listdir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return []
    names = (file.removesuffix(_SUFFIX) for file in files if file.endswith(_SUFFIX))
    return sorted(name for name in names if is_task_name(name))


def read_study(workspace: WorkspaceFolder, name: str) -> Definition:
    """Return a study's definition.

    Raises:
        NotFound: when there is none of this name.
        Unreadable: when its file is damaged.
    """
    path = StudyPaths(workspace, name).file
    if path.parent.is_symlink():
        raise _no_study(workspace, name)
    try:
        data, _ = read_whole(path)
    except (FileNotFoundError, NotADirectoryError):
        raise _no_study(workspace, name) from None
    found = Definition.from_dict(parse_json(data, path), path)
    return found if found.name == name else replace(found, name=name)


@contextmanager
def changing(
    workspace: WorkspaceFolder, name: str, *, create: bool = False, timeout: float = _LOCK_TIMEOUT
) -> Iterator[StudyPaths]:
    """Hold the lock of a study's file for a `with` block.

    With `create` the study need not exist, and the folder of studies is created if necessary.

    Raises:
        InvalidInput: when no study can have this name.
        NotFound: when there is no such study; nothing is left behind, not even the file of its lock.
        Conflict: when the folder of studies is a symbolic link.
        Busy: when the lock is not free within `timeout` seconds.
    """
    paths = StudyPaths(workspace, name)
    if paths.folder.is_symlink():
        raise Conflict(
            f"{paths.folder} is a symbolic link. Studies are not written through links. Delete it."
        )
    if not create and not os.path.lexists(paths.file):
        raise _no_study(workspace, name)
    if create:
        with suppress(FileExistsError):
            paths.folder.mkdir(mode=FOLDER_MODE)
            sync_folder(workspace.folder)
    while True:
        with locked(paths.lock, timeout=timeout) as lock:
            if not lock.is_at(paths.lock):
                continue  # the study was removed meanwhile together with its lock
            try:
                if not create and not os.path.lexists(paths.file):
                    raise _no_study(workspace, name)
                yield paths
            finally:
                if not os.path.lexists(paths.file):
                    with suppress(OSError):
                        paths.lock.unlink()
            return


def write_study(paths: StudyPaths, definition: Definition) -> None:
    """Write a definition, durably; only under `changing`."""
    write_atomic(paths.file, dump_json(definition.to_dict()))


def _no_study(workspace: WorkspaceFolder, name: str) -> NotFound:
    return NotFound(f"The study {name!r} does not exist in the workspace {workspace.name!r}.")
