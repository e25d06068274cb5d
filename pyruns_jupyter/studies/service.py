"""The interface for front ends: begin, stop, resume and remove a study."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

from pyruns_jupyter.core.common.errors import Conflict, InvalidInput, PyrunsError
from pyruns_jupyter.core.config.sweep.naming import NameTaken
from pyruns_jupyter.core.config.sweep.searchspace import SearchSpace
from pyruns_jupyter.core.create import preview
from pyruns_jupyter.core.taskfile.runs import ACTIVE as ACTIVE_TASKS
from pyruns_jupyter.core.taskfile.runs import QUEUED
from pyruns_jupyter.core.tasks.index import TaskIndex
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
from pyruns_jupyter.engine.client.submit import cancel

from .definition import (
    ACTIVE,
    FINISHED,
    STOPPED,
    Definition,
    State,
    StudyPaths,
    changing,
    read_study,
    study_names,
    write_study,
)
from .launch import is_begun_here, mark_active, start_driver, unmark
from .rules import check_dimensions, check_sampler
from .trials import Trial, trials_among
from .warm_start import earlier_tasks

WarmStart = str | Sequence[str]


def check(
    workspace: WorkspaceFolder, definition: Definition, warm_start: WarmStart = ""
) -> tuple[Definition, SearchSpace]:
    """Return a definition with its whole configuration, and its search space; nothing is written.

    `warm_start` selects the earlier tasks whose results the study learns from: a query, or names.

    Raises:
        InvalidInput: with the field that is not valid; InvalidInputs for several in the configuration.
        Conflict: when the name is taken.
    """
    definition.check()
    complete = replace(definition, text=preview.complete_template(workspace, definition.text))
    space = preview.check_space(workspace, complete.text)
    check_dimensions(definition, space)
    if warm_start:
        tasks = earlier_tasks(workspace, complete, space, warm_start)
        complete = replace(complete, warm_start=tasks)
        check_sampler(complete)
    _check_free(workspace, complete)
    return complete, space


def begin(workspace: WorkspaceFolder, definition: Definition, warm_start: WarmStart = "") -> Definition:
    """Begin a study. When this function returns, the study is stored on disk, and its driver is starting.

    Raises:
        InvalidInput, Conflict: see `check`; nothing is written.
        PackageMissing: when Optuna or a package of the sampler is not installed; nothing is written.
        PyrunsError: when the driver could not be started; the study waits for the next attempt.
    """
    definition.check()
    definition.check_packages()
    workspace.check_writable()
    complete, _ = check(workspace, definition, warm_start)
    found = replace(complete, created_at=time.time(), state=ACTIVE, message="")
    with changing(workspace, found.name, create=True) as paths:
        if paths.file.exists():
            raise _taken(found.name)
        _activate(paths, found)
    start_driver(workspace.root, workspace.name, found.name)
    return found


BEGUN_ELSEWHERE = (
    "This study was started in another copy of this project, on another machine, or by an older version, "
    "so no trials start here. Resume the study to continue it here."
)


def current_study(workspace: WorkspaceFolder, name: str) -> Definition:
    """Return the definition of a study; the state of one that was started elsewhere is `stopped`.

    Raises:
        NotFound, Unreadable: if there is no such study, or its file is damaged.
    """
    found = read_study(workspace, name)
    if found.is_active and not is_begun_here(workspace.root, workspace.name, name):
        return replace(found, state=STOPPED, message=BEGUN_ELSEWHERE)
    return found


def stop(workspace: WorkspaceFolder, name: str, *, running: bool = False) -> Definition:
    """Stop a study: start no more trials, and cancel the queued ones; with `running` also the running ones.

    Raises:
        NotFound: when there is no such study.
    """
    workspace.check_writable()
    with changing(workspace, name) as paths:
        found = read_study(workspace, name)
        if found.is_active:
            found = replace(found, state=STOPPED, message="")
            _end(paths, found)
    for trial in trials_of(workspace, found):
        if trial.status == QUEUED or (running and trial.status in ACTIVE_TASKS):
            with suppress(PyrunsError):  # it ended meanwhile
                cancel(workspace, trial.task)
    return found


def resume(workspace: WorkspaceFolder, name: str, *, n: int | None = None) -> Definition:
    """Resume a study that was stopped, has failed or is finished, until it has `n` trials.

    Raises:
        NotFound: when there is no such study.
        InvalidInput: when `n` is not valid, or the study has that many trials already.
        PackageMissing, PyrunsError: as `begin`.
    """
    workspace.check_writable()
    with changing(workspace, name) as paths:
        found = read_study(workspace, name)
        found.check_packages()
        wanted = replace(found, n=found.n if n is None else n, state=ACTIVE, message="").check()
        have = len(trials_of(workspace, found))
        if have >= wanted.n and found.state == FINISHED:
            raise InvalidInput(
                f"The study {name} has {have:,} trials. Enter a higher number of trials.", field="n"
            )
        check_dimensions(wanted, preview.check_space(workspace, wanted.text))
        _activate(paths, wanted)
    start_driver(workspace.root, workspace.name, name)
    return wanted


def remove(workspace: WorkspaceFolder, name: str) -> None:
    """Remove a study; its tasks are kept.

    Raises:
        NotFound: when there is no such study.
        Conflict: when it is active.
    """
    workspace.check_writable()
    with changing(workspace, name) as paths:
        if current_study(workspace, name).is_active:
            raise Conflict(f"The study {name} is active. Stop it first.")
        paths.file.unlink(missing_ok=True)
        unmark(workspace.root, workspace.name, name)


def end(workspace: WorkspaceFolder, name: str, state: State, message: str = "") -> None:
    """Store the end of a study, unless it has ended already, and remove its marker.

    Raises:
        NotFound, Unreadable: when there is no such study, or its file is damaged.
    """
    with changing(workspace, name) as paths:
        found = read_study(workspace, name)
        _end(paths, replace(found, state=state, message=message) if found.is_active else found)


def trials_of(workspace: WorkspaceFolder, definition: Definition) -> list[Trial]:
    """Return the trials of a study that are on disk, by number."""
    index = TaskIndex(workspace)
    index.refresh()
    return trials_among(index.rows.values(), definition, index.aggregates.value)


def trial_name(definition: Definition, number: int) -> str:
    """Return the name of a trial's task."""
    return f"{definition.name}_{number:0{len(str(definition.n))}d}"


def _activate(paths: StudyPaths, definition: Definition) -> None:
    # The marker first: an active study without one would get no driver; a marker without a study is removed.
    mark_active(paths.workspace.root, paths.workspace.name, definition.name)
    write_study(paths, definition)


def _end(paths: StudyPaths, definition: Definition) -> None:
    write_study(paths, definition)
    unmark(paths.workspace.root, paths.workspace.name, definition.name)


def _check_free(workspace: WorkspaceFolder, definition: Definition) -> None:
    if definition.name in study_names(workspace):
        raise _taken(definition.name)
    taken = set(workspace.task_names())
    names = (trial_name(definition, number) for number in range(1, definition.n + 1))
    for name in names:
        if name in taken:
            raise NameTaken(name)


class StudyExists(InvalidInput, Conflict):
    """A study of that name exists already; `field` is `name`."""

    code = "conflict"


def _taken(name: str) -> StudyExists:
    return StudyExists(f"A study named {name!r} already exists. Choose another name.", field="name")
