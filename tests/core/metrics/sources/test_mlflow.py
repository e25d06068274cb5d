"""The database and the file store of MLflow. Its schema is that of MLflow 3, as far as it is read."""

from __future__ import annotations

import json
import math
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from pyruns_jupyter.core.metrics.sources import mlflow
from pyruns_jupyter.core.metrics.sources.base import NotMetrics, SourceError
from pyruns_jupyter.core.metrics.sources.formats import format_of
from pyruns_jupyter.core.metrics.sources.mlflow import (
    MetricFile,
    MlflowDatabase,
    context_of,
    is_tagged,
    recognizes_files,
)

from .support import read_all

SCHEMA = """
CREATE TABLE runs (run_uuid VARCHAR(32) NOT NULL PRIMARY KEY, name VARCHAR(250), start_time BIGINT);
CREATE TABLE tags (key VARCHAR(250), value VARCHAR(8000), run_uuid VARCHAR(32), PRIMARY KEY (key, run_uuid));
CREATE TABLE metrics (key VARCHAR(250), value FLOAT NOT NULL, timestamp BIGINT, run_uuid VARCHAR(32),
    step BIGINT DEFAULT 0, is_nan BOOLEAN DEFAULT 0,
    PRIMARY KEY (key, timestamp, step, run_uuid, value, is_nan));
"""


def database(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path)
    connection.executescript(SCHEMA)
    for number, attempt in enumerate(("mine", "other", "mine")):
        run = f"{number:032x}"
        connection.execute("INSERT INTO runs VALUES (?, ?, ?)", (run, f"name-{number}", number))
        connection.execute("INSERT INTO tags VALUES ('pyruns.attempt', ?, ?)", (attempt, run))
    connection.commit()
    return connection


def add(connection: sqlite3.Connection, run: int, key: str, value: float, step: int, is_nan: int = 0) -> None:
    connection.execute(
        "INSERT INTO metrics VALUES (?, ?, ?, ?, ?, ?)",
        (key, value, 1_700_000_000_500 + step, f"{run:032x}", step, is_nan),
    )
    connection.commit()


def test_only_the_runs_of_the_task_are_read(tmp_path: Path) -> None:
    path = tmp_path / "mlflow.db"
    with closing(database(path)) as connection:
        before = path.read_bytes()
        source = MlflowDatabase(path, 0, "mine")
        assert source.read() == []
        add(connection, 0, "loss", 0.5, 1)
        add(connection, 0, "acc", 0.25, 1)
        add(connection, 1, "loss", 9.0, 1)
        add(connection, 2, "loss", 0.75, 1)
        points = read_all(source)
        assert [point.values for point in points] == [
            {"step": 1, "loss": 0.5, "acc": 0.25},
            {"step": 1, "name-2/loss": 0.75},
        ]
        assert points[0].time == 1_700_000_000.501
        assert source.read() == []
        add(connection, 0, "loss", 0.0, 2, is_nan=1)
        (point,) = read_all(source)
        assert math.isnan(point.values["loss"])
        assert {each.name for each in tmp_path.iterdir()} == {"mlflow.db"}
        assert path.read_bytes() != before


def test_many_rows(tmp_path: Path) -> None:
    path = tmp_path / "mlflow.db"
    with closing(database(path)) as connection:
        rows = [("loss", step / 2, step, f"{0:032x}", step, 0) for step in range(5000)]
        connection.executemany("INSERT INTO metrics VALUES (?, ?, ?, ?, ?, ?)", rows)
        connection.commit()
        points = read_all(MlflowDatabase(path, 0, "mine"))
        assert [point.values["loss"] for point in points] == [step / 2 for step in range(5000)]


def test_a_locked_database_is_read_later(tmp_path: Path) -> None:
    path = tmp_path / "mlflow.db"
    with closing(database(path)) as connection:
        add(connection, 0, "loss", 0.5, 1)
        connection.execute("BEGIN EXCLUSIVE")
        source = MlflowDatabase(path, 0, "mine")
        assert (source.read(), source.waits) == ([], False)  # it is not known whether it is one of MLflow
        connection.execute("ROLLBACK")
        assert len(source.read()) == 1
        add(connection, 0, "loss", 0.25, 2)
        connection.execute("BEGIN EXCLUSIVE")
        assert (source.read(), source.waits) == ([], True)
        connection.execute("ROLLBACK")
        assert (len(source.read()), source.waits) == (1, False)


def test_databases_that_are_not_of_mlflow(tmp_path: Path) -> None:
    path = tmp_path / "x.db"
    path.write_bytes(b"")
    source = MlflowDatabase(path, 0, "mine")
    assert source.read() == []  # it is being created
    path.write_bytes(b"words" * 1000)
    with pytest.raises(NotMetrics):
        source.read()
    path.unlink()
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(
            "CREATE TABLE metrics (a); CREATE VIEW tags AS SELECT 1; CREATE TABLE runs (a)"
        )
    assert MlflowDatabase(path, 0, "mine").read() == []
    damaged = bytearray(path.read_bytes())
    damaged[100:3000] = b"\xff" * 2900
    path.write_bytes(damaged)
    with pytest.raises((NotMetrics, SourceError)):
        MlflowDatabase(path, 0, "mine").read()


def test_the_file_store(tmp_path: Path) -> None:
    run = tmp_path / "mlruns" / "0" / ("a" * 32)
    path = run / "metrics" / "train" / "loss"
    path.parent.mkdir(parents=True)
    path.write_text("1700000000500 0.5 1\n1700000000600 nan 2\nwords\n1700000000700 0.25")
    assert recognizes_files(str(path))
    found = format_of(str(path))
    assert found is not None and found.name == "MLflow"
    assert not recognizes_files(str(tmp_path / "metrics" / "loss"))
    assert not is_tagged(str(path), "mine")
    (run / "tags").mkdir()
    (run / "tags" / "pyruns.attempt").write_text("mine")
    assert is_tagged(str(path), "mine")
    assert not is_tagged(str(path), "other")
    first, second = read_all(MetricFile(path))
    assert first == (1700000000.5, {"train/loss": 0.5, "step": 1})
    assert math.isnan(second.values["train/loss"])


def test_the_tags_of_the_user_are_kept() -> None:
    ours = context_of({}, "a1")
    assert json.loads(ours) == {"pyruns.attempt": "a1"}
    assert json.loads(context_of({"MLFLOW_RUN_CONTEXT": ours}, "a2")) == {"pyruns.attempt": "a2"}
    assert context_of({"MLFLOW_RUN_CONTEXT": '{"team": "x"}'}, "a2") == '{"team": "x"}'


def test_a_metric_whose_name_has_the_name_of_the_folder(tmp_path: Path) -> None:
    run = tmp_path / "mlruns" / "0" / ("a" * 32)
    (run / "tags").mkdir(parents=True)
    (run / "tags" / "pyruns.attempt").write_text("mine")
    assert is_tagged(f"{run}/metrics/train/metrics/loss", "mine")


def test_a_name_that_is_too_long_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "mlflow.db"
    with closing(database(path)) as connection:
        add(connection, 0, "x" * 900_000, 0.5, 1)
        add(connection, 0, "loss", 0.5, 1)
        assert [point.values for point in read_all(MlflowDatabase(path, 0, "mine"))] == [
            {"step": 1, "loss": 0.5}
        ]


def test_runs_of_the_same_name(tmp_path: Path) -> None:
    """As a script starts them in a loop: each has metrics of its own."""
    path = tmp_path / "mlflow.db"
    with closing(database(path)) as connection:
        connection.execute("UPDATE runs SET name = 'fold'")
        for number in (3, 4):
            run = f"{number}{0:031x}"
            connection.execute("INSERT INTO runs VALUES (?, 'fold', ?)", (run, number))
            connection.execute("INSERT INTO tags VALUES ('pyruns.attempt', 'mine', ?)", (run,))
            connection.execute("INSERT INTO metrics VALUES ('loss', ?, 0, ?, 1, 0)", (number, run))
        add(connection, 0, "loss", 0, 1)
        add(connection, 2, "loss", 2, 1)
        points = read_all(MlflowDatabase(path, 0, "mine"))
        assert sorted((*point.values, *point.values.values()) for point in points) == [
            ("step", "fold/loss", 1, 2),
            ("step", "fold_30000000/loss", 1, 3),
            ("step", "fold_40000000/loss", 1, 4),
            ("step", "loss", 1, 0),
        ]


def test_infinite_values(tmp_path: Path) -> None:
    """MLflow stores the largest number instead."""
    path = tmp_path / "mlflow.db"
    with closing(database(path)) as connection:
        for step, value in enumerate((1.7976931348623157e308, -1.7976931348623157e308, 1e300)):
            add(connection, 0, "loss", value, step)
        points = read_all(MlflowDatabase(path, 0, "mine"))
        assert [point.values["loss"] for point in points] == [math.inf, -math.inf, 1e300]


def test_too_many_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "mlflow.db"
    with closing(database(path)) as connection:
        add(connection, 0, "loss", 0, 1)
        add(connection, 2, "loss", 2, 1)
        for limit, count, notice in ((2, 2, ""), (1, 1, "Only the first 1 of its runs are read.")):
            monkeypatch.setattr(mlflow, "_MAX_RUNS", limit)
            source = MlflowDatabase(path, 0, "mine")
            assert len(read_all(source)) == count
            assert source.notice == notice
