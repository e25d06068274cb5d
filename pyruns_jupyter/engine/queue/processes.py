"""Processes the way POSIX knows them: forking, spawning, orphans, descendants, signals.

The only file that forks, and knows which signals are sent.
"""

from __future__ import annotations

import ctypes
import errno
import os
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

import psutil

from pyruns_jupyter.core.fs.locks import PRIVATE_MODE
from pyruns_jupyter.core.fs.regular_files import open_regular_to_append

_END_SIGNALS = frozenset({signal.SIGTERM, signal.SIGHUP})
_LISTENED = (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_IGNORED_BY_PYTHON = (signal.SIGPIPE, signal.SIGXFSZ)  # a program expects them as they are by default
_ROOM_SECONDS = 60.0
_LOG_BYTES = 1024 * 1024  # of a daemon, after which it starts anew
_SET_NAME, _SET_CHILD_SUBREAPER = 15, 36  # prctl(2)
_SCORE_FILE = "/proc/self/oom_score_adj"  # proc(5)
# Thousandths of all memory, as which a task counts in addition to what it uses when the kernel looks for the
# process to kill: any task is killed before a server, a scheduler or a supervisor that uses less than half of
# the memory, but not before another program that uses nearly all of it.
_TASK_SCORE, _MAX_SCORE = 500, 1000


class SignalPipe:
    """Signals as something to wait for beside file descriptors: that a child has ended and, for a supervisor,
    that this process is told to end. At most one per process.
    """

    def __init__(self, *, is_supervisor: bool) -> None:
        self.descriptor, self._write_end = os.pipe()
        os.set_blocking(self.descriptor, False)
        os.set_blocking(self._write_end, False)
        signal.set_wakeup_fd(self._write_end, warn_on_full_buffer=False)
        for number in (signal.SIGCHLD, *(_END_SIGNALS if is_supervisor else ())):
            signal.signal(number, _ignore)

    def read(self) -> bool:
        """Take the signals that arrived since the last call; return whether one tells this process to end."""
        try:
            return not _END_SIGNALS.isdisjoint(os.read(self.descriptor, 4096))
        except BlockingIOError:
            return False


def _ignore(number: int, frame: object) -> None:
    """A handler in Python is what makes the signal's number appear in the pipe."""


def fork_detached(body: Callable[[], int], *, keep: Sequence[int] = ()) -> int:
    """Run `body` in a fork with a session of its own and no open file but stdin, stdout, stderr and `keep`;
    return its pid.

    What `body` returns is the exit code. Locks that this process holds do not go with the fork, but for those
    of the descriptors in `keep`, which last until both have closed them.

    Raises:
        OSError: when the system has no room for another process.
    """
    with suppress(OSError):  # a full disk; what is written there is for people only
        sys.stdout.flush()
        sys.stderr.flush()
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, _LISTENED)
    try:
        pid = os.fork()
        if pid == 0:
            _run_detached(body, mask, keep)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    return pid


def spawn_daemon(argv: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
    """Start a program that outlives this process; its output goes to the end of `log`.

    Raises:
        OSError, subprocess.CalledProcessError: if it cannot be started.
    """
    with _open_log(log) as stream:
        # The shell forks it and ends: nothing is left to be waited for in a front end that lives for weeks.
        # Not in a working folder that others fill, since Python imports modules from it.
        subprocess.run(
            ["/bin/sh", "-c", '"$@" & exit 0', "sh", *argv],
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=stream,
            cwd=os.sep,
            env=environment,
            start_new_session=True,
            check=True,
        )


def _open_log(path: Path) -> BinaryIO:
    """Open a log of ours for appending, not through a link; it starts anew when it has grown large."""
    with suppress(OSError):
        if path.lstat().st_size > _LOG_BYTES:
            path.replace(path.with_name(path.name + ".1"))
    return os.fdopen(open_regular_to_append(path, mode=PRIVATE_MODE), "ab")


def become_daemon() -> None:
    """Lead a session of its own; to be called by a program that `spawn_daemon` started."""
    with suppress(OSError):
        os.setsid()
    for number in (signal.SIGINT, signal.SIGQUIT):  # which the shell made it ignore
        signal.signal(number, signal.SIG_DFL)


def _run_detached(body: Callable[[], int], mask: Iterable[int], keep: Sequence[int]) -> NoReturn:
    code = 70  # EX_SOFTWARE
    try:
        os.setsid()
        _forget_signals()
        low = 3
        for descriptor in sorted(keep):
            os.closerange(low, descriptor)
            low = descriptor + 1
        os.closerange(low, _highest_descriptor() + 1)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        code = body()
    except BaseException:  # noqa: BLE001  # whatever happens, the fork must never run on in its parent's code
        traceback.print_exc()
    finally:
        try:
            sys.stdout.flush()
            sys.stderr.flush()
        finally:
            os._exit(code)


def _forget_signals() -> None:
    signal.set_wakeup_fd(-1)
    for number in (*_LISTENED, signal.SIGQUIT):
        signal.signal(number, signal.SIG_DFL)


def _highest_descriptor() -> int:
    try:
        return max(int(name) for name in os.listdir("/dev/fd"))
    except (OSError, ValueError):
        return 255


@cache
def _library() -> ctypes.CDLL:
    return ctypes.CDLL(None)


def _prctl(option: int, argument: int | bytes) -> bool:
    return sys.platform == "linux" and bool(_library().prctl(option, argument, 0, 0, 0) == 0)


def name_process(name: str, *words: str) -> None:
    """Set what process lists show of this process, only on Linux: its short name (at most 15 bytes) and its
    command line, `name` and what it works for, by default the arguments of the program.
    """
    if _prctl(_SET_NAME, name.encode()[:15]):
        _show_command_line([name, *(words or sys.argv[1:])])


def _show_command_line(words: Sequence[str]) -> None:
    """Overwrite the arguments that the kernel shows. A fork has those of the scheduler, in memory that Python
    has copied and does not use any more. The second word is cut when there is not enough room.
    """
    place = _argument_memory()
    if place is None:
        return
    start, room = place
    encoded = [os.fsencode(word) for word in words]
    missing = sum(map(len, encoded)) + len(encoded) - room
    if missing > 0 and len(encoded) > 1:
        encoded[1] = encoded[1][: max(0, len(encoded[1]) - missing)]
    text = b"\0".join(encoded)[: room - 1]
    ctypes.memmove(start, text.ljust(room, b"\0"), room)


@cache
def _argument_memory() -> tuple[int, int] | None:
    """Return the address and the size of the arguments of this process, None where they are not known."""
    try:
        with open("/proc/self/stat", "rb") as stream:
            numbers = stream.read().rpartition(b")")[2].split()
        start, end = int(numbers[45]), int(numbers[46])  # "arg_start" and "arg_end" in proc_pid_stat(5)
    except (OSError, ValueError, IndexError):
        return None
    return (start, end - start) if 0 < start < end else None


def gather_orphans() -> bool:
    """Become the parent of all descendants that lose theirs; return whether the system does that."""
    return _prctl(_SET_CHILD_SUBREAPER, 1)


class CannotStart(Exception):
    """A command cannot be started: `step` ("chdir" or "exec") failed with `number` (an errno)."""

    def __init__(self, step: str, number: int) -> None:
        super().__init__(step, number)
        self.step, self.number = step, number

    def explain(self, program: str, workdir: str) -> str:
        """Return the sentence that says why the command was not started."""
        reason = os.strerror(self.number)
        if self.step == "chdir":
            return f"The working folder {workdir} cannot be entered: {reason}."
        return f"{program} cannot be executed: {reason}."


@contextmanager
def _higher_score() -> Iterator[None]:
    """Have a higher out-of-memory score meanwhile, which children inherit: one that is set later in the child
    would miss its first children. To raise it and to go back needs no privilege.
    """
    try:
        score = os.open(_SCORE_FILE, os.O_RDWR | os.O_CLOEXEC)
    except OSError:  # not Linux
        yield
        return
    try:
        usual = int(os.pread(score, 16, 0))
        with suppress(OSError):
            os.pwrite(score, b"%d" % min(_MAX_SCORE, usual + _TASK_SCORE), 0)
        try:
            yield
        finally:
            with suppress(OSError):
                os.pwrite(score, b"%d" % usual, 0)
    finally:
        os.close(score)


def spawn(argv: Sequence[str], *, workdir: str, environment: Mapping[str, str], output: int) -> int:
    """Start a command as a session of its own that writes to `output`; return its pid.

    `output` becomes the session's terminal when it is one; stdin is the null device. When memory runs out,
    the kernel kills it, or one of its children, before this process. Nothing of this process is copied for it
    (a fork copies each page that is touched afterwards, which takes longer than all the rest). This process
    must have one thread: it stands in `workdir` for a moment.

    Raises:
        CannotStart: when the folder cannot be entered or the program cannot be executed.
    """
    actions: list[tuple[Any, ...]] = [(os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0)]
    try:  # a session without a terminal gets the first one that it opens
        actions.append((os.POSIX_SPAWN_OPEN, 1, os.ttyname(output), os.O_RDWR, 0))
    except OSError:  # a file, a pipe, or a terminal that has no name in this container
        actions.append((os.POSIX_SPAWN_DUP2, output, 1))
    actions.append((os.POSIX_SPAWN_DUP2, 1, 2))
    back, step = -1, "chdir"
    try:
        back = os.open(os.curdir, os.O_RDONLY)
        os.chdir(workdir)
        step = "exec"

        def start() -> int:
            with _higher_score():
                return os.posix_spawn(
                    argv[0],
                    list(argv),
                    environment,
                    file_actions=actions,
                    setsid=True,
                    setsigmask=(),
                    setsigdef=(*_LISTENED, signal.SIGQUIT, *_IGNORED_BY_PYTHON),
                )

        return _with_patience(start)
    except OSError as error:
        raise CannotStart(step, error.errno or errno.EIO) from error
    except ValueError as error:  # a NUL byte
        raise CannotStart(step, errno.EINVAL) from error
    finally:
        if back >= 0:
            os.fchdir(back)
            os.close(back)


def _with_patience(start: Callable[[], int]) -> int:
    """Return what `start` returns; try it for some time when the system has no room for a process now."""
    give_up_at = time.monotonic() + _ROOM_SECONDS
    while True:
        try:
            return start()
        except OSError as error:
            if error.errno not in (errno.EAGAIN, errno.ENOMEM) or time.monotonic() > give_up_at:
                raise
            time.sleep(0.2)


def reap() -> dict[int, int]:
    """Collect the children that have ended, without waiting: pid -> exit code (negative: the signal)."""
    ended: dict[int, int] = {}
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return ended
        if pid == 0:
            return ended
        ended[pid] = os.waitstatus_to_exitcode(status)


def has_children() -> bool:
    """Return whether this process has a child, ended ones that were not collected included."""
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True


def stop_tree(group: int | None, *, kill: bool = False) -> None:
    """Ask a process group of ours and all our descendants outside it to end, or `kill` them.

    `group` is the pid of a child that leads its group and was not collected yet, None when it was.
    """
    number = signal.SIGKILL if kill else signal.SIGTERM
    inside: set[int] = set()
    if group is not None:
        for process in _descendants():
            if _group_of(process.pid) == group:
                inside.add(process.pid)
        try:
            os.killpg(group, number)
        except (ProcessLookupError, PermissionError):
            inside.clear()
    for process in _descendants():
        if process.pid not in inside:
            try:
                process.send_signal(number)
            except psutil.Error:
                continue


def _descendants() -> list[psutil.Process]:
    try:
        return psutil.Process().children(recursive=True)
    except psutil.Error:
        return []


def _group_of(pid: int) -> int:
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return -1


def descendants(pid: int) -> list[int]:
    """Return the pids of all children of a process, and of theirs."""
    try:
        found = _children(pid)
    except OSError:  # not Linux, or a kernel without CONFIG_PROC_CHILDREN
        try:
            return [one.pid for one in psutil.Process(pid).children(recursive=True)]
        except psutil.Error:
            return []
    for child in found:  # it grows meanwhile
        try:
            found += _children(child)
        except OSError:  # it has ended
            continue
    return found


def _children(pid: int) -> list[int]:
    """Return the pids of the children of all threads of a process; to look for them among all processes of a
    host takes much longer.
    """
    found: list[int] = []
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/children", "rb") as file:
            found += map(int, file.read().split())
    return found


def marked_processes(variable: str, value: str) -> list[psutil.Process]:
    """Return the processes of this user that were started with an environment variable set to `value`."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.pid != os.getpid() and process.environ().get(variable) == value:
                found.append(process)
        except (psutil.Error, OSError):
            continue
    return found
