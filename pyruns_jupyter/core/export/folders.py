"""Export runs as a folder that another program opens: TensorBoard's event files, or a file store of MLflow.

The folder is written next to its place and renamed when it is complete. A folder that is not empty is never
changed: another program may have added to it.
"""

from __future__ import annotations

import hashlib
import json
import math
import os
import re
import shutil
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

from pyruns_jupyter.core.common.errors import Conflict, InvalidInput, NotFound
from pyruns_jupyter.core.config.flatten import FlatReader
from pyruns_jupyter.core.config.yamltext.values import value_text
from pyruns_jupyter.core.fs.temp_names import maker_suffix
from pyruns_jupyter.core.metrics.sources.tensorboard_writer import EventWriter
from pyruns_jupyter.core.taskfile import runs
from pyruns_jupyter.core.taskfile.metadata import notes_of, tags_of
from pyruns_jupyter.core.taskfile.paths import ROOT_NAME, TaskPaths
from pyruns_jupyter.core.taskfile.task_file import TaskInfo
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder

from .curves import CurvePoint, full_curves, runs_of, with_times
from .table import config_of_run

TENSORBOARD, MLFLOW = "tensorboard", "mlflow"
FOLDER_FORMATS = (TENSORBOARD, MLFLOW)
_STATUSES = {runs.RUNNING: 1, runs.COMPLETED: 3, runs.FAILED: 4, runs.CANCELLED: 5}  # of MLflow
_LOCAL = 4  # MLflow's type of source for a script
_NOT_IN_KEYS = re.compile(r"[^\w\-. /:]")
_MAX_KEY, _MAX_VALUE = 200, 6000  # characters
_MAX_NAME = 200  # bytes of the name of a file, which leaves room for a digest
_MAX_STEP = 1 << 62


def write_folder(
    workspace: WorkspaceFolder,
    names: Iterable[str],
    which: str,
    target: Path,
    form: str,
    *,
    is_moved: bool = False,
) -> int:
    """Write the runs of tasks (`all`, or the `latest` of each) to a new folder; return how many they are.

    With `is_moved`, the folder will be at another place, so paths in it begin with its name.

    Raises:
        Conflict: if the folder exists and is not empty.
        InvalidInput: if it is a file, or in a `_pyruns_` folder.
        NotFound: if the folder above it does not exist.
        OSError: if it cannot be written.
    """
    real = Path(os.path.realpath(target))
    if ROOT_NAME in real.parts:
        raise InvalidInput(
            f"{target} is in a {ROOT_NAME} folder, which is reserved for tasks. Choose another folder.",
            field="path",
        )
    if not real.parent.is_dir():
        raise NotFound(f"The folder {real.parent} does not exist.")
    if real.exists() and not real.is_dir():
        raise InvalidInput(f"{target} is a file. The format {form} needs a folder.", field="path")
    if real.is_dir() and any(real.iterdir()):
        raise Conflict(f"The folder {target} is not empty. Choose a new folder.")
    staging = real.with_name(f".{real.name[:100]}{maker_suffix()}.tmp")
    staging.mkdir()
    try:
        write = (
            _tensorboard_writer()
            if form == TENSORBOARD
            else _mlflow_writer(workspace, staging, real.name if is_moved else f"file://{quote(str(real))}")
        )
        reader, count = FlatReader(), 0
        for paths, info, run in runs_of(workspace, names, which):
            config = config_of_run(reader, paths, info, run.index)
            write(staging, paths, info, run, config)
            count += 1
        if real.is_dir():
            real.rmdir()
        os.rename(staging, real)
    except BaseException:
        shutil.rmtree(staging, ignore_errors=True)
        raise
    return count


_Write = Callable[[Path, TaskPaths, TaskInfo, runs.Run, Mapping[str, Any]], None]


def _tensorboard_writer() -> _Write:
    def write(top: Path, paths: TaskPaths, info: TaskInfo, run: runs.Run, config: Mapping[str, Any]) -> None:
        several = runs.slot_count(info) > 1
        folder = top / paths.name / f"run{run.index}" if several else top / paths.name
        folder.mkdir(parents=True)
        started = _started(run)
        curves = full_curves(info, run, paths)
        points = [
            (point.time if point.time is not None else started, _step(point, at), key, point.value)
            for key, values in curves.items()
            for at, point in enumerate(with_times(values))
        ]
        points.sort(key=lambda one: one[:2])
        last = points[-1][1] if points else 0
        points += [
            (_finished(run), last, key, value)
            for key, value in _numbers(run.records).items()
            if key not in curves
        ]
        with (folder / f"events.out.tfevents.{int(started):010}.pyruns.0.0").open("xb") as stream:
            events = EventWriter(stream, started)
            if config:
                events.add_hparams({key: _plain(value) for key, value in config.items()}, started)
            for moment, step, key, value in points:
                events.add_scalar(key, value, step, moment)

    return write


def _mlflow_writer(workspace: WorkspaceFolder, staging: Path, address: str) -> _Write:
    """Begin a file store that will be at `address`; return what adds a run."""
    digest = hashlib.sha256(f"{workspace.project}\n{workspace.name}".encode("utf-8", "replace")).hexdigest()
    identity = str(int(digest[:15], 16) + 10**17)[:18]
    now = int(time.time() * 1000)
    _write_yaml(
        staging / identity / "meta.yaml",
        {
            "artifact_location": f"{address}/{identity}",
            "creation_time": now,
            "experiment_id": identity,
            "last_update_time": now,
            "lifecycle_stage": "active",
            "name": workspace.name,
        },
    )

    def write(top: Path, paths: TaskPaths, info: TaskInfo, run: runs.Run, config: Mapping[str, Any]) -> None:
        attempt = run.attempt.lower()
        if re.fullmatch("[0-9a-f]{32}", attempt) is None or (top / identity / attempt).exists():
            place = f"{paths.folder}\n{run.index}\n{run.attempt}".encode("utf-8", "replace")
            attempt = hashlib.sha256(place).hexdigest()[:32]
        folder = top / identity / attempt
        started = _started(run)
        name = paths.name if runs.slot_count(info) == 1 else f"{paths.name}@{run.index}"
        _write_yaml(
            folder / "meta.yaml",
            {
                "artifact_uri": f"{address}/{identity}/{attempt}/artifacts",
                "end_time": None if run.finished_at is None else int(run.finished_at * 1000),
                "entry_point_name": "",
                "experiment_id": identity,
                "lifecycle_stage": "active",
                "run_id": attempt,
                "run_name": name,
                "run_uuid": attempt,
                "source_name": "",
                "source_type": _LOCAL,
                "source_version": "",
                "start_time": int(started * 1000),
                "status": _STATUSES.get(run.status, 4),
                "tags": [],
                "user_id": "",
            },
        )
        (folder / "artifacts").mkdir()
        metrics = {
            key: "".join(
                f"{_milliseconds(point.time, started)} {point.value} {_step(point, at)}\n"
                for at, point in enumerate(with_times(points))
            )
            for key, points in full_curves(info, run, paths).items()
        }
        for key, value in _numbers(run.records).items():
            metrics.setdefault(key, f"{int(_finished(run) * 1000)} {value} 0\n")
        tags = {"mlflow.runName": name, "pyruns.task": paths.name, "pyruns.run": str(run.index)}
        if tags_of(info):
            tags["pyruns.tags"] = ", ".join(tags_of(info))
        if notes_of(info):
            tags["mlflow.note.content"] = notes_of(info)
        parameters = {key: str(_plain(value))[:_MAX_VALUE] for key, value in config.items()}
        for part, texts in (("metrics", metrics), ("params", parameters), ("tags", tags)):
            (folder / part).mkdir()
            for key, text in texts.items():
                _write_key(folder / part, key, text)

    return write


def _write_key(folder: Path, key: str, text: str) -> None:
    """Write a file for a key. Its parts between slashes are folders, unless another key has such a name."""
    legal = _NOT_IN_KEYS.sub("_", key)[:_MAX_KEY]
    parts = [_cut(part) if part.strip(". ") else "_" for part in legal.split("/")]
    plain, digest = ".".join(parts), hashlib.sha256(key.encode("utf-8", "replace")).hexdigest()[:8]
    for path in (folder.joinpath(*parts), folder / _cut(plain), folder / f"{_cut(plain)}-{digest}"):
        with suppress(FileExistsError, NotADirectoryError, IsADirectoryError):
            path.parent.mkdir(parents=True, exist_ok=True)
            with path.open("x", encoding="utf-8", errors="replace", newline="") as stream:
                stream.write(text)
            return


def _cut(name: str) -> str:
    """Return a name that a file may have, with at most `_MAX_NAME` bytes."""
    return name.encode("utf-8", "replace")[:_MAX_NAME].decode("utf-8", "ignore")


def _write_yaml(path: Path, values: Mapping[str, object]) -> None:
    path.parent.mkdir()
    path.write_text("".join(f"{key}: {value_text(value)}\n" for key, value in values.items()), "utf-8")


def _started(run: runs.Run) -> float:
    return run.started_at if run.started_at is not None else run.finished_at or 0.0


def _finished(run: runs.Run) -> float:
    return run.finished_at if run.finished_at is not None else _started(run)


def _step(point: CurvePoint, place: int) -> int:
    """Return a step as a whole number; the index of the point if it is not one."""
    step = point.step
    return int(step) if math.isfinite(step) and abs(step) < _MAX_STEP and step == int(step) else place


def _milliseconds(moment: float | None, started: float) -> int:
    return int((started if moment is None else moment) * 1000)


def _numbers(records: Mapping[str, Any]) -> dict[str, float]:
    return {key: value for key, value in records.items() if type(value) in (int, float)}


def _plain(value: Any) -> Any:
    return json.dumps(value, ensure_ascii=False, default=str) if isinstance(value, (list, dict)) else value
