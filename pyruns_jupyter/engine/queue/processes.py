"""POSIX processes: forking, spawning, orphans, descendants, signals.

No other module forks or chooses signals.
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

from pyruns_jupyter.core.common.stack_signal import is_caught
from pyruns_jupyter.core.fs.locks import PRIVATE_MODE
from pyruns_jupyter.core.fs.regular_files import open_regular_to_append

_END_SIGNALS = frozenset({signal.SIGTERM, signal.SIGHUP})
_USER_SIGNALS = frozenset({signal.SIGUSR1, signal.SIGUSR2})
_LISTENED = (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP, *_USER_SIGNALS)
_IGNORED_BY_PYTHON = (signal.SIGPIPE, signal.SIGXFSZ)  # a program expects them as they are by default
_ROOM_SECONDS = 60.0
_LOG_BYTES = 1024 * 1024  # of a daemon, after which it starts anew
_SET_NAME, _SET_CHILD_SUBREAPER = 15, 36  # prctl(2)
_SCORE_FILE = "/proc/self/oom_score_adj"  # proc(5)
# Thousandths of all memory that the kernel adds to the memory use of a task when it chooses a process to
# kill: a task is killed before a server, a scheduler or a supervisor that uses less than half of the memory,
# but not before another program that uses nearly all of it.
_TASK_SCORE, _MAX_SCORE = 500, 1000


class SignalPipe:
    """Makes a descriptor readable when a child has ended or, in a supervisor, when a signal asks this process
    to end. At most one per process.
    """

    def __init__(self, *, is_supervisor: bool) -> None:
        self.descriptor, self._write_end = os.pipe()
        os.set_blocking(self.descriptor, False)
        os.set_blocking(self._write_end, False)
        signal.set_wakeup_fd(self._write_end, warn_on_full_buffer=False)
        self.user_signals: set[int] = set()  # SIGUSR1 or SIGUSR2, which a cluster sends to the supervisor
        for number in (signal.SIGCHLD, *((*_END_SIGNALS, *_USER_SIGNALS) if is_supervisor else ())):
            signal.signal(number, _ignore)

    def read(self) -> bool:
        """Take the signals that arrived since the last call; return whether one asks this process to end."""
        try:
            received = os.read(self.descriptor, 4096)
        except BlockingIOError:
            return False
        self.user_signals |= _USER_SIGNALS.intersection(received)
        return not _END_SIGNALS.isdisjoint(received)


def _ignore(number: int, frame: object) -> None:
    """A handler in Python is what makes the signal's number appear in the pipe."""


def fork_detached(body: Callable[[], int], *, keep: Sequence[int] = ()) -> int:
    """Run `body` in a fork with its own session and no open file but stdin, stdout, stderr and `keep`; return
    its pid.

    What `body` returns is the exit code. The fork inherits no locks, except those of the descriptors in
    `keep`, which last until both processes have closed them.

    Raises:
        OSError: when the system has no room for another process.
    """
    with suppress(OSError):  # a full disk must not prevent the fork
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


def fork_writer(body: Callable[[int], int]) -> int:
    """Run `body` as `fork_detached` does, with the write end of a pipe; return the read end, which does not
    block.

    Raises:
        OSError: when the system has no room for another process.
    """
    read_end, write_end = os.pipe()
    try:
        fork_detached(lambda: body(write_end), keep=(write_end,))
    except BaseException:
        os.close(read_end)
        raise
    finally:
        os.close(write_end)
    os.set_blocking(read_end, False)
    return read_end


def spawn_daemon(argv: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
    """Start a program that outlives this process; its output goes to the end of `log`.

    Raises:
        OSError, subprocess.CalledProcessError: if it cannot be started.
    """
    with _open_log(log) as stream:
        # The shell forks it and ends, so a front end that lives for weeks keeps no zombie process.
        # Python imports modules from the working folder, so that is not one that others can write to.
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
    """Open a log for appending, not through a link; a large one is renamed and started anew."""
    with suppress(OSError):
        if path.lstat().st_size > _LOG_BYTES:
            path.replace(path.with_name(path.name + ".1"))
    return os.fdopen(open_regular_to_append(path, mode=PRIVATE_MODE), "ab")


def become_daemon() -> None:
    """Start a new session; to be called by a program that `spawn_daemon` started."""
    with suppress(OSError):
        os.setsid()
    for number in (signal.SIGINT, signal.SIGQUIT):  # the shell set them to be ignored
        signal.signal(number, signal.SIG_DFL)


def _run_detached(body: Callable[[], int], mask: Iterable[int], keep: Sequence[int]) -> NoReturn:
    code = 70  # EX_SOFTWARE
    try:
        os.setsid()
        signal.set_wakeup_fd(-1)
        for number in (*_LISTENED, signal.SIGQUIT):
            signal.signal(number, signal.SIG_DFL)
        low = 3
        for descriptor in sorted(keep):
            os.closerange(low, descriptor)
            low = descriptor + 1
        os.closerange(low, _highest_descriptor() + 1)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        code = body()
    except BaseException:  # noqa: BLE001  # a fork must never continue in the code of its parent
        traceback.print_exc()
    finally:
        try:
            sys.stdout.flush()
            sys.stderr.flush()
        finally:
            os._exit(code)


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
    """Set the name (15 bytes) and the command line that process lists show for this process, on Linux only.

    `words` follow the name in the command line; by default they are the arguments of the program.
    """
    if _prctl(_SET_NAME, name.encode()[:15]):
        _show_command_line([name, *(words or sys.argv[1:])])


def _show_command_line(words: Sequence[str]) -> None:
    """Overwrite the arguments that the kernel shows; Python has its own copy of them.

    If there is not enough room, the second word is truncated.
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
    """Return the address and the size of the arguments of this process, None if they are unknown."""
    try:
        with open("/proc/self/stat", "rb") as stream:
            numbers = stream.read().rpartition(b")")[2].split()
        start, end = int(numbers[45]), int(numbers[46])  # "arg_start" and "arg_end" in proc_pid_stat(5)
    except (OSError, ValueError, IndexError):
        return None
    return (start, end - start) if 0 < start < end else None


def gather_orphans() -> bool:
    """Become the parent of all orphaned descendants; return whether the system supports that."""
    return _prctl(_SET_CHILD_SUBREAPER, 1)


class CannotStart(Exception):
    """A command cannot be started: `step` ("chdir" or "exec") failed with `number` (an errno)."""

    def __init__(self, step: str, number: int) -> None:
        super().__init__(step, number)
        self.step, self.number = step, number

    def explain(self, program: str, workdir: str) -> str:
        """Return the message for the user."""
        reason = os.strerror(self.number)
        if self.step == "chdir":
            return f"The working folder {workdir} cannot be opened: {reason}."
        return f"{program} cannot be executed: {reason}."


@contextmanager
def _higher_score() -> Iterator[None]:
    """Raise the out-of-memory score for a `with` block; processes that are started in it inherit the score.

    Setting it in the child later would miss the first children of that child. No privilege is needed.
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
    """Start a command in a new session that writes to `output`; return its pid.

    If `output` is a terminal, it becomes that of the session; stdin is the null device. When memory runs out,
    the kernel kills the command, or one of its children, before this process. It is spawned, not forked: the
    copies of pages that a fork makes would take longer than everything else. This process must have one
    thread, because its working folder is `workdir` for a moment.

    Raises:
        CannotStart: when the folder cannot be entered or the program cannot be executed.
    """
    actions: list[tuple[Any, ...]] = [(os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0)]
    try:  # the first terminal that a session opens becomes its own
        actions.append((os.POSIX_SPAWN_OPEN, 1, os.ttyname(output), os.O_RDWR, 0))
    except OSError:  # a file, a pipe, or a terminal without a name in this container
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

        return _retry_without_room(start)
    except OSError as error:
        raise CannotStart(step, error.errno or errno.EIO) from error
    except ValueError as error:  # a NUL byte
        raise CannotStart(step, errno.EINVAL) from error
    finally:
        if back >= 0:
            os.fchdir(back)
            os.close(back)


def _retry_without_room(start: Callable[[], int]) -> int:
    """Return what `start` returns; retry it for a minute while the system has no room for a process."""
    give_up_at = time.monotonic() + _ROOM_SECONDS
    while True:
        try:
            return start()
        except OSError as error:
            if error.errno not in (errno.EAGAIN, errno.ENOMEM) or time.monotonic() > give_up_at:
                raise
            time.sleep(0.2)


def reap() -> dict[int, int]:
    """Reap the children that have ended, without waiting; return pid -> exit code (negative: the signal)."""
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
    """Return whether this process has a child, including ended ones that were not reaped."""
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True


def stop_tree(group: int | None, *, kill: bool = False) -> None:
    """Ask a process group and all descendants of this process outside it to end, or `kill` them.

    `group` is the pid of a child that leads its group and was not reaped yet, None if it was.
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


def signal_handling(number: int) -> int:
    """Send a signal to all descendants of this process that handle it; return how many these are."""
    sent = 0
    for process in _descendants():
        if is_caught(process.pid, number):
            with suppress(psutil.Error):
                process.send_signal(number)
                sent += 1
    return sent


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
    """Return the pids of all descendants of a process."""
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
    """Return the pids of the children of all threads of a process, without a scan of all processes."""
    found: list[int] = []
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/children", "rb") as file:
            found += map(int, file.read().split())
    return found


def marked_processes(variable: str, value: str) -> list[psutil.Process]:
    """Return the user's processes that were started with an environment variable set to `value`."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.pid != os.getpid() and process.environ().get(variable) == value:
                found.append(process)
        except (psutil.Error, OSError):
            continue
    return found
