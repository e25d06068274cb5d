"""One active study: which trials it starts, which of them it prunes, and when it is over.

All that is known about a study is on disk: the next driver continues where this one stopped.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace

from pyruns_jupyter.core.common.errors import Busy, NotFound, PyrunsError
from pyruns_jupyter.core.common.printable import printable
from pyruns_jupyter.core.common.timestamps import stamp
from pyruns_jupyter.core.config.sweep.searchspace import SearchSpace
from pyruns_jupyter.core.create import create as generate
from pyruns_jupyter.core.create import preview
from pyruns_jupyter.core.fs.locks import FileLock
from pyruns_jupyter.core.taskfile.runs import ACTIVE, COMPLETED, PENDING, RUNNING
from pyruns_jupyter.core.taskfile.task_file import TaskInfo, edit_task, read_task
from pyruns_jupyter.core.tasks.row import TaskRow, read_row
from pyruns_jupyter.core.trust.engine_key import EngineKey
from pyruns_jupyter.core.workspace.settings import Settings
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
from pyruns_jupyter.engine.client.requeue import is_stuck
from pyruns_jupyter.engine.client.submit import end_abandoned, submit

from .definition import FAILED, FINISHED, State, changing, read_study
from .launch import Marker, marker_path
from .optimizer import Curve, Optimizer
from .service import end, trial_name, trials_of
from .trials import COMPLETE, FAIL, Trial, curve_of, place_facts, prune, trial_of

LOOK_SECONDS = 0.25
_FAILURES = 5  # trials in a row, unless the study or the settings say otherwise
_LOCK_SECONDS = 0.5
_TRIES = 20  # looks in a row that the disk may refuse


class Over(Exception):
    """The study ends here; the state and why."""

    def __init__(self, state: State, message: str = "") -> None:
        super().__init__(message)
        self.state: State = state
        self.message = message


class ActiveStudy:
    """Works on one study until it is over.

    `lock`, held, is on the study's marker, whose content is `marker`; `key` is that of the engine folder.
    """

    def __init__(
        self, workspace: WorkspaceFolder, name: str, lock: FileLock, marker: Marker, key: EngineKey
    ) -> None:
        self._workspace = workspace
        self._name = name
        self._lock = lock
        self._marker = marker
        self._key = key
        self._definition = read_study(workspace, name)
        self._trials = {trial.number: trial for trial in trials_of(workspace, self._definition)}
        self._reported: dict[int, int] = {}  # points of each open trial that the optimizer knows
        self._unqueued: list[str] = []  # trials that were created, and are still to be queued
        self._optimizer = Optimizer(
            self._definition, SearchSpace.parse(self._definition.text), self._trials.values(), self._known
        )

    def steps(self) -> Iterator[float]:
        """Work until the study is over or no longer ours, one step at a time; yield how many seconds the next
        step can wait.

        A step queues at most one trial, so that other studies get their turn.
        """
        refused = 0
        self._unqueued = self._take_up()  # by a driver that died before it queued them
        next_look = 0.0
        while self._here():
            began = time.monotonic()
            try:
                pause = 0.0
                if self._unqueued:
                    self._queue(self._unqueued[-1])
                    self._unqueued.pop()
                else:
                    if began >= next_look:
                        self._look()
                        next_look = time.monotonic() + _rest_after(began)
                    if len(self._open()) >= self._definition.jobs or not self._ask():
                        pause = max(0.0, next_look - time.monotonic())
                refused = 0
            except Over as over:
                end(self._workspace, self._name, over.state, over.message)
                return
            except (Busy, OSError) as error:
                refused += 1
                if refused == _TRIES:
                    raise
                say(f"{self._name} is tried again: {error}")
                pause = _rest_after(began)
            yield pause

    def _take_up(self) -> list[str]:
        """Return the open trials that are to be queued: not queued, or in no batch that is started here.

        Runs that were copied with the project, or whose batch is gone, are ended if their owner is dead.
        """
        made = []
        for trial in self._open():
            folder = self._workspace.paths(trial.task).folder
            if trial.status == PENDING or is_stuck(folder):
                made.append(trial.task)
            elif trial.status == RUNNING:
                with suppress(PyrunsError, OSError), edit_task(folder) as info:
                    end_abandoned(info, folder, self._key)
        return made

    def _here(self) -> bool:
        """Return whether the study is active, and the project where it was."""
        return self._lock.is_at(marker_path(self._workspace.root, self._workspace.name, self._name))

    def _open(self) -> list[Trial]:
        return [trial for trial in self._trials.values() if trial.is_open]

    def _known(self, trial: Trial) -> Curve:
        """Return the curve of a trial as it is on disk, if curves decide anything here."""
        if not self._definition.prune:
            return ()
        paths = self._workspace.paths(trial.task)
        curve = curve_of(read_task(paths.folder), paths, self._definition.objective)
        self._reported[trial.number] = len(curve)
        return curve

    # What became of the trials

    def _look(self) -> None:
        """Look at the open trials.

        Raises:
            Over: when the study has failed.
        """
        for trial in self._open():
            try:
                row, info = read_row(self._workspace.paths(trial.task).folder)
            except NotFound:
                self._find_again(trial)
                continue
            if not row.readable:
                raise Over(FAILED, row.message or f"{trial.task} cannot be read.")
            self._take(trial, row, info)
        self._check_failures()

    def _take(self, trial: Trial, row: TaskRow, info: TaskInfo) -> None:
        now = trial_of(row, self._definition.objective)
        if now is None:  # it was taken out of the study
            self._drop(trial)
            return
        self._trials[trial.number] = now
        if now.is_open and row.status == PENDING and now.task not in self._unqueued:
            self._unqueued.append(now.task)  # its driver died while it queued it, and a scheduler put it back
        if self._definition.prune:
            self._report(now, info)
        if not now.is_open:
            say(f"{now.task} is {now.state}" + ("" if now.value is None else f": {now.value:g}"))
            self._optimizer.tell(now)
            if row.status == COMPLETED and now.state == FAIL:
                self._check_objective(row)

    def _report(self, trial: Trial, info: TaskInfo) -> None:
        """Tell the optimizer the new points of a trial, and stop it when they promise too little."""
        paths = self._workspace.paths(trial.task)
        curve = curve_of(info, paths, self._definition.objective)[: trial.pruned]
        known = self._reported.get(trial.number, 0)
        for step, value in enumerate(curve[known:], known + 1):
            if value is not None:
                self._optimizer.report(trial.number, value, step)
        self._reported[trial.number] = max(known, len(curve))
        if trial.is_open and len(curve) > known and self._optimizer.should_prune(trial.number):
            best = "half" if self._definition.prune == "median" else "quarter"
            message = (
                f"Pruned after point {len(curve)} of {self._definition.objective}: the best {best} of the "
                f"trials of {self._name} were better there."
            )
            with edit_task(paths.folder) as current:
                prune(current, len(curve), message)

    def _find_again(self, trial: Trial) -> None:
        """A task is not where it was: it was renamed, or removed."""
        for found in trials_of(self._workspace, self._definition):
            if found.number == trial.number:
                self._trials[trial.number] = found if found.is_open else _opened(found)
                return
        self._drop(trial)

    def _drop(self, trial: Trial) -> None:
        del self._trials[trial.number]
        self._optimizer.tell(Trial(trial.number, trial.task, trial.values, FAIL, None, trial.status))

    def _check_objective(self, row: TaskRow) -> None:
        if any(trial.state == COMPLETE for trial in self._trials.values()):
            return
        known = ", ".join(sorted(row.figures)) or "nothing"
        raise Over(
            FAILED,
            f"{row.name} completed, but it did not report {self._definition.objective!r} as a number. It "
            f"reported: {known}. Call record({self._definition.objective}=...) in the script.",
        )

    def _check_failures(self) -> None:
        most = self._definition.options.stop_after
        if most is None:
            most = Settings.load(self._workspace.root).stop_after_failures or _FAILURES
        ended = sorted(
            (trial for trial in self._trials.values() if not trial.is_open), key=lambda one: one.number
        )
        last = ended[-most:] if most else []
        if len(last) == most and last and all(trial.state == FAIL for trial in last):
            told = read_row(self._workspace.paths(last[-1].task).folder)[0].message or "no reason is known"
            count = "A trial" if most == 1 else f"{most} trials in a row"
            raise Over(FAILED, f"{count} failed. {last[-1].task}: {told}")

    # New trials

    def _ask(self) -> bool:
        """Make and queue one more trial; return whether there was one.

        Raises:
            Over: when all have ended, or none can be made.
        """
        # Stopping the study waits for this lock, and the other studies wait meanwhile: the timeout is short.
        with changing(self._workspace, self._name, timeout=_LOCK_SECONDS):
            self._definition = definition = read_study(self._workspace, self._name)
            if not definition.is_active:
                return False
            if len(self._trials) >= definition.n:
                if not self._open():
                    raise Over(FINISHED)
                return False
            number = max(self._trials, default=0) + 1
            name = trial_name(definition, number)
            values = self._optimizer.ask(number)
            text = SearchSpace.parse(definition.text).config_text(values)
            facts = {
                "swept": values,
                "batch_name": definition.name,
                **place_facts(definition.name, number, [trial.number for trial in self._open()]),
            }
            try:
                generate.create(preview.plan_tasks(self._workspace, text, name), facts=facts)
                self._trials[number] = Trial(number, name, values, "open", None, PENDING)
                self._unqueued.append(name)  # until it is; a lock may be busy
                self._queue(name)
                self._unqueued.pop()
            except Busy:
                raise
            except PyrunsError as error:
                raise Over(FAILED, f"{name} could not be started: {error.message}") from error
        say(f"{name} tries {', '.join(f'{key}={value}' for key, value in values.items())}")
        return True

    def _queue(self, task: str) -> None:
        found = submit(
            self._workspace,
            [task],
            # Each trial is a batch of its own: this lets the project limit know how many may run.
            options=replace(self._definition.options, jobs=self._definition.jobs),
            environment=self._marker.environment,
        )
        # Another process may have queued it first: then it runs, too.
        if found.refused and read_row(self._workspace.paths(task).folder)[0].status not in ACTIVE:
            raise Over(FAILED, found.refused[task])


def _opened(trial: Trial) -> Trial:
    """Return a trial as one that is still to be looked at."""
    return Trial(trial.number, trial.task, trial.values, "open", None, trial.status)


def _rest_after(began: float) -> float:
    """Return how long to wait after a step that began then: slow ones are repeated less often."""
    return max(LOOK_SECONDS, 4 * (time.monotonic() - began))


def say(text: str) -> None:
    """Write a message to the log of the drivers."""
    escaped = "\n".join(map(printable, text.split("\n")))
    print(f"{stamp()} {escaped}", file=sys.stderr, flush=True)
