"""The executor of the demo: runs whose processes are simulated, and whose files are real.

A simulated run is claimed, logged and ended by the code of the real supervisor. Only the process is missing:
what it prints and tracks comes from its `Course`.
"""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pyruns_jupyter.core.common.errors import PyrunsError
from pyruns_jupyter.core.common.timestamps import duration_text
from pyruns_jupyter.core.config.document import parse_config
from pyruns_jupyter.core.config.flatten import flatten
from pyruns_jupyter.core.fs.locks import FileLock
from pyruns_jupyter.core.metrics.journal import RECORD, TRACK, Appender
from pyruns_jupyter.core.taskfile import runs
from pyruns_jupyter.core.taskfile.ownership import owner_record
from pyruns_jupyter.core.taskfile.paths import TaskPaths
from pyruns_jupyter.core.taskfile.task_file import TaskInfo, read_task
from pyruns_jupyter.core.trust.engine_key import EngineKey
from pyruns_jupyter.core.workspace.settings import Settings
from pyruns_jupyter.engine.queue import run_files
from pyruns_jupyter.engine.queue.jobs import EndReason, Job, Pending
from pyruns_jupyter.engine.run.claim import claim_run, waits
from pyruns_jupyter.engine.run.command import RunCommand, build_command, remove_copies
from pyruns_jupyter.engine.run.finalize import RunResult, write_ending
from pyruns_jupyter.engine.run.heartbeat import Heartbeat
from pyruns_jupyter.engine.run.observation import Observation
from pyruns_jupyter.engine.run.output import TimeMarks
from pyruns_jupyter.engine.run.run_environment import EnvironmentProbe, run_environment
from pyruns_jupyter.engine.run.supervisor import OWNER_TIMEOUT
from pyruns_jupyter.engine.run.time_limit import TimeLimit
from pyruns_jupyter.engine.scheduler.executors import Executors

from . import machine
from .courses import course_of

_STOP_SECONDS = 0.3  # that a simulated process takes to end when it is asked to


class DemoExecutors(Executors):
    """Runs the jobs of one project, step by step: `poll` continues them."""

    def __init__(self, key: EngineKey) -> None:
        self._key = key
        self._runs: list[SimulatedRun] = []
        self._refused: list[Job] = []
        self._probe = EnvironmentProbe()

    @property
    def must_poll(self) -> bool:
        return True

    def start(self, job: Job, *, keep: Sequence[int] = ()) -> None:
        run = SimulatedRun(job, self._probe.look(job), keep)
        if run.begin():
            self._runs.append(run)
        else:
            self._refused.append(job)

    def poll(self) -> list[Job]:
        ended, self._refused = self._refused, []
        for run in list(self._runs):
            if run.step():
                self._runs.remove(run)
                ended.append(run.job)
        return ended

    def adopt(self, job: Job) -> None: ...

    def finalize_orphan(self, job: Job) -> None: ...

    def owner_lives(self, job: Job, info: TaskInfo) -> bool:
        return any(run.job.attempt == job.attempt for run in self._runs)

    def rest(self) -> None: ...

    def close(self, since: float) -> bool:
        return True

    def cancel(self, job: Job) -> None: ...

    def has_begun(self, job: Job) -> bool:
        return True

    def is_full(self, job: Job) -> bool:
        return False

    def pending(self) -> dict[str, Pending]:
        return {}

    def obstacle(self, job: Job) -> str:
        return ""

    def forget(self, batch: str) -> None: ...


class SimulatedRun:
    """One run, as its supervisor would see it."""

    def __init__(self, job: Job, gpus: dict[str, Any], keep: Sequence[int]) -> None:
        """`keep` are descriptors that hold its GPUs."""
        self.job, self.paths = job, job.paths
        self.process: tuple[int, float] | None = None
        self.folder: int | None = None
        self._gpus = gpus
        self._held = [os.dup(descriptor) for descriptor in keep]
        self._stop_at: float | None = None
        self._reason: EndReason | None = None

    def follow(self) -> TaskPaths:
        return self.paths

    def begin(self) -> bool:
        """Claim and start the run; return whether it runs now."""
        info = read_task(self.paths.folder)
        if not waits(info, self.job.attempt):
            return self._let_go()
        self.number = runs.next_index(info)
        self._owner = FileLock(self.paths.owner(self.number))
        self.paths.run_logs.mkdir(exist_ok=True)
        self._owner.acquire(timeout=OWNER_TIMEOUT)
        self._owner.write(owner_record(self._owner))
        settings = Settings.load(self.job.root)
        try:
            self._command = command = build_command(self.job, info, run=self.number, settings=settings)
        except PyrunsError as error:
            return self._refuse(error.message)
        claimed = claim_run(
            self.job,
            self.number,
            given=command,
            command=run_files.printable(command.text),
            workdir=run_files.printable(command.workdir),
            source_state=f"{self.job.source.text} | {command.script_state}",
            environment=run_environment(command, self._gpus, self.job),
        )
        if claimed is None:
            self._owner.release()
            return self._let_go()
        self._began = time.monotonic()
        self._started = float(claimed["launch_started_at"])
        self._start(command, settings, claimed)
        return True

    def _start(self, command: RunCommand, settings: Settings, info: TaskInfo) -> None:
        config: dict[str, Any] = {}
        if command.shell is None:
            config = flatten(parse_config(command.payload_text, ""))
        project = self.job.root.parent.name
        self.course = course_of(project, config, command.payload_text, command.environment)
        self._log = run_files.open_log(self.paths.log(self.number))
        state = str(info["source_states"][self.number - 1])
        self._put(run_files.start_banner(self.job.task, str(info["start_times"][self.number - 1]), state))
        self._observed = Observation(self.job, self.follow, self.number, command, settings, self._put)
        process = machine.start(
            command.argv,
            command.environment,
            gpus=self.job.gpus,
            load=self.course.load,
            memory=self.course.memory,
        )
        self.process = process.pid, process.started
        self._limit = TimeLimit(self.job.options, self._put)
        self._heartbeat = Heartbeat(self)
        self._marks = TimeMarks(self.paths.times(self.number), self._log)
        self._journal: Appender | None = None
        self._printed = self._tracked = 0

    def renew_reservations(self) -> None:
        """Do nothing: the demo has one user, so the usage of GPUs is not counted."""

    def step(self) -> bool:
        """Do what is due; return whether the run has ended."""
        now = time.monotonic()
        age = now - self._began
        assert self.process is not None
        machine.attended[:] = [self.process[0]]
        self._output(age)
        self._track(age)
        self._marks.update(now)
        if self._stop_at is None:
            if self._heartbeat.beat(now):
                self._stop(now)
                if self._heartbeat.preempted_for:
                    other = self._heartbeat.preempted_for
                    room = f"Stopped to make room for {other}, which has a higher priority."
                    self._reason = EndReason(room, interrupted=True)
            elif self._limit.beat(now):
                self._stop(now)
                limit = duration_text(self.job.options.time_limit or 0)
                self._reason = EndReason(f"Stopped because it exceeded its time limit of {limit}.")
            elif self._observed.beat(now, now, self._heartbeat.stacks_requested_at):
                self._stop(now)
                self._reason = EndReason(self._observed.alerts.stop_message, runs.CANCELLED)
        if self._stop_at is not None and now >= self._stop_at:
            self._end(None, -15)
            return True
        if self._stop_at is None and age >= self.course.seconds:
            self._end(self.course.exit_code, self.course.exit_code)
            return True
        return False

    def _stop(self, now: float) -> None:
        self._stop_at = now + _STOP_SECONDS

    def _put(self, data: bytes) -> None:
        os.write(self._log, data)

    def _output(self, age: float) -> None:
        output = self.course.output
        begin = self._printed
        while self._printed < len(output) and output[self._printed][0] <= age:
            self._printed += 1
        text = "".join(said for _, said in output[begin : self._printed])
        if text:
            self._put(text.replace("\n", "\r\n").encode())

    def _track(self, age: float) -> None:
        points = self.course.points
        while self._tracked < len(points) and points[self._tracked][0] <= age:
            at, values = points[self._tracked]
            self._append(TRACK, dict(values), self._started + at)
            self._tracked += 1

    def _append(self, kind: str, values: dict[str, Any], epoch: float) -> None:
        if self._journal is None:
            path = self.paths.journal(self.number)
            path.parent.mkdir(exist_ok=True)
            self._journal = Appender(path)
        self._journal.append(kind, values, epoch)

    def _end(self, finished: int | None, exit_code: int) -> None:
        if finished == 0:
            if self.course.records:
                self._append(RECORD, dict(self.course.records), time.time())
            for name, text in self.course.files.items():
                path = self.paths.artifact_dir(self.number) / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(text, encoding="utf-8")
        assert self.process is not None
        self._marks.finish()
        self._observed.finish(self.process[0])
        machine.end(self.process[0])
        if self._journal is not None:
            self._journal.close()
        reason = self._reason
        if reason is not None and reason.message:
            self._put(run_files.line(reason.message))
        os.close(self._log)
        status = runs.CANCELLED if finished is None else runs.COMPLETED if finished == 0 else runs.FAILED
        self._write(
            RunResult(
                self.job,
                self.number,
                status if reason is None else reason.status,
                exit_code,
                self._started,
                self._command,
                "" if reason is None else reason.message,
                process=self.process,
                interrupted=reason is not None and reason.interrupted,
            )
        )

    def _refuse(self, message: str) -> bool:
        """End the run as failed before it begins; return False."""
        info = claim_run(self.job, self.number, command="", workdir="")
        if info is not None:
            log = self.paths.log(self.number)
            started = str(info["start_times"][self.number - 1])
            run_files.append(log, run_files.start_banner(self.job.task, started, "unknown"))
            run_files.append(log, run_files.line(message))
            began = float(info["launch_started_at"])
            write_ending(
                RunResult(self.job, self.number, runs.FAILED, None, began, message=message), self._owner
            )
        self._owner.release()
        return self._let_go()

    def _write(self, ending: RunResult) -> None:
        copies = (self._command.payload_copy, *self._command.other_copies)
        remove_copies(self.paths, [Path(copy).name for copy in copies])
        write_ending(ending, self._owner)
        self._owner.release()
        self._let_go()

    def _let_go(self) -> bool:
        """Release the GPUs; return False."""
        while self._held:
            os.close(self._held.pop())
        return False
