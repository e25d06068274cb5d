"""The supervisor: one process that owns one run, from its claim on disk to its final state.

It decides whether the run starts (exactly once, whatever schedulers assume), copies the output to the log,
renews the lease of the task, stops the run on request, and is the only process that writes how it ended.
"""

from __future__ import annotations

import errno
import os
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from pyruns_jupyter.core.common.errors import Busy, NotFound, PyrunsError, os_sentence
from pyruns_jupyter.core.common.timestamps import duration_text
from pyruns_jupyter.core.fs.locks import FileLock
from pyruns_jupyter.core.fs.regular_files import OPEN_FOLDER
from pyruns_jupyter.core.fs.temp_names import is_temporary_file, tidy
from pyruns_jupyter.core.taskfile import runs
from pyruns_jupyter.core.taskfile.ownership import owner_record
from pyruns_jupyter.core.taskfile.paths import TaskPaths
from pyruns_jupyter.core.taskfile.task_file import TaskInfo, read_task
from pyruns_jupyter.core.workspace.settings import Settings
from pyruns_jupyter.engine.gpus.request import PEAK
from pyruns_jupyter.engine.gpus.reservations import Reservations, renew
from pyruns_jupyter.engine.memory.watch import MemoryWatch
from pyruns_jupyter.engine.processes.native import (
    SignalPipe,
    has_children,
    reap,
    spawn,
    stop_tree,
    wait_readable,
)
from pyruns_jupyter.engine.processes.starting import CannotStart
from pyruns_jupyter.engine.queue import run_files
from pyruns_jupyter.engine.queue.jobs import EndReason, Job

from .checkpoints import REQUEUE_EXIT_CODE, may_requeue
from .claim import claim_run, waits
from .command import RunCommand, build_command, remove_copies, stored_code
from .finalize import RunResult, write_ending
from .heartbeat import Heartbeat
from .observation import Observation
from .output import OutputCopier, TimeMarks, open_output
from .run_environment import late_facts, run_environment
from .time_limit import TimeLimit

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
_MAX_ERROR = 300  # characters of an unexpected error in a message
_KILL_SECONDS = 3.0  # for descendants to disappear after SIGKILL; for the task itself there is no limit


def supervise(
    job: Job,
    gpus: Mapping[str, Any],
    signals: SignalPipe,
    held: ExitStack,
    *,
    explain: Callable[[], EndReason | None] | None = None,
    keep: Sequence[int] = (),
) -> int:
    """Run one job to its end; return `DONE`, or `AGAIN` if it could not be started.

    `gpus` are those of this host, as `EnvironmentProbe.look` returns them. `signals` are those of a
    supervisor; earlier ones do not concern this run. `held` closes what was opened, which can take longer
    than the run did. `explain` returns what ended a run from outside. `keep` are descriptors that hold its
    GPUs: they are closed when only the end of the run remains to be written, and that cannot be done at once.
    """
    signals.read()
    try:
        info = read_task(job.paths.folder)
        if not waits(info, job.attempt):
            return DONE
        return _Supervisor(job, runs.next_index(info), gpus, held, signals, explain, keep).run(info)
    except NotFound:
        return DONE


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
        self.preempted_for = ""  # the task for which it was asked to stop
        self.folder = self._open_folder()
        self._found = self._task_folder()
        self.process: tuple[int, float] | None = None  # pid and create time of the command, once it runs
        self.exit_code: int | None = None
        self.stop_at: float | None = None  # monotonic: when the run was asked to stop
        self.kill_at = 0.0
        self.give_up_at = 0.0
        self.is_over_memory = False
        self._memory = MemoryWatch(job.options.local_memory, job.attempt)
        held.callback(self._memory.close)
        self._owner = FileLock(self.paths.owner(run))
        held.callback(self._owner.release)
        self.was_signalled = self.is_stopped_by_rule = False  # asked to end by a signal, or an alert rule

    def _open_folder(self) -> int | None:
        """Open the folder of the task, which may be renamed; None on Windows, which does not allow that."""
        if os.listdir not in os.supports_fd:
            return None
        return self._hold(os.open(self.paths.folder, OPEN_FOLDER))

    def _hold(self, descriptor: int) -> int:
        self._held.callback(os.close, descriptor)
        return descriptor

    def run(self, info: TaskInfo) -> int:
        command: RunCommand | None = None
        try:
            self.paths.run_logs.mkdir(exist_ok=True)
            self._owner.acquire(timeout=OWNER_TIMEOUT)
            self._owner.write(owner_record(self._owner))
            names = os.listdir(self.paths.folder if self.folder is None else self.folder)
            remove_copies(self.paths, names)  # of a supervisor that was killed before its claim
            tidy(self.paths.folder, is_temporary_file, names)
            settings = Settings.load(self.job.root)
            with stored_code(self.job, info) as tree:
                command = build_command(self.job, info, run=self.number, settings=settings, tree=tree)
                code = AGAIN
                try:
                    code = self._start(command, settings)
                    return code
                finally:
                    if code != DONE:  # otherwise `_finish` has done it
                        self._remove_copy(command)
        except Busy:
            return AGAIN
        except PyrunsError as error:
            return self._refuse(error.message)
        except OSError as error:
            if self.process is not None or error.errno not in _PERMANENT_ERRORS:
                raise
            return self._refuse(f"The run could not be started. {os_sentence(error)}")
        except Exception as error:
            if command is not None:
                raise
            traceback.print_exception(error)  # a bug of ours; the task must not stay queued for ever
            what = " ".join(f"{type(error).__name__}: {error}".split())[:_MAX_ERROR].rstrip(":. ")
            return self._refuse(f"The command of this task could not be built: {what}.")

    def _refuse(self, message: str) -> int:
        """End the run as failed before it begins, with a message for the user."""
        info = claim_run(self.job, self.number, command="", workdir="")
        if info is None:
            return AGAIN
        log = self.paths.log(self.number)
        run_files.append(log, run_files.start_banner(self.job.task, self._started(info), "unknown"))
        run_files.append(log, run_files.line(message))
        started = float(info["launch_started_at"])
        ending = RunResult(self.job, self.number, runs.FAILED, None, started, message=message)
        write_ending(ending, self._owner, self._pause_writing)
        return DONE

    def _start(self, command: RunCommand, settings: Settings) -> int:
        log = self._hold(run_files.open_log(self.paths.log(self.number)))
        source, theirs = open_output(settings, log)
        output = OutputCopier(source, log, settings.log_limit, lambda: self.follow().log(self.number))
        try:
            info = self._begin(command)
            if info is None:
                return AGAIN
            state = str(info["source_states"][self.number - 1])
            output.put(run_files.start_banner(self.job.task, self._started(info), state, command.code_notes))
            observed = Observation(self.job, self.follow, self.number, command, settings, output.put)
            problem = self._spawn(command, theirs)
            limit = TimeLimit(self.job.options, output.put)
        finally:
            if source is not None:
                self._hold(source)
                os.close(theirs)
        if not problem:
            marks = TimeMarks(self.paths.times(self.number), log)
            self._held.callback(marks.close)
            self._attend(output, marks, observed, limit)
            marks.finish()
            observed.finish(None if self.process is None else self.process[0])
        output.finish()
        for message in observed.metrics.messages():
            output.put(run_files.line(message))
        reason = EndReason(problem) if problem else self._end_reason(limit, observed, output)
        self._finish(command, info, output, reason)
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
        self.process = pid, time.time()  # `Heartbeat` asks the system, which takes long for a short run
        return ""

    def _end_reason(self, limit: TimeLimit, observed: Observation, output: OutputCopier) -> EndReason | None:
        """Return why the run ended, None if its exit code says all."""
        if limit.is_reached:
            limit_text = duration_text(self.job.options.time_limit or 0)
            message = f"Stopped because it exceeded its time limit of {limit_text}."
            return EndReason(message, interrupted=self._asks_to_requeue(), is_time_limit=True)
        if (self.is_over_memory or self.stop_at is None) and (message := self._memory.limit_message()):
            return EndReason(message)
        if self.is_stopped_by_rule:
            return EndReason(observed.alerts.stop_message, runs.CANCELLED)
        if self._explain is not None and (self.exit_code != 0 or self.was_signalled):
            reason = self._explain()
            if reason is not None:
                return replace(reason, interrupted=reason.interrupted or self._asks_to_requeue())
        if self.preempted_for and not self._is_cancelled():
            room = f"Stopped to make room for {self.preempted_for}, which has a higher priority."
            return EndReason(room, interrupted=True)
        if self.stop_at is not None:
            return None
        if self._asks_to_requeue():
            return EndReason(f"The script exited with code {REQUEUE_EXIT_CODE}.", interrupted=True)
        message, note = self._memory.kernel_message(self.exit_code)
        if note:
            output.put(run_files.line(note))
        return EndReason(message) if message else None

    def _is_cancelled(self) -> bool:
        """Return whether the user asked for a stop, also in the last moment."""
        with suppress(OSError, PyrunsError):
            return bool(read_task(self.follow().folder).get("cancel_requested_at"))
        return False

    def _asks_to_requeue(self) -> bool:
        return self.exit_code == REQUEUE_EXIT_CODE and self.job.resume

    def _finish(
        self, command: RunCommand, info: TaskInfo, output: OutputCopier, reason: EndReason | None
    ) -> None:
        message = "" if reason is None else reason.message
        if message:
            output.put(run_files.line(message))
        status = self._status() if reason is None else reason.status
        started = float(info["launch_started_at"])
        self.renew_reservations()
        self._remove_copy(command)  # before the final state is visible
        known = info["run_environments"][self.number - 1]
        late: dict[str, Any] = {}
        with suppress(OSError, PyrunsError):
            late |= late_facts(command, known, self.job.root, gpus=self.gpus)
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
                interrupted=reason is not None and may_requeue(reason, self.job, started),
            ),
            self._owner,
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
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            wait_readable((self._signals.descriptor,), left)
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
            return os.readlink(f"/proc/self/fd/{self.folder}")
        except OSError:
            return ""

    def renew_reservations(self) -> None:
        """Note that the run uses its GPUs until now, which counts as usage of its user."""
        if self.job.gpus:
            renew(self._keep)

    def _peak(self) -> dict[str, Any]:
        """Return how much memory the run used of its GPUs, for its environment; empty when unknown."""
        if not self.job.gpus:
            return {}
        peak = Reservations().take_peak(self.job.attempt)
        return {PEAK: {uuid: round(used / 2**20, 1) for uuid, used in peak.items()}} if peak else {}

    def _remove_copy(self, command: RunCommand) -> None:
        names = [one.name for one in (command.payload_copy, *command.other_copies)]
        with suppress(OSError):  # nothing may prevent the end of a run from being written
            remove_copies(self.follow(), names)

    def _begin(self, command: RunCommand) -> TaskInfo | None:
        """Store that the command runs; its process is stored later (`Heartbeat`)."""
        return claim_run(
            self.job,
            self.number,
            given=command,
            command=run_files.printable(command.text),
            workdir=run_files.printable(command.workdir),
            source_state=f"{self.job.source.text} | {command.script_state}",
            environment=run_environment(command, self.gpus, self.job),
        )

    def _started(self, info: TaskInfo) -> str:
        return str(info["start_times"][self.number - 1])

    def _status(self) -> str:
        if self.stop_at is not None:
            return runs.CANCELLED
        return runs.COMPLETED if self.exit_code == 0 else runs.FAILED

    def _attend(
        self, output: OutputCopier, marks: TimeMarks, observed: Observation, limit: TimeLimit
    ) -> None:
        """Serve the run until it has ended and its output is in the log."""
        signals = self._signals
        heartbeat = Heartbeat(self)
        ended_at, quiet_since = 0.0, time.monotonic()
        while True:
            watched, now = [signals.descriptor], time.monotonic()
            is_ending = self.exit_code is not None or self.stop_at is not None
            rest = 0.0 if is_ending else output.rests_until - now
            if output.is_open and not output.is_stuck and rest <= 0:
                watched.append(output.source)
            due = now if observed.has_more else min(heartbeat.due, limit.due)
            pause = max(0.0, min(limit.due - now, rest) if rest > 0 and due > now else due - now)
            ready = wait_readable(watched, 0.05 if is_ending else pause)
            now = time.monotonic()
            if (output.source in ready or output.source not in watched) and output.copy():
                quiet_since = now
            if now < due and not is_ending and signals.descriptor not in ready:
                continue  # everything else waits for the heartbeat: this process should not run often
            if output.has_grown() or (output.is_stuck and self.exit_code is None):
                quiet_since = now
            marks.update(now)
            if signals.descriptor in ready and signals.read():
                self.was_signalled = True
                self._stop(now)
            while signals.user_signals:
                limit.forward(signals.user_signals.pop())
            self._reap()
            if self.exit_code is None:
                if heartbeat.beat(now) or (self.stop_at is None and limit.beat(now)):
                    self.preempted_for = heartbeat.preempted_for
                    self._stop(now)
                if self._memory.is_over(now):
                    self.is_over_memory = self.stop_at is None
                    self._kill(now)
                requested_at = heartbeat.stacks_requested_at
                if observed.beat(now, quiet_since, requested_at) and self.stop_at is None:
                    self.is_stopped_by_rule = True
                    self._stop(now)
            elif not ended_at:
                ended_at = quiet_since = now
            elif output.is_stuck and heartbeat.beat(now) and not heartbeat.preempted_for:
                self._stop(now)
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
                self.follow()
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
