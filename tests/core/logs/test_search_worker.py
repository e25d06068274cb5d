"""Searching one log: every match within a line, at its byte."""

from __future__ import annotations

import json
import os
import re
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyruns_jupyter.core.common.errors import InvalidInput
from pyruns_jupyter.core.common.regular_expressions import compile_regex
from pyruns_jupyter.core.logs import search_worker
from pyruns_jupyter.core.logs.search import LogSearch, SearchProcess, is_last


def compiled(pattern: str) -> Any:
    return compile_regex(pattern, ignore_case=False, multiline=True)


def by_hand(pattern: str, log: bytes) -> list[tuple[int, int, int]]:
    """Every match of every line, looked for one line at a time."""
    found, at = [], 0
    for line in re.split(b"[\r\n]", log):
        text = line.decode("utf-8", "surrogateescape")
        for match in compiled(pattern).finditer(text):
            first, last = (
                len(text[:place].encode("utf-8", "surrogateescape")) for place in (match.start(), match.end())
            )
            if last > first:
                found.append((at + first, last - first, log.rfind(b"\n", 0, at) + 1))
        at += len(line) + 1
    return found


PATTERNS = ["a", "b+", r"\s+b", "^a", "b$", r"a\s*b", "[^b]", "ä|b", r"\w+", "(a|b)+$", "a*"]


@given(st.sampled_from(PATTERNS), st.text("ab \n\rä✔\t", max_size=60), st.integers(0, 5))
def test_it_finds_what_is_found_line_by_line(pattern: str, text: str, begin: int) -> None:
    log = text.encode()
    found = [hit[:3] for hit in search_worker.hits(compiled(pattern), log, begin)]
    assert found == [(first + begin, size, line + begin) for first, size, line in by_hand(pattern, log)]


@given(st.binary(max_size=80), st.sampled_from(["a", "[^a]", ".", r"\n", r"\S+"]))
def test_binary_noise(log: bytes, pattern: str) -> None:
    found = [hit[:3] for hit in search_worker.hits(compiled(pattern), log, 0)]
    assert found == by_hand(pattern, log)


@given(st.lists(st.binary(max_size=30), max_size=6), st.integers(1, 20), st.integers(0, 10))
def test_blocks_are_whole_lines_and_everything(parts: list[bytes], size: int, start: int) -> None:
    log = b"\n".join(parts)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(search_worker, "_BLOCK", size)
        patched.setattr(search_worker, "_MAX_LINE", size)
        with tempfile.TemporaryFile() as stream:
            stream.write(log)
            stream.flush()
            blocks = list(search_worker.blocks(stream.fileno(), start))
    assert b"".join(block for block, _ in blocks) == log[start:]
    at = start
    for number, (block, begin) in enumerate(blocks, 1):
        assert begin == at
        at += len(block)
        assert block.endswith((b"\n", b"\r")) or len(block) >= size or number == len(blocks)


def scan(log: Path, **wanted: Any) -> list[dict[str, Any]]:
    """What the program answers."""
    process = SearchProcess()
    process.request(log, LogSearch(**{"ignore_case": False, "limit": 100, **wanted}))
    try:
        lines = [process.next_line()]
        while not is_last(lines[-1]):
            lines.append(process.next_line())
    finally:
        process.close()
    return [json.loads(line) for line in lines]


def test_the_program(tmp_path: Path) -> None:
    log = tmp_path / "run1.log"
    log.write_bytes(b"".join(b"epoch %d loss %d\n" % (n, n % 7) for n in range(400_000)))
    *parts, last = scan(log, pattern="LOSS 3", ignore_case=True, limit=10_000_000)
    assert len(parts) > 1
    assert last == {"hits": [], "searched": log.stat().st_size, "total": 57143, "done": True}
    assert sum(len(part["hits"]) for part in parts) == 57143
    assert parts[0]["hits"][0] == [53, 6, 45, "epoch 3 loss 3"]
    # Page by page it finds the same.
    again, start = [], 0
    while True:
        page = scan(log, pattern="loss 3$", limit=20_000, start=start)
        again += [hit for part in page for hit in part["hits"]]
        start = page[-1]["searched"]
        if start == log.stat().st_size:
            break
    assert again == [hit for part in parts for hit in part["hits"]]


def test_what_is_shown_of_a_very_long_line(tmp_path: Path) -> None:
    log = tmp_path / "run1.log"
    log.write_bytes(b"x" * 10_000_000 + b" needle \xff" + b"y" * 1000)
    (hit,) = [hit for part in scan(log, pattern="needle") for hit in part["hits"]]
    assert hit[:2] == [10_000_001, 6]
    assert hit[3].startswith("x")
    assert " needle \ufffdyy" in hit[3]
    assert len(hit[3]) <= 400


def test_a_line_full_of_hits(tmp_path: Path) -> None:
    """Two million of them in one line, and a line behind it."""
    log = tmp_path / "run1.log"
    log.write_bytes("ä".encode() * 2_000_000 + b"\nnext \xc3\xa4\n")
    parts = scan(log, pattern="ä", limit=1000)
    found = {"hits": [hit for part in parts for hit in part["hits"]], "total": parts[-1]["total"]}
    assert found["total"] == 101
    assert found["hits"][99][:3] == [198, 2, 0]
    assert found["hits"][100][:3] == [4_000_006, 2, 4_000_001]


@pytest.mark.parametrize("pattern", ["(", "[a", "*", "(?P<a", "a{99999999999}", "(" * 1000, r"\p{Foo}"])
def test_no_pattern(tmp_path: Path, pattern: str) -> None:
    log = tmp_path / "run1.log"
    log.write_bytes(b"x\n")
    with pytest.raises(InvalidInput, match="Invalid regular expression: ") as caught:
        scan(log, pattern=pattern)
    assert caught.value.field == "pattern"
    assert scan(log, pattern="[[a]")[-1]["done"]  # `regex` warns of it


def test_an_expression_that_takes_too_long(tmp_path: Path) -> None:
    log = tmp_path / "run1.log"
    log.write_bytes(b"ab\n" + b"a" * 5_000 + b"\n")
    (said,) = scan(log, pattern="(a+)+b", seconds=0.2)
    assert [hit[0] for hit in said["hits"]] == [0]
    assert said["message"] == "The search was stopped because it took more than 0.2 s for a part of the log."


def test_a_process_that_was_killed(tmp_path: Path) -> None:
    log = tmp_path / "run1.log"
    log.write_bytes(b"a" * 5_000)
    process = SearchProcess()
    process.request(log, LogSearch("(a+)+b"))
    process.kill()
    assert json.loads(process.next_line())["message"] == "The search process was killed."
    process.close()


@pytest.mark.parametrize("kind", ["missing", "link", "link above", "pipe", "folder"])
def test_only_plain_files_are_read(tmp_path: Path, kind: str) -> None:
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "run1.log").write_text("secret")
    folder = tmp_path / "run_logs"
    log = folder / "run1.log"
    if kind == "link above":
        folder.symlink_to(tmp_path / "secret")
    else:
        folder.mkdir()
    if kind == "link":
        log.symlink_to(tmp_path / "secret" / "run1.log")
    elif kind == "pipe":
        os.mkfifo(log)
    elif kind == "folder":
        log.mkdir()
    (said,) = scan(log, pattern="secret")
    assert said["hits"] == []
    assert "cannot be read" in said["message"]


def test_nothing_of_the_user_runs_in_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the working folder nor the environment choose what is imported."""
    for name in ("json", "regex", "pyruns_jupyter"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit")
    log = tmp_path / "run1.log"
    log.write_bytes(b"x\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert scan(log, pattern="x")[-1]["total"] == 1
