"""Sick projects, what is said about them, and whether a repair heals them."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest

from pyruns_jupyter.core.common.host_identity import host_name
from pyruns_jupyter.core.taskfile.task_file import edit_task, read_task
from pyruns_jupyter.core.trust.engine_key import claim_engine
from pyruns_jupyter.engine.client import doctor
from pyruns_jupyter.engine.client.doctor import Finding, examine
from pyruns_jupyter.engine.gpus import reservations
from pyruns_jupyter.engine.queue import launch
from tests.core.damage import state_of
from tests.support import ROOT, wait_until

from .support import Project


def findings(project: Project) -> list[Finding]:
    return examine(project.root, gpus=False)


def told(project: Project) -> str:
    return "\n".join(f"{one.severity}: {one.what} {one.advice}" for one in findings(project))


def repair(project: Project) -> list[str]:
    return [one.repair() for one in findings(project) if one.repair is not None]


def stuck(project: Project) -> None:
    """Make a task whose run nobody can end any more, of a queueing that is gone."""
    slots = {"run_statuses": ["running"], "run_attempt_ids": ["a"], "start_times": [""], "pids": [None]}
    rest = {"pid_create_times": [None], "exit_codes": [None], "durations": [None], "finish_times": [""]}
    owner = {"status": "running", "_attempt_id": "a", "runner_host": host_name(), "lease_until": 1.0}
    more = {"run_index": 1, "records": [{}], "tracks": [{}], **slots, **rest, **owner}
    project.task("stuck", "true", **more)


def test_a_healthy_project_and_looking_changes_nothing(shell: Project) -> None:
    shell.task("a", "true")
    shell.submit("a")
    shell.wait("a")
    shell.wait_for_exit()
    before = state_of(shell.root)
    assert findings(shell) == []
    assert state_of(shell.root) == before


def test_everything_that_is_sick_is_named(shell: Project) -> None:
    shell.task("torn", "true")
    shell.paths("torn").info.write_text("{")
    stuck(shell)
    shell.settings("max_jobs: many\n")
    launch.pause(shell.root)
    (shell.engine.batches / "x.damaged").write_text("?")
    said = told(shell)
    assert "error: _shell_/torn: " in said
    assert "_shell_/stuck is marked as running, but its supervisor and its process no longer exist." in said
    assert "error: max_jobs in " in said
    assert "note: The queue is paused." in said
    assert "x.damaged" in said
    assert repair(shell) == ["stuck was marked as failed."]
    assert shell.status("stuck") == "failed"


@pytest.mark.parametrize("batch_is_there", [True, False])
def test_a_run_without_an_owner_is_ended(shell: Project, batch_is_there: bool) -> None:
    shell.task("T", "sleep 600")
    shell.submit("T")
    shell.wait_for_output("T", b"START")
    pid = shell.pid("T")  # which its supervisor writes down a moment later
    shell.kill_scheduler()
    os.kill(shell.supervisor_pid("T"), signal.SIGKILL)
    with suppress(ProcessLookupError):  # the loss of its terminal ends it, too
        os.kill(pid, signal.SIGKILL)
    if not batch_is_there:
        for path in shell.engine.batches.iterdir():
            path.unlink()
    wait_until(lambda: "T" in told(shell))
    assert shell.status("T") == "running"
    assert repair(shell)
    assert shell.wait("T") == ["failed"]
    shell.wait_for_exit()
    assert findings(shell) == []


def test_tasks_whose_queueing_is_gone_are_put_back(shell: Project) -> None:
    names = [shell.task(f"t{number}", "true") for number in range(7)]
    launch.pause(shell.root)
    shell.submit(*names)
    shell.kill_scheduler()
    for path in shell.engine.batches.iterdir():
        path.unlink()
    launch.resume(shell.root)
    assert "t0, t1, t2, t3, t4 and 2 more are marked as queued" in told(shell)
    assert repair(shell) == ["The status of 7 of 7 tasks was restored."]
    assert {shell.status(name) for name in names} == {"pending"}
    assert findings(shell) == []
    shell.submit(*names, jobs=7)
    assert set(shell.wait(*names)) == {"completed"}


def test_waiting_tasks_without_a_scheduler(shell: Project) -> None:
    shell.task("T", "true")
    launch.pause(shell.root)
    shell.submit("T")
    shell.kill_scheduler()
    (shell.engine.folder / "paused").unlink()
    assert "no scheduler is running" in told(shell)
    assert repair(shell) == ["A scheduler was started."]
    assert shell.wait("T") == ["completed"]


def test_a_run_of_another_host_is_not_judged(shell: Project) -> None:
    shell.task("T", "sleep 600")
    shell.submit("T")
    shell.wait_for_output("T", b"START")
    shell.kill_scheduler()
    os.kill(shell.supervisor_pid("T"), signal.SIGKILL)
    with edit_task(shell.paths("T").folder) as info:
        info["runner_host"] = "elsewhere"
    assert "T " not in "".join(one.what for one in findings(shell) if "supervisor" in one.what)
    assert read_task(shell.paths("T").folder)["status"] == "running"


def test_the_command(shell: Project) -> None:
    def doctor(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "pyruns_jupyter.cli", "doctor", *words],
            cwd=shell.folder,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
        )

    found = doctor()
    assert (found.returncode, found.stdout) == (0, "No problems found.\n")
    stuck(shell)
    found = doctor()
    assert found.returncode == 1
    assert "is marked as running" in found.stdout
    assert "--repair" in found.stdout
    found = doctor("--repair", "--json")
    assert found.returncode == 0
    (one,) = json.loads(found.stdout)
    assert one["done"] == "stuck was marked as failed."
    assert doctor().stdout == "No problems found.\n"


def test_more_tasks_than_lists_are_quick_with(shell: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("a", "b", "c"):
        shell.task(name)
    assert "lists and filters take seconds" not in told(shell)
    monkeypatch.setattr(doctor, "MANY_TASKS", 2)
    assert "warning: _shell_ has 3 tasks. Above 2, lists and filters take seconds." in told(shell)


def test_keys_of_projects_that_are_gone_are_removed_after_a_year(shell: Project, tmp_path: Path) -> None:
    """By a repair alone: a disk that is not mounted must not lose its keys."""
    keys = {}
    for name in ("old", "recent", "old and there"):
        root = tmp_path / name / "_pyruns_"
        root.mkdir(parents=True)
        keys[name] = claim_engine(root).state
        if name.startswith("old"):
            for path in (*keys[name].iterdir(), keys[name]):
                os.utime(path, (time.time() - 400 * 86400,) * 2)
        if name != "old and there":
            shutil.rmtree(tmp_path / name)
    (keys["old"] / "trees" / "code").mkdir(parents=True)
    for path in (keys["old"] / "trees", keys["old"]):
        os.utime(path, (time.time() - 400 * 86400,) * 2)
    assert "note: " in told(shell) and "1 keys of project folders that no longer exist" in told(shell)
    assert all(folder.is_dir() for folder in keys.values())
    assert "Removed 1 unused keys." in repair(shell)
    assert {name for name, folder in keys.items() if folder.is_dir()} == {"recent", "old and there"}
    assert "keys of project folders" not in told(shell)


def test_a_gpu_policy_that_is_damaged_or_not_the_administrators(
    shell: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "ledger").mkdir()
    monkeypatch.setenv(reservations.VARIABLE, str(tmp_path / "ledger"))
    policy = tmp_path / "ledger" / "policy.yaml"
    policy.write_text("max_gpu: 1\n")

    def findings() -> list[tuple[str, str]]:
        return [(one.severity, one.what) for one in examine(shell.root) if "policy" in one.what]

    [(severity, what)] = findings()
    assert severity == "error"
    assert "Unknown field 'max_gpu'" in what
    policy.chmod(0o666)
    assert findings() == [
        ("warning", f"The GPU policy {policy} is ignored because other users can write to it.")
    ]
    policy.unlink()
    assert findings() == []
