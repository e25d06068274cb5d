"""The driver of one study as a process: `python -m pyruns_jupyter.studies.driver <_pyruns_> WORKSPACE STUDY`.

It asks for trials, makes and queues their tasks, stops those that promise too little, and leaves when the
study is over. All that it knows is on disk: killed at any moment, the next one goes on where it was.
"""

from __future__ import annotations

import os
import signal
import sys
import time
import traceback
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from pyruns_jupyter.core import generate
from pyruns_jupyter.core.errors import Busy, NotFound, PyrunsError, Unreadable
from pyruns_jupyter.core.filelock import FileLock
from pyruns_jupyter.core.printing import printable
from pyruns_jupyter.core.rows import TaskRow, read_row
from pyruns_jupyter.core.runs import ACTIVE, COMPLETED, PENDING, RUNNING
from pyruns_jupyter.core.settings import Settings
from pyruns_jupyter.core.stamps import stamp
from pyruns_jupyter.core.sweep.searchspace import SearchSpace
from pyruns_jupyter.core.taskfile import TaskInfo, edit_task, read_task
from pyruns_jupyter.core.trust import EngineKey, require_engine
from pyruns_jupyter.core.workspace import WorkspaceFolder
from pyruns_jupyter.engine.launch import attend
from pyruns_jupyter.engine.requeue import is_stuck
from pyruns_jupyter.engine.scheduler import LOCK_TIMEOUT
from pyruns_jupyter.engine.submit import end_abandoned, submit

from .definition import FAILED, FINISHED, changing, read_study
from .launch import Marker, marker_path, read_marker, unmark
from .managing import end, trial_name, trials_of
from .optimizer import Curve, Optimizer
from .trials import COMPLETE, FAIL, Trial, curve_of, place_facts, prune, trial_of

_LOOK_SECONDS = 0.25
_ATTEND_SECONDS = 5.0
_FAILURES = 5  # trials in a row, unless the study or the settings say otherwise
_TRIES = 20  # looks in a row that the disk may refuse


class Over(Exception):
    """The study ends here; the state and why."""

    def __init__(self, state: str, message: str = "") -> None:
        super().__init__(message)
        self.state = state
        self.message = message


class Driver:
    """Drives one study until it is over.

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
        self._optimizer = Optimizer(
            self._definition, SearchSpace.parse(self._definition.text), self._trials.values(), self._known
        )
        self._attended = time.monotonic()

    def run(self) -> None:
        """Work until the study is over, or somebody else's."""
        refused = 0
        made = self._take_up()
        while self._here():
            began = time.monotonic()
            pause = _LOOK_SECONDS
            try:
                while made:  # by a driver that died before they were queued
                    self._queue(made[-1])
                    made.pop()
                self._look()
                # What is slow to look at is looked at less often.
                pause = max(pause, 4 * (time.monotonic() - began))
                while len(self._open()) < self._definition.jobs and self._ask():
                    pass
                refused = 0
            except Over as over:
                end(self._workspace, self._name, over.state, over.message)
                return
            except (Busy, OSError) as error:
                refused += 1
                if refused == _TRIES:
                    raise
                _say(f"{self._name} is looked at again: {error}")
            if began - self._attended > _ATTEND_SECONDS:
                attend(self._workspace.root)
                self._attended = began
            time.sleep(pause)

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
        """Tell whether the study is active, and the project where it was."""
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
        if now is None:  # somebody took it out of the study
            self._drop(trial)
            return
        self._trials[trial.number] = now
        if self._definition.prune:
            self._report(now, info)
        if not now.is_open:
            _say(f"{now.task} is {now.state}" + ("" if now.value is None else f": {now.value:g}"))
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
        """Make and queue one more trial; tell whether there was one.

        Raises:
            Over: when all have ended, or none can be made.
        """
        with changing(self._workspace, self._name):  # who stops the study waits for this
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
                generate.create(generate.plan_tasks(self._workspace, text, name), facts=facts)
                self._trials[number] = Trial(number, name, values, "open", None, PENDING)
                self._queue(name)
            except Busy:
                raise
            except PyrunsError as error:
                raise Over(FAILED, f"{name} could not be started: {error.message}") from error
        _say(f"{name} tries {', '.join(f'{key}={value}' for key, value in values.items())}")
        return True

    def _queue(self, task: str) -> None:
        found = submit(
            self._workspace,
            [task],
            # Each trial is a batch of its own: this lets the project limit know how many may run.
            options=replace(self._definition.options, jobs=self._definition.jobs),
            environment=self._marker.environment,
        )
        # Somebody may have been quicker: then it runs all the same.
        if found.refused and read_row(self._workspace.paths(task).folder)[0].status not in ACTIVE:
            raise Over(FAILED, found.refused[task])


def _opened(trial: Trial) -> Trial:
    """Return a trial as one that is still to be looked at."""
    return Trial(trial.number, trial.task, trial.values, "open", None, trial.status)


def main(arguments: Sequence[str] | None = None) -> int:
    """Drive the study that the arguments name; return the exit code. Ends at once when another one does."""
    words = sys.argv[1:] if arguments is None else list(arguments)
    if len(words) != 3:
        print(
            "usage: python -m pyruns_jupyter.studies.driver <_pyruns_ folder> WORKSPACE STUDY",
            file=sys.stderr,
        )
        return 2
    root = Path(words[0]).absolute()
    try:
        key = require_engine(root)
        read_marker(key, words[1], words[2])
    except FileNotFoundError:
        return 0
    except (PyrunsError, OSError) as error:
        _say(f"The driver of {words[2]} does not start: {error}")
        return 1
    path = marker_path(root, words[1], words[2])
    lock = FileLock(path)
    try:
        lock.acquire(timeout=LOCK_TIMEOUT)
    except Busy:
        return 0
    with suppress(OSError):
        os.setsid()
    # A shell starts background processes deaf to these.
    for number in (signal.SIGINT, signal.SIGQUIT):
        signal.signal(number, signal.SIG_DFL)
    return _drive(WorkspaceFolder(root / words[1]), words[2], lock, key)


def _drive(workspace: WorkspaceFolder, name: str, lock: FileLock, key: EngineKey) -> int:
    try:
        marker = read_marker(key, workspace.name, name)
        Driver(workspace, name, lock, marker, key).run()
    except (NotFound, FileNotFoundError):  # removed, or never written
        unmark(workspace.root, workspace.name, name)
    except Exception as error:  # noqa: BLE001 - whatever it is, people should see it and not wait
        _say(traceback.format_exc())
        told = error.message if isinstance(error, PyrunsError) else f"{type(error).__name__}: {error}"
        try:
            end(workspace, name, FAILED, told)
        except (PyrunsError, OSError) as second:
            if isinstance(second, Unreadable):
                unmark(workspace.root, workspace.name, name)  # until its file is mended
            _say(f"{name}: {second}")
        return 1
    return 0


def _say(text: str) -> None:
    escaped = "\n".join(map(printable, text.split("\n")))
    print(f"{stamp()} {escaped}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
