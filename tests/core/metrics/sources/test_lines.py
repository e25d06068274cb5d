"""CSV, TSV and JSON lines, as several programs write them."""

from __future__ import annotations

import csv
import json
import math
import sys
from pathlib import Path

import pytest

from pyruns_jupyter.core.metrics.sources.base import NotMetrics, SourceError
from pyruns_jupyter.core.metrics.sources.formats import format_of, is_candidate
from pyruns_jupyter.core.metrics.sources.lines import JsonLinesFile, TableFile

from .support import read_all


def values_of(path: Path) -> list[dict[str, float]]:
    return [point.values for point in read_all(TableFile(path))]


def test_names() -> None:
    for name, expected in {
        "lightning_logs/version_0/metrics.csv": "CSV",
        "dvclive/plots/metrics/loss.tsv": "CSV",
        "log.jsonl": "JSON lines",
        "log.ndjson": "JSON lines",
    }.items():
        found = format_of(name)
        assert found is not None and found.name == expected
    assert format_of("config.json") is None


def test_the_fast_test_of_names_finds_all_formats() -> None:
    for path in (
        "logs/events.out.tfevents.1700000000.host",
        "a/metrics.csv",
        "a/loss.tsv",
        "a/log.jsonl",
        "a/log.ndjson",
        "wandb/run-1/run-a.wandb",
        "out/checkpoint-1/trainer_state.json",
        f"mlruns/0/{'a' * 32}/metrics/val/loss",
        "trackio/p.db",
        "mlflow.db",
    ):
        folder, _, name = path.rpartition("/")
        assert format_of(f"/x/{path}") is not None
        assert is_candidate(name, "/metrics" in folder)
    assert not is_candidate("train.py", False)


def test_sparse_rows_of_lightning(tmp_path: Path) -> None:
    path = tmp_path / "metrics.csv"
    path.write_text("epoch,step,train_loss,val_loss\n0,9,0.5,\n0,9,,0.4\n1,19,nan,\n")
    first, second, third = values_of(path)
    assert first == {"epoch": 0, "step": 9, "train_loss": 0.5}
    assert second == {"epoch": 0, "step": 9, "val_loss": 0.4}
    assert math.isnan(third["train_loss"])


def test_padded_header_of_ultralytics(tmp_path: Path) -> None:
    path = tmp_path / "results.csv"
    path.write_text("   epoch,   train/box_loss,  metrics/mAP50(B)\n   1,   1.25,    0.5\n")
    assert values_of(path) == [{"epoch": 1, "train/box_loss": 1.25, "metrics/mAP50(B)": 0.5}]


@pytest.mark.parametrize("header", ["step\tloss", "step\ttrain/loss", "timestamp\tstep\tloss"])
def test_a_file_per_metric_of_dvclive(tmp_path: Path, header: str) -> None:
    path = tmp_path / "dvclive" / "plots" / "metrics" / "train" / "loss.tsv"
    path.parent.mkdir(parents=True)
    cells = "1700000000\t3\t0.5" if header.startswith("time") else "3\t0.5"
    path.write_text(f"{header}\n{cells}\n")
    (values,) = values_of(path)
    assert values["step"] == 3
    assert values["train/loss"] == 0.5


@pytest.mark.parametrize(
    "text", ["name,score\na,1\n", "epoch\n1\n", "1,2,3\n4,5,6\n", '"', "\0\0,step\n\0\n", "epoch,step\n1,2\n"]
)
def test_a_table_without_steps_or_metrics_is_not_a_source(tmp_path: Path, text: str) -> None:
    path = tmp_path / "data.csv"
    path.write_text(text)
    if text == '"':
        assert read_all(TableFile(path)) == []  # the first line is not complete
    elif text.startswith("\0") and sys.version_info >= (3, 11):  # Python 3.10 reads no table with it
        assert read_all(TableFile(path)) == []
    else:
        with pytest.raises(NotMetrics):
            TableFile(path).read()


def test_half_a_row_is_read_later(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    data = b"step,loss\n1,0.5\n2,0.25\n"
    source = TableFile(path)
    values = []
    for end in range(len(data) + 1):
        path.write_bytes(data[:end])
        values += [point.values["loss"] for point in read_all(source)]
    assert values == [0.5, 0.25]


def test_a_file_that_is_written_anew_with_each_row_is_read_once(tmp_path: Path) -> None:
    path = tmp_path / "metrics.csv"
    source = TableFile(path)
    rows: list[str] = []
    values = []
    for step in range(20):
        rows.append(f"{step},{step / 2}")
        new = path.with_suffix(".new")
        new.write_text("\n".join(["step,loss", *rows]) + "\n")
        new.replace(path)
        values += [point.values["loss"] for point in read_all(source)]
    assert values == [step / 2 for step in range(20)]


def test_a_new_column_does_not_repeat_rows(tmp_path: Path) -> None:
    path = tmp_path / "metrics.csv"
    source = TableFile(path)
    path.write_text("step,loss\n1,0.5\n2,0.25\n")
    assert len(read_all(source)) == 2
    path.write_text("acc,step,loss\n,1,0.5\n,2,0.25\n0.75,3,\n")
    read_all(source)
    with path.open("a") as stream:
        stream.write("0.8,4,0.1\n")
    rest = read_all(source)
    assert [point.values for point in rest][-1] == {"acc": 0.8, "step": 4, "loss": 0.1}
    path.write_text("step,loss\n1,0.5\n")
    # Truncated, and then the same file once more: nothing is repeated.
    assert read_all(source) == read_all(source) == read_all(source) == []


def test_rows_of_an_earlier_run_do_not_count(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("step,loss\n1,0.5\n2,0.25\n")
    source = TableFile(path, path.stat().st_size)
    assert read_all(source) == []
    with path.open("a") as stream:
        stream.write("1,0.75\n")
    assert [point.values for point in read_all(source)] == [{"step": 1, "loss": 0.75}]


def test_a_line_that_is_too_long_ends_the_source(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("step,loss\n1,0.5\n" + "9" * 200_000)
    source = TableFile(path)
    assert len(source.read()) == 1
    with pytest.raises(SourceError, match="a line of more than 64 KiB"):
        source.read()
    path.write_bytes(b"x" * 200_000)
    with pytest.raises(NotMetrics):
        TableFile(path).read()


def test_cells_that_are_not_numbers(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream, delimiter=";")
        writer.writerow(["Epoch", "loss", "name", "note"])
        writer.writerow([1, "1e-3", "a;b", 'with "quotes"'])
        writer.writerow([2, "1_000", "", "-inf"])
    assert values_of(path) == [{"epoch": 1, "loss": 0.001}, {"epoch": 2, "note": -math.inf}]


def test_json_lines(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_text(
        '{"config": "a"}\n'
        '{"step": 1, "loss": 0.5, "eval": {"acc": 0.25, "name": "x"}, "ok": true}\n'
        "not json\n"
        '{"epoch": 2, "loss": NaN, "timestamp": 1700000000.5}\n'
        '{"epoch": 3}\n'
        '{"step": 4, "lo'
    )
    points = read_all(JsonLinesFile(path))
    assert [sorted(point.values) for point in points] == [
        ["eval/acc", "loss", "step"],
        ["epoch", "loss", "timestamp"],
    ]
    assert points[0].time is None
    assert points[1].time == 1700000000.5


def test_json_lines_without_a_step_are_not_a_source(tmp_path: Path) -> None:
    path = tmp_path / "data.jsonl"
    path.write_text('{"text": "a", "label": 1}\n' * 5000)
    with pytest.raises(NotMetrics):
        read_all(JsonLinesFile(path))
    deep = tmp_path / "deep.jsonl"
    deep.write_text('{"step": 1, "a": ' + "[" * 5000 + "]" * 5000 + "}\n" + '{"step": 1, "b": 2}\n')
    assert [point.values for point in read_all(JsonLinesFile(deep))] == [{"step": 1, "b": 2}]


def test_numbers_that_no_float_can_hold_do_not_count(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    large = "9" * 400
    path.write_text(f'{{"step": 1, "loss": 1, "large": {large}}}\n{{"step": {large}, "loss": 2}}\n')
    points = read_all(JsonLinesFile(path))
    assert [point.values for point in points] == [{"step": 1, "loss": 1}]


@pytest.mark.parametrize("kind", [TableFile, JsonLinesFile])
def test_a_file_of_other_points_that_is_written_anew(
    tmp_path: Path, kind: type[TableFile] | type[JsonLinesFile]
) -> None:
    """A script that writes its file anew for each fold: no point is taken for one that was read before."""
    path = tmp_path / "metrics.txt"

    def write(rows: list[tuple[int, float]], column: str = "") -> None:
        if kind is TableFile:
            lines = [f"step,loss{column}", *(f"{step},{loss}" for step, loss in rows)]
        else:
            lines = [f'{{"step": {step}, "loss": {loss}}}' for step, loss in rows]
        path.write_text("\n".join(lines) + "\n")

    source = kind(path)
    folds = [[(step, fold + step / 8) for step in range(count)] for fold, count in ((1, 5), (2, 3), (3, 4))]
    for fold in folds:
        write(fold)
        # A file that has become smaller counts when its size no longer changes.
        assert [tuple(point.values.values()) for point in read_all(source) + read_all(source)] == fold
    if kind is TableFile:
        write([*folds[2], (4, 3.5), (5, 3.75)], ",acc")
        assert [point.values["step"] for point in read_all(source)] == [4, 5]


def test_a_file_that_has_become_smaller_when_the_run_has_ended(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("step,loss\n1,0.5\n2,0.25\n")
    source = TableFile(path)
    assert len(read_all(source)) == 2
    path.write_text("step,loss\n1,0.75\n")
    source.has_ended = True
    assert [point.values for point in read_all(source)] == [{"step": 1, "loss": 0.75}]


def test_the_last_line_without_a_line_break(tmp_path: Path) -> None:
    """An object is complete, or it is not; the last number of a row may be cut."""
    for name, text, expected in (
        ("a.jsonl", '{"step": 1, "loss": 1}\n{"step": 2, "loss": 2}', [1, 2]),
        ("b.jsonl", '{"step": 1, "loss": 1}', [1]),
        ("c.jsonl", '{"step": 1, "loss": 1}\n{"step": 2, "loss": 2', [1]),
        ("d.jsonl", '{"step": 1, "loss": 1}\n22', [1]),
        ("e.jsonl", '{"step": 1, "loss": 1}\n', [1]),
    ):
        path = tmp_path / name
        path.write_text(text)
        source = JsonLinesFile(path)
        before = read_all(source)
        assert len(before) == text.count("\n")
        source.has_ended = True
        assert [point.values["loss"] for point in before + read_all(source) + read_all(source)] == expected
    path = tmp_path / "log.csv"
    path.write_text("step,loss\n1,0.5\n2,0.2")
    table = TableFile(path)
    table.has_ended = True
    assert len(read_all(table)) == 1


def test_rows_before_an_error_count(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text(f"step,loss\n1,0.5\n2,{'9' * 100}\n3,0.25\n")
    source = TableFile(path)
    limit = csv.field_size_limit(50)
    try:
        assert [point.values for point in source.read()] == [{"step": 1, "loss": 0.5}]
        assert source.has_more
        with pytest.raises(SourceError, match="not a valid table"):
            source.read()
    finally:
        csv.field_size_limit(limit)


def test_a_line_with_many_values(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    values = {f"c{number}": number for number in range(5000)}
    path.write_text(json.dumps({"step": 1, **values}, separators=(",", ":")) + "\n")
    (point,) = read_all(JsonLinesFile(path))
    assert point.values == {"step": 1, **values}


def test_a_table_with_too_many_columns(tmp_path: Path) -> None:
    for count, notice in ((2000, ""), (2001, "Only the first 2,000 columns are read.")):
        path = tmp_path / f"{count}.csv"
        path.write_text(",".join(["step", *(f"c{n}" for n in range(1, count))]) + "\n" + "1," * count + "\n")
        source = TableFile(path)
        (point,) = source.read()
        assert len(point.values) == 2000
        assert source.notice == notice
