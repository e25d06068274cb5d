"""Results leave as Parquet, TensorBoard's event files and a file store of MLflow, and curves as a table."""

from __future__ import annotations

import csv
import io
import json
import math
import sys
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import polars
import pytest

from pyruns_jupyter import Workspace
from pyruns_jupyter.core.common.errors import Conflict, InvalidInput, NotFound
from pyruns_jupyter.core.export import curves, parquet
from pyruns_jupyter.core.export.write import Export, export_chunks, export_to
from pyruns_jupyter.core.import_runs.importing import import_runs
from pyruns_jupyter.core.metrics.journal import TRACK, encode
from pyruns_jupyter.core.metrics.sources.tensorboard import EventFile, masked_crc
from pyruns_jupyter.core.taskfile.paths import TaskPaths
from tests.core.import_runs.support import mlflow_store, workspace_in
from tests.core.metrics.sources.support import read_all, scalar


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    """A workspace with three runs, one of them with a note and a tag of MLflow."""
    folder = workspace_in(tmp_path / "project")
    import_runs(folder, mlflow_store(tmp_path / "old", runs=3))
    return Workspace(folder)


def rows_of(data: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(data.decode())))


def chunks(ws: Workspace, names: Sequence[str], **options: object) -> bytes:
    return b"".join(export_chunks(ws.folder, names, Export(**options)))  # type: ignore[arg-type]


def curves_of(ws: Workspace) -> dict[str, Mapping[str, object]]:
    return {task.name: task.tracks() for task in ws}


def test_curves_as_rows(ws: Workspace) -> None:
    rows = rows_of(chunks(ws, ["trial-0", "gone"], curves=True))
    assert list(rows[0]) == ["task", "run", "metric", "step", "time", "value"]
    assert [(row["metric"], row["step"], row["value"]) for row in rows[:2]] == [
        ("loss", "0", "1.0"),
        ("loss", "1", "0.5"),
    ]
    assert len(rows) == 10  # the step is no metric
    assert rows[1]["time"][:10] == "2023-11-14"
    assert ws.export(ws.folder.project / "curves.csv", curves=True, form="csv") == 30


def test_curves_of_scripts(ws: Workspace, tmp_path: Path) -> None:
    long = tmp_path / "logs" / "long"
    long.mkdir(parents=True)
    data = b"".join(scalar("loss", step * 2, step, 1.7e9 + step) for step in range(40_000))
    (long / "events.out.tfevents.1.h.1.0").write_bytes(data)
    import_runs(ws.folder, long)
    rows = rows_of(chunks(ws, ["long"], curves=True))  # of which the task file has a part
    assert [float(row["value"]) for row in rows] == list(range(40_000))
    assert [float(row["step"]) for row in rows[:3]] == [0, 2, 4]
    middle = tmp_path / "logs" / "middle"
    middle.mkdir()
    (middle / "events.out.tfevents.1.h.1.0").write_bytes(data[: len(data) // 8])
    import_runs(ws.folder, middle)
    rows = rows_of(chunks(ws, ["middle"], curves=True))  # of which only a part has times
    assert len(rows) > 4000
    assert [float(row["step"]) for row in rows[-2:]] == [2 * len(rows) - 4, 2 * len(rows) - 2]


def test_very_long_curves_keep_their_extreme_values(
    ws: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = tmp_path / "logs" / "long"
    long.mkdir(parents=True)
    data = b"".join(scalar("loss", step, math.sin(step) * (step == 33_333)) for step in range(40_000))
    (long / "events.out.tfevents.1.h.1.0").write_bytes(data)
    import_runs(ws.folder, long)
    monkeypatch.setattr(curves, "MAX_POINTS", 100)
    rows = rows_of(chunks(ws, ["long"], curves=True))
    assert len(rows) <= 200
    assert any(float(row["value"]) for row in rows)


def run_with_journal(ws: Workspace, values: Sequence[object]) -> None:
    """Replace the values of a run by a journal with these, one per second."""
    task = ws["trial-0"]
    info = json.loads((task.folder / "task_info.json").read_text())
    info["tracks"], info["status"] = [{}], "running"
    del info["finish_times"]
    (task.folder / "task_info.json").write_text(json.dumps(info))
    lines = [encode(TRACK, {"loss": value}, 1e9 + at) for at, value in enumerate(values)]
    TaskPaths(task.folder).journal(1).write_bytes(b"".join(lines))


def test_values_in_a_journal_that_are_not_finite_numbers(ws: Workspace) -> None:
    run_with_journal(ws, [1.0, True, "warmup", math.inf, math.nan, 2])
    rows = rows_of(chunks(ws, ["trial-0"], curves=True))
    assert [(row["step"], row["value"]) for row in rows] == [
        ("0", "1.0"),
        ("3", "inf"),
        ("4", "nan"),
        ("5", "2"),
    ]


def test_times_are_interpolated_in_folders(ws: Workspace, tmp_path: Path) -> None:
    logs = tmp_path / "logs" / "middle"
    logs.mkdir(parents=True)
    data = b"".join(scalar("loss", step, math.sin(step), 1.7e9 + step) for step in range(5000))
    (logs / "events.out.tfevents.1.h.1.0").write_bytes(data)
    import_runs(ws.folder, logs)
    times = [row["time"] for row in rows_of(chunks(ws, ["middle"], curves=True))]
    assert 1000 < len([one for one in times if one]) < len(times) == 5000
    ws.export(tmp_path / "out", "middle", form="tensorboard")
    (path,) = (tmp_path / "out" / "middle").iterdir()
    found = [point.time for point in read_all(EventFile(path)) if "loss" in point.values]
    assert found == pytest.approx([1.7e9 + step for step in range(5000)], abs=0.05)


def test_times_between_known_times() -> None:
    times = [None, 10.0, None, None, 40.0, None]
    points = curves.with_times([curves.CurvePoint(at, moment, 0) for at, moment in enumerate(times)])
    assert [point.time for point in points] == [10, 10, 20, 30, 40, 40]


def test_all_curves_of_a_run_are_limited(ws: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    run_with_journal(ws, list(range(1000)))
    monkeypatch.setattr(curves, "MAX_RUN_POINTS", 100)
    assert len(chunks(ws, ["trial-0"], curves=True).splitlines()) <= 101


def test_parquet(ws: Workspace, tmp_path: Path) -> None:
    assert ws.export(tmp_path / "runs.parquet") == 3
    found = polars.read_parquet(tmp_path / "runs.parquet")
    assert found["lr"].to_list() == pytest.approx([0.1, 0.2, 0.3])
    assert found["tags"].to_list() == ['["digits", "team=vision"]'] * 3
    assert str(found["started_at"].dtype) == "Datetime(time_unit='us', time_zone='UTC')"
    assert ws.export(tmp_path / "runs.parquet", curves=True) == 30
    found = polars.read_parquet(tmp_path / "runs.parquet")
    assert found.columns == ["task", "run", "metric", "step", "time", "value"]
    assert found["value"].sum() == pytest.approx(3 * (1 + 1 / 2 + 1 / 3 + 1 / 4 + 1 / 5 + 2))
    assert polars.read_parquet(io.BytesIO(chunks(ws, [], form="parquet"))).height == 0
    assert polars.read_parquet(io.BytesIO(chunks(ws, [], form="parquet", curves=True))).height == 0


@pytest.mark.parametrize("library", ["pyarrow", "polars"])
def test_odd_values_in_parquet(ws: Workspace, monkeypatch: pytest.MonkeyPatch, library: str) -> None:
    pytest.importorskip(library)
    monkeypatch.setattr(parquet, "_writer", lambda: getattr(parquet, f"_with_{library}"))
    run_with_journal(ws, [2**53 + 1, 10**400, 1, math.nan])
    found = polars.read_parquet(io.BytesIO(chunks(ws, ["trial-0"], form="parquet", curves=True)))
    assert found["value"].to_list()[:3] == [2.0**53, math.inf, 1.0]
    assert math.isnan(found["value"].to_list()[3])
    info = json.loads((ws["trial-0"].folder / "task_info.json").read_text())
    info["records"] = [{"note \ud800": "a\udcff", "large": 2**53 + 1}]
    (ws["trial-0"].folder / "task_info.json").write_text(json.dumps(info))
    found = polars.read_parquet(io.BytesIO(chunks(ws, ["trial-0"], form="parquet")))
    assert found["note \\ud800"].to_list() == ["a\\udcff"]
    assert found["large"].to_list() == [2**53 + 1]


def test_parquet_with_pyarrow(ws: Workspace, tmp_path: Path) -> None:
    pytest.importorskip("pyarrow")
    assert parquet._writer() is parquet._with_pyarrow
    test_parquet(ws, tmp_path)


def test_parquet_without_a_library(ws: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("pyarrow", "pyarrow.parquet", "polars"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(InvalidInput, match="need pyarrow or polars"):
        ws.export(tmp_path / "runs.parquet")
    assert not (tmp_path / "runs.parquet").exists()


def test_columns_of_one_type() -> None:
    assert parquet.of_one_type([1, None, 2.5]) == [1.0, None, 2.5]
    assert parquet.of_one_type([1, "a", None]) == ["1", "a", None]
    assert parquet.of_one_type([1 << 70, 3]) == [float(1 << 70), 3.0]


def test_tensorboard(ws: Workspace, tmp_path: Path) -> None:
    target = tmp_path / "logs"
    assert ws.export(target, "status:completed OR status:failed", form="tensorboard") == 2
    (path,) = (target / "trial-1").iterdir()
    points = read_all(EventFile(path))
    values = [point.values["loss"] for point in points if "loss" in point.values]
    assert values == pytest.approx([1, 1 / 2, 1 / 3, 1 / 4, 1 / 5])
    assert points[0].time == 1700000000.5
    data, at = path.read_bytes(), 0
    while at < len(data):  # both checksums of each record
        length = int.from_bytes(data[at : at + 8], "little")
        assert int.from_bytes(data[at + 8 : at + 12], "little") == masked_crc(data[at : at + 8])
        content = data[at + 12 : at + 12 + length]
        assert int.from_bytes(data[at + 12 + length : at + 16 + length], "little") == masked_crc(content)
        at += 16 + length
    assert masked_crc(b"123456789") == ((0xE3069283 >> 15 | 0xE3069283 << 17) + 0xA282EAD8) & 0xFFFFFFFF


@pytest.mark.parametrize("form", ["tensorboard", "mlflow"])
def test_an_export_can_be_imported(ws: Workspace, tmp_path: Path, form: str) -> None:
    ws.export(tmp_path / "out", form=form)
    other = Workspace(workspace_in(tmp_path / "other"))
    assert sorted(import_runs(other.folder, tmp_path / "out").created) == ["trial-0", "trial-1", "trial-2"]
    for task in other:
        original = ws[task.name]
        assert task.config == pytest.approx(original.config)
        assert {key: pytest.approx(value) for key, value in task.tracks().items()} == original.tracks()
        if form == "mlflow":
            assert (task.status, task.notes) == (original.status, original.notes)
            assert task.runs[0].started_at == original.runs[0].started_at


def test_a_folder_is_not_overwritten(ws: Workspace, tmp_path: Path) -> None:
    target = tmp_path / "out"
    target.mkdir()
    ws.export(target, form="mlflow")
    for force in (False, True):
        with pytest.raises(Conflict, match="not empty"):
            ws.export(target, form="mlflow", force=force)
    (tmp_path / "file").write_text("mine")
    with pytest.raises(InvalidInput, match="is a file"):
        ws.export(tmp_path / "file", form="tensorboard")
    with pytest.raises(InvalidInput, match="reserved"):
        ws.export(ws.folder.folder / "logs", form="tensorboard")
    with pytest.raises(NotFound):
        ws.export(tmp_path / "no" / "logs", form="tensorboard")
    assert (tmp_path / "file").read_text() == "mine"
    assert [path.name for path in tmp_path.iterdir() if path.name.endswith(".tmp")] == []


def test_keys_of_mlflow_that_are_no_paths(tmp_path: Path) -> None:
    ws = Workspace(workspace_in(tmp_path / "project"))
    run = tmp_path / "logs" / "run"
    run.mkdir(parents=True)
    keys = (
        "../../../etc/x",
        "val",
        "val/loss",
        "/abs",
        "a\nb",
        "ü%",
        "..",
        "x" * 290,
        "损" * 90,
        "损" * 90 + "/失" * 7,
    )
    (run / "events.out.tfevents.1.h.1.0").write_bytes(b"".join(scalar(key, 1, 0.5) for key in keys))
    import_runs(ws.folder, tmp_path / "logs")
    ws.export(tmp_path / "out", form="mlflow")
    (metrics,) = (tmp_path / "out").glob("*/*/metrics")
    assert len([path for path in metrics.rglob("*") if path.is_file()]) == len(keys)
    outside = [path for path in tmp_path.rglob("x") if metrics not in path.parents]
    assert outside == []


def test_options_that_do_not_fit(ws: Workspace, tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="Valid formats: csv, json, jsonl, parquet, tensorboard, mlflow"):
        ws.export(tmp_path / "x", form="excel")
    with pytest.raises(InvalidInput, match="no columns"):
        ws.export(tmp_path / "x", form="mlflow", metrics=["min(loss)"])
    with pytest.raises(InvalidInput, match="curves"):
        ws.export(tmp_path / "x.csv", curves=True, metrics=["min(loss)"])


def test_a_recorded_value_is_no_point_of_a_curve(ws: Workspace, tmp_path: Path) -> None:
    task = ws["trial-0"].folder / "task_info.json"
    info = json.loads(task.read_text())
    info["records"] = [{"loss": 77, "best": 5}]
    task.write_text(json.dumps(info))
    ws.export(tmp_path / "logs", "trial-0", form="tensorboard")
    (path,) = (tmp_path / "logs" / "trial-0").iterdir()
    found = [point.values for point in read_all(EventFile(path))]
    assert [one["loss"] for one in found if "loss" in one] == pytest.approx([1, 1 / 2, 1 / 3, 1 / 4, 1 / 5])
    assert [one["best"] for one in found if "best" in one] == [5]


def test_a_folder_as_a_zip_file(ws: Workspace) -> None:
    with zipfile.ZipFile(io.BytesIO(chunks(ws, ["trial-0"], form="mlflow"))) as archive:
        assert archive.testzip() is None
        (meta,) = [
            name for name in archive.namelist() if name.count("/") == 3 and name.endswith("/meta.yaml")
        ]
        assert f"artifact_uri: {meta.removesuffix('meta.yaml')}artifacts\n" in archive.read(meta).decode()
        assert meta.replace("meta.yaml", "metrics/val/acc") in archive.namelist()
        assert meta.startswith("mlruns/")


def test_what_tensorboard_reads(ws: Workspace, tmp_path: Path) -> None:
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    export_to(ws.folder, ["trial-1"], tmp_path / "logs", Export("tensorboard"))
    read = accumulator.EventAccumulator(str(tmp_path / "logs" / "trial-1"))
    read.Reload()
    assert read.Tags()["scalars"] == ["loss", "val/acc"]
    assert [(event.step, event.wall_time) for event in read.Scalars("loss")][1] == (1, 1700000001.5)
    assert "hparams" in read.SummaryMetadata("_hparams_/session_start_info").plugin_data.plugin_name


def test_what_mlflow_reads(ws: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tracking = pytest.importorskip("mlflow.tracking")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    ws.export(tmp_path / "mlruns", form="mlflow")
    client = tracking.MlflowClient((tmp_path / "mlruns").as_uri())
    (experiment,) = client.search_experiments()
    found = {run.info.run_name: run for run in client.search_runs([experiment.experiment_id])}
    assert {name: run.info.status for name, run in found.items()} == {
        "trial-0": "FINISHED",
        "trial-1": "FAILED",
        "trial-2": "KILLED",
    }
    run = found["trial-1"]
    assert run.data.params == {"lr": "0.2", "opt/name": "adam | sgd: [x"}
    assert run.data.metrics["loss"] == 0.2
    assert [one.step for one in client.get_metric_history(run.info.run_id, "val/acc")] == [0, 1, 2, 3, 4]
