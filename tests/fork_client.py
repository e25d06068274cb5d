"""Asks a process of `tests.forks` to run a program: `python -IS fork_client.py ADDRESS FIRST ARGV...`.

It imports little, as each command starts it anew.
"""

from __future__ import annotations

import json
import os
import socket
import sys
from collections.abc import Mapping, Sequence


def ask(
    address: str,
    argv: Sequence[str],
    environment: Mapping[str, str],
    streams: Sequence[int],
    *,
    folder: str,
    first: str,
    daemon: bool = False,
) -> socket.socket:
    """Let `python -m MODULE WORDS...` (`argv`) begin in `folder`; return where its exit code can be read.

    `streams` are standard input, output and error, `first` is where modules are looked for first. A daemon
    runs on: there is nothing to read, until it has begun.
    """
    line = socket.socket(socket.AF_UNIX)
    try:
        with open(os.memfd_create("request"), "w+b") as request:
            cores = list(os.sched_getaffinity(0))
            request.write(json.dumps([list(argv), dict(environment), folder, first, daemon, cores]).encode())
            request.seek(0)
            line.connect(address)
            socket.send_fds(line, [b"x"], [request.fileno(), *streams])
    except BaseException:
        line.close()
        raise
    return line


def answer(line: socket.socket) -> str:
    """Return the exit code of a program, empty if it was killed; of a daemon, empty if it did not begin."""
    with line, line.makefile() as stream:
        return stream.read()


if __name__ == "__main__":
    address, first, *argv = sys.argv[1:]
    line = ask(address, argv, os.environ, (0, 1, 2), folder=os.getcwd(), first=first)
    sys.exit(int(answer(line) or 70))
