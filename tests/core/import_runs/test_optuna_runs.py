"""Trials in storages that Optuna itself wrote become tasks; damaged and hostile storages do no harm."""

from __future__ import annotations

import json
import math
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.storages import BaseStorage, JournalStorage
from optuna.storages.journal import JournalFileBackend
from optuna.trial import TrialState

from pyruns_jupyter import Workspace
from pyruns_jupyter.core.common.errors import InvalidInput, NotFound
from pyruns_jupyter.core.import_runs import optuna_database, optuna_journal, optuna_trials
from pyruns_jupyter.core.import_runs.importing import ImportedRun, import_runs
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
from tests.core.import_runs.support import optuna_storage, state_of, workspace_in

optuna.logging.set_verbosity(optuna.logging.ERROR)
pytestmark = pytest.mark.filterwarnings("ignore:Choices for a categorical")
SIZES: Any = [[16, 8], [32]]  # Optuna warns about choices that are lists, but stores them
OpenStorage = Callable[[Path], BaseStorage]


def journal(path: Path) -> BaseStorage:
    return JournalStorage(JournalFileBackend(str(path)))


STORAGES = pytest.mark.parametrize(
    ("name", "open_storage"),
    [("journal.log", journal), ("study.db", optuna_storage)],
    ids=["journal", "database"],
)


def objective(trial: optuna.Trial) -> float:
    lr = trial.suggest_float("opt.lr", 1e-4, 1e-1, log=True)
    trial.suggest_int("layers", 1, 4)
    trial.suggest_categorical("name", ["adam", "sgd", None, True])
    trial.suggest_categorical("sizes", SIZES)
    trial.set_user_attr("accuracy", 0.5 + trial.number)
    trial.set_user_attr("host", "node-1")
    trial.set_user_attr("shape", {"a": [1, 2]})
    for step in (0, 5, 10):
        trial.report(math.nan if step == 5 else lr * (step + 1), step)
    if trial.number == 1:
        raise optuna.TrialPruned
    if trial.number == 2:
        raise ValueError("diverged")
    return math.inf if trial.number == 3 else lr


def optimized(storage: BaseStorage) -> optuna.Study:
    study = optuna.create_study(storage=storage, study_name="digits")
    study.optimize(objective, n_trials=4, catch=ValueError)
    study.ask()
    study.enqueue_trial({"layers": 2})
    return study


def imported(folder: WorkspaceFolder, path: Path) -> dict[str, ImportedRun]:
    """The runs by the name of their task, after a dry run that said the same and changed nothing."""
    top = path if path.is_dir() else path.parent
    before, project = state_of(top), state_of(folder.project)
    dry = import_runs(folder, path, dry_run=True)
    assert state_of(folder.project) == project
    done = import_runs(folder, path)
    assert dry == done
    assert state_of(top) == before
    return {run.task or run.name: run for run in done.runs}


@pytest.fixture
def old(tmp_path: Path) -> Path:
    (tmp_path / "old").mkdir()
    return tmp_path / "old"


@STORAGES
def test_trials(
    tmp_path: Path, old: Path, monkeypatch: pytest.MonkeyPatch, name: str, open_storage: OpenStorage
) -> None:
    for module in (optuna_trials, optuna_database):
        monkeypatch.setattr(module, "SLICE", 2)  # of three values
    study = optimized(open_storage(old / name))
    trials = study.get_trials()
    ws = Workspace(workspace_in(tmp_path / "project"))
    runs = imported(ws.folder, old / name)
    assert [(key, run.status, bool(run.skipped)) for key, run in runs.items() if not run.skipped] == [
        ("digits_0", "completed", False),
        ("digits_1", "cancelled", False),
        ("digits_2", "failed", False),
        ("digits_3", "completed", False),
    ]
    assert "running" in runs["digits_4"].skipped
    assert "waiting" in runs["digits_5"].skipped
    for number in range(4):
        task, trial = ws[f"digits_{number}"], trials[number]
        assert task.config == trial.params
        assert type(task.config["layers"]) is int
        tracks = task.tracks()
        assert tracks["step"] == [0, 5, 10]
        assert tracks["intermediate_value"] == pytest.approx(
            [trial.intermediate_values[step] for step in (0, 5, 10)], nan_ok=True
        )
        assert task.notes == 'shape: {"a": [1, 2]}'
        assert task.tags == ("digits",)
        assert trial.datetime_start is not None
        assert trial.datetime_complete is not None
        run = task.runs[0]
        assert run.started_at == pytest.approx(trial.datetime_start.timestamp(), abs=1e-5)
        assert run.finished_at == pytest.approx(trial.datetime_complete.timestamp(), abs=1e-5)
    records = {"accuracy": 0.5, "host": "node-1", "value": trials[0].value}
    assert ws["digits_0"].records() == records
    assert str(ws["digits_3"].records()["value"]) == "inf"
    assert ws["digits_1"].row.message == "Optuna pruned this trial."
    assert [row.name for row in ws.table("status:completed value<0.2 accuracy<1").rows] == ["digits_0"]
    again = import_runs(ws.folder, old / name)
    assert again.created == []
    assert again.runs[0].skipped == "It was imported as digits_0."


@STORAGES
def test_objectives_of_a_study(tmp_path: Path, old: Path, name: str, open_storage: OpenStorage) -> None:
    storage = open_storage(old / name)
    for study_name, names in (("plain", None), ("named", ["loss", "time"])):
        study = optuna.create_study(
            storage=storage, study_name=study_name, directions=["minimize", "maximize"]
        )
        if names is not None:
            with pytest.warns(optuna.exceptions.ExperimentalWarning):
                study.set_metric_names(names)
        study.optimize(lambda trial: (trial.suggest_float("x", 0, 1), 2.5), n_trials=1)
    ws = Workspace(workspace_in(tmp_path / "project"))
    runs = imported(ws.folder, old)  # found in the folder
    assert list(runs) == ["plain_0", "named_0"]
    x = ws["plain_0"].config["x"]
    assert ws["plain_0"].records() == {"values_0": x, "values_1": 2.5}
    assert ws["named_0"].records() == {"loss": ws["named_0"].config["x"], "time": 2.5}


@STORAGES
def test_trials_that_were_added_as_they_are(
    tmp_path: Path, old: Path, name: str, open_storage: OpenStorage
) -> None:
    study = optuna.create_study(storage=open_storage(old / name), study_name="copy")
    for state, value in ((TrialState.COMPLETE, 2.0), (TrialState.PRUNED, 0.5), (TrialState.FAIL, None)):
        study.add_trial(
            optuna.trial.create_trial(
                state=state,
                value=value,
                params={"x": 3},
                distributions={"x": optuna.distributions.IntDistribution(1, 5)},
                user_attrs={"value": "mine", "text": "x" * 2000},
                intermediate_values={7: 0.25, 2: 0.5},
            )
        )
    ws = Workspace(workspace_in(tmp_path / "project"))
    runs = imported(ws.folder, old / name)
    assert [run.status for run in runs.values()] == ["completed", "cancelled", "failed"]
    assert ws["copy_0"].config == {"x": 3}
    assert ws["copy_0"].records()["value"] == 2.0
    assert ws["copy_0"].tracks()["intermediate_value"] == [0.5, 0.25]
    assert "value: mine" in ws["copy_0"].notes
    assert "x" * 2000 in ws["copy_0"].notes


@STORAGES
def test_a_trial_that_never_ended(
    tmp_path: Path, old: Path, monkeypatch: pytest.MonkeyPatch, name: str, open_storage: OpenStorage
) -> None:
    optuna.create_study(storage=open_storage(old / name), study_name="s").ask()
    folder = workspace_in(tmp_path / "project")
    (run,) = import_runs(folder, old / name, dry_run=True).runs
    assert "not ended" in run.skipped
    monkeypatch.setattr(optuna_trials, "STALE_SECONDS", -1.0)
    (run,) = import_runs(folder, old / name).runs
    assert run.status == "failed"
    assert Workspace(folder)["s_0"].row.message == "Optuna did not record the end of this trial."


@STORAGES
def test_a_copied_storage_has_the_same_trials(
    tmp_path: Path, old: Path, name: str, open_storage: OpenStorage
) -> None:
    study = optimized(open_storage(old / name))
    folder = workspace_in(tmp_path / "project")
    assert len(import_runs(folder, old / name).created) == 4
    copy = tmp_path / "copy"
    copy.mkdir()
    (copy / name).write_bytes((old / name).read_bytes())
    assert import_runs(folder, copy).created == []
    optuna.delete_study(study_name="digits", storage=study._storage)
    optimized(study._storage)
    assert len(import_runs(folder, old / name).created) == 4  # another study of this name


def test_a_url_of_a_database(tmp_path: Path, old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    optimized(optuna_storage(old / "study.db"))
    ws = Workspace(workspace_in(tmp_path / "project"))
    monkeypatch.chdir(old)
    for url in ("sqlite:///study.db", f"sqlite:///{old}/study.db"):
        assert len(ws.import_runs(url, dry_run=True).created) == 4
    with pytest.raises(InvalidInput, match="URL of a server"):
        ws.import_runs("postgresql://user@host/optuna")


def test_times_of_older_versions_are_local(
    tmp_path: Path, old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = old / "study.db"
    trial = optimized(optuna_storage(path)).get_trials()[0]
    assert trial.datetime_start is not None
    stored = trial.datetime_start.timestamp()
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        folder = workspace_in(tmp_path / "project")
        started = import_runs(folder, path, dry_run=True).runs[2].started
        assert started == pytest.approx(stored, abs=1e-3)
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("UPDATE version_info SET library_version = '4.6.0'")
            connection.commit()
        started = import_runs(folder, path, dry_run=True).runs[2].started
        assert started == pytest.approx(stored - 9 * 3600, abs=1e-3)
    finally:
        monkeypatch.undo()
        time.tzset()


def test_a_journal_that_is_damaged(tmp_path: Path, old: Path) -> None:
    path = old / "journal.log"
    optimized(journal(path))
    lines = path.read_bytes().splitlines(keepends=True)
    ends = [number for number, line in enumerate(lines) if b'"op_code":6' in line]
    folder = workspace_in(tmp_path / "project")
    for damage in (b"\xff\0\n", b"{}\n", b'{"op_code":99}\n', b'{"op_code":5}\n', b"[" * 90_000 + b"\n"):
        path.write_bytes(b"".join([*lines[: ends[1] + 1], damage, *lines[ends[1] + 2 :]]))
        found = import_runs(folder, path, dry_run=True)
        assert found.created == ["digits_0", "digits_1"]
        (notice,) = found.notices
        assert f"Line {ends[1] + 2:,} of journal.log is not valid" in notice
    path.write_bytes(b"".join(lines)[:-3])
    found = import_runs(folder, path, dry_run=True)
    assert len(found.created) == 4
    assert found.notices == ["The last line of journal.log is not complete and is left out."]


def hostile(**changes: Any) -> Iterator[bytes]:
    trial = {"op_code": 4, "study_id": 0, "datetime_start": None, "state": 1, "value": 1.0}
    for line in ({"op_code": 0, "study_name": "../../s\0", "directions": [1]}, {**trial, **changes}):
        yield json.dumps(line).encode() + b"\n"


@pytest.mark.parametrize(
    "changes",
    [
        {"state": 77},
        {"state": "COMPLETE"},
        {"study_id": True},
        {"study_id": [1]},
        {"datetime_start": "yesterday"},
        {"values": 7},
        {"params": {"x": 1}},
        {"params": [1], "distributions": {}},
        {"intermediate_values": {"1": "a"}},
        {"intermediate_values": {"9" * 40: 1.0}},
        {"intermediate_values": {"x": 1.0}},
        {"user_attrs": 3},
    ],
)
def test_operations_that_are_not_valid(tmp_path: Path, old: Path, changes: dict[str, Any]) -> None:
    (old / "journal.log").write_bytes(b"".join(hostile(**changes)))
    folder = workspace_in(tmp_path / "project")
    with pytest.raises(NotFound, match=r"No runs were found .* Line 2 of journal.log is not valid"):
        import_runs(folder, old / "journal.log")


def test_facts_that_are_not_valid_are_left_out(tmp_path: Path, old: Path) -> None:
    choices = json.dumps({"name": "CategoricalDistribution", "attributes": {"choices": ["a"]}})
    number = json.dumps({"name": "FloatDistribution", "attributes": {}})
    parameters = {"ok": 0, "far": 9, "word": "x", "nan": math.nan, "odd": 1, "long": 1, "true": True}
    distributions = dict.fromkeys(parameters, number) | {"ok": choices, "far": choices, "odd": "["}
    changes = {
        "params": parameters,
        "distributions": {**distributions, "long": " " * 100_000 + number},
        "values": [1.0, "two", None],
        "datetime_start": "9999-12-31T23:59:59-23:59",
        "user_attrs": {"deep": json.loads("[" * 500 + "]" * 500), "n\0": "\ud800", "": 1, "k" * 2000: 2},
    }
    (old / "journal.log").write_bytes(b"".join(hostile(**changes)))
    ws = Workspace(workspace_in(tmp_path / "project"))
    (run,) = import_runs(ws.folder, old / "journal.log").runs
    assert ws[run.task].config == {"ok": "a"}
    assert len(run.notices) == 6
    assert ws[run.task].records()["values_0"] == 1.0
    assert len(ws.table("").rows) == 1


def test_limits(tmp_path: Path, old: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module, name, value in (
        (optuna_journal, "MAX_TRIALS", 3),
        (optuna_journal, "MAX_REPORTED", 4),
        (optuna_trials, "MAX_NESTED", 3),
        (optuna_trials, "MAX_PARAMETERS", 4),
    ):
        monkeypatch.setattr(module, name, value)
    optimized(journal(old / "journal.log"))
    found = import_runs(workspace_in(tmp_path / "project"), old, dry_run=True)
    assert [run.points for run in found.runs] == [3, 1, 0]
    assert found.notices == ["Only the first 3 trials of journal.log are used."]
    assert "Attributes after the first ones" not in str(found.runs)
    assert "'sizes' is left out: there are too many lists" in str([run.notices for run in found.runs])


def test_trials_of_deleted_studies_are_forgotten(tmp_path: Path, old: Path) -> None:
    create, trial = hostile()
    delete = b'{"op_code": 1, "study_id": 0}\n'
    (old / "journal.log").write_bytes(
        create + trial * 1000 + delete + create + trial.replace(b": 0,", b": 1,")
    )
    runs, _ = optuna_journal.found_in_journal(old / "journal.log")
    assert len(runs) == 1
    read = optuna_journal._Journal(old / "journal.log")
    read.read(None)
    assert len(read._trials) == 1


def test_a_database_with_repeated_trials(tmp_path: Path, old: Path) -> None:
    path = old / "study.db"
    optimized(optuna_storage(path))
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(
            "CREATE TABLE again AS SELECT * FROM trials; DROP TABLE trials; "
            "CREATE TABLE trials AS SELECT * FROM again UNION ALL SELECT * FROM again; DROP TABLE again"
        )
    found = import_runs(workspace_in(tmp_path / "project"), path, dry_run=True)
    assert len(found.created) == 4 and len(found.runs) == 6  # two have not ended


def test_a_database_with_views_or_old_tables(tmp_path: Path, old: Path) -> None:
    path = old / "study.db"
    optimized(optuna_storage(path))
    folder = workspace_in(tmp_path / "project")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("ALTER TABLE trial_values DROP COLUMN value_type")
    with pytest.raises(InvalidInput, match="optuna storage upgrade"):
        import_runs(folder, path)
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(
            "DROP TABLE trial_params; CREATE VIEW trial_params AS WITH RECURSIVE n(x) AS "
            "(SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x AS trial_id FROM n"
        )
    with pytest.raises(InvalidInput, match="not a database of MLflow or Optuna"):
        import_runs(folder, path)


def test_values_of_a_database_that_are_not_valid(tmp_path: Path, old: Path) -> None:
    path = old / "study.db"
    optimized(optuna_storage(path))
    with closing(sqlite3.connect(path)) as connection:
        for change in (
            "trial_params SET param_value = 'x' WHERE param_name = 'layers'",
            "trial_params SET distribution_json = zeroblob(1000) WHERE param_name = 'opt.lr'",
            "trial_params SET distribution_json = hex(zeroblob(100000)) WHERE param_name = 'sizes'",
            "trial_user_attributes SET value_json = hex(zeroblob(100000)) WHERE key = 'shape'",
            "trial_intermediate_values SET intermediate_value = 'x' WHERE step = 0",
            "trial_values SET value = 'x'",
            "trials SET datetime_start = 'x', datetime_complete = 1e300",
        ):
            connection.execute(f"UPDATE {change}")
        connection.commit()
    ws = Workspace(workspace_in(tmp_path / "project"))
    runs = [run for run in import_runs(ws.folder, path).runs if not run.skipped]
    assert [list(run.parameters) for run in runs] == [["name"]] * 4
    assert [len(run.notices) for run in runs] == [4] * 4
    assert ws["digits_0"].tracks()["step"] == [5, 10]
    assert ws["digits_0"].records() == {"accuracy": 0.5, "host": "node-1"}
