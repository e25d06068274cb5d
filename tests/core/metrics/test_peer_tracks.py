"""Reading the database into which the other program moves points: never writing, never waiting for long."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pyruns_jupyter.core.common.errors import Unreadable
from pyruns_jupyter.core.metrics.peer_tracks import STORE_NAME, stored_latest, stored_tracks
from tests.core.making import snapshot
from tests.support import wait_until

# As `pyruns` 0.3.17 makes it.
SCHEMA = """
CREATE TABLE generations (generation TEXT PRIMARY KEY, snapshot TEXT NOT NULL);
CREATE TABLE points (
    sequence INTEGER PRIMARY KEY, generation TEXT NOT NULL, operation TEXT NOT NULL UNIQUE,
    run_index INTEGER NOT NULL, payload TEXT NOT NULL);
CREATE INDEX points_generation ON points(generation, sequence);
PRAGMA user_version = 1;
"""
INFO: dict[str, Any] = {"track_store": {"version": 1, "generation": "g", "max_run_index": 2}}

WRITER = """
import sqlite3, sys
database = sqlite3.connect(sys.argv[1], timeout=60)
print("ready", flush=True)
for number in range(int(sys.argv[2])):
    with database:
        database.execute(
            "INSERT INTO points (generation, operation, run_index, payload) VALUES ('g', ?, 2, ?)",
            (f"w{number}", '{"step": %d}' % number),
        )
"""


def store(folder: Path, points: int = 0) -> sqlite3.Connection:
    database = sqlite3.connect(folder / STORE_NAME)
    database.executescript(SCHEMA)
    runs = [{"loss": [1.0], "old": [7]}, {"loss": [0.5, 0.25], "odd": 3}]
    database.execute("INSERT INTO generations VALUES ('g', ?), ('other', '[]')", (json.dumps(runs),))
    rows = [(number, "g", f"o{number}", 2, json.dumps({"step": number})) for number in range(1, points + 1)]
    database.executemany("INSERT INTO points VALUES (?, ?, ?, ?, ?)", rows)
    database.commit()
    return database


def test_snapshot_and_points(tmp_path: Path) -> None:
    database = store(tmp_path, 10_000)
    database.execute("INSERT INTO points VALUES (20000, 'other', 'x', 2, '{\"step\": -1}')")
    database.execute("INSERT INTO points VALUES (20001, 'g', 'y', 1, '{\"step\": 5}')")
    database.execute("INSERT INTO points VALUES (20002, 'g', 'z', 2, 'no json')")
    database.commit()
    database.close()
    before = snapshot(tmp_path)
    assert stored_tracks(tmp_path, INFO, 2) == {"loss": [0.5, 0.25], "step": list(range(1, 10_001))}
    assert stored_tracks(tmp_path, INFO, 1) == {"loss": [1.0], "old": [7], "step": [5]}
    assert stored_tracks(tmp_path, INFO, 3) == {}
    assert stored_latest(tmp_path, INFO, 2) == {"loss": 0.25, "step": 10_000}
    assert snapshot(tmp_path) == before


def test_a_read_only_folder(tmp_path: Path) -> None:
    store(tmp_path, 10).close()
    (tmp_path / STORE_NAME).chmod(0o400)
    tmp_path.chmod(0o500)
    try:
        assert stored_tracks(tmp_path, INFO, 2)["step"] == list(range(1, 11))
    finally:
        tmp_path.chmod(0o700)


def test_its_writer_is_not_disturbed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pyruns_jupyter.core.metrics.peer_tracks._SECONDS", 120.0)  # a writer may stand still
    store(tmp_path).close()
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(tmp_path / STORE_NAME), "800"], stdout=subprocess.PIPE
    )
    assert writer.stdout is not None
    writer.stdout.readline()
    seen = 0
    while writer.poll() is None:
        steps = stored_tracks(tmp_path, INFO, 2).get("step", [])
        assert steps == list(range(len(steps)))
        assert len(steps) >= seen
        seen = len(steps)
        time.sleep(0.02)
    writer.stdout.close()
    assert writer.returncode == 0
    assert stored_tracks(tmp_path, INFO, 2)["step"] == list(range(800))
    assert sorted(os.listdir(tmp_path)) == [STORE_NAME]


def test_a_writer_that_died_in_the_middle(tmp_path: Path) -> None:
    """It leaves a journal that only a writer can apply; what is in the file can be read."""
    store(tmp_path, 10).close()
    code = (
        "import os, sqlite3, sys, signal\n"
        "d = sqlite3.connect(sys.argv[1], isolation_level=None)\n"
        "d.execute('PRAGMA cache_size = 1'); d.execute('PRAGMA cache_spill = 1'); d.execute('BEGIN')\n"
        "for n in range(5000):\n"
        '    d.execute("INSERT INTO points (generation, operation, run_index, payload) '
        "VALUES ('g', ?, 1, ?)\", (f'w{n}', '{\"x\": 1}'))\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    dead = subprocess.run([sys.executable, "-c", code, str(tmp_path / STORE_NAME)], check=False)
    assert dead.returncode == -signal.SIGKILL
    assert (tmp_path / f"{STORE_NAME}-journal").stat().st_size > 0
    before = snapshot(tmp_path)
    with suppress(Unreadable):
        assert set(stored_tracks(tmp_path, INFO, 2)) >= {"loss"}
    assert snapshot(tmp_path) == before


def test_a_write_ahead_log_is_not_touched(tmp_path: Path) -> None:
    database = store(tmp_path, 10)
    database.execute("PRAGMA journal_mode = WAL").fetchone()
    database.close()
    before = snapshot(tmp_path)
    assert stored_tracks(tmp_path, INFO, 2)["step"] == list(range(1, 11))
    assert snapshot(tmp_path) == before


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    path = tmp_path / STORE_NAME

    def refused(info: dict[str, Any] = INFO) -> str:
        with pytest.raises(Unreadable) as caught:
            stored_tracks(tmp_path, info, 2)
        assert stored_latest(tmp_path, info, 2) == {}
        return caught.value.message

    assert "cannot be read" in refused()
    assert not path.exists()
    path.write_text("hello")
    assert "not an SQLite database" in refused()
    path.unlink()
    with closing(sqlite3.connect(path)) as database:
        database.executescript("CREATE TABLE x (y)")
    assert "a table is missing" in refused()
    path.unlink()
    os.mkfifo(path)
    assert "not a regular file" in refused()
    path.unlink()
    store(tmp_path).close()
    assert "metric values of the task are missing" in refused(
        {"track_store": {"version": 1, "generation": "unknown"}}
    )
    wrong: list[Any] = [None, [], {"version": 2, "generation": "g"}, {"version": 1, "generation": 7}]
    for facts in wrong:
        assert "format is not supported" in refused({"track_store": facts})
    link = tmp_path / "link"
    link.mkdir()
    (link / STORE_NAME).symlink_to(path)
    with pytest.raises(Unreadable):
        stored_tracks(link, INFO, 2)


@pytest.mark.parametrize("mode", ["DELETE", "WAL"])
def test_a_journal_that_is_a_fifo_is_not_waited_for(tmp_path: Path, mode: str) -> None:
    database = store(tmp_path, 2)
    database.execute(f"PRAGMA journal_mode={mode}")
    database.close()
    for name in ("journal", "wal", "shm"):
        path = tmp_path / f"{STORE_NAME}-{name}"
        path.unlink(missing_ok=True)
        os.mkfifo(path)
    assert stored_tracks(tmp_path, INFO, 2)["step"] == [1, 2]


ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)"
GENERATIONS = "CREATE TABLE generations (generation, snapshot); INSERT INTO generations VALUES ('g', '[]');"
LARGE = "replace(hex(zeroblob(30000000)), '00', '{},')"
SCHEMAS = {
    "a view without end": f"{GENERATIONS} CREATE VIEW points AS {ENDLESS}"
    " SELECT i AS sequence, 'g' AS generation, 1 AS run_index, '{}' AS payload FROM n;",
    "a view without end for the snapshot": "CREATE TABLE points (sequence, generation, run_index, payload);"
    f"CREATE VIEW generations AS {ENDLESS} SELECT 'x' AS generation, '[]' AS snapshot FROM n WHERE i < 0;",
    "a view in other letters": f"{GENERATIONS} CREATE VIEW Points AS {ENDLESS}"
    " SELECT i AS sequence, 'g' AS generation, 1 AS run_index, '{}' AS payload FROM n;",
    "a view of a large text": "CREATE TABLE points (sequence, generation, run_index, payload);"
    f"CREATE VIEW generations AS SELECT 'g' AS generation, '[' || {LARGE} || '{{}}]' AS snapshot;",
    "a computed column": f"{GENERATIONS} CREATE TABLE points (sequence, generation, run_index,"
    f" payload GENERATED ALWAYS AS ({LARGE})); INSERT INTO points VALUES (1, 'g', 1);",
    "a table of a module": f"{GENERATIONS} CREATE VIRTUAL TABLE points USING"
    " fts5(sequence, generation, run_index, payload);",
}


@pytest.mark.parametrize("schema", SCHEMAS.values(), ids=SCHEMAS)
def test_what_is_no_plain_table_is_not_asked(tmp_path: Path, schema: str) -> None:
    with closing(sqlite3.connect(tmp_path / STORE_NAME)) as database:
        try:
            database.executescript(schema)
        except sqlite3.OperationalError as error:
            pytest.skip(f"SQLite here: {error}")
    began = time.process_time()
    with pytest.raises(Unreadable, match=r"not a table|computed"):
        stored_tracks(tmp_path, INFO, 1)
    assert stored_latest(tmp_path, INFO, 1) == {}
    assert time.process_time() - began < 5


def test_a_snapshot_of_empty_lists_is_not_read(tmp_path: Path) -> None:
    with closing(store(tmp_path)) as database:
        database.execute("UPDATE generations SET snapshot = ?", ("[" + "{}," * 2_000_000 + "{}]",))
        database.commit()
    with pytest.raises(Unreadable, match="more than 1,000,000 lists"):
        stored_tracks(tmp_path, INFO, 1)


@contextmanager
def kept_locked(folder: Path) -> Iterator[None]:
    """A writer that does not come to an end."""
    with closing(sqlite3.connect(folder / STORE_NAME, isolation_level=None)) as database:
        database.execute("BEGIN EXCLUSIVE")
        yield


def test_a_look_at_a_locked_database_has_one_deadline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store(tmp_path, 10).close()
    clock = [0.0]
    with kept_locked(tmp_path), monkeypatch.context() as patch:
        patch.setattr(time, "monotonic", lambda: clock[0])
        patch.setattr(time, "sleep", lambda seconds: clock.__setitem__(0, clock[0] + seconds))
        with pytest.raises(Unreadable, match="locked"):
            stored_tracks(tmp_path, INFO, 2)
        assert stored_latest(tmp_path, INFO, 2) == {}
        assert 10 < clock[0] < 11
    assert stored_tracks(tmp_path, INFO, 2)["step"] == list(range(1, 11))


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="/proc tells when it is being read")
def test_one_database_does_not_wait_for_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pyruns_jupyter.core.metrics.peer_tracks._SECONDS", 120.0)  # for 200,000 points
    large, small = tmp_path / "large", tmp_path / "small"
    for folder, points in ((large, 200_000), (small, 10)):
        folder.mkdir()
        store(folder, points).close()
    path = str(large / STORE_NAME)
    with ThreadPoolExecutor() as pool:
        reading = [pool.submit(stored_tracks, large, INFO, 2) for _ in range(3)]
        wait_until(
            lambda: any(_target(one) == path for one in Path("/proc/self/fd").iterdir()), interval=0.001
        )
        assert stored_tracks(small, INFO, 2)["step"] == list(range(1, 11))
        assert not any(one.done() for one in reading)
    assert [one.result()["step"][-1] for one in reading] == [200_000] * len(reading)


def _target(link: Path) -> str:
    try:
        return os.readlink(link)
    except OSError:
        return ""


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.lists(st.tuples(st.integers(0, 40_000), st.binary(min_size=1, max_size=60)), max_size=6), st.data())
def test_damage_never_crashes(tmp_path: Path, places: list[tuple[int, bytes]], data: st.DataObject) -> None:
    whole = tmp_path / "whole"
    if not whole.exists():
        whole.mkdir()
        store(whole, 300).close()
    folder = tmp_path / "damaged"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    content = bytearray((whole / STORE_NAME).read_bytes())
    for at, text in places:
        content[at : at + len(text)] = text
    content = content[: data.draw(st.integers(0, len(content)))] if data.draw(st.booleans()) else content
    (folder / STORE_NAME).write_bytes(content)
    with suppress(Unreadable):
        stored_tracks(folder, INFO, 2)
    stored_latest(folder, INFO, 2)
    assert (folder / STORE_NAME).read_bytes() == bytes(content)
    assert os.listdir(folder) == [STORE_NAME]
