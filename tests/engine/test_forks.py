"""Schedulers of these tests, which are forks (see `tests/forks.py`), are as those in new interpreters."""

from __future__ import annotations

import os
import re
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from pyruns_jupyter.engine.processes import native
from tests.forks import SCHEDULER, forks, spawn_daemon
from tests.support import ROOT, wait_until

if TYPE_CHECKING:
    from tests.engine.conftest import MakeProject
    from tests.engine.support import Project

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")

HOLD = "echo up; until [ -e go ]; do sleep 0.05; done"


def scheduler_of(project: Project) -> dict[str, object]:
    """Return what the system knows of the scheduler of a project, which has a task that runs."""
    project.task("A", HOLD)
    project.submit("A")
    project.wait_for_output("A", b"up")
    scheduler, supervisor = psutil.Process(project.scheduler_pid()), project.supervisor_pid("A")
    wait_until(lambda: [child.pid for child in scheduler.children()] == [supervisor])
    found: list[dict[str, object]] = [{}, {"before": "the first look"}]

    def look() -> bool:
        with suppress(FileNotFoundError):  # it closed a file meanwhile
            found.append(known_of(scheduler.pid))
        return found[-1] == found[-2]

    wait_until(look, message=lambda: str(found[-2:]))  # it may be in the middle of a step
    (project.folder / "go").touch()
    assert project.wait("A") == ["completed"]
    return found[-1]


def known_of(pid: int) -> dict[str, object]:
    """Return what the system knows of a process at this moment."""
    place = Path(f"/proc/{pid}")
    status = dict(line.split(":", 1) for line in (place / "status").read_text().splitlines())
    files = [
        re.sub(r"[0-9a-f]{16,}|\d+", "N", os.readlink(path)) for path in sorted((place / "fd").iterdir())
    ]
    return {
        "signals": [status[name] for name in ("SigBlk", "SigIgn", "SigCgt")],
        "words": (place / "cmdline").read_bytes().rstrip(b"\0").decode().split("\0"),
        "folder": os.readlink(place / "cwd"),
        "files": sorted(files),
        "session": os.getsid(pid) == pid,
        "child": psutil.Process(pid).ppid() == os.getpid(),
        "more": [(place / name).read_text() for name in ("oom_score_adj", "limits", "cgroup")],
    }


def test_a_fork_is_as_a_new_interpreter(make_project: MakeProject, monkeypatch: pytest.MonkeyPatch) -> None:
    known = filter(None, [os.environ.get("PYTHONPATH"), str(ROOT)])
    here = {**os.environ, "PYTHONPATH": os.pathsep.join(known)}
    assert forks().address([sys.executable, "-m", SCHEDULER], here)
    started: list[Path] = []
    monkeypatch.setattr("tests.forks.spawn_daemon", lambda *given: started.append(given[2]))
    of_fork = scheduler_of(make_project(name="one"))
    assert not started  # it was a fork
    monkeypatch.setattr(native, "spawn_daemon", spawn_daemon)
    of_interpreter = scheduler_of(make_project(name="two"))
    for name, value in of_interpreter.items():
        assert repr(of_fork[name]).replace("/one", "/two") == repr(value), name
