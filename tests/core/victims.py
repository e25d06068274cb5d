"""Processes that do something and are killed in the middle of it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType

from tests.support import ROOT

# Forks, so that each victim begins at once; it is collected only after it was killed, so its pid stays its.
_HELPER = """
import os, sys
import pyruns_jupyter.core.create.create, pyruns_jupyter.core.provenance.snapshots
body = compile(sys.argv.pop(1), "victim", "exec")
for line in sys.stdin:
    sys.argv[2:] = line.split()
    pid = os.fork()
    if pid == 0:
        try:
            exec(body, {})
        except BaseException as error:
            print(repr(error), file=sys.stderr, flush=True)
        os._exit(0)
    print(pid, flush=True)
    sys.stdin.readline()
    os.waitpid(pid, 0)
    print("gone", flush=True)
"""


class Victims:
    """Runs a program, whose `sys.argv[1]` is `place`, again and again, and kills it (a context manager)."""

    def __init__(self, program: str, place: Path) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", _HELPER, program, str(place)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )

    def __enter__(self) -> Victims:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.communicate("")

    def kill(self, seconds: float, word: str = "-") -> None:
        """Begin the program with `word` as `sys.argv[2]` and kill it with -9 after `seconds`."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._say(word)
        pid = int(self._process.stdout.readline())
        time.sleep(seconds)
        os.kill(pid, signal.SIGKILL)
        self._say("")
        assert self._process.stdout.readline() == "gone\n"

    def _say(self, text: str) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(f"{text}\n")
        self._process.stdin.flush()
