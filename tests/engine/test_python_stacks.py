"""Reading Python stacks: with py-spy, with programs that pretend to be it, and from prepared scripts."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from pyruns_jupyter.engine.run import python_stacks
from pyruns_jupyter.engine.run.python_stacks import (
    find_py_spy,
    is_python,
    read_with_py_spy,
    read_with_signal,
)
from tests.support import wait_until

WORK = """
import sys, threading
sys.path.insert(0, sys.argv[1])
from pyruns_jupyter.core.common.stack_signal import prepare_stack_dump
if sys.argv[2] == "prepared":
    prepare_stack_dump()
def waiting(lock, begun):
    begun.set()
    lock.acquire()
def main():
    lock = threading.Lock()
    lock.acquire()
    begun = threading.Event()
    thread = threading.Thread(target=waiting, args=(lock, begun), name="worker", daemon=True)
    thread.start()
    begun.wait()
    print("ready", flush=True)
    sys.stdin.read()
main()
"""


@pytest.fixture(params=["prepared", "plain"])
def process(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    (tmp_path / "work.py").write_text(WORK)
    root = str(Path(__file__).parents[2])
    with subprocess.Popen(
        [sys.executable, "work.py", root, request.param],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        cwd=tmp_path,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        yield process
        process.kill()


def never() -> bool:
    return False


def test_a_prepared_script_writes_its_stacks(
    process: subprocess.Popen[bytes], request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(python_stacks, "_QUIET_SECONDS", 1.0)  # on a busy machine
    monkeypatch.setattr(python_stacks, "_SIGNAL_SECONDS", 30.0)
    assert is_python(process.pid)
    for _ in range(2):
        lines = read_with_signal(process.pid, never)
        if "plain" in request.node.name:
            assert lines is None
        else:
            assert lines is not None
            text = "\n".join(lines)
            assert "in waiting" in text
            assert "in main" in text
            assert text.count("in main") == 1
    assert process.stdin is not None
    process.stdin.close()
    assert process.wait() == 0


def test_py_spy(process: subprocess.Popen[bytes]) -> None:
    program = shutil.which("py-spy")
    if program is None:
        pytest.skip("py-spy is not installed")

    def of_waiting_thread() -> tuple[list[str], str] | None:
        """It waits a moment after its output."""
        lines, problem = read_with_py_spy(program, process.pid, never)
        return (lines, problem) if problem or "(waiting)" in lines[0] else None

    lines, problem = wait_until(of_waiting_thread)
    if "not permitted" in problem:
        pytest.skip("the kernel does not permit it")
    assert problem == ""
    assert lines[0].endswith('"MainThread" (waiting):')
    assert any(line.startswith('  File "') and line.endswith(" in main") for line in lines)
    assert any('"worker"' in line for line in lines)
    assert process.poll() is None


def fake(folder: Path, code: str) -> str:
    path = folder / "py-spy"
    path.write_text(f"#!{sys.executable}\n{code}\n")
    path.chmod(0o755)
    return str(path)


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        ("print('[]')", ""),
        ("print('nothing')", "the output of py-spy cannot be read"),
        ("print('[1]')", "the output of py-spy cannot be read"),
        ("print('[' * 100_000)", "the output of py-spy cannot be read"),
        ("", "py-spy failed (no stacks)"),
        ("import sys; sys.exit('Error: no such process')", "py-spy failed (no such process)"),
        (
            "import sys; sys.exit('Error: Failed\\nPermission denied (os error 13)')",
            "py-spy is not permitted to read this process (see kernel.yama.ptrace_scope)",
        ),
        (
            "while True: print('x' * 100_000)",
            "py-spy failed (it was stopped because it took too long or wrote too much)",
        ),
    ],
)
def test_programs_that_are_not_py_spy(tmp_path: Path, code: str, problem: str) -> None:
    assert read_with_py_spy(fake(tmp_path, code), 1, never) == ([], problem)


@pytest.mark.parametrize("before", ["", "os.close(1); os.close(2); "])
def test_a_program_that_hangs_is_killed(tmp_path: Path, before: str) -> None:
    program = fake(tmp_path, f"import os, time; {before}time.sleep(1000)")
    give_up_at = time.monotonic() + 0.5
    lines, problem = read_with_py_spy(program, 1, lambda: time.monotonic() > give_up_at)
    assert (lines, "took too long" in problem) == ([], True)
    assert (
        read_with_py_spy(str(tmp_path / "missing"), 1, never)[1]
        == "py-spy failed (No such file or directory)"
    )


def test_py_spy_is_found_next_to_the_interpreter_first(tmp_path: Path) -> None:
    program = fake(tmp_path, "")
    assert find_py_spy([str(tmp_path)], "/nowhere") == program
    assert find_py_spy(["/nowhere"], str(tmp_path)) == program
    assert find_py_spy(["/nowhere"], "/nowhere") is None
