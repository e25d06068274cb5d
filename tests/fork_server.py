"""Makes the forks of `tests.forks`: `python -m tests.fork_server LISTENING FOLDER PROGRAM NAMES ROOM`.

It first imports the modules NAMES, separated by commas; `name.*` is a package with all its modules. It also
runs with the Python of another environment, so it needs only the standard library.
"""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import pkgutil
import runpy
import select
import signal
import socket
import sys
import threading
import traceback
from contextlib import suppress

_NOT_IMPORTED = ".probe.child."  # runs in processes of its own
_OURS = "tests.forks"  # imported for programs of ours


def serve(listening: socket.socket, folder: str, program: str, names: str) -> int:
    """Make forks until the process that wants them has ended. Returns in each of them, too."""
    for name in filter(None, names.split(",")):
        found = importlib.import_module(name.removesuffix(".*"))
        if name.endswith(".*"):
            for inner in pkgutil.walk_packages(found.__path__, f"{found.__name__}."):
                if _NOT_IMPORTED not in inner.name:
                    importlib.import_module(inner.name)
    gc.freeze()  # forks need not copy what the collector would touch
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # their exit codes are not needed
    while 0 not in select.select([0, listening.fileno()], [], [])[0]:
        line, _ = listening.accept()
        with line:
            try:
                is_fork = os.fork() == 0
            except OSError:  # there are too many processes for now: who asks gets an error
                traceback.print_exc()
                continue
            if is_fork:
                code = 70  # EX_SOFTWARE
                try:
                    listening.close()
                    code = _run(line, folder, program)
                except BaseException:  # noqa: BLE001 - a fork must never continue in the code of its parent
                    traceback.print_exc()
                finally:
                    with suppress(OSError, ValueError):
                        sys.stdout.flush()
                        sys.stderr.flush()
                    os._exit(code)
    return 0


def _run(line: socket.socket, forks_folder: str, program: str) -> int:
    """Run the program that is asked for, as `python -m` or `python` does."""
    _, (request, *streams), *_ = socket.recv_fds(line, 1, 4)
    with open(request, "rb") as stream:
        argv, environment, folder, first, daemon, cores = json.load(stream)
    os.sched_setaffinity(0, cores)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    if daemon:
        os.setsid()
        if os.fork():
            return 0  # it must have no parent here
        for ignored in (signal.SIGINT, signal.SIGQUIT):  # as the shell leaves them that starts daemons
            signal.signal(ignored, signal.SIG_IGN)
    for number, descriptor in enumerate(streams):
        os.dup2(descriptor, number)
        os.close(descriptor)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115 - as long as the process
    sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115 - as stdin
    sys.stderr = open(2, "w", buffering=1, errors="backslashreplace", closefd=False)  # noqa: SIM115 - as stdin
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.path[0] = first
    if ours := sys.modules.get(_OURS):
        ours.prepare_fork(argv, forks_folder)
    if daemon:
        line.sendall(b"0")  # it has begun
        line.close()
    sys.argv = argv[argv.index(program) :]
    code = _code_of(program)
    if not daemon:
        line.sendall(str(code).encode())
    return code


def _code_of(program: str) -> int:
    """Run a module or a file to the end of the interpreter, and return the exit code."""
    code: str | int | None = 0
    try:
        if os.path.isabs(program):
            runpy.run_path(program, run_name="__main__")
        else:
            runpy.run_module(program, run_name="__main__", alter_sys=True)
    except SystemExit as ended:
        code = ended.code
    except BaseException:  # noqa: BLE001 - as Python does
        traceback.print_exc()
        code = 1
    if isinstance(code, str):
        print(code, file=sys.stderr)
        code = 1
    threading._shutdown()  # type: ignore[attr-defined] # waits for threads
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    return code or 0


if __name__ == "__main__":
    with socket.socket(fileno=int(sys.argv[1])) as listening:
        sys.exit(serve(listening, *sys.argv[2:5]))
