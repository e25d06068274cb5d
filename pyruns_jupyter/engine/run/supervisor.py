"""The supervisor: one process that owns one run, from its claim on disk to its final state.

It decides whether the run starts (exactly once, whatever schedulers assume), copies the output to the log,
renews the lease of the task, stops the run on request, and is the only process that writes how it ended.
"""

from __future__ import annotations

import errno
import os
import select
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil

from pyruns_jupyter.core.common.errors import Busy, NotFound, PyrunsError
from pyruns_jupyter.core.common.host_identity import boot_id
from pyruns_jupyter.core.common.timestamps import duration_text
from pyruns_jupyter.core.fs.locks import FileLock
from pyruns_jupyter.core.fs.temp_names import is_temporary_file, tidy
from pyruns_jupyter.core.taskfile import runs
from pyruns_jupyter.core.taskfile.lock import protocol
from pyruns_jupyter.core.taskfile.ownership import owner_record
from pyruns_jupyter.core.taskfile.paths import TaskPaths
from pyruns_jupyter.core.taskfile.task_file import TaskInfo, edit_task, own, read_task
from pyruns_jupyter.core.workspace.settings import Settings
from pyruns_jupyter.engine.gpus.request import PEAK
from pyruns_jupyter.engine.gpus.reservations import Reservations
from pyruns_jupyter.engine.memory.watch import MemoryWatch
from pyruns_jupyter.engine.queue import run_files
from pyruns_jupyter.engine.queue.jobs import EndReason, Job
from pyruns_jupyter.engine.queue.processes import (
    CannotStart,
    SignalPipe,
    has_children,
    reap,
    spawn,
    stop_tree,
)

from .command import RunCommand, build_command, remove_copies, stored_code, write_input
from .finalize import RunResult, write_ending
from .heartbeat import WATCH_SECONDS, Heartbeat
from .metric_import import MetricImport
from .output import OutputCopier, TimeMarks, open_output
from .run_environment import interpreter, run_environment, system_name

DONE, AGAIN = 0, 75  # exit codes: nothing left to do; read the state on disk again (EX_TEMPFAIL)
OWNER_TIMEOUT = 2.0  # seconds; a process that only checks the lock holds it for microseconds
# Seconds after the end for which output is read while another process keeps the terminal open.
_DRAIN_QUIET_SECONDS, _MAX_DRAIN_SECONDS = 0.2, 2.0
# Permanent errors: retrying cannot help.
_PERMANENT_ERRORS = frozenset(
    {
        *(errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.ELOOP, errno.EACCES, errno.EPERM),
        *(errno.ENAMETOOLONG, errno.EINVAL),  # the latter for a FIFO in place of the owner's file
    }
)
_KILL_SECONDS = 3.0  # for descendants to disappear after SIGKILL; for the task itself there is no limit


def supervise(
    job: Job,
    gpus: Mapping[str, Any],
    signals: SignalPipe,
    *,
    explain: Callable[[], EndReason | None] | None = None,
    keep: Sequence[int] = (),
) -> int:
    """Run one job to its end; return `DONE`, or `AGAIN` if it could not be started, or its end not stored.

    `gpus` are those of this host, as `EnvironmentProbe.look` returns them. `signals` are those of a
    supervisor; earlier ones do not concern this run. `explain` returns what ended a run from outside. `keep`
    are descriptors that hold its GPUs: they are closed when only the end of the run remains to be written,
    and that cannot be done at once.
    """
    signals.read()
    try:
        info = read_task(job.paths.folder)
        if not waits(info, job.attempt):
            return DONE
        with ExitStack() as held:
            return _Supervisor(job, runs.next_index(info), gpus, held, signals, explain, keep).run(info)
    except NotFound:
        return DONE


def warm_up(*, scripts: bool) -> None:
    """Import and compute before a fork what each supervisor needs; with `scripts` also for script tasks."""
    if scripts:
        import pyruns_jupyter.core.scripts.argv
        import pyruns_jupyter.core.scripts.reading  # noqa: F401

    import yaml  # noqa: F401  # for the settings

    "".encode("utf-8-sig").decode("utf-8-sig")
    protocol()
    boot_id()
    system_name()


def waits(info: TaskInfo, attempt: str) -> bool:
    """Return whether a task waits for the run that `attempt` names."""
    return runs.status_of(info) == runs.QUEUED and info.get("_attempt_id") == attempt


class _Supervisor:
    def __init__(
        self,
        job: Job,
        run: int,
        gpus: Mapping[str, Any],
        held: ExitStack,
        signals: SignalPipe,
        explain: Callable[[], EndReason | None] | None,
        keep: Sequence[int],
    ) -> None:
        """`held` closes at the end what is opened here."""
        self._signals = signals
        self._explain = explain
        self._keep = keep
        self.job = job
        self.gpus = gpus
        self.number = run
        self.paths = job.paths
        self._held = held
        self._folder = self._hold(os.open(self.paths.folder, os.O_RDONLY | os.O_CLOEXEC))
        self._found = self._task_folder()
        self.process: tuple[int, float] | None = None  # pid and create time of the command, once it runs
        self.exit_code: int | None = None
        self.stop_at: float | None = None  # monotonic: when the run was asked to stop
        self.kill_at = 0.0
        self.give_up_at = 0.0
        self.limit_at: float | None = None  # monotonic: when its time limit is reached
        self.is_over_time = False
        self.is_over_memory = False
        self._memory = MemoryWatch(job.options.local_memory, job.attempt)
        held.callback(self._memory.close)
        self.was_signalled = False  # asked to end

    def _hold(self, descriptor: int) -> int:
        self._held.callback(os.close, descriptor)
        return descriptor

    def run(self, info: TaskInfo) -> int:
        owner = FileLock(self.paths.owner(self.number))
        self._held.callback(owner.release)
        try:
            self.paths.run_logs.mkdir(exist_ok=True)
            owner.acquire(timeout=OWNER_TIMEOUT)
            owner.write(owner_record(owner))
            names = os.listdir(self._folder)
            remove_copies(self.paths, names)  # of a supervisor that was killed before its claim
            tidy(self.paths.folder, is_temporary_file, names)
            settings = Settings.load(self.job.root)
            with stored_code(self.job, info) as tree:
                command = build_command(self.job, info, run=self.number, settings=settings, tree=tree)
                try:
                    return self._start(command, settings)
                finally:
                    self._remove_copy(command)
        except Busy:
            return AGAIN
        except PyrunsError as error:
            return self._refuse(error.message)
        except (RecursionError, MemoryError) as error:
            return self._refuse(f"The command of this task could not be built: {type(error).__name__}.")
        except OSError as error:
            if self.process is not None or error.errno not in _PERMANENT_ERRORS:
                raise
            return self._refuse(f"The run could not be started: {error.filename}: {error.strerror}.")

    def _refuse(self, message: str) -> int:
        """End the run as failed before it begins, with a message for the user."""
        info = self._claim(command="", workdir="")
        if info is None:
            return AGAIN
        log = self.paths.log(self.number)
        run_files.append(log, run_files.start_banner(self.job.task, self._started(info), "unknown"))
        run_files.append(log, run_files.line(message))
        started = float(info["launch_started_at"])
        ending = RunResult(self.job, self.number, runs.FAILED, None, started, message=message)
        write_ending(ending, self._pause_writing)
        return DONE

    def _start(self, command: RunCommand, settings: Settings) -> int:
        log = self._hold(run_files.open_log(self.paths.log(self.number)))
        source, theirs = open_output(settings, log)
        output = OutputCopier(source, log, settings.log_limit)
        try:
            info = self._begin(command)
            if info is None:
                return AGAIN
            state = str(info["source_states"][self.number - 1])
            output.put(run_files.start_banner(self.job.task, self._started(info), state, command.code_notes))
            metrics = MetricImport(self.job, self.follow, self.number, command.workdir)
            problem = self._spawn(command, theirs)
        finally:
            if source is not None:
                self._hold(source)
                os.close(theirs)
        if not problem:
            marks = TimeMarks(self.paths.times(self.number), log)
            self._held.callback(marks.close)
            self._attend(output, marks, metrics)
            marks.finish()
            metrics.finish(None if self.process is None else self.process[0])
        output.finish()
        for message in metrics.messages():
            output.put(run_files.line(message))
        self._finish(command, info, output, problem)
        return DONE

    def _spawn(self, command: RunCommand, output: int) -> str:
        """Start the command; return the message why it cannot be started, empty if it was."""
        try:
            with self._memory.around_start():
                pid = spawn(
                    command.argv, workdir=command.workdir, environment=command.environment, output=output
                )
        except CannotStart as error:
            return error.explain(command.argv[0], command.workdir)
        self.process = pid, psutil.Process(pid).create_time()
        if self.job.options.time_limit is not None:
            self.limit_at = time.monotonic() + self.job.options.time_limit
        return ""

    def _finish(self, command: RunCommand, info: TaskInfo, output: OutputCopier, message: str) -> None:
        if self.is_over_time:
            message = (
                "Stopped because it exceeded its time limit of "
                f"{duration_text(self.job.options.time_limit or 0)}."
            )
        elif not message and (self.is_over_memory or self.stop_at is None):
            message = self._memory.limit_message()
        reason = None
        if self._explain is not None and not message and (self.exit_code != 0 or self.was_signalled):
            reason = self._explain()
        if reason is not None:
            message = reason.message
        elif not message and self.stop_at is None:
            message, note = self._memory.kernel_message(self.exit_code)
            if note:
                output.put(run_files.line(note))
        if message:
            output.put(run_files.line(message))
        status = reason.status if reason is not None else runs.FAILED if message else self._status()
        started = float(info["launch_started_at"])
        self._remove_copy(command)  # before the final state is visible
        known = info["run_environments"][self.number - 1]
        late: dict[str, Any] = {}
        with suppress(OSError, PyrunsError):
            late |= {} if "packages" in known else interpreter(command, self.job.root)
            late |= self._peak()
        write_ending(
            RunResult(
                self.job,
                self.number,
                status,
                self.exit_code,
                started,
                command,
                message,
                environment=late,
                process=self.process,
                interrupted=reason is not None and reason.interrupted,
            ),
            self._pause_writing,
        )

    def _pause_writing(self, seconds: float) -> bool:
        """Wait until the next attempt to write the end of the run; return False if asked to end.

        The run no longer needs its GPUs.
        """
        if not has_children():
            for descriptor in self._keep:
                os.close(descriptor)
            self._keep = ()
        until, poller = time.monotonic() + seconds, select.poll()
        poller.register(self._signals.descriptor, select.POLLIN)
        while (left := until - time.monotonic()) > 0:
            poller.poll(left * 1000)
            if self._signals.read():
                return False
            self._reap()
        return True

    def follow(self) -> TaskPaths:
        """Return where the task is now: the project may have been moved."""
        found = self._task_folder()
        if found != self._found:
            self._found = found
            folder = Path(found)
            root = folder.parents[2] if len(folder.parents) > 2 else folder
            moved = replace(self.job, root=root)
            if moved.paths.folder == folder and folder.is_dir():
                self.job, self.paths = moved, moved.paths
        return self.paths

    def _task_folder(self) -> str:
        """Return the path of the task's folder, empty on systems that do not provide it."""
        try:
            return os.readlink(f"/proc/self/fd/{self._folder}")
        except OSError:
            return ""

    def _peak(self) -> dict[str, Any]:
        """Return how much memory the run used of its GPUs, for its environment; empty when unknown."""
        if not self.job.gpus:
            return {}
        peak = Reservations().take_peak(self.job.attempt)
        return {PEAK: {uuid: round(used / 2**20, 1) for uuid, used in peak.items()}} if peak else {}

    def _remove_copy(self, command: RunCommand) -> None:
        with suppress(OSError):  # nothing may prevent the end of a run from being written
            (self.follow().folder / command.payload_copy.name).unlink(missing_ok=True)

    def _begin(self, command: RunCommand) -> TaskInfo | None:
        """Store that the command runs; its process is stored later (`Heartbeat`)."""
        return self._claim(
            given=command,
            command=run_files.printable(command.text),
            workdir=run_files.printable(command.workdir),
            source_state=f"{self.job.source.text} | {command.script_state}",
            environment=run_environment(command, self.gpus, self.job),
        )

    def _claim(self, *, given: RunCommand | None = None, **facts: Any) -> TaskInfo | None:
        """Turn the queued run into a running one, or into a cancelled one if that was requested meanwhile.

        `given` is stored in the same step. Return None if it does not run; then its log is removed.
        """
        with edit_task(self.paths.folder) as info:
            ours = waits(info, self.job.attempt) and runs.next_index(info) == self.number
            wanted = ours and not info.get("cancel_requested_at")
            if wanted:
                runs.start(info, attempt=self.job.attempt, **facts)
                if given is not None:
                    self._record(info, given)
            elif ours:
                runs.unqueue(info)
            if not wanted and runs.slot_count(info) < self.number:
                self.paths.log(self.number).unlink(missing_ok=True)
        if ours and not wanted:
            run_files.add_queue_stop(self.paths)
        return info if wanted else None

    def _record(self, info: TaskInfo, given: RunCommand) -> None:
        facts = self.job.source.to_dict()
        if self.job.code:
            facts["code"] = self.job.code
            facts["in_place"] = given.shell is not None
        if facts:
            own(info).setdefault("sources", {})[str(self.number)] = facts
        write_input(self.paths, self.number, given, facts)

    def _started(self, info: TaskInfo) -> str:
        return str(info["start_times"][self.number - 1])

    def _status(self) -> str:
        if self.stop_at is not None:
            return runs.CANCELLED
        return runs.COMPLETED if self.exit_code == 0 else runs.FAILED

    def _attend(self, output: OutputCopier, marks: TimeMarks, metrics: MetricImport) -> None:
        """Serve the run until it has ended and its output is in the log."""
        signals, poller = self._signals, select.poll()
        poller.register(signals.descriptor, select.POLLIN)
        listening = False
        heartbeat = Heartbeat(self)
        ended_at = quiet_since = 0.0
        while True:
            wanted = output.is_open and not output.is_stuck
            if wanted != listening:
                poller.register(output.source, select.POLLIN) if wanted else poller.unregister(output.source)
                listening = wanted
            pause = 0.05 if self.exit_code is not None or self.stop_at is not None else WATCH_SECONDS
            if self.exit_code is None:
                due = min(heartbeat.due, metrics.due)
                if self.limit_at is not None and not self.stop_at:
                    due = min(due, self.limit_at)
                pause = max(0.0, min(pause, due - time.monotonic()))
            ready = {descriptor for descriptor, _ in poller.poll(pause * 1000)}
            now = time.monotonic()
            if (output.source in ready or output.is_stuck or self.exit_code is not None) and output.copy():
                quiet_since = now
            marks.update(now)
            if signals.descriptor in ready and signals.read():
                self.was_signalled = True
                self._stop(now)
            self._reap()
            if self.exit_code is None:
                if heartbeat.beat(now):
                    self._stop(now)
                elif self.stop_at is None and self.limit_at is not None and now >= self.limit_at:
                    self.is_over_time = True
                    self._stop(now)
                if self._memory.is_over(now):
                    self.is_over_memory = self.stop_at is None
                    self._kill(now)
                metrics.beat(now)
            elif not ended_at:
                ended_at = quiet_since = now
            self._kill_leftovers(now)
            if self.exit_code is not None and self._is_drained(output, now, ended_at, quiet_since):
                return

    def _is_drained(self, output: OutputCopier, now: float, ended_at: float, quiet_since: float) -> bool:
        if self.stop_at is not None and now < self.give_up_at and has_children():
            return False  # descendants in other sessions get the grace period as well
        if output.is_stuck:
            return self.stop_at is not None
        is_quiet = now - quiet_since > _DRAIN_QUIET_SECONDS or now - ended_at > _MAX_DRAIN_SECONDS
        return is_quiet or not output.is_open

    def _reap(self) -> None:
        ended = reap()
        code = ended.get(self.process[0]) if self.process is not None else None
        if code is not None:
            self.exit_code = code

    def _group(self) -> int | None:
        return self.process[0] if self.process is not None and self.exit_code is None else None

    def _stop(self, now: float) -> None:
        if self.stop_at is None:
            self.stop_at = now
            grace = self.job.options.grace
            if grace is None:
                grace = Settings.load(self.job.root).stop_grace_seconds
            self.kill_at = now + grace
            self.give_up_at = self.kill_at + _KILL_SECONDS
            stop_tree(self._group())

    def _kill(self, now: float) -> None:
        self.stop_at = self.stop_at or now
        self.kill_at, self.give_up_at = now, now + _KILL_SECONDS
        self._kill_leftovers(now)

    def _kill_leftovers(self, now: float) -> None:
        """Kill what is still alive after the grace period of a stopping run."""
        if self.stop_at is not None and now >= self.kill_at and has_children():
            self.kill_at = now + 1.0
            stop_tree(self._group(), kill=True)
