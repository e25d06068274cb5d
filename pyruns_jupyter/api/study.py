"""An adaptive sweep as an object: how far it is, its best trial, stopping it and going on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from pyruns_jupyter.core.common.errors import NotFound
from pyruns_jupyter.core.common.printable import printable
from pyruns_jupyter.core.config.sweep.searchspace import SearchSpace
from pyruns_jupyter.core.taskfile.task_file import read_task
from pyruns_jupyter.studies import service as managing
from pyruns_jupyter.studies.definition import Definition, study_names
from pyruns_jupyter.studies.optimizer import Optimizer
from pyruns_jupyter.studies.trials import COMPLETE, FAIL, OPEN, PRUNED, Trial, best_of, curve_of

from .live import Waiting, progress_of
from .tables import MAX_ROWS, count_text, html_table, text_table, value_text
from .task import Task, TaskList

if TYPE_CHECKING:
    import optuna

    from .workspace import Workspace


class Study:
    """An adaptive sweep. Everything it tells is read from disk when it is asked."""

    def __init__(self, workspace: Workspace, name: str) -> None:
        self._workspace = workspace
        self._name = name

    @property
    def name(self) -> str:
        """The study's name."""
        return self._name

    @property
    def definition(self) -> Definition:
        """What it searches, how, and how it stands.

        Raises:
            NotFound: when the study was removed.
        """
        return managing.current_study(self._workspace.folder, self._name)

    @property
    def state(self) -> str:
        """`active`, `stopped`, `finished` or `failed`."""
        return self.definition.state

    @property
    def message(self) -> str:
        """Why it stands so, where that is not plain."""
        return self.definition.message

    @property
    def trials(self) -> list[Trial]:
        """Its trials so far, by number."""
        return managing.trials_of(self._workspace.folder, self.definition)

    @property
    def tasks(self) -> TaskList:
        """The tasks of its trials."""
        return TaskList(Task(self._workspace.folder, trial.task) for trial in self.trials)

    @property
    def best(self) -> Task | None:
        """The task of the best trial that completed, None before the first."""
        found = best_of(self.trials, self.definition)
        return None if found is None else Task(self._workspace.folder, found.task)

    @property
    def best_value(self) -> float | None:
        """The best value of the objective, None before the first trial completed."""
        found = best_of(self.trials, self.definition)
        return None if found is None else found.value

    def stop(self, *, running: bool = False) -> Study:
        """Ask for no more trials and cancel those that wait; with `running` also those that run."""
        managing.stop(self._workspace.folder, self._name, running=running)
        return self

    def resume(self, *, n: int | None = None) -> Study:
        """Go on until there are `n` trials (by default as many as before).

        Raises:
            InvalidInput: when there are as many already, or so many configurations do not exist.
        """
        managing.resume(self._workspace.folder, self._name, n=n)
        return self

    def remove(self) -> None:
        """Forget the study; its tasks stay.

        Raises:
            Conflict: while it is active.
        """
        managing.remove(self._workspace.folder, self._name)

    def wait(self, *, timeout: float | None = None, progress: bool | None = None) -> Study:
        """Wait until it is not active any more and its trials have ended; see `Workspace.wait`.

        Raises:
            TimeoutError: when it still is after `timeout` seconds.
        """
        self._waiting(timeout).run(progress_of(progress))
        return self

    async def wait_async(self, *, timeout: float | None = None, progress: bool | None = None) -> Study:
        """As `wait`, while the event loop goes on."""
        await self._waiting(timeout).run_async(progress_of(progress))
        return self

    def optuna(self) -> optuna.Study:
        """Return it as a study of Optuna, in memory, for Optuna's own plots and analyses.

        Numbers that were chosen among several appear as their place in the text, from 0.

        Raises:
            PyrunsError: when Optuna is not installed.
        """
        definition = self.definition

        def curve(trial: Trial) -> list[float | None]:
            paths = self._workspace.folder.paths(trial.task)
            return curve_of(read_task(paths.folder), paths, definition.objective)

        return Optimizer(definition, SearchSpace.parse(definition.text), self.trials, curve).study

    def __repr__(self) -> str:
        definition, trials = self.definition, self.trials
        table = [text_table(*_cells(trials, definition))] if trials else []
        return "\n".join([summary(definition, trials), *table])

    def _repr_html_(self) -> str:
        definition, trials = self.definition, self.trials
        return html_table(*_cells(trials, definition), summary(definition, trials))

    def _waiting(self, timeout: float | None) -> Waiting:
        def look() -> tuple[int, int, int]:
            definition, trials = self.definition, self.trials
            ended = [trial for trial in trials if not trial.is_open]
            left = max(definition.n - len(ended), 0) if definition.is_active else len(trials) - len(ended)
            failed = sum(trial.state == FAIL for trial in ended)
            return len(ended), max(left, int(definition.is_active)), failed

        return Waiting(look, [self._workspace.folder.root], timeout)


class NoStudy(NotFound, KeyError):
    """There is no study of this name."""

    def __str__(self) -> str:
        return self.message


class Studies(Mapping[str, Study]):
    """The studies of a workspace, by name."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    def __getitem__(self, name: str) -> Study:
        """Return a study.

        Raises:
            NoStudy: when there is none of this name.
        """
        if name not in study_names(self._workspace.folder):
            raise NoStudy(f"There is no study {name!r} in the workspace {self._workspace.name!r}.")
        return Study(self._workspace, name)

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names."""
        return iter(study_names(self._workspace.folder))

    def __len__(self) -> int:
        """Return how many there are."""
        return len(study_names(self._workspace.folder))

    def __repr__(self) -> str:
        told = [summary(study.definition, study.trials) for study in self.values()]
        return "\n".join(told) or "There is no study."


def summary(definition: Definition, trials: list[Trial]) -> str:
    """Return how a study stands, in one line."""
    best = best_of(trials, definition)
    counts = {state: sum(trial.state == state for trial in trials) for state in (OPEN, PRUNED, FAIL)}
    told = [f"{counts[OPEN]} running or waiting"] if counts[OPEN] else []
    told += [f"{counts[state]} {state}" for state in (PRUNED, FAIL) if counts[state]]
    more = f" ({', '.join(told)})" if told else ""
    found = f", best {definition.objective} {value_text(best.value)} ({best.task})" if best else ""
    done = sum(not trial.is_open for trial in trials)
    said = f" {definition.message}" if definition.message else ""
    return printable(
        f"Study {definition.name}: {definition.state}, {done:,} of {count_text(definition.n, 'trial')}"
        f"{more}{found}.{said}"
    )


def _cells(trials: list[Trial], definition: Definition) -> tuple[list[str], list[list[str]]]:
    """Return header and cells of a table of the best trials, then of the others."""
    keys = list(dict.fromkeys(key for trial in trials for key in trial.values))
    sign = -1.0 if definition.direction == "maximize" else 1.0
    ranked = sorted(
        trials,
        key=lambda one: (one.state != COMPLETE, sign * (one.value or 0.0), one.number),
    )
    return ["trial", "state", *keys, definition.objective], [
        [
            trial.task,
            trial.status if trial.is_open else trial.state,
            *(value_text(trial.values.get(key)) for key in keys),
            value_text(trial.value),
        ]
        for trial in ranked[:MAX_ROWS]
    ]
