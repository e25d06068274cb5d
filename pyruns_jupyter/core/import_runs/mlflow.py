"""Runs of MLflow: in its file store (`mlruns/EXPERIMENT/RUN`), or in an SQLite database (`mlflow.db`)."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from pyruns_jupyter.core.common.errors import InvalidInput, Unreadable
from pyruns_jupyter.core.config.yamltext.values import plain_value
from pyruns_jupyter.core.fs.list_files import files_below
from pyruns_jupyter.core.fs.text_files import read_text
from pyruns_jupyter.core.metrics.database import Database, opened_database
from pyruns_jupyter.core.metrics.sources import mlflow
from pyruns_jupyter.core.metrics.sources.base import Point, Source, SourceError
from pyruns_jupyter.core.metrics.sources.formats import FORMATS, Format
from pyruns_jupyter.core.taskfile.paths import ROOT_NAME
from pyruns_jupyter.core.taskfile.runs import CANCELLED, COMPLETED, FAILED

from .found_run import MAX_PARAMETERS, STALE_SECONDS, FoundRun, RunSource
from .sqlite_runs import QUERY_SECONDS, add_log_notice, database_errors, has_tables

PROGRAM = "MLflow"
_RUN_ID = re.compile(r"[0-9a-f]{32}")
_META, _METRICS, _PARAMS, _TAGS, _ARTIFACTS = "meta.yaml", "metrics", "params", "tags", "artifacts"
_TABLES = ("experiments", "runs", "metrics", "params", "tags")
_NAME_TAG, _NOTE_TAG = "mlflow.runName", "mlflow.note.content"
_DEFAULT = "Default"  # MLflow's own experiment
# The numbers of the file store, and the names of the database.
_STATUSES = {3: COMPLETED, 4: FAILED, 5: CANCELLED}
_STATUS_NAMES = {"FINISHED": COMPLETED, "FAILED": FAILED, "KILLED": CANCELLED}
_MAX_RUNS = 10_000
_MAX_FILES = 5000  # of the metrics, parameters and tags of a run
_MAX_VALUE = 8000  # characters; MLflow's own limit
_MAX_NAME = 4096  # characters of a name or an address
_MAX_MS = 1e14  # of a time; a larger one is not valid


def is_run(folder: Path, folders: list[str], files: list[str]) -> bool:
    """Return whether a folder is a run in a file store."""
    has_parts = not {_METRICS, _PARAMS, _TAGS}.isdisjoint(folders)
    return _META in files and has_parts and _RUN_ID.fullmatch(folder.name) is not None


def is_database(path: Path) -> bool:
    """Return whether a file is a database of MLflow."""
    return has_tables(path, _TABLES)


def found_run(folder: Path) -> FoundRun:
    """Return the run in a folder of a file store."""
    file_format = _format(mlflow.FILES_FORMAT)

    def opened() -> list[RunSource]:
        return [
            RunSource(str(path), file_format, mlflow.MetricFile(path)) for path in _files(folder / _METRICS)
        ]

    run = FoundRun(PROGRAM, f"mlflow:{folder.name}", folder, folder.name[:8], opened)
    meta = run.config(folder / _META)
    experiment = run.config(folder.parent / _META).get("name")
    tags = dict(_texts(folder / _TAGS))
    name = meta.get("run_name") or tags.get(_NAME_TAG)
    _set_facts(run, name, experiment, meta.get("start_time"), meta.get("end_time"), tags)
    status = meta.get("status")
    _set_status(run, _STATUSES.get(status) if isinstance(status, int) else None, meta.get("lifecycle_stage"))
    run.set_parameters({key: _value(text) for key, text in _texts(folder / _PARAMS)})
    artifacts = folder / _ARTIFACTS
    run.artifacts = artifacts if artifacts.is_dir() and not artifacts.is_symlink() else None
    return run


def found_in_database(path: Path) -> list[FoundRun]:
    """Return the runs in a database.

    Raises:
        InvalidInput: when it cannot be read.
    """
    try:
        with opened_database(path, QUERY_SECONDS, _TABLES) as database:
            rows = database.rows(
                "SELECT r.run_uuid, substr(r.name, 1, ?1), r.status, r.start_time, r.end_time, "
                "r.lifecycle_stage, substr(r.artifact_uri, 1, ?1), substr(e.name, 1, ?1) "
                f"FROM runs r LEFT JOIN {_TABLES[0]} e ON e.experiment_id = r.experiment_id "
                "WHERE length(r.run_uuid) <= 100 GROUP BY r.run_uuid ORDER BY r.start_time LIMIT ?2",
                *(_MAX_NAME, _MAX_RUNS),
            )
            return [_database_run(path, database, row) for row in rows if isinstance(row[0], str)]
    except database_errors() as error:
        raise InvalidInput(f"{path} cannot be read: {error}.", field="path") from None


def _database_run(path: Path, database: Database, row: Any) -> FoundRun:
    identity, name, status, started, finished, stage, location, experiment = row
    file_format = _format(mlflow.DATABASE_FORMAT)

    def opened() -> list[RunSource]:
        return [RunSource(str(path), file_format, _DatabaseRun(path, identity))]

    run = FoundRun(PROGRAM, f"mlflow:{identity}", path, identity[:8], opened)
    tags = dict(_pairs(database, "tags", identity))
    _set_facts(run, name or tags.get(_NAME_TAG), experiment, started, finished, tags)
    _set_status(run, _STATUS_NAMES.get(status), stage)
    run.set_parameters({key: _value(text) for key, text in _pairs(database, "params", identity)})
    run.artifacts = _artifacts(location, path.parent)
    add_log_notice(run, path)
    return run


def _pairs(database: Database, table: str, identity: str) -> list[tuple[str, str]]:
    return [
        (key, value)
        for key, value in database.rows(
            f"SELECT substr(key, 1, 300), substr(value, 1, {_MAX_VALUE}) FROM {table} "
            "WHERE run_uuid = ? LIMIT ?",
            *(identity, MAX_PARAMETERS + 1),
        )
        if isinstance(key, str) and isinstance(value, str)
    ]


class _DatabaseRun(Source):
    """The metrics of a run in a database."""

    def __init__(self, path: Path, identity: str) -> None:
        super().__init__(path)
        self._identity = identity

    def read(self) -> list[Point]:
        """See `Source`."""
        try:
            with opened_database(self.path, QUERY_SECONDS, _TABLES) as database:
                rows = mlflow.metric_rows(database, [self._identity], self.offset)
        except database_errors() as error:
            self.has_more = False
            raise SourceError(f"The database cannot be read: {error}.") from None
        self.has_more = len(rows) == mlflow.ROWS
        if rows:
            self.offset = rows[-1][0]
        return mlflow.points_of(rows, {})


def _set_facts(
    run: FoundRun, name: object, experiment: object, started: object, finished: object, tags: dict[str, str]
) -> None:
    if isinstance(name, str) and name:
        run.name = name
    run.started, run.finished = _seconds(started), _seconds(finished)
    if isinstance(experiment, str) and experiment != _DEFAULT:
        run.add_tag(experiment)
    run.set_notes(tags.get(_NOTE_TAG, ""))
    for key, text in tags.items():
        if not key.startswith("mlflow."):
            run.add_tag(f"{key}={text}")


def _set_status(run: FoundRun, status: str | None, stage: object) -> None:
    if stage == "deleted":
        run.skipped = "It was deleted in MLflow."
    elif status is not None:
        run.status = status
    elif run.started is not None and time.time() - run.started > STALE_SECONDS:
        run.status, run.message = FAILED, "MLflow did not record the end of this run."
    else:
        run.skipped = "It has not ended: MLflow lists it as running or scheduled."


def _value(text: str) -> object:
    """Return a parameter, which MLflow stores as a text: a number or another plain value, if it is one."""
    try:
        return plain_value(text) if text and text.isprintable() and text == text.strip() else text
    except ValueError:
        return text


def _seconds(value: object) -> float | None:
    return value / 1000 if isinstance(value, int) and 0 < value < _MAX_MS else None


def _artifacts(location: object, folder: Path) -> Path | None:
    """Return the folder of the artifacts of a run, if it is below the folder of the database and not in that
    of a project: these are not artifacts, and copying them could copy a folder into itself.
    """
    if not isinstance(location, str):
        return None
    try:
        address = urlsplit(location)
        if address.scheme not in ("", "file") or address.netloc:
            return None
        top = Path(os.path.realpath(folder))
        found = Path(os.path.realpath(top / unquote(address.path)))
        is_below = top in found.parents and ROOT_NAME not in found.parts
        return found if is_below and found.is_dir() else None
    except (ValueError, OSError):  # not an address, or too long for a path
        return None


def _format(name: str) -> Format:
    return next(one for one in FORMATS if one.name == name)


def _texts(folder: Path) -> Iterator[tuple[str, str]]:
    """Yield the names of the files below a folder, and their texts."""
    for path in _files(folder):
        try:
            yield path.relative_to(folder).as_posix(), read_text(path, follow=False)[:_MAX_VALUE]
        except (FileNotFoundError, Unreadable):
            continue


def _files(folder: Path) -> list[Path]:
    """Return the regular files below a folder, which is not a link either, without following links."""
    if folder.is_symlink():
        return []
    return [folder / name for name, _ in islice(files_below(folder), _MAX_FILES)]
