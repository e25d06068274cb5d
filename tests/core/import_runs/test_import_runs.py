"""Runs of other programs become tasks; what they wrote stays as it is."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tensorboardX import SummaryWriter  # type: ignore[import-untyped]

from pyruns_jupyter import Workspace
from pyruns_jupyter.core.import_runs.importing import ImportedRun, import_runs
from pyruns_jupyter.core.metrics.curves import curves_of_run
from pyruns_jupyter.core.taskfile.paths import TaskPaths
from pyruns_jupyter.core.taskfile.task_file import own_facts
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
from tests.core.import_runs.support import (
    hydra_outputs,
    mlflow_database,
    mlflow_store,
    state_of,
    workspace_in,
)
from tests.core.metrics.sources.support import scalar
from tests.support import ROOT, reference_program

WANDB_FILE = ROOT / "tests" / "data" / "run-by-wandb-0.31.0.wandb"


def wandb_run(top: Path) -> Path:
    folder = top / "wandb" / "offline-run-20261113_092231-1mxskfij"
    (folder / "files").mkdir(parents=True)
    shutil.copy(WANDB_FILE, folder / "run-1mxskfij.wandb")
    (folder / "files" / "output.log").write_text("epoch 1\nepoch 2\n")
    (top / "wandb" / "latest-run").symlink_to(folder.name)
    return top / "wandb"


def imported(workspace: WorkspaceFolder, path: Path, *, artifacts: bool = False) -> dict[str, ImportedRun]:
    """What an import without skipped runs made, after a dry run that said the same and changed nothing."""
    before, project = state_of(path if path.is_dir() else path.parent), state_of(workspace.project)
    dry = import_runs(workspace, path, dry_run=True, artifacts=artifacts)
    assert state_of(workspace.project) == project
    done = import_runs(workspace, path, artifacts=artifacts)
    assert dry == done
    assert state_of(path if path.is_dir() else path.parent) == before
    assert all(not run.skipped for run in done.runs)
    return {run.task: run for run in done.runs}


def test_a_logdir(tmp_path: Path) -> None:
    for name in ("a", "b/train", "b/eval"):
        with SummaryWriter(str(tmp_path / "logs" / name)) as writer:
            for step in range(50):
                writer.add_scalar("loss", 1 / (step + 1), step, walltime=1700000000 + step)
                writer.add_scalar("acc", step / 50, step, walltime=1700000000 + step)
            writer.add_hparams({"lr": 0.5, "opt": "adam", "fast": True, "epochs": 3}, {"final": 0.25})
    version = tmp_path / "logs" / "lightning_logs" / "version_0"
    version.mkdir(parents=True)
    (version / "hparams.yaml").write_text("lr: 0.25\nhidden: [16, 8]\n")
    (version / "metrics.csv").write_text("epoch,step,val_loss\n0,10,0.5\n1,20,0.25\n")
    ws = Workspace(workspace_in(tmp_path / "project"))
    runs = imported(ws.folder, tmp_path / "logs")
    assert sorted(runs) == ["a", "b_eval", "b_train", "lightning_logs_version_0"]
    assert runs["a"].parameters == {"lr": 0.5, "opt": "adam", "fast": True, "epochs": 3}
    assert runs["a"].metrics["loss"] == 50
    assert "no metrics" not in str(runs)
    task = ws["a"]
    assert task.status == "completed"
    assert task.tracks()["acc"] == pytest.approx([step / 50 for step in range(50)])
    assert task.config == {"lr": 0.5, "opt": "adam", "fast": True, "epochs": 3}
    curve = curves_of_run(task.info, task.runs[0], TaskPaths(task.folder))["loss"]
    assert curve.steps["step"] == list(range(50))
    assert curve.times is not None
    assert curve.times[:2] == [1700000000, 1700000001]
    assert ws["lightning_logs_version_0"].config == {"lr": 0.25, "hidden": [16, 8]}
    assert ws["lightning_logs_version_0"].tracks()["val_loss"] == [0.5, 0.25]
    assert [row.name for row in ws.table("lr<0.4 status:completed").rows] == ["lightning_logs_version_0"]


def test_an_mlflow_file_store(tmp_path: Path) -> None:
    ws = Workspace(workspace_in(tmp_path / "project"))
    store = mlflow_store(tmp_path / "old", runs=3)
    runs = imported(ws.folder, store, artifacts=True)
    assert [(run.task, run.status) for run in runs.values()] == [
        ("trial-0", "completed"),
        ("trial-1", "failed"),
        ("trial-2", "cancelled"),
    ]
    task = ws["trial-1"]
    assert task.config == {"lr": 0.2, "opt/name": "adam | sgd: [x"}
    assert task.tracks() == {
        "step": [0, 1, 2, 3, 4],
        "loss": [1, 1 / 2, 1 / 3, 1 / 4, 1 / 5],
        "val/acc": [0, 0.2, 0.4, 0.6, 0.8],
    }
    assert task.notes == "a note"
    assert task.tags == ("digits", "team=vision")
    run = task.runs[0]
    assert (run.status, run.started_at, run.finished_at) == ("failed", 1700000000.5, 1700000060.501)
    assert task.row.message == "MLflow recorded the status failed."
    assert [path.name for path in task.artifacts()] == ["model.txt"]
    assert "Imported from" in task.log()
    assert [row.name for row in ws.table("status:failed lr>0.1 min(loss)<0.3").rows] == ["trial-1"]


def test_runs_of_mlflow_that_are_left_out(tmp_path: Path) -> None:
    folder = workspace_in(tmp_path / "project")
    store = mlflow_store(tmp_path / "old", runs=4)
    meta = store / "428261484851653273" / f"{3:032x}" / "meta.yaml"
    found = import_runs(folder, store, dry_run=True).runs[-1]
    assert (found.status, found.skipped) == ("failed", "")  # its start is years ago
    meta.write_text(meta.read_text().replace("1700000000500", "99999999999999"))
    assert "not ended" in import_runs(folder, store, dry_run=True).runs[0].skipped
    meta.write_text(meta.read_text().replace("active", "deleted"))
    result = import_runs(folder, store)
    assert [run.name for run in result.runs if run.skipped] == ["trial-3"]
    assert "deleted" in result.runs[0].skipped
    assert result.created == ["trial-0", "trial-1", "trial-2"]
    assert "not copied (1 file" in result.runs[1].notices[0]


def test_an_mlflow_database(tmp_path: Path) -> None:
    ws = Workspace(workspace_in(tmp_path / "project"))
    (tmp_path / "old").mkdir()
    path = mlflow_database(tmp_path / "old" / "mlflow.db", runs=3)
    runs = imported(ws.folder, path, artifacts=True)
    assert [(run.task, run.status) for run in runs.values()] == [
        ("bold-owl-0", "completed"),
        ("bold-owl-1", "failed"),
        ("bold-owl-2", "cancelled"),
    ]
    tracks = ws["bold-owl-1"].tracks()
    assert tracks["acc"] == [step / 2500 for step in range(2500)]
    assert tracks["step"] == list(range(2500))
    assert str(tracks["loss"][3]) == "nan"
    assert ws["bold-owl-1"].config == {"lr": 1.5}
    assert [one.name for one in ws["bold-owl-1"].artifacts()] == ["model.txt"]


def test_wandb(tmp_path: Path) -> None:
    ws = Workspace(workspace_in(tmp_path / "project"))
    runs = imported(ws.folder, wandb_run(tmp_path))
    (run,) = runs.values()
    assert run.points > 0
    task = ws[run.task]
    assert task.status == "completed"
    assert task.log() == "epoch 1\nepoch 2\n"
    assert set(task.tracks()) == set(run.metrics)
    assert task.runs[0].duration is not None


def test_a_run_folder_of_wandb_without_its_log(tmp_path: Path) -> None:
    ws = Workspace(workspace_in(tmp_path / "project"))
    files = tmp_path / "wandb" / "run-20261113_092231-abc" / "files"
    files.mkdir(parents=True)
    (files / "config.yaml").write_text(
        "_wandb:\n  value:\n    t: 1\nlr:\n  value: 0.5\nopt:\n  desc: null\n  value:\n    name: adam\n"
    )
    (files / "wandb-summary.json").write_text('{"_step": 3, "acc": 0.75, "name": "x"}')
    runs = imported(ws.folder, tmp_path / "wandb")
    assert runs["abc"].parameters == {"lr": 0.5, "opt.name": "adam"}
    assert "only its summary" in runs["abc"].notices[0]
    assert ws["abc"].records() == {"acc": 0.75, "name": "x"}


def test_hydra(tmp_path: Path) -> None:
    ws = Workspace(workspace_in(tmp_path / "project"))
    runs = imported(ws.folder, hydra_outputs(tmp_path / "old"))
    assert sorted(runs) == ["first_0", "first_1"]
    assert ws["first_1"].config == {"opt": {"lr": 2.0, "name": "adam"}, "seed": 1}
    assert ws["first_1"].tracks() == {"epoch": [0, 1, 2, 3], "loss": [2, 1, 2 / 3, 0.5]}
    assert "trained" in ws["first_1"].log()
    assert own_facts(ws["first_1"].info)["swept"] == {"opt.lr": 2.0}  # what differs between the runs


def test_a_run_is_imported_once(tmp_path: Path) -> None:
    ws = Workspace(workspace_in(tmp_path / "project"))
    store = mlflow_store(tmp_path / "old")
    import_runs(ws.folder, store)
    ws["trial-0"].rename("mine")
    shutil.copytree(store, tmp_path / "copy")  # of MLflow, the ID of a run counts, not its place
    for path in (store, tmp_path / "copy"):
        again = import_runs(ws.folder, path)
        assert again.created == []
        assert [run.skipped for run in again.runs] == [
            "It was imported as mine.",
            "It was imported as trial-1.",
        ]
    ws["mine"].delete()
    assert import_runs(ws.folder, store).created == ["trial-0"]


def test_names_that_are_taken_or_not_legal(tmp_path: Path) -> None:
    ws = Workspace(workspace_in(tmp_path / "project"))
    ws.create("lr: 1", "a_b")
    for name in ("a/b", "..bad: name", "con", "ü" * 120, "-x"):
        folder = tmp_path / "logs" / name
        folder.mkdir(parents=True)
        (folder / "events.out.tfevents.1.h.1.0").write_bytes(scalar("loss", 1, 0.5))
    created = import_runs(ws.folder, tmp_path / "logs").created
    assert sorted(created) == sorted(["a_b_2", "run_con", "x", "ü" * 100])  # hidden folders are not searched


def test_the_workspace_of_a_folder(tmp_path: Path) -> None:
    ws = Workspace(workspace_in(tmp_path / "project", is_shell=True))
    store = mlflow_store(tmp_path / "old")
    assert import_runs(ws.folder, store).created == ["trial-0", "trial-1"]
    assert ws["trial-0"].row.swept == {"lr": 0.1, "opt/name": "adam | sgd: [x"}
    assert ws.results()[1]["lr"] == 0.2
    text = ws["trial-0"].config_text
    assert subprocess.run(["sh", "-c", text], capture_output=True).returncode == 1


def test_the_program_pyr_reads_imported_tasks(tmp_path: Path) -> None:
    program = reference_program()
    if program is None:
        pytest.skip("PYRUNS_REFERENCE does not name the program pyr")
    folder = workspace_in(tmp_path / "project")
    import_runs(folder, mlflow_store(tmp_path / "old"))
    import_runs(folder, wandb_run(tmp_path))
    environment = {**os.environ, "HOME": str(tmp_path)}

    def pyr(*words: str) -> str:
        done = subprocess.run(
            [program, "-w", "train", *words],
            cwd=folder.project,
            env=environment,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    listed = {row["name"]: row["status"] for row in json.loads(pyr("ls", "--json"))["tasks"]}
    assert listed["trial-0"] == "completed"
    assert listed["trial-1"] == "failed"
    assert len(listed) == 3
    shown = pyr("show", "trial-0")
    assert "lr: 0.1" in shown
    assert "a note" in shown
    assert "Imported from" in pyr("log", "trial-0")
    pyr("mv", "trial-0", "renamed")
    assert own_facts(Workspace(folder)["renamed"].info)["imported_from"]["program"] == "MLflow"
    pyr("run", "renamed")  # its script takes the parameter
    assert [run.status for run in Workspace(folder)["renamed"].runs] == ["completed", "completed"]


def test_an_import_that_is_killed_leaves_whole_tasks(tmp_path: Path) -> None:
    folder = workspace_in(tmp_path / "project")
    store = mlflow_store(tmp_path / "old", runs=7)
    code = f"""
import os, pathlib
from pyruns_jupyter.core.import_runs import importing
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
importing._TOGETHER = 2
placed = importing.put_into_place
calls = []
def put(*arguments, **options):
    calls.append(1)
    if len(calls) == 3:
        os._exit(9)
    placed(*arguments, **options)
importing.put_into_place = put
importing.import_runs(WorkspaceFolder(pathlib.Path({str(folder.folder)!r})), pathlib.Path({str(store)!r}))
"""
    done = subprocess.run([sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": str(ROOT)})
    assert done.returncode == 9
    ws = Workspace(folder)
    assert sorted(ws.tasks().names) == [f"trial-{number}" for number in range(4)]
    assert all(task.row.readable and len(task.tracks()["loss"]) == 5 for task in ws)
    assert sorted(import_runs(folder, store).created) == ["trial-4", "trial-5", "trial-6"]
    assert [path.name for path in folder.tasks.iterdir() if path.name.startswith(".pyruns-task")] == []


def test_a_long_run_keeps_its_journal(tmp_path: Path) -> None:
    ws = Workspace(workspace_in(tmp_path / "project"))
    folder = tmp_path / "logs" / "long"
    folder.mkdir(parents=True)
    data = b"".join(scalar("loss", step, 1 / (step + 1), 1.7e9 + step) for step in range(40_000))
    (folder / "events.out.tfevents.1.h.1.0").write_bytes(data)
    import_runs(ws.folder, folder)
    assert len(ws["long"].tracks()["loss"]) == 40_000
    assert (ws["long"].folder / "task_info.json").stat().st_size < 200_000
    assert len(ws.table("min(loss)<0.0001").rows) == 1
