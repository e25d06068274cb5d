"""One active study: it starts trials, prunes them, and ends.

All its state is on disk, so the next driver continues where this one stopped.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace

from msgspec import structs

from pyruns_jupyter.core.common.errors import Busy, NotFound, PyrunsError, Unreadable
from pyruns_jupyter.core.common.printable import printable
from pyruns_jupyter.core.common.timestamps import stamp
from pyruns_jupyter.core.config.sweep.searchspace import SearchSpace
from pyruns_jupyter.core.create import create as generate
from pyruns_jupyter.core.create import preview
from pyruns_jupyter.core.fs.locks import FileLock
from pyruns_jupyter.core.metrics.expressions import AT
from pyruns_jupyter.core.taskfile.runs import ACTIVE, COMPLETED, PENDING, RUNNING
from pyruns_jupyter.core.taskfile.task_file import TaskInfo, edit_task, is_passing, read_task
from pyruns_jupyter.core.tasks.aggregates import TaskAggregates
from pyruns_jupyter.core.tasks.row import TaskRow, read_row, row_from
from pyruns_jupyter.core.trust.engine_key import EngineKey
from pyruns_jupyter.core.workspace.settings import Settings
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
from pyruns_jupyter.engine.client.requeue import is_stuck
from pyruns_jupyter.engine.client.submit import end_abandoned, submit

from .definition import FAILED, FINISHED, State, changing, read_study
from .launch import Marker, marker_path
from .optimizer import Curve, Exhausted, Optimizer
from .pruners import reason
from .service import end, trial_name, trials_of
from .trials import (
    COMPLETE,
    FAIL,
    OPEN,
    PRUNED,
    Trial,
    curve_of,
    place_facts,
    prune,
    results_of,
    trial_of,
    trials_beside,
)

POLL_SECONDS = 0.25
_MAX_FAILURES = 5  # in a row, unless the study or the settings have another number
_LOCK_SECONDS = 0.5
_MAX_ERRORS = 20  # of the disk, in a row


class StudyEnd(Exception):
    """The end of a study: its state, and why."""

    def __init__(self, state: State, message: str = "") -> None:
        super().__init__(message)
        self.state: State = state
        self.message = message


class ActiveStudy:
    """Runs one study until it ends.

    `lock`, which is held, is that of the study's marker, whose content is `marker`; `key` is that of the
    engine folder.
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
        self._ended_before = {trial.number for trial in self._trials.values() if not trial.is_open}
        self._aggregates = TaskAggregates(workspace.paths)
        self._reported: dict[int, int] = {}  # how many points of each open trial the optimizer has
        self._unqueued: list[str] = []  # trials that were created and are to be queued
        self._optimizer = self._new_optimizer()

    def _new_optimizer(self) -> Optimizer:
        return Optimizer(
            self._definition,
            SearchSpace.parse(self._definition.text),
            self._trials.values(),
            self._known,
            lambda trial: trials_beside(read_task(self._workspace.paths(trial.task).folder)),
        )

    def steps(self) -> Iterator[float]:
        """Run the study step by step until it ends or is no longer ours; yield how many seconds the next step
        can wait.

        A step queues at most one trial, so that other studies get their turn.
        """
        errors = 0
        self._unqueued = self._take_up()  # of a driver that died before it queued them
        next_look = 0.0
        while self._is_marked():
            began = time.monotonic()
            try:
                pause = 0.0
                if self._unqueued:
                    self._queue(self._unqueued[-1])
                    self._unqueued.pop()
                else:
                    if began >= next_look:
                        self._update()
                        next_look = time.monotonic() + _pause_after(began)
                    if len(self._open()) >= self._definition.jobs or not self._start_trial():
                        pause = max(0.0, next_look - time.monotonic())
                errors = 0
            except StudyEnd as over:
                end(self._workspace, self._name, over.state, over.message)
                return
            except (Busy, OSError) as error:
                errors += 1
                if errors == _MAX_ERRORS:
                    raise
                log(f"Retrying {self._name} after an error: {error}")
                pause = _pause_after(began)
            yield pause

    def _take_up(self) -> list[str]:
        """Return the open trials that are not queued, or only in a batch that is not started here.

        Runs that were copied with the project, or have no batch, are ended if their owner is dead.
        """
        unqueued = []
        for trial in self._open():
            folder = self._workspace.paths(trial.task).folder
            if trial.status == PENDING or is_stuck(folder):
                unqueued.append(trial.task)
            elif trial.status == RUNNING:
                with suppress(PyrunsError, OSError), edit_task(folder) as info:
                    end_abandoned(info, folder, self._key)
        return unqueued

    def _is_marked(self) -> bool:
        """Return whether the study is active, and the project was not moved."""
        return self._lock.is_at(marker_path(self._workspace.root, self._workspace.name, self._name))

    def _open(self) -> list[Trial]:
        return [trial for trial in self._trials.values() if trial.is_open]

    def _known(self, trial: Trial) -> Curve:
        """Return the curve of a trial on disk if the study prunes or the trial is pruned, else ()."""
        if not self._definition.prune and trial.state != PRUNED:
            return ()
        paths = self._workspace.paths(trial.task)
        curve = curve_of(read_task(paths.folder), paths, self._definition)
        self._reported[trial.number] = len(curve)
        return curve

    # Existing trials

    def _update(self) -> None:
        """Update the open trials.

        Raises:
            StudyEnd: when the study has failed.
        """
        for trial in self._open():
            folder = self._workspace.paths(trial.task).folder
            try:
                info = read_task(folder)
            except NotFound:
                self._find_again(trial)
            except Unreadable as error:
                if not is_passing(error):
                    raise StudyEnd(FAILED, error.message) from error
            else:
                self._take(trial, row_from(info, folder), info)
        self._check_failures()

    def _take(self, trial: Trial, row: TaskRow, info: TaskInfo) -> None:
        now = trial_of(row, self._definition, self._aggregates.value)
        if now is None:  # it was removed from the study
            self._drop(trial)
            return
        self._trials[trial.number] = now
        if now.is_open and row.status == PENDING and now.task not in self._unqueued:
            # Its driver died while queueing it, and a scheduler undid the claim.
            self._unqueued.append(now.task)
        if self._definition.prune or now.state == PRUNED:  # also by an alert rule
            self._report(now, info)
        if not now.is_open:
            values = ", ".join(f"{value:g}" for value in now.objective_values if value is not None)
            log(f"{now.task} is {now.state}" + (f": {values}" if values else ""))
            self._optimizer.tell(now)
            if row.status == COMPLETED and now.state == FAIL:
                self._check_objective(row)

    def _report(self, trial: Trial, info: TaskInfo) -> None:
        """Report the new points of a trial to the optimizer, and prune the trial if they are unpromising."""
        paths = self._workspace.paths(trial.task)
        curve = curve_of(info, paths, self._definition)[: trial.pruned]
        known = self._reported.get(trial.number, 0)
        points = {step: value for step, value in enumerate(curve[known:], known + 1) if value is not None}
        step = self._optimizer.report(trial, points)
        self._reported[trial.number] = max(known, len(curve)) if step is None else step
        if trial.is_open and step is not None:
            why = reason(self._definition.prune, self._definition.halving[1], self._name)
            with edit_task(paths.folder) as current:
                prune(
                    current, step, f"Pruned after step {step} of {self._definition.objective}, because {why}."
                )

    def _find_again(self, trial: Trial) -> None:
        """Find a task that was renamed, or drop one that was removed."""
        for found in trials_of(self._workspace, self._definition):
            if found.number == trial.number:
                # Open, so that the next update reports its end.
                ended = replace(found, state=OPEN, pruned=None)
                self._trials[trial.number] = found if found.is_open else ended
                return
        self._drop(trial)

    def _drop(self, trial: Trial) -> None:
        """Forget a trial as a driver that starts now would, so that both suggest the same."""
        del self._trials[trial.number]
        self._optimizer = self._new_optimizer()

    def _check_objective(self, row: TaskRow) -> None:
        if any(trial.state == COMPLETE for trial in self._trials.values()):
            return
        values, violations = results_of(row, self._definition, self._aggregates.value)
        objectives = zip(self._definition.objectives, values, strict=True)
        constraints = zip(self._definition.parsed_constraints, violations, strict=True)
        missing = [(one.metric, one.aggregate) for one, value in objectives if value is None]
        missing += [(one.metric, one.aggregate) for one, value in constraints if value is None]
        if not missing:
            return
        known = ", ".join(sorted(row.shape.figures)) or "nothing"
        metric, aggregate = missing[0]
        advice = f"Call record({aggregate.key}=...) in the script."
        if aggregate.function == AT:
            advice = (
                f"Call track({aggregate.key}=...) at step {aggregate.number:g} in the script, or choose an "
                "earlier step."
            )
        raise StudyEnd(
            FAILED,
            f"{row.name} completed, but did not log {metric!r} as a number. It logged: {known}. {advice}",
        )

    def _check_failures(self) -> None:
        """Check the trials that ended since the study was started or resumed."""
        most = self._definition.options.stop_after
        if most is None:
            most = Settings.load(self._workspace.root).stop_after_failures or _MAX_FAILURES
        counted = (one for one in self._trials.values() if one.number not in self._ended_before)
        ended = sorted((one for one in counted if not one.is_open), key=lambda one: one.number)
        last = ended[-most:] if most else []
        if len(last) == most and last and all(trial.state == FAIL for trial in last):
            why = read_row(self._workspace.paths(last[-1].task).folder)[0].message or "unknown reason"
            count = "A trial" if most == 1 else f"{most} trials in a row"
            raise StudyEnd(FAILED, f"{count} failed. {last[-1].task}: {why}")

    # New trials

    def _start_trial(self) -> bool:
        """Create and queue a trial; return False if the study has enough.

        Raises:
            StudyEnd: when all trials have ended, or none can be created.
        """
        # The timeout is short: the other studies wait meanwhile, as does a user who stops this one.
        with changing(self._workspace, self._name, timeout=_LOCK_SECONDS):
            self._definition = definition = read_study(self._workspace, self._name)
            if not definition.is_active:
                return False
            if len(self._trials) >= definition.n:
                if not self._open():
                    raise StudyEnd(FINISHED)
                return False
            number = max(self._trials, default=0) + 1
            name = trial_name(definition, number)
            try:
                values = self._optimizer.ask(number)
            except Exhausted:
                if self._open():
                    return False
                raise StudyEnd(FINISHED, "All configurations of the grid were run.") from None
            text = SearchSpace.parse(definition.text).config_text(values)
            facts = {
                "swept": values,
                "batch_name": definition.name,
                **place_facts(definition.name, number, [trial.number for trial in self._open()]),
            }
            try:
                generate.create(preview.plan_tasks(self._workspace, text, name), facts=facts)
                self._trials[number] = Trial(number, name, values, OPEN, PENDING)
                self._unqueued.append(name)  # queueing may fail because of a busy lock
                self._queue(name)
                self._unqueued.pop()
            except (Busy, OSError):
                if number not in self._trials:  # it is asked for again
                    self._optimizer = self._new_optimizer()
                raise
            except PyrunsError as error:
                raise StudyEnd(FAILED, f"{name} could not be started: {error.message}") from error
        log(f"{name} tries {', '.join(f'{key}={value}' for key, value in values.items())}")
        return True

    def _queue(self, task: str) -> None:
        found = submit(
            self._workspace,
            [task],
            # Each trial is a batch; this tells the limit of the project how many may run in parallel.
            options=structs.replace(self._definition.options, jobs=self._definition.jobs),
            environment=self._marker.environment,
        )
        # If another process has queued it already, that is fine.
        if found.refused and read_row(self._workspace.paths(task).folder)[0].status not in ACTIVE:
            raise StudyEnd(FAILED, found.refused[task])


def _pause_after(began: float) -> float:
    """Return the pause (s) after a step that began then: slow ones are repeated less often."""
    return max(POLL_SECONDS, 4 * (time.monotonic() - began))


def log(text: str) -> None:
    """Write a message to the log of the drivers."""
    escaped = "\n".join(map(printable, text.split("\n")))
    print(f"{stamp()} {escaped}", file=sys.stderr, flush=True)
