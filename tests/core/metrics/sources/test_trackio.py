"""The databases of trackio: the schema of trackio 0.43, and damaged ones."""

from __future__ import annotations

import math
import sqlite3
import sys
from contextlib import closing
from pathlib import Path

import pytest

from pyruns_jupyter.core.metrics.sources import trackio
from pyruns_jupyter.core.metrics.sources.base import NotMetrics, SourceError
from pyruns_jupyter.core.metrics.sources.formats import format_of
from pyruns_jupyter.core.metrics.sources.trackio import TrackioDatabase, set_folder

from .support import read_all

# As trackio 0.43.0 creates it; since 0.24 there is a run_id.
SCHEMA = """
CREATE TABLE metrics (id INTEGER PRIMARY KEY AUTOINCREMENT, {run_id} timestamp TEXT NOT NULL,
    run_name TEXT NOT NULL, step INTEGER NOT NULL, metrics TEXT NOT NULL, log_id TEXT, space_id TEXT);
"""


def database(path: Path, *, run_id: bool = True) -> sqlite3.Connection:
    path.parent.mkdir(parents=True, exist_ok=True)
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.executescript(SCHEMA.format(run_id="run_id TEXT NOT NULL DEFAULT 'x'," if run_id else ""))
    return connection


def add(connection: sqlite3.Connection, step: object, metrics: object, run: str = "one") -> None:
    connection.execute(
        "INSERT INTO metrics (timestamp, run_name, step, metrics) VALUES (?, ?, ?, ?)",
        ("2026-11-30T14:45:35.500000+00:00", run, step, metrics),
    )
    connection.commit()
    connection.execute("PRAGMA wal_checkpoint")


@pytest.mark.parametrize("run_id", [True, False])
def test_rows_as_they_are_added(tmp_path: Path, run_id: bool) -> None:
    path = tmp_path / "trackio" / "project.db"
    found = format_of(str(path))
    assert found is not None and found.name == "trackio" and found.is_shared
    with closing(database(path, run_id=run_id)) as connection:
        source = TrackioDatabase(path)
        assert source.read() == []
        add(connection, 0, b'{"loss":1.0,"deep":{"acc":0.5},"odd":"NaN","text":"words","flag":true}')
        names = {each.name for each in path.parent.iterdir()}
        (point,) = read_all(source)
        assert math.isnan(point.values.pop("odd"))
        assert point.values == {"step": 0, "loss": 1.0, "deep/acc": 0.5}
        assert point.time == 1796049935.5
        assert source.read() == []
        add(connection, 1, '{"loss": 0.5}')
        add(connection, 1, '{"loss": 0.75}', run="two")
        assert [point.values for point in read_all(source)] == [
            {"step": 1, "loss": 0.5},
            {"step": 1, "two/loss": 0.75},
        ]
        assert {each.name for each in path.parent.iterdir()} == names


def test_many_rows_and_rows_that_are_not_metrics(tmp_path: Path) -> None:
    path = tmp_path / "project.db"
    with closing(database(path)) as connection:
        for content in (
            "[]",
            "words",
            "[" * 900 + "]" * 900,
            b"\xff",
            '{"a": {"b": ' * 300,
            '{"text": "x"}',
            '{"x": %s}' % ("9" * 5000),
        ):
            add(connection, 0, content)
        add(connection, 0, '{"large": 1, "x": "%s"}' % ("x" * 70_000))
        connection.executemany(
            "INSERT INTO metrics (timestamp, run_name, step, metrics) VALUES ('never', 'one', ?, ?)",
            [(step, f'{{"loss": {step}}}') for step in range(1200)],
        )
        connection.commit()
        connection.execute("PRAGMA wal_checkpoint")
        points = read_all(TrackioDatabase(path))
        assert [point.values["loss"] for point in points] == list(range(1200))
        assert points[0].time is None


@pytest.mark.skipif(sys.version_info < (3, 11), reason="Python 3.10 cannot set the limits of SQLite")
def test_a_value_that_is_too_large_for_memory_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "project.db"
    with closing(database(path)) as connection:
        add(connection, 0, '{"loss": 1}')
        connection.execute(
            "INSERT INTO metrics (timestamp, run_name, step, metrics) "
            "VALUES ('', 'one', 1, zeroblob(50000000))"
        )
        connection.commit()
        connection.execute("PRAGMA wal_checkpoint")
    with pytest.raises((SourceError, NotMetrics)):
        read_all(TrackioDatabase(path))


def test_too_many_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trackio, "_MAX_RUNS", 2)
    path = tmp_path / "project.db"
    with closing(database(path)) as connection:
        source = TrackioDatabase(path)
        for number, notice in enumerate(["", "", "Only the first 2 of its runs are read."]):
            add(connection, 1, '{"loss": 1}', run=f"run-{number}")
            assert len(read_all(source)) == (0 if notice else 1)
            assert source.notice == notice


def test_the_folder_of_a_run(tmp_path: Path) -> None:
    for given, expected in (
        ({}, str(tmp_path / "trackio")),
        ({"TRACKIO_DIR": ""}, str(tmp_path / "trackio")),
        ({"TRACKIO_DIR": "/data"}, "/data"),
        (
            {"TRACKIO_DIR": "/p/A/artifacts/run1/trackio", "PYRUNS_TASK_DIR": "/p/A"},
            str(tmp_path / "trackio"),
        ),
    ):
        set_folder(given, tmp_path)
        assert given["TRACKIO_DIR"] == expected
