"""Running a function of ours in a process of its own: by a fork, or in a new interpreter where there is none.

The environment variable `PYRUNS_START_METHOD` (`fork` or `spawn`) chooses between them.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from typing import IO, NoReturn

from pyruns_jupyter.core.common.errors import PyrunsError

from .native import do_not_block, passed_descriptors, spawn_child, take_descriptors
from .starting import run_to_exit

if sys.platform != "win32":
    from .posix import fork_child

VARIABLE = "PYRUNS_START_METHOD"
_METHODS = ("fork", "spawn") if hasattr(os, "fork") else ("spawn",)
# The search path is that of the parent, so nothing is imported from the working folder.
_START = f"import sys; sys.path[:] = sys.argv[2:]; from {__name__} import main; main()"


def start_method() -> str:
    """Return how processes are started: `fork` or `spawn`.

    Raises:
        PyrunsError: if the environment variable has another value.
    """
    method = os.environ.get(VARIABLE) or _METHODS[0]
    if method not in _METHODS:
        raise PyrunsError(f"{VARIABLE} is {method!r}, but must be {' or '.join(_METHODS)} on this system.")
    return method


def start_process(function: Callable[..., int], *arguments: object, keep: Sequence[int] = ()) -> int:
    """Run a function in a child process with its own session and no open file but stdin, stdout, stderr and
    `keep`; return its pid.

    What the function returns is the exit code. The process inherits no locks, except those of the
    descriptors in `keep`, which last until both processes have closed them. A new interpreter gets the
    function, which is defined in a module, and its arguments as a pickle in a file without a name.

    Raises:
        OSError: when the system has no room for another process.
    """
    if sys.platform != "win32" and start_method() == "fork":
        return fork_child(function, arguments, keep)
    import pickle  # slow to import, and a fork does not need it

    with _file_without_a_name() as stream:
        passed = passed_descriptors(keep)
        pickle.dump((sys.argv, passed, function, arguments), stream, pickle.HIGHEST_PROTOCOL)
        stream.seek(0)
        argv = [sys.executable, "-c", _START, os.getcwd(), *sys.path]
        return spawn_child(argv, stdin=stream.fileno(), keep=keep)


def _file_without_a_name() -> IO[bytes]:
    """Return a file for arguments, which may be secret; on Linux it is in memory and needs no folder."""
    if sys.platform == "linux" and hasattr(os, "memfd_create"):
        return os.fdopen(os.memfd_create("arguments"), "w+b")
    import tempfile  # slow to import

    return tempfile.TemporaryFile()


def start_writer(function: Callable[..., int], *arguments: object) -> int:
    """Run a function as `start_process` does, with the write end of a pipe as its last argument; return the
    read end, which does not block.

    Raises:
        OSError: when the system has no room for another process.
    """
    read_end, write_end = os.pipe()
    try:
        start_process(function, *arguments, write_end, keep=(write_end,))
    except BaseException:
        os.close(read_end)
        raise
    finally:
        os.close(write_end)
    do_not_block(read_end)
    return read_end


def main() -> NoReturn:
    """Run the function in a new interpreter; the first argument is the working folder."""
    run_to_exit(_load)


def _load() -> int:
    import pickle

    os.chdir(sys.argv[1])
    with os.fdopen(os.dup(0), "rb") as stream:
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, 0)
        os.close(null)
        sys.argv, passed, function, arguments = pickle.load(stream)
    take_descriptors(passed)
    return int(function(*arguments))
