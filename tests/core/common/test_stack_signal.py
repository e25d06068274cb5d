"""The signal on which a script writes its stacks: real processes, with and without a handler of their own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from pyruns_jupyter.core.common.stack_signal import STACK_SIGNAL, is_caught, stack_file
from tests.support import wait_until

pytestmark = pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="needs Linux")

Start = Callable[[str], "subprocess.Popen[bytes]"]
READY = "print('ready', flush=True); import sys; sys.stdin.read()"
PREPARE = (
    "from pyruns_jupyter.core.common.stack_signal import prepare_stack_dump\nprepare_stack_dump()\n"
    "prepare_stack_dump()\n"
)
# Not `print`: the signal may come while the script is still printing.
OWN = "lambda *_: __import__('os').write(1, b'own\\n')"


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    started: list[subprocess.Popen[bytes]] = []

    def run(code: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(
            [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=tmp_path
        )
        started.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        return process

    yield run
    for process in started:
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                stream.close()


def end(process: subprocess.Popen[bytes]) -> None:
    assert process.stdin is not None
    process.stdin.close()
    assert process.wait() == 0


def test_a_prepared_process_writes_its_stacks_and_continues(start: Start) -> None:
    process = start(f"{PREPARE}def stuck():\n    {READY}\nstuck()")
    path = stack_file(process.pid)
    assert path is not None
    for _ in range(2):
        with open(path, "r+b") as file:
            file.truncate(0)
            process.send_signal(STACK_SIGNAL)
            wait_until(lambda: b"in stuck" in os.pread(file.fileno(), 10_000, 0))
    end(process)


def test_a_process_that_is_not_prepared_has_no_stack_file(start: Start) -> None:
    plain = start(READY)
    assert stack_file(plain.pid) is None
    assert not is_caught(plain.pid, STACK_SIGNAL)
    own = start(f"import signal\nsignal.signal({STACK_SIGNAL}, {OWN})\n{READY}")
    assert is_caught(own.pid, STACK_SIGNAL)
    assert stack_file(own.pid) is None
    assert stack_file(2**22 + 1) is None


@pytest.mark.parametrize("handler", [OWN, "signal.SIG_IGN"])
def test_a_script_that_uses_the_signal_keeps_it(start: Start, handler: str) -> None:
    process = start(f"import signal\nsignal.signal({STACK_SIGNAL}, {handler})\n{PREPARE}{READY}")
    assert stack_file(process.pid) is None
    process.send_signal(STACK_SIGNAL)
    process.send_signal(signal.SIGCONT)
    if handler == OWN:
        assert process.stdout is not None
        assert process.stdout.readline() == b"own\n"
    end(process)


def test_a_program_that_a_prepared_process_becomes_is_not_prepared(start: Start) -> None:
    code = f"import os, sys\nos.execv(sys.executable, [sys.executable, '-c', {READY!r}])"
    process = start(PREPARE + code)
    assert stack_file(process.pid) is None


def test_a_process_that_closed_the_file_is_not_prepared(start: Start) -> None:
    process = start(f"{PREPARE}import os\nos.closerange(3, 100)\n{READY}")
    assert is_caught(process.pid, STACK_SIGNAL)
    assert stack_file(process.pid) is None
