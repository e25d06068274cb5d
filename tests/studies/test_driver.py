"""The driver of a project's studies as a process: killed, started several times, with studies that fail."""

from __future__ import annotations

import errno
import json
import random
import shutil
import subprocess
import sys
import time
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from pyruns_jupyter import Workspace
from pyruns_jupyter.api import live
from pyruns_jupyter.api.study import Study
from pyruns_jupyter.core.common.errors import Busy, Conflict
from pyruns_jupyter.core.config.sweep.searchspace import SearchSpace
from pyruns_jupyter.core.create import create as generate
from pyruns_jupyter.core.create import preview
from pyruns_jupyter.core.fs.locks import locked
from pyruns_jupyter.core.taskfile import task_file
from pyruns_jupyter.core.trust.engine_key import require_engine
from pyruns_jupyter.engine.queue.batches import put_back
from pyruns_jupyter.studies import active_study, definition, launch
from pyruns_jupyter.studies import service as managing
from pyruns_jupyter.studies.definition import Definition, StudyPaths, changing
from pyruns_jupyter.studies.trials import place_facts
from tests.engine.support import stop_everything
from tests.support import wait_until

from .conftest import SCRIPT, SPACE
from .support import drivers, held_locks, kill_drivers, marks

pytestmark = pytest.mark.timeout(600)  # each driver that is started loads Optuna


def told(study: Study) -> list[tuple[Any, ...]]:
    return [(one.number, one.values, one.state, one.value, one.pruned) for one in study.trials]


def test_a_driver_that_is_killed_again_and_again_changes_nothing(workspace: Workspace) -> None:
    quiet = workspace.optimize(SPACE, objective="acc", n=8, name="quiet", seed=7)
    quiet.wait(timeout=120, progress=False)
    study = workspace.optimize(f"{SPACE}until: go\n", objective="acc", n=8, name="hit", seed=7)
    chance, kills, known = random.Random(3), 0, 0

    def has_progressed() -> bool:
        return study.state != "active" or len(study.trials) > known

    def let_end() -> None:
        """Let all trials end that exist; others wait, so that few are created before the next kill."""
        for task in study.tasks:
            (task.folder / "go").touch()

    while study.state == "active":
        # Only a driver creates trials: it is killed after it created one, however long it took to start.
        wait_until(has_progressed, 120, lambda: f"{study!r} {drivers(workspace)} {held_locks(workspace)}")
        let_end()
        time.sleep(chance.uniform(0, 0.4))  # to hit it at any of its steps
        kills += kill_drivers(workspace)
        known = len(study.trials)
        let_end()
        workspace.attend()
    assert kills > 3
    study.wait(timeout=120, progress=False)
    assert told(study) == told(quiet)
    assert all(task.runs[-1].index == 1 for task in study.tasks)  # none ran twice


def test_one_driver_serves_all_studies_of_a_project(workspace: Workspace, tmp_path: Path) -> None:
    (tmp_path / "other.py").write_text(SCRIPT)
    other = Workspace.open(tmp_path / "other.py")
    workspace.queue.pause()  # so that all three stay active
    studies = [
        where.optimize(SPACE, objective="acc", n=n, name=name, seed=seed)
        for where, name, n, seed in ((workspace, "a", 3, 1), (workspace, "b", 4, 2), (other, "a", 3, 3))
    ]
    wait_until(lambda: all(len(study.trials) == 1 for study in studies), message="a trial of each")
    wait_until(lambda: len(drivers(workspace)) == 1, message=lambda: f"one driver: {drivers(workspace)}")
    [driver] = drivers(workspace)
    assert all(launch.is_driven(workspace.folder.root, *name.split("@")) for name in marks(workspace))

    # One that is stopped is resumed by the same driver, and the others do not notice.
    studies[1].stop()
    assert marks(workspace) == ["other@a", "train@a"]
    studies[1].resume()
    wait_until(lambda: len(studies[1].trials) == 2, message="its next trial")
    assert drivers(workspace) == [driver]

    # Killed, one other driver takes all of them up.
    assert kill_drivers(workspace) == 1
    workspace.attend()
    wait_until(
        lambda: all(launch.is_driven(workspace.folder.root, *name.split("@")) for name in marks(workspace))
    )
    wait_until(lambda: len(drivers(workspace)) == 1, message=lambda: f"one driver: {drivers(workspace)}")
    workspace.queue.resume()
    for study in studies:
        assert study.wait(timeout=120, progress=False).state == "finished"
    assert [len(study.trials) for study in studies] == [3, 4, 3]
    wait_until(lambda: not drivers(workspace), message="the driver leaves")
    assert marks(workspace) == []


def test_a_study_that_is_being_created_keeps_its_marker(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace.queue.pause()
    first = workspace.optimize(SPACE, objective="acc", n=3, name="first", seed=1)
    wait_until(lambda: len(first.trials) == 1, message="the driver runs")
    root, write = workspace.folder.root, definition.write_study
    marker = launch.marker_path(root, workspace.name, "second")

    def write_late(paths: StudyPaths, wanted: Definition) -> None:
        def is_seen() -> bool:
            return launch.is_driven(root, workspace.name, "second") or not marker.exists()

        wait_until(is_seen, message="the driver sees the marker")
        write(paths, wanted)

    monkeypatch.setattr(managing, "write_study", write_late)
    second = workspace.optimize(SPACE, objective="acc", n=3, name="second", seed=2)
    assert marker.exists()
    wait_until(lambda: len(second.trials) == 1, message="a trial of the second study")


def test_a_study_that_fails_or_is_damaged_takes_no_other_along(workspace: Workspace) -> None:
    workspace.queue.pause()
    good = workspace.optimize(SPACE, objective="acc", n=3, name="good", seed=1)
    wrong = workspace.optimize(SPACE, objective="unknown", n=3, name="wrong", seed=1)
    damaged = workspace.optimize(SPACE, objective="acc", n=3, name="damaged", seed=1)
    removed = workspace.optimize(SPACE, objective="acc", n=3, name="removed", seed=1)
    studies = (good, wrong, damaged, removed)
    wait_until(lambda: all(len(study.trials) == 1 for study in studies), message="a trial of each")
    wait_until(lambda: len(drivers(workspace)) == 1, message=lambda: f"one driver: {drivers(workspace)}")
    [driver] = drivers(workspace)
    folder = workspace.folder.folder / "studies"
    (folder / "damaged.json").write_bytes(b"{")
    (folder / "removed.json").unlink()
    workspace.queue.resume()
    wait_until(lambda: drivers(workspace) != [driver], 120, "the driver serves the good one until its end")
    assert (good.state, wrong.state, marks(workspace)) == ("finished", "failed", [])
    assert (folder / "damaged.json").read_bytes() == b"{"
    assert [trial.state for trial in good.trials] == ["complete"] * 3


def test_a_study_that_has_to_wait_holds_no_other_up(workspace: Workspace) -> None:
    workspace.queue.pause()
    blocked, free = (
        workspace.optimize(SPACE, objective="acc", n=2, name=name, seed=1) for name in ("blocked", "free")
    )
    wait_until(lambda: len(blocked.trials) == len(free.trials) == 1, message="a trial of each")
    with changing(workspace.folder, "blocked"):
        workspace.queue.resume()
        assert free.wait(timeout=120, progress=False).state == "finished"
        assert (blocked.state, len(blocked.trials)) == ("active", 1)
    assert blocked.wait(timeout=120, progress=False).state == "finished"


def test_a_trial_that_cannot_be_queued_now_is_queued_later(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(managing, "start_driver", lambda *_: None)
    study = workspace.optimize(SPACE, objective="acc", n=1, name="s", seed=1)
    root = workspace.folder.root
    key = require_engine(root)
    with locked(launch.marker_path(root, "train", "s"), timeout=5) as lock:
        marker = launch.read_marker(key, "train", "s")
        steps = active_study.ActiveStudy(workspace.folder, "s", lock, marker, key).steps()

        def refuse(*args: object, **options: object) -> None:
            raise Busy("The task is locked.")

        with monkeypatch.context() as patch:
            patch.setattr(active_study, "submit", refuse)
            next(steps)
        [task] = study.tasks
        assert task.status == "pending"
        workspace.queue.pause()
        next(steps)
        assert task.status == "queued"
        # What a driver began to queue before it was killed, a scheduler puts back.
        stop_everything(workspace.folder.project)
        for batch in (root / ".engine" / "batches").iterdir():
            batch.unlink()
        assert put_back(task.folder.parent, [(task.name, task.info["_attempt_id"])])
        assert task.status == "pending"
        wait_until(lambda: next(steps) >= 0 and task.status == "queued")
        workspace.queue.resume()
        assert study.tasks.wait(timeout=120, progress=False)[0].status == "completed"
    study.stop()


def test_a_trial_that_cannot_be_read_for_a_moment_goes_on(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(managing, "start_driver", lambda *_: None)
    workspace.queue.pause()
    study = workspace.optimize(SPACE, objective="acc", n=1, name="s", seed=1)
    root = workspace.folder.root
    key = require_engine(root)
    with locked(launch.marker_path(root, "train", "s"), timeout=5) as lock:
        marker = launch.read_marker(key, "train", "s")
        steps = active_study.ActiveStudy(workspace.folder, "s", lock, marker, key).steps()
        wait_until(lambda: next(steps) >= 0 and study.trials, message="a trial")
        failed = []

        def fail(path: Path, *_: object, **__: object) -> bytes:
            failed.append(path)
            raise OSError(errno.EIO, "Input/output error")

        with monkeypatch.context() as patch:
            patch.setattr(task_file, "read_whole", fail)
            wait_until(lambda: next(steps) >= 0 and failed, message="a look at the trial")
        workspace.queue.resume()
        wait_until(lambda: next(steps, None) is None, message="the end of the study")
    assert (study.state, [trial.state for trial in study.trials]) == ("finished", ["complete"])


def test_the_sampler_knows_the_values_of_trials_that_a_rule_stopped(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(managing, "start_driver", lambda *_: None)
    space = f"{SPACE}pause: 600\n"
    study = workspace.optimize(space, objective="acc", n=1, name="s", alerts=["acc < 1 -> stop"])
    root = workspace.folder.root
    key = require_engine(root)
    with locked(launch.marker_path(root, "train", "s"), timeout=5) as lock:
        marker = launch.read_marker(key, "train", "s")
        active = active_study.ActiveStudy(workspace.folder, "s", lock, marker, key)
        steps = active.steps()
        wait_until(lambda: next(steps, None) is None, message="the end of the study")
        # A driver that is started later reads them from the task.
        later = active_study.ActiveStudy(workspace.folder, "s", lock, marker, key)
    assert [(one.state, one.status) for one in study.trials] == [("pruned", "cancelled")]
    for known in (active, later):
        [trial] = known._optimizer.study.trials
        assert (trial.state.name, list(trial.intermediate_values)) == ("PRUNED", [1])
        assert trial.value == trial.intermediate_values[1] == study.trials[0].value


def test_of_drivers_that_are_started_at_once_one_stays(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(managing, "start_driver", lambda *_: None)
    workspace.queue.pause()
    root = workspace.folder.root
    studies = [workspace.optimize(SPACE, objective="acc", n=2, name=name) for name in ("a", "b")]
    command = [sys.executable, "-m", "pyruns_jupyter.studies.driver", str(root), "train"]
    started = [subprocess.Popen([*command, name]) for name in ("a", "b", "a", "b")]
    wait_until(lambda: [process.poll() for process in started].count(None) == 1, message="the others leave")
    wait_until(lambda: all(launch.is_driven(root, "train", study.name) for study in studies))
    assert sorted(str(process.poll()) for process in started) == ["0", "0", "0", "None"]
    for study in studies:
        study.stop()
    assert [process.wait(60) for process in started] == [0] * 4


def test_a_study_that_is_resumed_while_the_driver_leaves_is_driven(workspace: Workspace) -> None:
    workspace.queue.pause()
    study = workspace.optimize(SPACE, objective="acc", n=1000, name="s", stop_after=0)
    chance = random.Random(5)
    for _ in range(12):
        study.stop()
        time.sleep(chance.uniform(0, 0.4))  # the driver leaves at some moment of this
        study.resume()
        wait_until(lambda: launch.is_driven(workspace.folder.root, "train", "s"), message="it is driven")
    study.stop()


@pytest.mark.usefixtures("new_daemons")  # each by the interpreter that is named
def test_each_interpreter_has_its_own_driver(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "python"
    other.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    other.chmod(0o755)
    workspace.queue.pause()
    with monkeypatch.context() as patch:
        patch.setattr(sys, "executable", str(other))
        first = workspace.optimize(SPACE, objective="acc", n=2, name="first")
    second = workspace.optimize(SPACE, objective="acc", n=2, name="second")
    root = workspace.folder.root
    wait_until(lambda: launch.is_driven(root, "train", "first") and launch.is_driven(root, "train", "second"))
    wait_until(lambda: len(drivers(workspace)) == 2, message=lambda: f"two drivers: {drivers(workspace)}")
    workspace.queue.resume()
    for study in (first, second):
        assert study.wait(timeout=120, progress=False).state == "finished"


def test_a_study_with_another_driver_is_left_to_it(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Drivers of earlier releases serve one study, whose marker they keep locked."""
    monkeypatch.setattr(managing, "start_driver", lambda *_: None)
    taken = workspace.optimize(SPACE, objective="acc", n=2, name="taken")
    with locked(launch.marker_path(workspace.folder.root, "train", "taken"), timeout=10):
        free = workspace.optimize(SPACE, objective="acc", n=2, name="free")
        workspace.attend()
        assert free.wait(timeout=120, progress=False).state == "finished"
        wait_until(lambda: not drivers(workspace), message="a driver that has no study leaves")
        assert (taken.state, taken.trials) == ("active", [])
    launch._started.clear()
    workspace.attend()
    assert taken.wait(timeout=120, progress=False).state == "finished"


def create_trial(workspace: Workspace, study: Study) -> None:
    """Create the first trial as a driver that was killed before it queued the trial."""
    values = {"lr": 0.001, "layers": 4, "opt": "adam"}
    text = SearchSpace.parse(study.definition.text).config_text(values)
    proposal = preview.plan_tasks(workspace.folder, text, "s_1")
    generate.create(proposal, facts={"swept": values, **place_facts("s", 1, [])})


def test_a_trial_that_nobody_will_queue_is_not_waited_for(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(managing, "start_driver", lambda *_: None)
    study = workspace.optimize(SPACE, objective="acc", n=2, name="s")
    create_trial(workspace, study)
    study.stop().wait(timeout=0, progress=False)
    assert [(trial.state, trial.status) for trial in study.trials] == [("open", "pending")]
    study.export_journal(tmp_path / "s.log", follow=True)
    assert (tmp_path / "s.log").exists()


def test_a_trial_that_was_made_but_not_queued_is_queued(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(managing, "start_driver", lambda *_: None)
    study = workspace.optimize(SPACE, objective="acc", n=2, name="s")
    create_trial(workspace, study)
    workspace.attend()  # where its driver died, another one goes on
    study.wait(timeout=120, progress=False)
    assert [(trial.task, trial.state) for trial in study.trials] == [("s_1", "complete"), ("s_2", "complete")]
    assert study.trials[0].value == 0.0


@pytest.mark.parametrize("how", ["queued", "running"])
def test_a_copy_of_a_project_drives_no_study(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    if how == "queued":
        workspace.queue.pause()
    study = workspace.optimize(f"{SPACE}pause: 60\n", objective="acc", n=2, name="s")
    wait_until(lambda: [trial.status for trial in study.trials] == [how], message=f"a {how} trial")
    copy = tmp_path / "copy"
    passing = shutil.ignore_patterns("copy", ".task_info.json.*", ".pyruns-task-*")
    shutil.copytree(workspace.folder.project, copy, ignore=passing, copy_function=copy_if_there)
    evil = tmp_path / "evil"
    evil.write_text("#!/bin/sh\ntouch executed\n")
    evil.chmod(0o755)
    mark = copy / "_pyruns_" / ".engine" / "studies" / "train@s"
    mark.write_text(json.dumps({**json.loads(mark.read_bytes()), "python": str(evil)}))
    other = Workspace.open(copy / "train.py")
    before = mark.read_bytes()
    assert not other.attend()
    assert other.studies["s"].state == "stopped" and "another copy" in other.studies["s"].message
    if how == "queued":
        with monkeypatch.context() as patch:
            patch.setattr(live, "CHECK_SECONDS", 0.0)
            with pytest.raises(Conflict, match="1 task will not start here"):
                other.studies["s"].wait(timeout=60, progress=False)
    assert mark.read_bytes() == before and not drivers(other)
    assert study.state == "active" and len(drivers(workspace)) == 1
    study.stop(running=True)
    other.queue.resume()
    # Resuming it is the explicit action that takes it over, with the Python of who does it.
    (copy / "train.py").write_text((copy / "train.py").read_text().replace("time.sleep(", "time.sleep(0 * "))
    resumed = other.studies["s"].resume().wait(timeout=120, progress=False)
    assert resumed.state == "finished" and not list(tmp_path.rglob("executed"))


def copy_if_there(source: str, target: str) -> None:
    """Copy a file, unless it has just gone: locks, claims and temporary files come and go."""
    with suppress(FileNotFoundError):
        shutil.copy2(source, target)


def test_a_project_that_is_moved_goes_on_where_it_is(tmp_path: Path) -> None:
    before, after = tmp_path / "before", tmp_path / "after"
    before.mkdir()
    (before / "train.py").write_text(SCRIPT)
    try:
        workspace = Workspace.open(before / "train.py")
        study = workspace.optimize(f"{SPACE}pause: 0.05\n", objective="acc", n=4, name="s")
        wait_until(lambda: len(study.trials) >= 1, message="a trial")
        before.rename(after)
        wait_until(lambda: not drivers(workspace), message="the driver notices")
        moved = Workspace.open(after / "train.py")
        moved.attend()
        study = moved.studies["s"].wait(timeout=120, progress=False)
        assert (study.state, len(study.trials)) == ("finished", 4)
    finally:
        stop_everything(tmp_path)


SAMPLED: dict[str, dict[str, Any]] = {
    "cmaes": {"n_startup_trials": 2},
    "nsga2": {"n_startup_trials": 3, "objective": {"acc": "maximize", "loss": "minimize"}},
    "qmc": {},
    "grid": {"space": "layers: 1:5\nopt: adam | sgd\nlr: 0.1 | 0.01 if opt == sgd else 0.001\n"},
    "tpe": {"n_startup_trials": 3, "prune": "asha", "constraints": ["loss <= 9"]},
}
if find_spec("torch"):
    SAMPLED["gp"] = {"n_startup_trials": 3}


def test_a_killed_driver_changes_nothing_for_each_sampler(workspace: Workspace) -> None:
    """All samplers have their state again, also those that depend on all earlier suggestions."""

    def begin(name: str, sampler: str) -> Study:
        given: dict[str, Any] = {"space": SPACE, "objective": "acc", "n": 6, **SAMPLED[sampler]}
        space = given.pop("space")
        return workspace.optimize(space, name=f"{name}_{sampler}", sampler=sampler, seed=5, **given)

    quiet = [begin("quiet", sampler) for sampler in SAMPLED]
    for study in quiet:
        study.wait(timeout=240, progress=False)
    hit = [begin("hit", sampler) for sampler in SAMPLED]
    for known in (2, 4):
        wait_until(lambda known=known: all(len(one.trials) >= known for one in hit), 120)  # type: ignore[misc]
        kill_drivers(workspace)
        workspace.attend()
    for one, other in zip(quiet, hit, strict=True):
        assert other.wait(timeout=240, progress=False).state == one.state == "finished"
        assert [trial.values for trial in other.trials] == [trial.values for trial in one.trials]
        assert [trial.objective_values for trial in other.trials if trial.state == "complete"]
