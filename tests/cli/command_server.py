"""Runs command lines in forks of a process that has imported what they need: that is most of their work."""

from __future__ import annotations

import atexit
import gc
import importlib
import json
import os
import pkgutil
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path
from typing import Any

from pyruns_jupyter.cli.terminal import main
from tests.support import ROOT

# Packages whose modules are imported once. What else a command needs, it imports itself.
IMPORTED = ("api", "cli.commands", "core", "engine.client", "engine.queue", "service")
NOT_IMPORTED = ".probe.child."  # runs in processes of its own


class CommandServer:
    """A process that runs one command line after the other, each in a child of its own."""

    def __init__(self) -> None:
        self._line, theirs = socket.socketpair()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-W", "error", "-m", __name__, str(theirs.fileno())],
                cwd=ROOT,
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
            )

    def run(
        self, words: Sequence[str], folder: Path, environment: Mapping[str, str], given: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """Run a command line in a folder; `given` is its standard input.

        Returns when it has ended, and no process that it started holds its output any more.
        """
        pipes = [os.pipe() for _ in range(3)]
        (stdin, to_stdin), (from_stdout, stdout), (from_stderr, stderr) = pipes
        with open(to_stdin, "w") as stream:
            stream.write(given)  # little enough for a pipe that nobody reads yet
        asked = {"words": [*words], "folder": str(folder), "environment": {**environment}}
        socket.send_fds(self._line, [b"x"], [stdin, stdout, stderr])
        self._line.sendall(json.dumps(asked).encode() + b"\n")
        for fd in (stdin, stdout, stderr):
            os.close(fd)
        try:
            with open(from_stdout) as out, open(from_stderr) as err, ThreadPoolExecutor(1) as reader:
                told_err = reader.submit(err.read)
                told = (out.read(), told_err.result())
            code = int(self._line.recv(100) or -1)
        except BaseException:  # a time limit: the next command must not get the exit code of this one
            self._process.kill()
            command_server.cache_clear()
            raise
        return subprocess.CompletedProcess([*words], code, *told)

    def close(self) -> None:
        self._line.close()
        self._process.wait()


@cache
def command_server() -> CommandServer:
    """The server of this process."""
    made = CommandServer()
    atexit.register(made.close)
    return made


def serve(line: socket.socket) -> int:
    """Run what is asked for until nobody can ask any more. Returns in each child too, with its exit code."""
    _import_commands()
    gc.freeze()  # children need not copy what the collector would touch
    with line.makefile("rb") as stream:
        while True:
            mark, streams, *_ = socket.recv_fds(line, 1, 3)
            if not mark:
                return 0
            asked = json.loads(stream.readline())
            child = os.fork()
            if child == 0:
                return _run(asked, streams)
            for fd in streams:
                os.close(fd)
            line.sendall(str(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])).encode())


def _import_commands() -> None:
    for name in IMPORTED:
        package = importlib.import_module(f"pyruns_jupyter.{name}")
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if NOT_IMPORTED not in module.name:
                importlib.import_module(module.name)


def _run(asked: dict[str, Any], streams: list[int]) -> int:
    """Run a command line as `python -m pyruns_jupyter.cli` does."""
    for number, fd in enumerate(streams):
        os.dup2(fd, number)
        os.close(fd)
    sys.stdin = open(0, closefd=False)  # noqa: SIM115 - as long as the process
    sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115 - as stdin
    sys.stderr = open(2, "w", buffering=1, errors="backslashreplace", closefd=False)  # noqa: SIM115 - as stdin
    os.chdir(asked["folder"])
    os.environ.clear()
    os.environ.update(asked["environment"])
    sys.path[0] = asked["folder"]
    code = main(asked["words"])
    if threading.active_count() == 1:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)  # what Python does at its end takes longer than most commands
    return code


if __name__ == "__main__":
    with socket.socket(fileno=int(sys.argv[1])) as line:
        sys.exit(serve(line))
