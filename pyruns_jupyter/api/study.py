"""The Python API of studies (hyperparameter optimization)."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from pyruns_jupyter.core.common.errors import NotFound
from pyruns_jupyter.core.common.printable import printable
from pyruns_jupyter.core.config.sweep.searchspace import SearchSpace
from pyruns_jupyter.core.taskfile.runs import ACTIVE
from pyruns_jupyter.core.taskfile.task_file import read_task
from pyruns_jupyter.studies import service as managing
from pyruns_jupyter.studies.definition import Definition, study_names
from pyruns_jupyter.studies.importance import parameter_importance
from pyruns_jupyter.studies.journal import StudyJournal
from pyruns_jupyter.studies.optimizer import study_copy
from pyruns_jupyter.studies.trials import (
    COMPLETE,
    FAIL,
    OPEN,
    PRUNED,
    Trial,
    best_of,
    curve_of,
    pareto_trials,
)

from .live import Look, Waiting, look_at_tasks, progress_of
from .tables import MAX_ROWS, count_text, html_table, text_table, value_text
from .task import Task
from .task_list import TaskList

if TYPE_CHECKING:
    import optuna

    from .workspace import Workspace


_FOLLOW_SECONDS = 1.0  # between two updates of an exported file


class Study:
    """A hyperparameter study. Its properties are read from the disk at each access."""

    def __init__(self, workspace: Workspace, name: str) -> None:
        self._workspace = workspace
        self._name = name

    @property
    def name(self) -> str:
        """The name of the study."""
        return self._name

    @property
    def definition(self) -> Definition:
        """The search space, the run options and the state of the study.

        Raises:
            NotFound: if the study was deleted.
        """
        return managing.current_study(self._workspace.folder, self._name)

    @property
    def state(self) -> str:
        """The state of the study: `active`, `stopped`, `finished` or `failed`."""
        return self.definition.state

    @property
    def message(self) -> str:
        """The reason for the state. It can be empty."""
        return self.definition.message

    @property
    def trials(self) -> list[Trial]:
        """The trials that were created so far, sorted by number."""
        return managing.trials_of(self._workspace.folder, self.definition)

    @property
    def tasks(self) -> TaskList:
        """The tasks of the trials."""
        return TaskList(Task(self._workspace.folder, trial.task) for trial in self.trials)

    @property
    def best(self) -> Task | None:
        """The task of the best trial that satisfies the constraints.

        Returns None before such a trial has completed. A study with several objectives has a `pareto_front`
        instead.
        """
        found = best_of(self.trials, self.definition)
        return None if found is None else Task(self._workspace.folder, found.task)

    @property
    def best_value(self) -> float | None:
        """The value of the best trial, or None if there is no best trial."""
        found = best_of(self.trials, self.definition)
        return None if found is None else found.value

    @property
    def pareto_front(self) -> list[Trial]:
        """The trials that satisfy the constraints and that no other trial dominates, sorted by number.

        A trial dominates another one if it is better in one objective and at least as good in all others.
        With a single objective, these are the best trials.
        """
        return pareto_trials(self.trials, self.definition)

    def importance(self, objective: int = 0) -> dict[str, float]:
        """Return the importance of each parameter for an objective by fANOVA, most important first.

        The importances add up to 1. They are computed from the completed trials. Parameters with a condition
        are left out. The result is empty if there are too few trials.

        Args:
            objective: the index of the objective.

        Raises:
            NotFound: if the study was deleted.
            InvalidInput: if the study does not have this objective.
            PyrunsError: if Optuna or scikit-learn is not installed.
        """
        return parameter_importance(self.definition, self.trials, objective)

    def stop(self, *, running: bool = False) -> Study:
        """Stop the study and return it. No more trials are started, and queued trials are cancelled.

        Args:
            running: whether to also cancel running trials.

        Raises:
            NotFound: if the study was deleted.
        """
        managing.stop(self._workspace.folder, self._name, running=running)
        return self

    def resume(self, *, n: int | None = None) -> Study:
        """Resume the study and return it.

        Args:
            n: the new total number of trials. By default, it is not changed.

        Raises:
            NotFound: if the study was deleted.
            InvalidInput: if the study already has `n` trials, or the search space has fewer than `n`
                configurations.
        """
        managing.resume(self._workspace.folder, self._name, n=n)
        return self

    def remove(self) -> None:
        """Delete the record of the study. Its tasks are kept.

        Raises:
            NotFound: if the study was already deleted.
            Conflict: if the study is active.
        """
        managing.remove(self._workspace.folder, self._name)

    def wait(self, *, timeout: float | None = None, progress: bool | None = None) -> Study:
        """Wait until the study is no longer active and no trial is queued or running, and return it.

        Args:
            timeout: the maximum time in seconds; None means no limit.
            progress: whether to show a progress bar. By default, only notebooks and terminals show it.

        Raises:
            TimeoutError: if the timeout expires before the study has ended.
            Conflict: if trials were queued in another copy of the project, where they do not start.
        """
        self._waiting(timeout).run(progress_of(progress))
        return self

    async def wait_async(self, *, timeout: float | None = None, progress: bool | None = None) -> Study:
        """Wait like `wait`, without blocking the event loop."""
        await self._waiting(timeout).run_async(progress_of(progress))
        return self

    def optuna(self) -> optuna.Study:
        """Return an in-memory copy of the study as an `optuna.Study`, for example to use Optuna's plots.

        If a parameter is a choice among several numbers, its value is the index of the number in the search
        space, starting at 0.

        Raises:
            NotFound: if the study was deleted.
            PyrunsError: if Optuna is not installed.
        """
        definition = self.definition
        space = SearchSpace.parse(definition.text)
        return study_copy(definition, space, self.trials, self._curves(definition))

    def export_journal(self, path: str | os.PathLike[str], *, follow: bool = False) -> Study:
        """Write the study to a `JournalStorage` file of Optuna, which its dashboard opens, and return it.

        Open trials that the file already has are updated. A trial that is run again after its end is not.
        The times in the file are those at which it was written.

        Args:
            path: the file.
            follow: whether to update the file until the study has ended, as `wait` does.

        Raises:
            NotFound: if the study was deleted.
            Conflict: if the file contains something else. It is then not changed.
            PyrunsError: if Optuna is not installed.
        """
        definition = self.definition
        journal = StudyJournal(Path(path), definition)
        waiting = self._waiting(None)
        while True:
            has_ended = not follow or waiting.look() is None
            journal.update(self.trials, self._curves(definition))
            if has_ended:
                return self
            time.sleep(_FOLLOW_SECONDS)

    def _curves(self, definition: Definition) -> Callable[[Trial], list[float | None]]:
        """Return a function that returns the values of the objective that a trial tracked."""

        def curve(trial: Trial) -> list[float | None]:
            paths = self._workspace.folder.paths(trial.task)
            return curve_of(read_task(paths.folder), paths, definition)

        return curve

    def __repr__(self) -> str:
        definition, trials = self.definition, self.trials
        table = [text_table(*_cells(trials, definition))] if trials else []
        return "\n".join([summary(definition, trials), *table])

    def _repr_html_(self) -> str:
        definition, trials = self.definition, self.trials
        return html_table(*_cells(trials, definition), summary(definition, trials))

    def _active_tasks(self) -> list[Path]:
        """Return the folders of the queued and running trials. After it, no process runs pending ones."""
        active = (trial.task for trial in self.trials if trial.status in ACTIVE)
        return [self._workspace.folder.paths(task).folder for task in active]

    def _waiting(self, timeout: float | None) -> Waiting:
        look_at_last: Look | None = None  # at the trials that the study has left behind

        def look() -> tuple[int, int, int]:
            nonlocal look_at_last
            definition, left = self.definition, 0
            if definition.is_active:
                look_at_last = None
            else:
                look_at_last = look_at_last or look_at_tasks(self._active_tasks())
                left = look_at_last()[1]
            ended = [trial for trial in self.trials if not trial.is_open]
            if definition.is_active:
                left = max(definition.n - len(ended), 1)
            return len(ended), left, sum(trial.state == FAIL for trial in ended)

        return Waiting(look, [self._workspace.folder.root], timeout)


class NoStudy(NotFound, KeyError):
    """The error for a study that does not exist."""

    def __str__(self) -> str:
        return self.message


class Studies(Mapping[str, Study]):
    """The studies of a workspace, as a mapping from names to `Study` objects."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def __getitem__(self, name: str) -> Study:
        """Return the study with the given name.

        Raises:
            NoStudy: if the study does not exist. This error is also a `KeyError`.
        """
        if name not in study_names(self._workspace.folder):
            raise NoStudy(f"The study {name!r} does not exist in the workspace {self._workspace.name!r}.")
        return Study(self._workspace, name)

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names of the studies."""
        return iter(study_names(self._workspace.folder))

    def __len__(self) -> int:
        """Return the number of studies."""
        return len(study_names(self._workspace.folder))

    def __repr__(self) -> str:
        summaries = [summary(study.definition, study.trials) for study in self.values()]
        return "\n".join(summaries) or "There are no studies."


def summary(definition: Definition, trials: list[Trial]) -> str:
    """Return a one-line summary of a study."""
    best = best_of(trials, definition)
    counts = {state: sum(trial.state == state for trial in trials) for state in (OPEN, PRUNED, FAIL)}
    parts = [f"{counts[OPEN]} running or queued"] if counts[OPEN] else []
    parts += [f"{counts[state]} {state}" for state in (PRUNED, FAIL) if counts[state]]
    more = f" ({', '.join(parts)})" if parts else ""
    found = f", best {definition.objective} {value_text(best.value)} ({best.task})" if best else ""
    if definition.further_objectives:
        front = pareto_trials(trials, definition)
        found = f", {count_text(len(front), 'trial')} on the Pareto front" if front else ""
    done = sum(not trial.is_open for trial in trials)
    message = f" {definition.message}" if definition.message else ""
    return printable(
        f"Study {definition.name}: {definition.state}, {done:,} of {count_text(definition.n, 'trial')}"
        f"{more}{found}.{message}"
    )


def _cells(trials: list[Trial], definition: Definition) -> tuple[list[str], list[list[str]]]:
    """Return the header and the cells of a table of trials, the best ones first."""
    keys = list(dict.fromkeys(key for trial in trials for key in trial.values))
    objectives = definition.objectives
    sign = -1.0 if definition.direction == "maximize" else 1.0
    front = {trial.number for trial in pareto_trials(trials, definition)}
    ranked = sorted(
        trials,
        key=lambda one: (
            one.state != COMPLETE,
            not one.is_feasible,
            one.number not in front and len(objectives) > 1,
            sign * ((one.objective_values[:1] or (0.0,))[0] or 0.0),
            one.number,
        ),
    )
    return ["trial", "state", *keys, *(one.metric for one in objectives)], [
        [
            trial.task,
            trial.status if trial.is_open else _state_text(trial),
            *(value_text(trial.values[key]) if key in trial.values else "" for key in keys),
            *(value_text(value) for value in trial.objective_values),
        ]
        for trial in ranked[:MAX_ROWS]
    ]


def _state_text(trial: Trial) -> str:
    is_infeasible = trial.state == COMPLETE and trial.is_feasible is False
    return "infeasible" if is_infeasible else trial.state
