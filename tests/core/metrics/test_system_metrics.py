"""The file of system metrics: what is read of it, also of a hostile one, its summary, and hints."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from pyruns_jupyter.core.metrics.system_hints import hints_of
from pyruns_jupyter.core.metrics.system_metrics import (
    MAX_LINES,
    NOTHING,
    encode_facts,
    encode_sample,
    gpu_hours,
    joined,
    read_system,
    store_summary,
    stored_summary,
    summary_of,
    thinned_lines,
)
from pyruns_jupyter.core.taskfile.runs import latest

FACTS: dict[str, Any] = {"began": 1000, "cores": 8, "gpus": [{"name": "A", "memory_gib": 80.0}]}


def write(path: Path, facts: dict[str, Any], *samples: dict[str, float], step: float = 10.0) -> Path:
    lines = [encode_facts(facts)]
    lines += [encode_sample(1000 + step * (at + 1), values) for at, values in enumerate(samples)]
    path.write_bytes(b"".join(lines))
    return path


def test_a_file_as_curves_and_as_a_summary(tmp_path: Path) -> None:
    path = write(
        tmp_path / "run1.system.jsonl",
        FACTS,
        {"cpu_percent": 100, "memory_gib": 1.0},
        {
            "cpu_percent": 50,
            "memory_gib": 3.0,
            "gpu0_utilization_percent": 20,
            "gpu0_power_watts": 360,
            "gpu0_memory_gib": 20,
        },
        {"cpu_percent": 0, "gpu0_utilization_percent": 60, "gpu0_power_watts": 360},
    )
    found = read_system(path)
    assert found.spans() == [10, 10, 10]
    curve = found.curves()["system/gpu0_utilization_percent"]
    assert (curve.places, curve.values, curve.times) == ([0, 1, 2], [None, 20, 60], [1010, 1020, 1030])
    assert summary_of(found) == {
        "seconds": 30,
        "cores": 8,
        "cpu_percent": 50,
        "cpu_percent_max": 100,
        "memory_gib_max": 3,
        "gpu_count": 1,
        "gpu_utilization_percent": 40,
        "gpu_low_share": 0.5,
        "gpu_memory_share": 0.25,
        "energy_kwh": 0.003,  # 360 W for 30 s; the first 10 s are like the others
    }


def test_energy_needs_the_power_of_most_of_the_time(tmp_path: Path) -> None:
    one = {"cpu_percent": 1.0}
    path = write(tmp_path / "f", FACTS, one, one, {"gpu0_power_watts": 100, "gpu0_memory_gib": 1})
    assert "energy_kwh" not in summary_of(read_system(path))


def test_joined_intervals_keep_means_and_peaks(tmp_path: Path) -> None:
    assert joined([{"cpu_percent": 100, "memory_gib": 1}, {"cpu_percent": 0, "memory_gib": 4}], [3, 1]) == {
        "cpu_percent": 75,
        "memory_gib": 4,
    }
    samples = [{"cpu_percent": float(at % 7), "gpu0_power_watts": 100.0 + at} for at in range(601)]
    path = write(tmp_path / "f", FACTS, *samples, step=1.0)
    before = read_system(path)
    path.write_bytes(b"".join(thinned_lines(before)))
    after = read_system(path)
    assert len(after.times) == 301
    assert after.times[-1] == before.times[-1]
    first, second = summary_of(before), summary_of(after)
    for key in ("seconds", "cpu_percent", "energy_kwh"):
        assert second[key] == pytest.approx(first[key], rel=1e-3)


@pytest.mark.parametrize(
    "data",
    [
        b"\0" * 100_000,
        b"[" * 100_000 + b"\n",
        b'{"t":1,"cpu_percent":' + b"[" * 100_000 + b"\n",
        b"{\n" * 1_000_000,
        b'{"t":' + b"9" * 5000 + b',"cpu_percent":1}\n',
        b'{"t":"x","cpu_percent":1}\n{"t":true}\n{"t":-5,"a":1}\n{"t":1e400,"a":1}\n',
        b'{"t":5,"cpu_percent":NaN,"../x":1,"A":1,"a b":2,"x":"1","y":null,"z":true,"w":1e999}\n',
        b'{"facts":[1],"t":7}\n{"facts":{"gpus":7,"began":"x","cores":[]},"t":8}\n',
    ],
)
def test_a_damaged_file(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "f"
    path.write_bytes(data + encode_sample(10, {"cpu_percent": 5.0}))
    found = read_system(path)
    assert set(found.curves()) <= {"system/cpu_percent"}
    assert len(found.times) <= 4
    summary_of(found)


def test_a_huge_file_is_read_in_part(tmp_path: Path) -> None:
    path = tmp_path / "f"
    with path.open("wb") as stream:
        for at in range(5 * MAX_LINES):
            stream.write(encode_sample(at + 1, {f"key{at}": 1.0}))
        stream.truncate(1 << 30)
    found = read_system(path)
    assert len(found.times) == 4 * MAX_LINES
    assert len(found.values) == 200


@pytest.mark.parametrize("kind", ["link", "fifo", "folder", "missing", "folder link"])
def test_only_a_regular_file_is_read(tmp_path: Path, kind: str) -> None:
    other = write(tmp_path / "other", FACTS, {"cpu_percent": 1})
    path = tmp_path / "run_logs" / "run1.system.jsonl"
    path.parent.mkdir()
    if kind == "link":
        path.symlink_to(other)
    elif kind == "fifo":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "folder link":
        path.parent.rmdir()
        (tmp_path / "elsewhere").mkdir()
        other.rename(tmp_path / "elsewhere" / path.name)
        path.parent.symlink_to(tmp_path / "elsewhere")
    assert read_system(path) == NOTHING


def test_clocks_that_go_back(tmp_path: Path) -> None:
    path = tmp_path / "f"
    times = [10, 5, 20, 20, 30]
    path.write_bytes(b"".join(encode_sample(at, {"cpu_percent": float(at)}) for at in times))
    assert read_system(path).values == {"cpu_percent": [10, 20, 30]}
    assert read_system(path).spans() == [0, 10, 10]


def test_summaries_in_a_task_file() -> None:
    info: dict[str, Any] = {}
    store_summary(info, 1, {})
    assert info == {}
    for run in range(1, 120):
        store_summary(info, run, {"seconds": float(run), "energy_kwh": 0.5})
    assert stored_summary(info, 119) == {"seconds": 119, "energy_kwh": 0.5}
    assert stored_summary(info, 5) == {}
    hostile = {"energy_kwh": "x", "seconds": 10**400, "other": 1, "cores": -1}
    values: list[Any] = [None, 7, [], {"1": 7}, {"1": hostile}]
    for value in values:
        assert stored_summary({"pyruns_jupyter": {"system": value}}, 1) == {}


@pytest.mark.parametrize(
    ("environment", "hours"),
    [
        ({"assigned_gpu_ids": [0, 3]}, 1.0),
        ({"assigned_gpu_ids": []}, None),
        ({}, None),
        ({"assigned_gpu_ids": 5}, None),
    ],
)
def test_gpu_hours(environment: dict[str, Any], hours: float | None) -> None:
    run = latest({"run_environments": [environment], "durations": [1800.0], "run_statuses": ["completed"]})
    assert run is not None
    assert gpu_hours(run) == hours


LOW = {"seconds": 600.0, "cores": 16.0, "gpu_low_share": 0.9, "gpu_utilization_percent": 12.0}


@pytest.mark.parametrize(
    ("summary", "words"),
    [
        ({}, []),
        ({"seconds": 600.0, "cpu_percent": 100.0, "cores": 16.0}, []),
        (LOW | {"cpu_percent": 101.0}, ["below 30 % for 90 % of the run", "101 %", "data loader"]),
        (LOW | {"cpu_percent": 1500.0}, ["1500 % of 1600 %", "CPU cores may be the limit"]),
        (LOW | {"cpu_percent": 10.0}, ["10 %", "waited for data"]),
        (LOW | {"cpu_percent": 101.0, "seconds": 100.0}, []),
        (LOW | {"cpu_percent": 101.0, "gpu_low_share": 0.7}, []),
        (
            {"seconds": 600.0, "gpu_memory_share": 0.21, "gpu_utilization_percent": 40.0},
            ["At most 21 %", "40 %", "--gpu-memory"],
        ),
        ({"seconds": 600.0, "gpu_memory_share": 0.21, "gpu_utilization_percent": 90.0}, []),
        (
            {
                "seconds": 600.0,
                "gpu_memory_share": 0.2,
                "gpu_utilization_percent": 4.0,
                "gpu_memory_shared": 1.0,
            },
            [],
        ),
        ({"memory_gib_max": 15.1, "memory_limit_gib": 16.0}, ["15.1 GiB", "94 % of the limit of 16.0 GiB"]),
        ({"memory_gib_max": 8.0, "memory_limit_gib": 16.0}, []),
    ],
)
def test_hints(summary: dict[str, float], words: list[str]) -> None:
    hints = hints_of(summary)
    assert bool(hints) == bool(words)
    assert all(word in " ".join(hints) for word in words)
    assert all(hint.endswith(".") for hint in hints)


def test_the_lines_are_json(tmp_path: Path) -> None:
    path = write(tmp_path / "f", FACTS, {"cpu_percent": 1 / 3})
    assert [json.loads(line) for line in path.read_text().splitlines()] == [
        {"facts": FACTS},
        {"t": 1010.0, "cpu_percent": 0.33333},
    ]
