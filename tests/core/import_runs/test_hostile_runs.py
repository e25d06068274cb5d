"""Folders with runs that were made to do harm: nothing outside is read, and nothing takes all memory."""

from __future__ import annotations

import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from pyruns_jupyter import Workspace
from pyruns_jupyter.core.common.errors import InvalidInput, NotFound
from pyruns_jupyter.core.config.document import parse_config
from pyruns_jupyter.core.config.yamltext.values import mapping_lines
from pyruns_jupyter.core.import_runs import discover
from pyruns_jupyter.core.import_runs.found_run import legal_name
from pyruns_jupyter.core.import_runs.importing import import_runs
from pyruns_jupyter.core.metrics.sources import lines, metric_names
from pyruns_jupyter.core.taskfile.paths import is_task_name
from tests.core.import_runs.support import hydra_outputs, mlflow_database, mlflow_store, workspace_in
from tests.core.metrics.sources.support import scalar

HOSTILE = (
    "\0",
    "mlruns/../../project",
    "file:///a%00b",
    "file://[x",
    "",
    ".",
    " ",
    "x" * 5000,
    "p/_pyruns_",
    "p",
)
EVENTS = "events.out.tfevents.1.h.1.0"


def test_links_and_pipes_are_not_read(tmp_path: Path) -> None:
    folder = workspace_in(tmp_path / "project")
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / EVENTS).write_bytes(scalar("loss", 1, 0.5))
    logs = tmp_path / "logs"
    (logs / "pipe").mkdir(parents=True)
    os.mkfifo(logs / "pipe" / EVENTS)
    (logs / "link").symlink_to(secret)
    (logs / "file").mkdir()
    (logs / "file" / EVENTS).symlink_to(secret / EVENTS)
    (logs / "loop").symlink_to(logs)
    with pytest.raises(NotFound, match="No runs were found"):
        import_runs(folder, logs)
    store = mlflow_store(logs, runs=1)
    run = next(store.glob("*/*/meta.yaml")).parent
    (secret / "token").write_text("hidden")
    (run / "params" / "stolen").symlink_to(secret / "token")
    (run / "artifacts" / "stolen").symlink_to(secret / "token")
    (run / "artifacts" / "all").symlink_to(secret)
    os.mkfifo(run / "params" / "pipe")
    assert import_runs(folder, logs, artifacts=True).created == ["trial-0"]
    task = Workspace(folder)["trial-0"]
    assert "stolen" not in task.config
    assert [path.name for path in task.artifacts()] == ["model.txt"]


def test_linked_folders_of_runs_are_not_read(tmp_path: Path) -> None:
    folder = workspace_in(tmp_path / "project")
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "token").write_text("hidden")
    (secret / "config.yaml").write_text("token: {value: hidden}\n")
    logs = tmp_path / "logs"
    run = next(mlflow_store(logs, runs=1).glob("*/*/meta.yaml")).parent
    shutil.rmtree(run / "params")
    (run / "params").symlink_to(secret)
    offline = logs / "wandb" / "offline-run-20260101_000000-abcdefgh"
    offline.mkdir(parents=True)
    (offline / "files").symlink_to(secret)
    created = import_runs(folder, logs, artifacts=True).created
    assert len(created) == 2
    for name in created:
        assert "hidden" not in Workspace(folder)[name].config_text
        assert Workspace(folder)[name].artifacts() == [] or name.startswith("trial")


def test_artifacts_of_a_database_that_are_elsewhere_are_not_copied(tmp_path: Path) -> None:
    folder = workspace_in(tmp_path / "project")
    (tmp_path / "old").mkdir()
    path = mlflow_database(tmp_path / "old" / "mlflow.db", runs=1)
    for location in ("/etc", "../project", "file:///etc", "s3://bucket/x", *HOSTILE):
        with closing(sqlite3.connect(path)) as database:
            database.execute("UPDATE runs SET artifact_uri = ?", (location,))
            database.commit()
        assert import_runs(folder, path, dry_run=True).runs[0].notices == ()


def test_a_folder_with_the_project_is_not_copied_into_itself(tmp_path: Path) -> None:
    folder = workspace_in(tmp_path / "p")
    path = mlflow_database(tmp_path / "mlflow.db", runs=1)
    for location in HOSTILE:
        with closing(sqlite3.connect(path)) as database:
            database.execute("UPDATE runs SET artifact_uri = ?", (location,))
            database.commit()
        (run,) = import_runs(folder, path, dry_run=True).runs
        assert run.notices == (), location
    (run,) = import_runs(folder, path, artifacts=True).runs
    assert list(Workspace(folder)[run.task].artifacts()) == []


def test_a_damaged_database_does_not_end_the_search(tmp_path: Path) -> None:
    folder = workspace_in(tmp_path / "project")
    store = mlflow_store(tmp_path / "old", runs=1)
    path = mlflow_database(tmp_path / "old" / "mlflow.db", runs=1)
    with closing(sqlite3.connect(path)) as database:
        database.execute("ALTER TABLE runs DROP COLUMN artifact_uri")
    found = import_runs(folder, store.parent)
    assert found.created == ["trial-0"]
    assert "mlflow.db cannot be read: no such column" in found.notices[0]
    path.rename(tmp_path / "mlflow.db")
    shutil.rmtree(store.parent)
    with pytest.raises(NotFound, match="no such column"):
        import_runs(folder, tmp_path)


def test_a_database_with_views_is_not_read(tmp_path: Path) -> None:
    folder = workspace_in(tmp_path / "project")
    (tmp_path / "old").mkdir()
    path = mlflow_database(tmp_path / "old" / "mlflow.db", runs=1)
    with closing(sqlite3.connect(path)) as database:
        database.executescript(
            "DROP TABLE metrics; CREATE VIEW metrics AS WITH RECURSIVE n(x) AS "
            "(SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x AS key FROM n"
        )
    with pytest.raises(InvalidInput, match="not a database of MLflow"):
        import_runs(folder, path)


def test_yaml_that_names_python_objects_is_left_out(tmp_path: Path) -> None:
    folder = workspace_in(tmp_path / "project")
    version = tmp_path / "logs" / "version_0"
    version.mkdir(parents=True)
    (version / EVENTS).write_bytes(scalar("loss", 1, 0.5))
    (version / "hparams.yaml").write_text("lr: !!python/object/apply:os.system ['touch stolen']\n")
    (run,) = import_runs(folder, tmp_path / "logs").runs
    assert run.parameters == {}
    assert "left out" in run.notices[0]
    assert not (tmp_path / "stolen").exists()


def test_values_that_are_too_large_are_left_out(tmp_path: Path) -> None:
    folder = workspace_in(tmp_path / "project")
    multirun = hydra_outputs(tmp_path / "old")
    first = next(multirun.glob("*/0/.hydra/config.yaml"))
    text = "a: &a [x, x, x, x, x, x, x, x]\n" + "".join(
        f"a{number}: &a{number} [*a{number - 1 if number else ''}, *a{number - 1 if number else ''}]\n"
        for number in range(40)
    )
    first.write_text(text)
    os.truncate(next(multirun.glob("*/1/.hydra/config.yaml")), 1 << 33)
    runs = import_runs(folder, multirun).runs
    assert [run.points for run in runs] == [4, 4]
    assert all(run.notices for run in runs)


def test_damaged_metrics_have_a_notice(tmp_path: Path) -> None:
    folder = workspace_in(tmp_path / "project")
    run = tmp_path / "logs" / "run"
    run.mkdir(parents=True)
    (run / EVENTS).write_bytes(scalar("loss", 1, 0.5) + b"\xff" * 1000)
    (found,) = import_runs(folder, tmp_path / "logs").runs
    assert found.points == 1
    assert "not valid" in found.notices[0]
    wandb = tmp_path / "wandb" / "run-20261113_092231-abc"
    wandb.mkdir(parents=True)
    (wandb / "run-abc.wandb").write_bytes(b"\0" * 100)
    (found,) = import_runs(folder, tmp_path / "wandb").runs
    assert found.skipped == "run-abc.wandb is empty or damaged."


def test_what_has_no_runs_is_an_error(tmp_path: Path) -> None:
    folder = workspace_in(tmp_path / "project")
    with pytest.raises(NotFound, match="does not exist"):
        import_runs(folder, tmp_path / "nothing")
    with pytest.raises(InvalidInput, match="_pyruns_"):
        import_runs(folder, folder.folder)
    (tmp_path / "text.db").write_text("x")
    with pytest.raises(InvalidInput, match="not a database"):
        import_runs(folder, tmp_path / "text.db")


def test_the_number_of_runs_is_limited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = workspace_in(tmp_path / "project")
    monkeypatch.setattr(discover, "MAX_RUNS", 2)
    found = import_runs(folder, mlflow_store(tmp_path / "old", runs=4), dry_run=True)
    assert len(found.runs) == 2
    assert "first 2 runs" in found.notices[0]


def test_limits_of_a_run_have_notices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metric_names, "_MAX_KEYS", 3)
    monkeypatch.setattr(lines, "_MAX_COLUMNS", 4)
    folder = workspace_in(tmp_path / "project")
    (tmp_path / "logs").mkdir()
    (tmp_path / "logs" / "hparams.yaml").write_text("lr: 0.1\n")
    for names, expected in (
        ("a,b,c", ()),
        ("a,b,c,d", ("metrics.csv: Only the first 4 columns are read.",)),
    ):
        (tmp_path / "logs" / "metrics.csv").write_text(f"step,{names}\n0,1,2,3,4\n")
        (run,) = import_runs(folder, tmp_path / "logs", dry_run=True).runs
        assert run.metrics == {"step": 1, "a": 1, "b": 1, "c": 1}
        assert tuple(notice.rpartition("/")[2] for notice in run.notices) == expected
    monkeypatch.setattr(lines, "_MAX_COLUMNS", 5)
    (run,) = import_runs(folder, tmp_path / "logs", dry_run=True).runs
    assert run.metrics == {"step": 1, "a": 1, "b": 1, "c": 1}
    assert run.notices == (metric_names.TOO_MANY_KEYS,)


@pytest.mark.parametrize(
    "text", ["", ".", "..", "a\0b", "../../etc", "nul.txt", "a" * 900, "é\ud800", " x ", "a."]
)
def test_names_become_legal(text: str) -> None:
    assert is_task_name(legal_name(text))


def test_parameters_are_the_same_values_when_they_are_read() -> None:
    values = {
        "a | b": "1:5",
        "text": "yes\n# no\t\u2028",
        "nested": {"empty": {}, "list": [1, [True, None], {"x": "off"}], "1e-3": 1e-3},
        "number": "007",
        "inf": float("inf"),
    }
    assert parse_config("".join(mapping_lines(values))) == values
