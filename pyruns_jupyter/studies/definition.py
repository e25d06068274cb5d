"""The file of a study, `<workspace>/studies/<name>.json`: what is searched, how, and whether it goes on."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pyruns_jupyter.core.common.errors import Conflict, InvalidInput, NotFound, Unreadable, shown
from pyruns_jupyter.core.fs.atomic import dump_json, parse_json, read_whole, sync_folder, write_atomic
from pyruns_jupyter.core.fs.locks import FOLDER_MODE, locked
from pyruns_jupyter.core.taskfile.paths import check_task_name, is_task_name
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
from pyruns_jupyter.engine.queue.options import QueueOptions

STUDIES = "studies"
MAXIMIZE, MINIMIZE = "maximize", "minimize"
DIRECTIONS = (MAXIMIZE, MINIMIZE)
SAMPLERS = ("tpe", "random")
PRUNERS = ("", "median", "quartile")
ACTIVE, STOPPED, FINISHED, FAILED = "active", "stopped", "finished", "failed"
STATES = (ACTIVE, STOPPED, FINISHED, FAILED)
MAX_TRIALS, MAX_JOBS = 10_000, 1000

_SUFFIX = ".json"
_LOCK_TIMEOUT = 5.0  # seconds
_VERSION = 1
_MAX_SEED = 2**32 - 1
_MAX_EPOCH = 1e12  # epoch seconds
_TEXTS = ("name", "text", "objective", "direction", "sampler", "prune", "state", "message")


@dataclass(frozen=True)
class Definition:
    """What a study is.

    Attributes:
        name: its name; trials are called after it, `name_01`.
        text: YAML of the whole configuration, with what is searched (`core.sweep.searchspace`).
        objective: the figure that is optimised: what a run records under this key, else the last value that
            it tracked.
        direction: `maximize` or `minimize`.
        n: how many trials it has when it is done.
        jobs: how many of them run at a time.
        sampler: `tpe` (tree-structured Parzen estimator) or `random`.
        seed: where its random numbers begin: the same seed and results give the same configurations.
        prune: `median` or `quartile`: stop a run that is worse at some point than the best half (quarter) of
            the others were there; empty for never.
        options: how each trial is queued.
        created_at: epoch seconds.
        state: `active`, `stopped`, `finished` or `failed`; `message` says why, where that is not plain.
    """

    name: str
    text: str
    objective: str
    direction: str = MAXIMIZE
    n: int = 50
    jobs: int = 1
    sampler: str = "tpe"
    seed: int = 0
    prune: str = ""
    options: QueueOptions = field(default_factory=QueueOptions)
    created_at: float = 0.0
    state: str = ACTIVE
    message: str = ""

    def check(self) -> Definition:
        """Return this definition if it can be used.

        Raises:
            InvalidInput: with the field that cannot.
        """
        for key in _TEXTS:
            if not isinstance(getattr(self, key), str):
                raise InvalidInput(f"{key} must be a text, not {shown(getattr(self, key))}.", field=key)
        check_task_name(self.name)
        if type(self.created_at) not in (int, float) or not 0 <= self.created_at < _MAX_EPOCH:
            raise InvalidInput(
                f"created_at must be a time, not {shown(self.created_at)}.", field="created_at"
            )
        if not self.objective.strip():
            raise InvalidInput("Say which figure is optimised, such as val_acc.", field="objective")
        for key, known in (
            ("direction", DIRECTIONS),
            ("sampler", SAMPLERS),
            ("prune", PRUNERS),
            ("state", STATES),
        ):
            if getattr(self, key) not in known:
                told = ", ".join(one or "''" for one in known)
                raise InvalidInput(
                    f"{key} must be one of {told}, not {shown(getattr(self, key))}.", field=key
                )
        for key, low, high in (("n", 1, MAX_TRIALS), ("jobs", 1, MAX_JOBS), ("seed", 0, _MAX_SEED)):
            value = getattr(self, key)
            if type(value) is not int or not low <= value <= high:
                raise InvalidInput(
                    f"{key} must be a whole number from {low} to {high}, not {shown(value)}.", field=key
                )
        self.options.check()
        return self

    @property
    def is_active(self) -> bool:
        """Whether more is to be tried."""
        return self.state == ACTIVE

    def better(self, value: float, than: float) -> bool:
        """Tell whether one value of the objective is better than another."""
        return value > than if self.direction == MAXIMIZE else value < than

    def to_dict(self) -> dict[str, Any]:
        """Return the definition as its file stores it."""
        return {"version": _VERSION, **vars(self), "options": self.options.to_dict()}

    @classmethod
    def from_dict(cls, value: dict[str, Any], path: Path) -> Definition:
        """Return the definition that `to_dict` stored in `path`.

        Raises:
            Unreadable: when something is missing, is of the wrong type, or comes from a later version.
        """
        try:
            version = value["version"]
            if type(version) is not int:
                raise Unreadable(f"{path} is no study: its version is {shown(version)}.")
            if version > _VERSION:
                raise Unreadable(f"{path} was written by a later version of pyruns_jupyter: update it.")
            known = {key: value[key] for key in cls.__dataclass_fields__ if key in value}
            known["options"] = QueueOptions.from_dict(dict(value.get("options", {})))
            return cls(**known).check()
        except (KeyError, TypeError, ValueError, InvalidInput) as error:
            raise Unreadable(f"{path} is no study: {error}.") from error


class StudyPaths:
    """Where the files of one study lie."""

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
    """Return the names of a workspace's studies; none when their folder is a link."""
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
    """Hold the lock of a study's file for the length of a `with` block.

    With `create` the study need not exist, and the folder of studies is made when it is missing.

    Raises:
        InvalidInput: when no study can have this name.
        NotFound: when there is no such study; nothing is left behind, not even the file of its lock.
        Conflict: when the folder of studies is a symbolic link.
        Busy: when the lock is not free within `timeout` seconds.
    """
    paths = StudyPaths(workspace, name)
    if paths.folder.is_symlink():
        raise Conflict(f"{paths.folder} is a symbolic link. Nothing is written through it.")
    if not create and not os.path.lexists(paths.file):
        raise _no_study(workspace, name)
    if create:
        with suppress(FileExistsError):
            paths.folder.mkdir(mode=FOLDER_MODE)
            sync_folder(workspace.folder)
    while True:
        with locked(paths.lock, timeout=timeout) as lock:
            if not lock.is_at(paths.lock):
                continue  # the study was removed meanwhile, and its lock with it
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
    return NotFound(f"There is no study {name!r} in the workspace {workspace.name!r}.")
