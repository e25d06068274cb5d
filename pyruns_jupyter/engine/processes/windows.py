"""Processes of Windows: new interpreters, commands, Job Objects, pipes and terminals.

Experimental: the tests of this project do not run it yet. There are no signals, and pipes cannot be waited
for together, so they are looked at in short intervals. `native` has the same interface for all systems.
"""

from __future__ import annotations

import sys

assert sys.platform == "win32"

import ctypes
import errno
import msvcrt
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
from winpty import PTY, WinptyError

from pyruns_jupyter.core.fs.locks import try_lock
from pyruns_jupyter.core.workspace.shells import windows_command_line

from .job_objects import ProcessJob
from .starting import CannotStart, open_daemon_log

_POLL_SECONDS = 0.02
_BROKEN_PIPE = 109  # ERROR_BROKEN_PIPE
_INTERRUPT = "\x03"
# A group gets a Ctrl+Break of its own, but no Ctrl+C, so only commands without a terminal are one.
_OWN_GROUP = subprocess.CREATE_NEW_PROCESS_GROUP
# A console without a window, which the commands share: without one they cannot be asked to end.
_DAEMON = subprocess.CREATE_NO_WINDOW
_kernel = ctypes.WinDLL("kernel32", use_last_error=True)
_children: dict[int, subprocess.Popen[bytes] | _InTerminal] = {}
_terminals: dict[int, PTY] = {}  # by the descriptor that `open_terminal` returned for a command
_wake_ends: list[int] = []  # of the pipe of this process, if it has one
_jobs: list[ProcessJob] = []  # the one of this process, if it is a supervisor


class SignalPipe:
    """Makes a descriptor readable when a child has ended. At most one per process."""

    def __init__(self, *, is_supervisor: bool) -> None:
        self.descriptor, write_end = os.pipe()
        _wake_ends.append(write_end)
        self.user_signals: set[int] = set()
        self.has_asked_to_end = False

    def read(self) -> bool:
        """Take what arrived since the last call; return False, since nothing asks this process to end."""
        with suppress(BlockingIOError):
            read_available(self.descriptor, 4096)
        return False


def wait_readable(descriptors: Iterable[int], seconds: float | None = None) -> set[int]:
    """Wait until there is something to read from one of these pipes, or its end; return those. None of them
    after `seconds`.
    """
    watched = list(descriptors)
    until = float("inf") if seconds is None else time.monotonic() + seconds
    while True:
        ready = {descriptor for descriptor in watched if _available(descriptor) != 0}
        if ready or time.monotonic() >= until:
            return ready
        time.sleep(_POLL_SECONDS)


def read_available(descriptor: int, size: int) -> bytes:
    """Return what can be read from a pipe now, at most `size` bytes; empty at its end.

    Raises:
        BlockingIOError: if there is nothing now.
    """
    available = _available(descriptor)
    if available == 0:
        raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))
    return b"" if available is None else os.read(descriptor, min(size, available))


def _available(descriptor: int) -> int | None:
    """Return how many bytes can be read from a pipe, None at its end."""
    count = ctypes.c_uint32()
    handle = ctypes.c_void_p(msvcrt.get_osfhandle(descriptor))
    if _kernel.PeekNamedPipe(handle, None, 0, None, ctypes.byref(count), None):
        return count.value
    if ctypes.get_last_error() == _BROKEN_PIPE:
        return None
    raise ctypes.WinError(ctypes.get_last_error())


def do_not_block(descriptor: int) -> None:
    """Nothing to do: `read_available` never waits, and a write of a job has its reader."""


def open_terminal(columns: int, rows: int) -> tuple[int, int]:
    """Return the pipe to read the output of a new terminal from, and the `output` of a command.

    The terminal sends the changes of its screen, not exactly the bytes that a program writes.
    """
    ours, theirs = os.pipe()
    _terminals[theirs] = PTY(columns, rows)
    return ours, theirs


class _InTerminal:
    """A command in a terminal, with the methods of `subprocess.Popen` that are needed."""

    def __init__(
        self, terminal: PTY, argv: Sequence[str], workdir: str, environment: Mapping[str, str], output: int
    ) -> None:
        variables = "".join(f"{name}={value}\0" for name, value in environment.items())
        # The terminal puts a space between the two.
        program = windows_command_line(argv[:1])
        rest = windows_command_line(argv).removeprefix(program + " ")
        terminal.spawn(program, cmdline=rest, cwd=workdir, env=variables)
        self.terminal, self.pid, self._output = terminal, int(terminal.pid or 0), os.dup(output)

    def poll(self) -> int | None:
        """Return the exit code, None while the command runs."""
        return None if self.terminal.isalive() else self.terminal.get_exitstatus()

    def wait(self) -> None:
        """Copy the output into the pipe until the command has ended."""
        with open(self._output, "wb", buffering=0) as stream, suppress(WinptyError, OSError):
            while True:
                is_alive = self.terminal.isalive()
                text = self.terminal.read(blocking=False)
                if text:
                    stream.write(text.encode("utf-8", "replace"))
                elif not is_alive:
                    return
                else:
                    time.sleep(_POLL_SECONDS)


def _add_child(process: subprocess.Popen[bytes] | _InTerminal) -> int:
    """Remember a child for `reap`, and wake this process when it ends; return its pid."""
    _children[process.pid] = process

    def wait() -> None:
        process.wait()
        for descriptor in _wake_ends:
            os.write(descriptor, b"\0")

    threading.Thread(target=wait, daemon=True).start()
    return process.pid


def spawn_daemon(argv: Sequence[str], environment: Mapping[str, str], log: Path) -> None:
    """Start a program that outlives this process; its output goes to the end of `log`.

    Raises:
        OSError: if it cannot be started.
    """
    with open_daemon_log(log) as stream:

        def start(flags: int) -> subprocess.Popen[bytes]:
            return subprocess.Popen(
                list(argv),
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
                cwd=os.sep,
                env=dict(environment),
                creationflags=flags,
            )

        try:
            process = start(_DAEMON | subprocess.CREATE_BREAKAWAY_FROM_JOB)
        except PermissionError:  # the job of this process keeps its processes together
            process = start(_DAEMON)
    process.returncode = 0  # no warning that it still runs


def become_daemon() -> None:
    """Nothing to do: `spawn_daemon` gave this process a console of its own."""


def gather_orphans() -> bool:
    """Keep all descendants of this process in a Job Object; return whether the system supports that."""
    with suppress(OSError):
        _jobs.append(ProcessJob())
    return bool(_jobs)


def spawn(argv: Sequence[str], *, workdir: str, environment: Mapping[str, str], output: int) -> int:
    """Start a command that writes to `output`, which may be that of a terminal; return its pid.

    Raises:
        CannotStart: when the folder cannot be entered or the program cannot be executed.
    """
    if not os.path.isdir(workdir):
        raise CannotStart("chdir", errno.ENOENT)
    terminal = _terminals.pop(output, None)
    try:
        if terminal is not None:
            return _add_child(_InTerminal(terminal, argv, workdir, environment, output))
        process = subprocess.Popen(
            windows_command_line(argv),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            cwd=workdir,
            env=dict(environment),
            creationflags=_OWN_GROUP,
        )
    except OSError as error:
        raise CannotStart("exec", error.errno or errno.EIO) from error
    except (ValueError, WinptyError) as error:  # a NUL character
        raise CannotStart("exec", errno.EINVAL) from error
    return _add_child(process)


def spawn_child(argv: Sequence[str], *, stdin: int, keep: Sequence[int]) -> int:
    """Start a program of ours, with our output and the descriptors in `keep`, which it takes with
    `take_descriptors`; return its pid.

    Raises:
        OSError: when it cannot be started.
    """
    handles = [msvcrt.get_osfhandle(descriptor) for descriptor in keep]
    for handle in handles:
        os.set_handle_inheritable(handle, True)
    # The interpreter of a virtual environment only starts another one, which has another pid.
    base = getattr(sys, "_base_executable", argv[0])
    process = subprocess.Popen(
        [base, *argv[1:]],
        stdin=stdin,
        cwd=os.sep,
        env={**os.environ, "__PYVENV_LAUNCHER__": argv[0]} if base != argv[0] else None,
        startupinfo=subprocess.STARTUPINFO(lpAttributeList={"handle_list": handles}),
        creationflags=_DAEMON,
    )
    return _add_child(process)


def passed_descriptors(keep: Sequence[int]) -> object:
    """Return how the descriptors in `keep` are called in a child that `spawn_child` starts."""
    return [(descriptor, msvcrt.get_osfhandle(descriptor)) for descriptor in keep]


def held_for_child(locked: Sequence[int]) -> list[int]:
    """Return copies of locked descriptors to hold while a child lives, which does not inherit the locks."""
    return [os.dup(descriptor) for descriptor in locked]


def take_locks(locked: Sequence[int]) -> None:
    """Take over the locks of descriptors in a child when its parent is gone."""

    def take(descriptor: int) -> None:
        with suppress(OSError):  # it was closed
            while not try_lock(descriptor, shared=False):
                time.sleep(_POLL_SECONDS)

    for descriptor in locked:
        threading.Thread(target=take, args=(descriptor,), daemon=True).start()


def take_descriptors(passed: Any) -> None:
    """Open the descriptors in a child, and do not pass them on."""
    for descriptor, handle in passed:
        os.set_handle_inheritable(handle, False)
        opened = msvcrt.open_osfhandle(handle, 0)
        if opened != descriptor:
            os.dup2(opened, descriptor, inheritable=False)
            os.close(opened)


def reap() -> dict[int, int]:
    """Forget the children that have ended, without waiting; return pid -> exit code."""
    codes = {pid: process.poll() for pid, process in _children.items()}
    ended = {pid: code for pid, code in codes.items() if code is not None}
    for pid in ended:
        del _children[pid]
    return ended


def has_children() -> bool:
    """Return whether this process has a descendant that runs, or a child that was not reaped."""
    return bool(_children) or bool(_below())


def stop_tree(group: int | None, *, kill: bool = False) -> None:
    """Ask a command to end, as Ctrl+C or Ctrl+Break do, or `kill` all descendants of this process.

    `group` is the pid of a command that was not reaped yet, None if it was.
    """
    if kill:
        for pid in _below():
            with suppress(psutil.Error):
                psutil.Process(pid).kill()
    elif group is not None:
        process = _children.get(group)
        with suppress(OSError, WinptyError):
            if isinstance(process, _InTerminal):
                process.terminal.write(_INTERRUPT)
            else:
                os.kill(group, signal.CTRL_BREAK_EVENT)


def _below() -> list[int]:
    with suppress(OSError, psutil.Error):
        return _jobs[0].pids() if _jobs else [one.pid for one in psutil.Process().children(recursive=True)]
    return []


def signal_handling(number: int) -> int:
    """Return 0: no process handles signals."""
    return 0
