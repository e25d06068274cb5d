"""Errors of programs that are started as forks (see `forks.py`) are reported, and no test waits for ever."""

from __future__ import annotations

import os
import signal
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.test_cli import Terminal
from tests.engine.support import processes_below, stop_everything
from tests.forks import SCHEDULER, Forks
from tests.support import ROOT, wait_until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="forks are made on Linux")

COMMAND = [sys.executable, "-m", SCHEDULER]
# The first fork of the program fails for its second fork, the next one as there is no room for it.
FAILING = """
import os
calls, fork = 0, os.fork
def count():
    global calls
    calls += 1
    if calls == 2:
        raise BlockingIOError("no room")
    return fork()
os.fork = count
"""


@pytest.fixture
def own() -> Iterator[Forks]:
    """Processes that fork for one test."""
    with tempfile.TemporaryDirectory(prefix="pyruns-forks-") as folder:  # a socket's path has to be short
        made = Forks(folder, starts=True)
        yield made
        made.close()


def environment(folder: Path, code: str) -> dict[str, str]:
    """Return an environment in which each interpreter begins with some code."""
    (folder / "sitecustomize.py").write_text(code)
    return {**os.environ, "PYTHONPATH": os.pathsep.join((str(folder), str(ROOT)))}


def test_a_time_limit_ends_the_program(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path)
    (tmp_path / "job.sh").write_text(f"kill -USR1 {os.getpid()}\nsleep 600\n")
    terminal("open", ".")
    terminal("sweep", "job.sh", "-n", "a")

    def end(*_: object) -> None:
        raise TimeoutError("the time of the test is over")

    before = signal.signal(signal.SIGUSR1, end)
    try:
        with pytest.raises(TimeoutError, match="the time of the test"):
            terminal("run", "a", "--wait")
        assert processes_below(tmp_path) == []
    finally:
        signal.signal(signal.SIGUSR1, before)
        stop_everything(tmp_path)


def test_one_that_has_ended_is_asked_no_more(own: Forks, tmp_path: Path) -> None:
    broken = environment(tmp_path, "import os\nos._exit(3)\n")
    assert own.address(COMMAND, broken)

    def problem() -> str:
        try:
            own.address(COMMAND, broken)
        except OSError as error:
            return str(error)
        return ""

    assert wait_until(problem) == f"What forks {SCHEDULER} has ended with the exit code 3."


def test_a_daemon_that_does_not_begin_is_an_error(own: Forks, tmp_path: Path) -> None:
    failing = environment(tmp_path, FAILING)
    assert own.address(COMMAND, failing)
    log = tmp_path / "log"
    for _ in range(2):
        with pytest.raises(OSError, match=r"No fork runs|reset by peer"):
            own.spawn_daemon(COMMAND, failing, log)
    assert not log.read_bytes()
    own.spawn_daemon(COMMAND, failing, log)
    wait_until(log.read_bytes, message="the scheduler says which words it needs")
