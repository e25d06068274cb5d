"""Which points of the files of a run are read, above all at its end, and what is said about the rest."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from pyruns_jupyter.core.metrics.sources import metric_names, sqlite
from pyruns_jupyter.core.metrics.sources.base import Point
from pyruns_jupyter.core.metrics.sources.facts import facts_of
from pyruns_jupyter.core.metrics.sources.mlflow import MlflowDatabase
from pyruns_jupyter.engine.queue.jobs import Job
from pyruns_jupyter.engine.run import metric_import
from pyruns_jupyter.engine.run.metric_files import MetricFile, MetricFiles
from pyruns_jupyter.engine.run.metric_import import MetricImport
from tests.core.metrics.sources.test_mlflow import SCHEMA
from tests.engine.support import Project
from tests.engine.test_metric_sources import HEAD, metrics_of, wait_for_metric
from tests.support import wait_until

if TYPE_CHECKING:
    from tests.engine.conftest import MakeProject

RUN = "0" * 32


def importer(project: Project) -> MetricImport:
    """The import of the metrics of task A, in this process."""
    log = project.paths("A").log(1)
    log.parent.mkdir()
    log.touch()
    job = Job(project.root, "job", "A", "mine", "batch", {}, "")
    return MetricImport(job, lambda: project.paths("A"), 1, str(project.folder))


def mlflow_database(path: Path, attempt: str) -> sqlite3.Connection:
    connection = sqlite3.connect(path, isolation_level=None)
    connection.executescript(SCHEMA)
    connection.execute("INSERT INTO runs VALUES (?, 'name', 1)", (RUN,))
    connection.execute("INSERT INTO tags VALUES ('pyruns.attempt', ?, ?)", (attempt, RUN))
    return connection


def add(connection: sqlite3.Connection, step: int) -> None:
    connection.execute("INSERT INTO metrics VALUES ('loss', ?, 0, ?, ?, 0)", (step, RUN, step))


def test_two_files_in_a_folder_have_curves_of_their_own(make_project: MakeProject) -> None:
    project = make_project(
        HEAD
        + """
for path, value in (("train.csv", 1), ("val.csv", 2)):
    Path(path).write_text(f"step,loss\\n1,{value}\\n2,{value}\\n")
"""
    )
    project.task("A")
    project.submit("A")
    assert project.wait("A") == ["completed"]
    tracks, messages = metrics_of(project, "A")
    assert (tracks["loss"], tracks["val/loss"], messages) == ([1, 1], [2, 2], [])


def test_a_file_that_is_removed_and_written_anew(make_project: MakeProject) -> None:
    """As a script does for each fold; while the file is missing, that is said."""
    project = make_project(
        HEAD
        + """
path = Path("metrics.csv")
path.write_text("step,loss\\n1,0.5\\n2,0.25\\n")
wait_for("go.1")
path.unlink()
wait_for("go.2")
path.write_text("step,loss\\n1,0.75\\n")
"""
    )
    project.task("A")
    project.submit("A")
    wait_for_metric(project, "A", "loss", 2)
    (project.folder / "go.1").touch()
    wait_until(
        lambda: any("no longer exists" in message for message in metrics_of(project, "A")[1]),
        message=lambda: str(metrics_of(project, "A")),
    )
    (project.folder / "go.2").touch()
    assert project.wait("A") == ["completed"]
    tracks, messages = metrics_of(project, "A")
    assert (tracks["loss"], messages) == ([0.5, 0.25, 0.75], [])


def test_the_last_object_without_a_line_break(make_project: MakeProject) -> None:
    project = make_project(
        HEAD
        + """
Path("log.jsonl").write_text("\\n".join(json.dumps({"step": step, "loss": step / 4}) for step in range(3)))
"""
    )
    project.task("A")
    project.submit("A")
    assert project.wait("A") == ["completed"]
    assert metrics_of(project, "A") == ({"step": [0, 1, 2], "loss": [0, 0.25, 0.5]}, [])


def test_a_database_that_is_locked_when_the_run_ends(make_project: MakeProject) -> None:
    """The end of the run waits for another program that writes to it."""
    project = make_project(
        HEAD
        + """
Path("attempt").write_text(json.loads(os.environ["MLFLOW_RUN_CONTEXT"])["pyruns.attempt"])
wait_for("go")
"""
    )
    project.task("A")
    project.submit("A")
    path = project.folder / "attempt"
    attempt = wait_until(lambda: path.read_text() if path.exists() else "")
    with closing(mlflow_database(project.folder / "mlflow.db", attempt)) as connection:
        add(connection, 1)
        wait_for_metric(project, "A", "loss", 1)
        pid = project.pid("A")
        add(connection, 2)
        connection.execute("BEGIN EXCLUSIVE")
        (project.folder / "go").touch()
        wait_until(lambda: not psutil.pid_exists(pid), message="the script has ended")
        time.sleep(1)  # so that the supervisor most likely tries to read it meanwhile
        connection.execute("COMMIT")
    assert project.wait("A") == ["completed"]
    tracks, messages = metrics_of(project, "A")
    assert (tracks["loss"], messages) == ([1, 2], [])


@pytest.mark.parametrize("is_released", [True, False])
def test_a_database_that_stays_locked(
    make_project: MakeProject, monkeypatch: pytest.MonkeyPatch, is_released: bool
) -> None:
    """It is tried again for some time; then it is said that a part of it is missing."""
    monkeypatch.setattr(metric_import, "_WAIT_SECONDS", 60.0 if is_released else 0.1)
    monkeypatch.setattr(sqlite, "_LAST_SECONDS", 0.1)
    read, reads = MlflowDatabase.read, []

    def counted(source: MlflowDatabase) -> list[Point]:
        points = read(source)
        if source.has_ended:
            reads.append(points)
            if is_released and len(reads) == 3:
                connection.execute("ROLLBACK")
        return points

    monkeypatch.setattr(MlflowDatabase, "read", counted)
    project = make_project("")
    project.task("A")
    imported = importer(project)
    with closing(mlflow_database(project.folder / "mlflow.db", "mine")) as connection:
        add(connection, 1)
        now = time.monotonic()
        for _ in range(100):
            now += 1
            imported.beat(now)
            if facts_of(project.info("A"), 1):
                break
        add(connection, 2)
        connection.execute("BEGIN EXCLUSIVE")
        imported.finish(None)
    if is_released:
        assert imported.messages() == []
        assert facts_of(project.info("A"), 1)[0]["points"] == 2
        return
    (message,) = imported.messages()
    assert message.startswith("Metrics of mlflow.db (MLflow database): ")
    assert message.endswith("The run ended before the file was read completely.")
    assert facts_of(project.info("A"), 1)[0]["points"] == 1


def test_messages_are_stored_first(make_project: MakeProject) -> None:
    """The task file stores a limited number of files."""
    project = make_project(
        HEAD
        + """
for number in range(60):
    Path(f"{number}.csv").write_text(f"step,m{number}\\n1,1\\n")
Path("z.csv").write_text("step,loss\\n1,1\\n" + "9" * 100_000)
"""
    )
    project.task("A")
    project.submit("A")
    assert project.wait("A") == ["completed"]
    tracks, (message,) = metrics_of(project, "A")
    assert len(tracks) == 62
    assert message.startswith("z.csv (CSV): It has a line of more than 64 KiB")
    facts = facts_of(project.info("A"), 1)
    assert len(facts) == 50
    assert "message" in facts[0]


def test_limits_of_a_run_are_said(make_project: MakeProject, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metric_import, "MAX_SOURCES", 3)  # one of them is the log
    monkeypatch.setattr(metric_names, "_MAX_KEYS", 2)
    project = make_project("")
    project.task("A")
    imported = importer(project)
    for number in range(4):
        (project.folder / f"{number}.csv").write_text(f"step,a{number},b{number}\n1,1,1\n")
    imported.finish(None)
    assert sorted(imported.messages()) == [
        "Metrics of 1.csv (CSV): The run has more than 10,000 metrics, so further ones are not read.",
        f"Metrics of 2.csv (CSV): {metric_names.TOO_MANY_SOURCES}",
    ]
    assert "more than 1,000 metric files" in metric_names.TOO_MANY_SOURCES
    journal = project.paths("A").journal(1).read_text().splitlines()
    assert [json.loads(line)["track"] for line in journal] == [{"step": 1, "a0": 1, "b0": 1}]


def test_a_slow_search_is_repeated_less_often_but_soon_enough(
    make_project: MakeProject, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that is open only for a moment must not be missed because one search took long."""
    project = make_project("")
    project.task("A")
    imported = importer(project)
    used, searches = 0.0, list[str]()

    def search(name: str) -> Callable[..., list[MetricFile]]:
        def found(*arguments: object) -> list[MetricFile]:
            nonlocal used
            searches.append(name)
            used += 1.0  # of processor time
            return []

        return found

    monkeypatch.setattr(MetricFiles, "open_files", search("open"))
    monkeypatch.setattr(MetricFiles, "new_files", search("new"))
    monkeypatch.setattr(time, "thread_time", lambda: used)
    now = time.monotonic() + 10
    imported.beat(now)
    imported.beat(now + 9)
    assert searches == ["open", "new"]
    imported.beat(now + 11)
    assert searches == ["open", "new"] * 2
    imported.finish(None)
