"""What a process does or waits for, as the kernel reports it: its state, its system call, its CPU usage."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Iterable
from contextlib import suppress
from typing import NamedTuple

import psutil

# Numbers of system calls that a process may wait in, on x86-64, and on 64-bit ARM and newer architectures,
# which share theirs (None: they have no such call).
_CALLS: dict[str, tuple[int, int | None]] = {
    "read": (0, 63),
    "write": (1, 64),
    "pread64": (17, 67),
    "readv": (19, 65),
    "writev": (20, 66),
    "fsync": (74, 82),
    "flock": (73, 32),
    "fcntl": (72, 25),
    "connect": (42, 203),
    "accept": (43, 202),
    "accept4": (288, 242),
    "recvfrom": (45, 207),
    "recvmsg": (47, 212),
    "sendto": (44, 206),
    "sendmsg": (46, 211),
    "poll": (7, None),
    "ppoll": (271, 73),
    "select": (23, None),
    "pselect6": (270, 72),
    "epoll_wait": (232, None),
    "epoll_pwait": (281, 22),
    "epoll_pwait2": (441, 441),
    "futex": (202, 98),
    "wait4": (61, 260),
    "waitid": (247, 95),
    "pause": (34, None),
    "nanosleep": (35, 101),
    "clock_nanosleep": (230, 115),
    "rt_sigtimedwait": (128, 137),
}
_COLUMNS = {"x86_64": 0, "AMD64": 0, **dict.fromkeys(("aarch64", "arm64", "riscv64", "loongarch64"), 1)}
_COLUMN = _COLUMNS.get(platform.machine())
# Empty on other architectures, whose numbers may mean other calls.
_NAMES = {} if _COLUMN is None else {call[_COLUMN]: name for name, call in _CALLS.items()}
_ON_FILE = {
    **dict.fromkeys(("read", "pread64", "readv"), "reading from {}"),
    **dict.fromkeys(("write", "writev"), "writing to {}"),
    **dict.fromkeys(("recvfrom", "recvmsg"), "receiving from {}"),
    **dict.fromkeys(("sendto", "sendmsg"), "sending to {}"),
    **dict.fromkeys(("accept", "accept4"), "a connection to {}"),
    **dict.fromkeys(("flock", "fcntl"), "a lock of the file {}"),
    "connect": "connecting to {}",
    "fsync": "writing {} to the disk",
}
_OTHERS = {
    **dict.fromkeys(("poll", "ppoll", "select", "pselect6"), "a file, a connection or a timeout"),
    **dict.fromkeys(("epoll_wait", "epoll_pwait", "epoll_pwait2"), "a file, a connection or a timeout"),
    **dict.fromkeys(("wait4", "waitid"), "the end of a child process"),
    **dict.fromkeys(("nanosleep", "clock_nanosleep"), "the end of a sleep"),
    **dict.fromkeys(("rt_sigtimedwait", "pause"), "a signal"),
    "futex": "a lock, or another thread",
}
_MAX_FILE = 300  # characters of the name of a file
_SOCKET = re.compile(r"socket:\[\d+\]")


class ProcessState(NamedTuple):
    """One process.

    Attributes:
        words: its command line.
        status: such as `sleeping` or `running`.
        threads: how many threads it has.
        cpu_seconds: its CPU time.
        waits_for: what its main thread waits for, empty if it does not, or that is not known.
    """

    pid: int
    words: tuple[str, ...]
    status: str
    threads: int
    cpu_seconds: float
    waits_for: str


def process_states(pids: Iterable[int]) -> list[ProcessState]:
    """Return the states of those processes that exist."""
    found = []
    for pid in pids:
        with suppress(psutil.Error, OSError):
            process = psutil.Process(pid)
            with process.oneshot():
                times, status = process.cpu_times(), str(process.status())
                # psutil refuses to read the command line of a zombie, which has none any more.
                words = () if status == psutil.STATUS_ZOMBIE else tuple(process.cmdline())
                words = words or (process.name(),)
                threads = process.num_threads()
            found.append(
                ProcessState(pid, words, status, threads, times.user + times.system, _waits_for(pid, status))
            )
    return found


def _waits_for(pid: int, status: str) -> str:
    if status == psutil.STATUS_STOPPED:
        return "SIGCONT (it was stopped by a signal)"
    if status == psutil.STATUS_ZOMBIE:
        return "its parent process, which has not read its exit code"
    call = _system_call(pid)
    if call is not None:
        name, descriptor = call
        if name in _ON_FILE:
            return _ON_FILE[name].format(_file_name(pid, descriptor))
        if name in _OTHERS:
            return _OTHERS[name]
    if status == psutil.STATUS_DISK_SLEEP:
        return "a disk, a network file system or a driver"
    return ""


def _system_call(pid: int) -> tuple[str, int] | None:
    """Return the system call of the main thread and its first argument; None if it runs, or is not known."""
    with suppress(OSError, ValueError, IndexError), open(f"/proc/{pid}/syscall", "rb") as file:
        fields = file.read(400).split()
        return _NAMES.get(int(fields[0]), ""), int(fields[1], 16)
    return None


def _file_name(pid: int, descriptor: int) -> str:
    try:
        name = os.readlink(f"/proc/{pid}/fd/{descriptor}")
    except OSError:
        return f"file descriptor {descriptor}"
    if _SOCKET.fullmatch(name):
        return _connection(pid, descriptor)
    name = name if len(name) <= _MAX_FILE else f"{name[:_MAX_FILE]}..."
    if descriptor == 0:
        return f"the standard input ({name})"
    return "a pipe" if name.startswith("pipe:") else name


def _connection(pid: int, descriptor: int) -> str:
    """Return the other side of a connection."""
    with suppress(psutil.Error, OSError):
        process = psutil.Process(pid)
        # Its name before psutil 6.
        read = getattr(process, "net_connections", None) or process.connections
        for one in read(kind="inet"):
            if one.fd == descriptor and one.raddr:
                return f"{one.raddr.ip} port {one.raddr.port}"
            if one.fd == descriptor and one.laddr:
                return f"{one.laddr.ip} port {one.laddr.port} of this host"
    return "a connection"
