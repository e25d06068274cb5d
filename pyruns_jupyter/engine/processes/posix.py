"""Processes of POSIX systems: forks, spawned ones, orphans, signals, pipes and terminals.

No other module forks or chooses signals. `native` has the same interface for all systems.
"""

from __future__ import annotations

import sys

assert sys.platform != "win32"

import errno
import fcntl
import os
import select
import signal
import struct
import termios
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pyruns_jupyter.core.common.stack_signal import is_caught

from .process_name import prctl
from .starting import CannotStart, open_daemon_log, run_to_exit

if TYPE_CHECKING:
    import psutil

_END_SIGNALS = frozenset({signal.SIGTERM, signal.SIGHUP})
_USER_SIGNALS = frozenset({signal.SIGUSR1, signal.SIGUSR2})
_LISTENED = (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP, *_USER_SIGNALS)
_IGNORED_BY_PYTHON = (signal.SIGPIPE, signal.SIGXFSZ)  # a program expects them as they are by default
_ROOM_SECONDS = 60.0
_SET_CHILD_SUBREAPER = 36  # prctl(2)
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
        self.has_asked_to_end = False  # whether `read` has ever returned True
        for number in (signal.SIGCHLD, *((*_END_SIGNALS, *_USER_SIGNALS) if is_supervisor else ())):
            signal.signal(number, _ignore)

    def read(self) -> bool:
        """Take the signals that arrived since the last call; return whether one asks this process to end."""
        try:
            received = os.read(self.descriptor, 4096)
        except BlockingIOError:
            return False
        self.user_signals |= _USER_SIGNALS.intersection(received)
        asks_to_end = not _END_SIGNALS.isdisjoint(received)
        self.has_asked_to_end = self.has_asked_to_end or asks_to_end
        return asks_to_end


def _ignore(number: int, frame: object) -> None:
    """A handler in Python is what makes the signal's number appear in the pipe."""


def wait_readable(descriptors: Iterable[int], seconds: float | None = None) -> set[int]:
    """Wait until there is something to read from one of these descriptors, or its end; return those. None of
    them after `seconds`.
    """
    poller = select.poll()
    for descriptor in descriptors:
        poller.register(descriptor, select.POLLIN)
    return {descriptor for descriptor, _ in poller.poll(None if seconds is None else seconds * 1000)}


def read_available(descriptor: int, size: int) -> bytes:
    """Return what can be read from a pipe or terminal now, at most `size` bytes; empty at its end.

    Raises:
        BlockingIOError: if there is nothing now.
        OSError: if all programs have closed a terminal.
    """
    return os.read(descriptor, size)


def do_not_block(descriptor: int) -> None:
    """Let reads from a pipe or writes to it fail instead of waiting."""
    os.set_blocking(descriptor, False)


def open_terminal(columns: int, rows: int) -> tuple[int, int]:
    """Return a new pseudo-terminal that does not change output (a line feed stays a line feed): a descriptor
    to read from, and the `output` of a command.
    """
    ours, theirs = os.openpty()
    attributes = termios.tcgetattr(theirs)
    attributes[1] &= ~termios.OPOST
    attributes[3] &= ~(termios.ECHO | termios.ECHONL)
    termios.tcsetattr(theirs, termios.TCSANOW, attributes)
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    os.set_blocking(ours, False)
    return ours, theirs


def fork_child(function: Callable[..., int], arguments: Sequence[Any], keep: Sequence[int]) -> int:
    """Run a function in a fork with its own session, as `start_process` does; return its pid.

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
            run_to_exit(lambda: _run_fork(function, arguments, mask, keep))
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    return pid


def _run_fork(
    function: Callable[..., int], arguments: Sequence[Any], mask: Iterable[int], keep: Sequence[int]
) -> int:
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
    return function(*arguments)


def _highest_descriptor() -> int:
    try:
        return max(int(name) for name in os.listdir("/dev/fd"))
    except (OSError, ValueError):
        return 255


def spawn_daemon(argv: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
    """Start a program that outlives this process; its output goes to the end of `log`.

    Raises:
        OSError, subprocess.CalledProcessError: if it cannot be started.
    """
    import subprocess  # slow to import

    with open_daemon_log(log) as stream:
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


def become_daemon() -> None:
    """Start a new session; to be called by a program that `spawn_daemon` started."""
    with suppress(OSError):
        os.setsid()
    for number in (signal.SIGINT, signal.SIGQUIT):  # the shell set them to be ignored
        signal.signal(number, signal.SIG_DFL)


def gather_orphans() -> bool:
    """Become the parent of all orphaned descendants; return whether the system supports that."""
    return prctl(_SET_CHILD_SUBREAPER, 1)


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
    step = "chdir"

    def start() -> int:
        with _higher_score():
            return _spawn(argv, environment, actions)

    try:
        with _entered(workdir):
            step = "exec"
            return _retry_without_room(start)
    except OSError as error:
        raise CannotStart(step, error.errno or errno.EIO) from error
    except ValueError as error:  # a NUL byte
        raise CannotStart(step, errno.EINVAL) from error


def spawn_child(argv: Sequence[str], *, stdin: int, keep: Sequence[int]) -> int:
    """Start a program of ours in a new session, with our output and the descriptors in `keep`, which it takes
    with `take_descriptors`; return its pid. This process must have one thread.

    Raises:
        OSError: when it cannot be started.
    """
    actions = [(os.POSIX_SPAWN_DUP2, stdin, 0), *((os.POSIX_SPAWN_DUP2, one, one) for one in keep)]
    with _entered(os.sep):  # not where others may have put modules
        return _spawn(argv, os.environ, actions)


def passed_descriptors(keep: Sequence[int]) -> object:
    """Return how the descriptors in `keep` are called in a child that `spawn_child` starts."""
    return keep


def held_for_child(locked: Sequence[int]) -> list[int]:
    """Return copies of locked descriptors to hold while a child lives, if it does not inherit the locks."""
    return []


def take_locks(locked: Sequence[int]) -> None:
    """Take over the locks of descriptors in a child when its parent is gone, if it did not inherit them."""


def take_descriptors(passed: Any) -> None:
    """Open the descriptors in a child, and do not pass them on."""
    for descriptor in passed:
        os.set_inheritable(descriptor, False)


@contextmanager
def _entered(folder: str) -> Iterator[None]:
    """Make a folder the working folder for a `with` block."""
    back = os.open(os.curdir, os.O_RDONLY)
    try:
        os.chdir(folder)
        yield
    finally:
        os.fchdir(back)
        os.close(back)


def _spawn(argv: Sequence[str], environment: Mapping[str, str], actions: Sequence[tuple[Any, ...]]) -> int:
    return os.posix_spawn(
        argv[0],
        list(argv),
        environment,
        file_actions=actions,
        setsid=True,
        setsigmask=(),
        setsigdef=(*_LISTENED, signal.SIGQUIT, *_IGNORED_BY_PYTHON),
    )


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
    import psutil  # slow to import

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
    import psutil

    sent = 0
    for process in _descendants():
        if is_caught(process.pid, number):
            with suppress(psutil.Error):
                process.send_signal(number)
                sent += 1
    return sent


def _descendants() -> list[psutil.Process]:
    import psutil

    try:
        return psutil.Process().children(recursive=True)
    except psutil.Error:
        return []


def _group_of(pid: int) -> int:
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return -1
