"""Reading the Python stacks of a process: with py-spy, or from a script that writes them on a signal."""

from __future__ import annotations

import json
import os
import selectors
import shutil
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

from pyruns_jupyter.core.common.stack_signal import STACK_SIGNAL, stack_file

_SPY = "py-spy"
_MAX_OUTPUT = 4 << 20  # bytes that py-spy may write
_MAX_WRITTEN = 256 * 1024  # bytes that a script may write
_MAX_THREADS, _MAX_FRAMES = 64, 100  # of one process
_MAX_ERROR = 200  # characters
_POLL_SECONDS = 0.02
_QUIET_SECONDS = 0.5  # after which a script has written all of its stacks
_SIGNAL_SECONDS = 5.0  # for a script, which may have to wait for a core, to begin to write them

IsOver = Callable[[], bool]


def find_py_spy(folders: Iterable[str], path: str | None) -> str | None:
    """Return py-spy in one of some folders, or on a search path (PATH)."""
    for folder in folders:
        if found := shutil.which(_SPY, path=folder):
            return found
    return shutil.which(_SPY, path=path)


def is_python(pid: int) -> bool:
    """Return whether a process is a Python interpreter, or contains one."""
    with suppress(psutil.Error, OSError):
        if "python" in Path(psutil.Process(pid).exe()).name:
            return True
    with suppress(OSError), open(f"/proc/{pid}/maps", "rb") as maps:
        return any(b"/libpython" in line for line in maps)
    return False


def read_with_py_spy(program: str, pid: int, is_over: IsOver) -> tuple[list[str], str]:
    """Return the stacks of a process as lines, and why there are none, as a sentence without a full stop.

    py-spy stops the process for some milliseconds.
    """
    output, code = _output_of([program, "dump", "--json", "--pid", str(pid)], is_over)
    if code != 0:
        problem = next((line for line in output.splitlines() if line.startswith("Error:")), "")
        causes = [line.strip() for line in output.splitlines() if "ermission denied" in line]
        if causes:
            return [], "py-spy is not permitted to read this process (see kernel.yama.ptrace_scope)"
        return [], f"py-spy failed ({problem.removeprefix('Error:').strip()[:_MAX_ERROR] or 'no stacks'})"
    try:
        threads = json.loads(output)
        return _lines_of(threads), ""
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return [], "the output of py-spy cannot be read"


def _lines_of(threads: list[dict[str, Any]]) -> list[str]:
    """Return the threads of a dump by py-spy, the main thread first."""
    lines = []
    ordered = sorted(threads, key=lambda one: one["thread_name"] != "MainThread")
    for thread in ordered[:_MAX_THREADS]:
        facts = [
            "running" if thread["active"] else "waiting",
            *(["has the GIL"] if thread["owns_gil"] else []),
        ]
        name = f' "{thread["thread_name"]}"' if thread["thread_name"] else ""
        lines.append(f"Thread {thread['os_thread_id'] or thread['thread_id']}{name} ({', '.join(facts)}):")
        frames = thread["frames"]
        lines += [
            f'  File "{frame["filename"]}", line {frame["line"]} in {frame["name"]}'
            for frame in frames[:_MAX_FRAMES]
        ]
        if len(frames) > _MAX_FRAMES:
            lines.append(f"  ... and {len(frames) - _MAX_FRAMES} more frames")
    if len(threads) > _MAX_THREADS:
        lines.append(f"... and {len(threads) - _MAX_THREADS} more threads")
    return lines


def _output_of(argv: list[str], is_over: IsOver) -> tuple[str, int]:
    """Run a program; return its output, its errors too if it failed, and its exit code (-1 if it did not
    end in time, or wrote too much).
    """
    import subprocess  # slow to import, and few stacks are read

    try:
        process = subprocess.Popen(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=os.sep,
            env={**os.environ, "RUST_BACKTRACE": "0"},
            start_new_session=True,
        )
    except OSError as error:
        return f"Error: {error.strerror}", -1
    found: dict[Any, bytes] = {process.stdout: b"", process.stderr: b""}
    with process, selectors.DefaultSelector() as selector:
        for stream in found:
            selector.register(stream, selectors.EVENT_READ)
        while selector.get_map() or process.poll() is None:
            for key, _ in selector.select(_POLL_SECONDS):
                data = os.read(key.fd, 65536)
                found[key.fileobj] += data
                if not data:
                    selector.unregister(key.fileobj)
            if is_over() or sum(map(len, found.values())) > _MAX_OUTPUT:
                process.kill()
                return "Error: it was stopped because it took too long or wrote too much", -1
        code = process.wait()
    output, errors = (one.decode("utf-8", "replace") for one in found.values())
    # The supervisor may have taken the exit code; then only the output tells.
    return (output, 0) if code == 0 and output else (errors, code or 1)


def read_with_signal(pid: int, is_over: IsOver) -> list[str] | None:
    """Return the stacks that a prepared process writes as lines; None if it is not prepared."""
    path = stack_file(pid)
    if path is None:
        return None
    with suppress(OSError, psutil.Error), open(path, "r+b", buffering=0) as file:
        process = psutil.Process(pid)
        file.truncate(0)
        if stack_file(pid) != path:
            return None  # it has started another program
        process.send_signal(STACK_SIGNAL)
        return _written(file.fileno(), is_over).decode("utf-8", "replace").splitlines()
    return None


def _written(file: int, is_over: IsOver) -> bytes:
    """Return what a process writes into a file until it is quiet."""
    give_up_at = time.monotonic() + _SIGNAL_SECONDS
    size, quiet_at = 0, give_up_at
    while (now := time.monotonic()) < min(quiet_at, give_up_at) and not is_over():
        if (grown := os.fstat(file).st_size) != size:
            size, quiet_at = grown, now + _QUIET_SECONDS
        time.sleep(_POLL_SECONDS)
    os.lseek(file, 0, os.SEEK_SET)
    return os.read(file, _MAX_WRITTEN)
