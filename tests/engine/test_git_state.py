"""Where the code of a run stood, in repositories of every kind."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from pyruns_jupyter.core.create.create import create_tasks
from pyruns_jupyter.core.provenance import git_state
from pyruns_jupyter.core.provenance.git_state import SourceState
from pyruns_jupyter.core.workspace.opening import open_workspace
from pyruns_jupyter.engine.queue.launch import ensure_running, scheduler_alive
from tests.core.provenance.test_snapshots import git
from tests.support import wait_until

if TYPE_CHECKING:
    from tests.engine.conftest import MakeProject


def source_state(folder: Path, timeout: float = 60.0) -> SourceState:
    """Return the state of a repository, however long Git takes for it here."""
    return git_state.source_state(folder, timeout=timeout)


def repository(folder: Path) -> str:
    """Make a repository with one commit, and return the commit."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "train.py").write_text("print(1)\n")
    git(folder, "init", "-q", "-b", "main")
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", "one")
    return git(folder, "rev-parse", "HEAD").strip()


def test_no_repository(tmp_path: Path) -> None:
    assert source_state(tmp_path) == SourceState()
    assert source_state(tmp_path).text == "git none | unknown"
    assert source_state(tmp_path).to_dict() == {}


def test_clean_changed_untracked_ignored(tmp_path: Path) -> None:
    commit = repository(tmp_path)
    assert source_state(tmp_path) == SourceState(True, commit, "main", False)
    assert source_state(tmp_path).text == f"git {commit[:12]} | clean"
    (tmp_path / ".git" / "info" / "exclude").write_text("*.log\n")
    (tmp_path / "a.log").touch()
    assert source_state(tmp_path).changed is False
    (tmp_path / "new\nfile.py").touch()
    assert source_state(tmp_path).text == f"git {commit[:12]} | dirty"
    (tmp_path / "new\nfile.py").unlink()
    (tmp_path / "train.py").write_text("print(2)\n")
    assert source_state(tmp_path).changed is True
    assert SourceState.from_dict(source_state(tmp_path).to_dict()) == source_state(tmp_path)


def test_no_commit_yet(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "-b", "main")
    assert source_state(tmp_path).text == "git unknown | clean"
    (tmp_path / "x").touch()
    assert source_state(tmp_path) == SourceState(True, "", "main", True)


@pytest.mark.parametrize("with_git", [True, False])
def test_worktree_submodule_detached_packed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, with_git: bool
) -> None:
    commit = repository(tmp_path / "a")
    git(tmp_path / "a", "worktree", "add", "-q", "-b", "side", str(tmp_path / "tree"))
    repository(tmp_path / "b")
    git(tmp_path / "b", "submodule", "--quiet", "add", str(tmp_path / "a"), "sub")
    git(tmp_path / "b" / "sub", "checkout", "-q", "--detach")
    (tmp_path / "tree" / "deep").mkdir()
    git(tmp_path / "a", "pack-refs", "--all")
    if not with_git:
        monkeypatch.setenv("PATH", str(tmp_path))
    state = False if with_git else None
    assert source_state(tmp_path / "a") == SourceState(True, commit, "main", state)
    assert source_state(tmp_path / "tree" / "deep") == SourceState(True, commit, "side", state)
    assert source_state(tmp_path / "b" / "sub") == SourceState(True, commit, "", state)
    known = "clean" if with_git else "unknown"
    assert source_state(tmp_path / "a").text == f"git {commit[:12]} | {known}"


def test_the_repository_of_another_user_runs_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commit = repository(tmp_path)
    trap = tmp_path / "trap"
    git(tmp_path, "config", "core.fsmonitor", f"touch {trap}; false")
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    assert source_state(tmp_path).commit == commit
    assert not trap.exists()


def test_what_a_filter_would_say_is_not_known(tmp_path: Path) -> None:
    """Filters are not run, as the repository says what they do; a file with one may be as it was."""
    repository(tmp_path)
    (tmp_path / ".gitattributes").write_text("*.bin filter=upper\n")
    git(tmp_path, "config", "filter.upper.clean", "tr a-z A-Z")
    (tmp_path / "a.bin").write_text("x\n")
    git(tmp_path, "add", "-A")
    git(tmp_path, "commit", "-qm", "two")
    commit = git(tmp_path, "rev-parse", "HEAD").strip()
    os.utime(tmp_path / "a.bin", (2e9, 2e9))
    assert source_state(tmp_path) == SourceState(True, commit, "main", None)
    (tmp_path / "train.py").write_text("print(2)\n")
    assert source_state(tmp_path).changed is True


def test_changes_in_submodules_count(tmp_path: Path) -> None:
    repository(tmp_path / "a")
    repository(tmp_path / "b")
    git(tmp_path / "a", "submodule", "--quiet", "add", str(tmp_path / "b"), "deep/sub module")
    git(tmp_path / "a", "commit", "-qm", "two")
    assert source_state(tmp_path / "a").changed is False
    inner = tmp_path / "a" / "deep" / "sub module"
    (inner / "new.py").touch()
    assert source_state(tmp_path / "a").changed is True
    (inner / "new.py").unlink()
    (inner / "train.py").write_text("print(2)\n")
    assert source_state(tmp_path / "a").changed is True
    git(inner, "commit", "-aqm", "two")
    assert source_state(tmp_path / "a").changed is True


def test_git_that_hangs_costs_the_bound_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commit = repository(tmp_path / "p")
    slow = tmp_path / "bin" / "git"
    slow.parent.mkdir()
    slow.write_text("#!/bin/sh\nexec sleep 600\n")
    slow.chmod(0o755)
    monkeypatch.setenv("PATH", f"{slow.parent}:/usr/bin:/bin")
    assert source_state(tmp_path / "p", timeout=0.2) == SourceState(True, commit, "main", None)
    clock = [0.0]

    def hang(*_: object, timeout: float) -> None:
        clock[0] += timeout

    monkeypatch.setattr(git_state, "run_git", hang)
    monkeypatch.setattr(time, "monotonic", lambda: clock[0])
    watch = git_state.SourceWatch(tmp_path / "p")
    first = watch.state()
    assert first.commit == commit
    clock[0] += 19 * git_state.TIMEOUT
    assert watch.state() is first  # not asked again so soon, since it took so long


def test_a_busy_machine_has_time_to_say_whether_the_code_is_clean(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository(tmp_path)
    allowed: list[float] = []
    monkeypatch.setattr(git_state, "run_git", lambda *_, timeout: allowed.append(timeout))
    assert git_state.SourceWatch(tmp_path).state().changed is None
    assert min(allowed) >= 10


@pytest.mark.parametrize("head", ["", "nonsense", "ref: ../../etc/passwd", "ref: refs/heads/\0", "\xff" * 40])
def test_damaged_repositories(tmp_path: Path, head: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "HEAD").write_text(head)
    monkeypatch.setenv("PATH", "")
    assert source_state(tmp_path).commit == ""


def test_the_folder_does_not_make_a_repository_dirty(tmp_path: Path) -> None:
    repository(tmp_path)
    workspace = open_workspace(tmp_path / "train.py")[0]
    create_tasks(workspace, "", "one")
    assert source_state(tmp_path).changed is False
    (workspace.root / ".gitignore").unlink()  # as another program makes the folder
    assert source_state(tmp_path).changed is True
    create_tasks(workspace, "", "two")
    assert source_state(tmp_path).changed is False
    (workspace.root / ".gitignore").write_text("!important\n")
    create_tasks(workspace, "", "three")
    assert (workspace.root / ".gitignore").read_text() == "!important\n"


def test_queueing_adds_what_keeps_git_quiet(tmp_path: Path, make_project: MakeProject) -> None:
    project = make_project()
    repository(project.folder)
    project.task("A", "true\n")
    project.submit("A")
    project.wait("A")
    assert source_state(project.folder).changed is False
    info = project.info("A")
    commit = git(project.folder, "rev-parse", "HEAD").strip()
    assert info["source_states"] == [f"git {commit[:12]} | clean | script none"]
    assert info["pyruns_jupyter"]["sources"] == {"1": {"commit": commit, "branch": "main", "dirty": False}}


def test_each_run_says_where_the_code_stood_when_it_began(make_project: MakeProject) -> None:
    project = make_project()
    repository(project.folder)
    project.task("A", f"cd {project.folder}; echo '#' >> train.py; while [ ! -e go ]; do sleep 0.1; done\n")
    project.task("B", "true\n")
    project.submit("A", "B")
    project.wait_for_output("A", b"START")
    wait_until(lambda: "#" in (project.folder / "train.py").read_text())
    project.kill_scheduler()  # one that is new knows no earlier state, which counts longer if Git is slow
    (project.folder / "go").touch()
    wait_until(lambda: ensure_running(project.root) or scheduler_alive(project.root))
    project.wait("A", "B")
    assert "clean" in project.info("A")["source_states"][0]
    assert "dirty" in project.info("B")["source_states"][0]
