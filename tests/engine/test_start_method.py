"""Schedulers that start new interpreters instead of forks, as on systems without them.

`PYRUNS_START_METHOD=spawn pytest tests/engine` runs all but the tests with `CLOCK` in this way; here are
some tests of each kind.
"""

from __future__ import annotations

import ast
import os
import sys
from pathlib import Path

import pytest

from pyruns_jupyter.core.common.errors import PyrunsError
from pyruns_jupyter.engine.processes.native import wait_readable
from pyruns_jupyter.engine.processes.start_method import VARIABLE, start_writer

from . import test_crash, test_gpus, test_queue, test_run, test_storm, test_workers
from .support import Project

nvml = test_gpus.nvml
for repeated in (
    test_crash.test_a_killed_supervisor,
    test_gpus.test_a_reservation_lives_as_long_as_its_run,
    test_queue.test_cancel_a_running_task_and_all_its_descendants,
    test_run.test_a_script_task_from_queueing_to_the_end,
    test_run.test_the_output_is_a_terminal_and_its_bytes_stay_as_they_are,
    test_workers.test_short_runs_share_a_supervisor_and_leave_nothing_in_it,
    test_workers.test_what_one_run_leaves_behind_is_not_the_next_ones,
):
    globals()[repeated.__name__] = repeated
parent_only: list[str] = []


@pytest.fixture(autouse=True)
def new_interpreters(new_daemons: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "spawn")


def describe(word: str, write_end: int) -> int:
    """Say what this process has of its parent."""
    names = [name for name in os.listdir("/proc/self/fd") if os.path.exists(f"/proc/self/fd/{name}")]
    inherited = sorted(int(name) for name in names if os.get_inheritable(int(name)))
    found = word, parent_only, os.getcwd(), sys.argv[0], os.getsid(0) == os.getpid(), inherited
    os.write(write_end, repr(found).encode())
    return 0


def test_a_function_in_a_new_interpreter(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(f"{__name__}.parent_only", ["a fork would see this"])
    monkeypatch.chdir(tmp_path)
    (tmp_path / "pickle.py").write_text("raise SystemExit('a module of the working folder')\n")
    descriptor = start_writer(describe, "é" * 100_000)
    text = b""
    while wait_readable((descriptor,), 60):
        part = os.read(descriptor, 1 << 20)
        if not part:
            break
        text += part
    os.close(descriptor)
    # Only stdin, stdout and stderr are passed on to its children.
    expected: tuple[object, ...] = ("é" * 100_000, [], str(tmp_path), sys.argv[0], True, [0, 1, 2])
    assert ast.literal_eval(text.decode()) == expected


def test_an_unknown_way_to_start_processes_is_refused(
    shell: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(VARIABLE, "thread")
    shell.task("t")
    with pytest.raises(PyrunsError, match="PYRUNS_START_METHOD is 'thread', but must be fork or spawn"):
        shell.submit("t")
    assert shell.status("t") == "pending"


@pytest.mark.timeout(400)  # each process of ours is a new interpreter
def test_a_storm(shell: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(test_storm, "KILLS", 8)
    monkeypatch.setattr(test_storm, "IN_FLIGHT", 12)
    test_storm.test_a_storm(shell)
