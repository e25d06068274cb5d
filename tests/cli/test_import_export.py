"""Runs of other programs come in and results go out, from a terminal."""

from __future__ import annotations

from pathlib import Path

import optuna
import pytest
from optuna.storages.journal import JournalFileBackend

from tests.cli.test_cli import SCRIPT, Terminal
from tests.core.import_runs.support import mlflow_store, optuna_storage


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    (tmp_path / "train.py").write_text(SCRIPT)
    mlflow_store(tmp_path, runs=3)
    made = Terminal(tmp_path)
    made("open", "train.py")
    return made


def test_runs_are_imported_after_a_dry_run(terminal: Terminal) -> None:
    shown = terminal("import", "mlruns", "--dry-run")
    assert "trial-2  MLflow   cancelled" in shown
    assert "Its artifacts are not copied (1 file" in shown
    assert shown.endswith("3 tasks would be created in train.\n")
    assert terminal.json("ls") == []
    assert terminal("import", "mlruns", "--artifacts").endswith("Created 3 tasks in train.\n")
    assert [row["status"] for row in terminal.json("ls", "--sort", "name")] == [
        "completed",
        "failed",
        "cancelled",
    ]
    again = terminal("import", "mlruns")
    assert "trial-1 (MLflow): It was imported as trial-1." in again
    assert again.endswith("Created 0 tasks in train.\n")
    before = sorted(terminal.folder.rglob("*"))
    assert "_shell_ does not exist" in terminal("import", "mlruns", "--into", ".", "--dry-run", code=1)
    assert sorted(terminal.folder.rglob("*")) == before
    assert terminal.json("import", "mlruns", "--into", "train.py", "--dry-run")["workspace"] == "train"
    terminal("open", ".")
    found = terminal.json("import", "mlruns", "--into", ".", "--dry-run")
    assert (found["workspace"], found["dry_run"]) == ("_shell_", True)
    assert [run["parameters"]["lr"] for run in found["runs"]] == [0.1, 0.2, pytest.approx(0.3)]


def test_a_storage_of_optuna_is_imported(terminal: Terminal, tmp_path: Path) -> None:
    storage = optuna_storage(tmp_path / "old.db")
    study = optuna.create_study(study_name="old", storage=storage)
    study.optimize(lambda trial: trial.suggest_float("lr", 0, 1), n_trials=2)
    copy = optuna.storages.JournalStorage(JournalFileBackend(str(tmp_path / "trials")))  # any name
    optuna.copy_study(from_study_name="old", from_storage=storage, to_storage=copy, to_study_name="new")
    shown = terminal("import", "sqlite:///old.db", "--dry-run")
    assert "2 tasks would be created in train." in shown
    assert "old_1  Optuna   completed  lr=" in shown
    assert "Created 2 tasks" in terminal("import", "old.db")
    assert "Created 2 tasks" in terminal("import", "trials")
    assert "URL of a server" in terminal("import", "mysql://host/optuna", code=1)


def test_what_cannot_be_imported(terminal: Terminal) -> None:
    assert "--as can only be used with an archive" in terminal("import", "mlruns", "--as", "x", code=2)
    assert "does not exist" in terminal("import", "x.zip", code=1)
    assert "--dry-run cannot be used" in terminal("import", "x.zip", "--dry-run", code=2)
    (terminal.folder / "empty").mkdir()
    assert "No runs were found" in terminal("import", "empty", code=1)


def test_results_are_exported(terminal: Terminal) -> None:
    terminal("import", "mlruns")
    assert terminal("export", "--curves").splitlines()[0] == "task,run,metric,step,time,value"
    assert "needs --output" in terminal("export", "-f", "tensorboard", code=2)
    process = terminal.start("export", "-f", "tensorboard", "-o", "logs")
    assert process.communicate()[1] == "Exported 3 runs to logs\n"
    assert len(list(terminal.folder.glob("logs/*/events.out.tfevents.*"))) == 3
    assert "not empty" in terminal("export", "-f", "mlflow", "-o", "logs", code=1)
    process = terminal.start("export", "--curves", "-o", "curves.parquet", "--latest")
    assert process.communicate()[1] == "Exported 30 values to curves.parquet\n"
