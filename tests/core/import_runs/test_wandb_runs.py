"""Facts in the log of a run of W&B: configuration, summary, times and the end."""

from __future__ import annotations

import os
import struct
import zlib
from pathlib import Path

import pytest

from pyruns_jupyter import Workspace
from pyruns_jupyter.core.import_runs import points, wandb
from pyruns_jupyter.core.import_runs.importing import import_runs
from tests.core.import_runs.support import workspace_in
from tests.core.metrics.sources.support import field, varint
from tests.core.metrics.sources.test_wandb import history, written


def items(**values: str) -> bytes:
    return b"".join(
        field(1, field(1, key.encode()) + field(16, text.encode())) for key, text in values.items()
    )


def run_record(started: int = 1_700_000_000, **config: str) -> bytes:
    facts = field(1, b"abc") + field(3, b"digits") + field(4, items(**config)) + field(8, b"trial/1")
    moment = b"\x08" + varint(started) + b"\x10" + varint(500_000_000)
    return field(17, facts + field(9, b"notes") + field(10, b"best") + field(17, moment))


def end(code: int, seconds: int) -> bytes:
    return field(18, b"\x08" + varint(code) + b"\x10" + varint(seconds))


def log_in(top: Path, records: list[bytes], *, age: float = 3600.0) -> Path:
    folder = top / "wandb" / "run-20231114_221320-abc"
    folder.mkdir(parents=True)
    path = folder / "run-abc.wandb"
    path.write_bytes(written(records))
    changed = path.stat().st_mtime - age
    os.utime(path, (changed, changed))
    return path


def test_all_facts_of_a_run(tmp_path: Path) -> None:
    ws = Workspace(workspace_in(tmp_path / "project"))
    summaries = [field(3, items(loss="0.5", best="0.25", _step="3")) for _ in range(3)]
    config = field(5, items(lr="0.5", new='{"a": [1, 2]}', _wandb='{"x": 1}'))
    records = [run_record(lr="0.1", opt='"adam"'), history(1, loss="0.5"), config, *summaries, end(3, 60)]
    log_in(tmp_path, records)
    assert import_runs(ws.folder, tmp_path / "wandb").created == ["trial_1"]
    task = ws["trial_1"]
    assert task.config == {"lr": 0.5, "opt": "adam", "new": {"a": [1, 2]}}
    assert task.records() == {"best": 0.25}  # the loss is a curve
    assert (task.notes, task.tags) == ("notes", ("digits", "best"))
    (run,) = task.runs
    assert (run.status, run.exit_code) == ("failed", 3)
    assert (run.started_at, run.finished_at) == (1_700_000_000.5, 1_700_000_060.5)


def test_a_run_without_an_end(tmp_path: Path) -> None:
    folder = workspace_in(tmp_path / "project")
    path = log_in(tmp_path, [run_record(), history(1, loss="0.5")], age=0)
    for dry_run in (True, False):
        (run,) = import_runs(folder, tmp_path / "wandb", dry_run=dry_run).runs
        assert (run.task, run.skipped) == ("", "It has not ended: it may still be running.")
    assert list(folder.tasks.glob("*/task_info.json")) == []
    os.utime(path, (1, 1))
    (run,) = import_runs(folder, tmp_path / "wandb").runs
    assert (run.task, run.status) == ("trial_1", "failed")
    assert Workspace(folder)["trial_1"].row.message == "W&B did not record the end of this run."


def test_a_run_that_is_not_read_to_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = workspace_in(tmp_path / "project")
    log_in(tmp_path, [run_record(), *(history(step, loss="0.5") for step in range(5000)), end(0, 9)])
    monkeypatch.setattr(points, "MAX_POINTS", 10)
    (run,) = import_runs(folder, tmp_path / "wandb").runs
    assert run.status == "completed"
    assert "not read to the end" in run.notices[1]


@pytest.mark.parametrize("identity", ["a-b", "a.b", "a b", "1mxs_kfij"])
def test_names_of_runs(identity: str) -> None:
    assert wandb.is_run(f"run-20231114_221320-{identity}")


def test_a_name_that_is_not_utf_8(tmp_path: Path) -> None:
    ws = Workspace(workspace_in(tmp_path / "project"))
    path = log_in(tmp_path, [run_record(), history(1, loss="0.5"), end(0, 9)])
    path.parent.rename(path.parent.with_name("run-20231114_221320-\udcff"))
    for created in (["trial_1"], []):
        assert import_runs(ws.folder, tmp_path / "wandb").created == created


def test_values_that_are_too_large_or_too_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wandb, "_MAX_KEYS", 5)
    ws = Workspace(workspace_in(tmp_path / "project"))
    many = field(5, items(**{f"k{number}": str(number) for number in range(100)}))
    summary = field(3, items(long='"' + "x" * 5000 + '"', deep="[" * 9000, ok="1"))
    log_in(tmp_path, [run_record(lr="0.1", large='"' + "x" * 70_000 + '"'), many, summary, end(0, 1)])
    import_runs(ws.folder, tmp_path / "wandb")
    assert ws["trial_1"].config == {"lr": 0.1, "k0": 0, "k1": 1, "k2": 2, "k3": 3}
    assert ws["trial_1"].records() == {"deep": None, "ok": 1}


def test_times_that_are_not_valid(tmp_path: Path) -> None:
    ws = Workspace(workspace_in(tmp_path / "project"))
    moment = b"\x08" + varint(1 << 60)
    broken = field(17, field(17, moment) + field(8, struct.pack("<Q", 7)))
    log_in(tmp_path, [broken, history(1, loss="0.5"), end(0, 1 << 62)])
    (run,) = import_runs(ws.folder, tmp_path / "wandb").runs
    assert run.status == "completed"
    assert ws[run.task].status == "completed"
    assert len(ws.table("").rows) == 1


def damaged(path: Path, marks: list[bytes], *, length: bool = False) -> None:
    """Change a byte of the first record with each mark, or a byte of the length in front of it."""
    data = bytearray(path.read_bytes())
    for mark in marks:
        at = data.index(mark)
        if length:
            at = max(start for start in range(at) if is_part(data, start)) + 5
        data[at] ^= 0x55
    path.write_bytes(data)


def is_part(data: bytearray, at: int) -> bool:
    """Whether a valid part begins there."""
    if at + 7 > len(data):
        return False
    checksum, size, kind = struct.unpack_from("<IHB", data, at)
    return bool(size > 0 and checksum == zlib.crc32(bytes((kind,)) + data[at + 7 : at + 7 + size]))


@pytest.mark.parametrize("length", [False, True])
def test_a_log_that_is_damaged_in_the_middle(tmp_path: Path, length: bool) -> None:
    ws = Workspace(workspace_in(tmp_path / "project"))
    points = [history(step, loss=f"0.{step:05}", mark=f"9{step:05}") for step in range(3000)]
    path = log_in(tmp_path, [run_record(), *points, end(3, 60)])
    damaged(path, [b"900100", b"901500"], length=length)
    (run,) = import_runs(ws.folder, tmp_path / "wandb").runs
    assert (run.status, run.skipped) == ("failed", "")
    assert run.notices[0].startswith("run-abc.wandb is damaged: ")
    losses = ws["trial_1"].tracks()["loss"]
    task = ws["trial_1"].runs[0]
    assert (task.exit_code, task.duration) == (3, 60)
    if not length:  # only the two records are lost
        assert run.metrics["loss"] == 2998
    assert 1500 < run.metrics["loss"] < 3000
    assert len(losses) > 0


@pytest.mark.parametrize("age", [0, 3600])
def test_a_log_whose_end_is_damaged(tmp_path: Path, age: float) -> None:
    ws = Workspace(workspace_in(tmp_path / "project"))
    path = log_in(tmp_path, [run_record(lr="0.5"), history(1, loss="0.5"), end(3, 987_654)], age=age)
    damaged(path, [varint(987_654)])
    (run,) = import_runs(ws.folder, tmp_path / "wandb").runs
    assert (run.status, run.points) == ("completed", 1)
    assert "Its status is not known and is set to completed." in run.notices
    assert ws["trial_1"].config == {"lr": 0.5}


def test_a_log_of_which_nothing_can_be_read(tmp_path: Path) -> None:
    folder = workspace_in(tmp_path / "project")
    path = log_in(tmp_path, [run_record(), history(1, loss="0.5"), end(0, 9)])
    path.write_bytes(path.read_bytes()[:7] + b"\xff" * 200_000)
    (run,) = import_runs(folder, tmp_path / "wandb").runs
    assert run.skipped == "run-abc.wandb is empty or damaged."
