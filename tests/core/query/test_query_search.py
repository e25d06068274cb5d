"""Regular expressions that cannot run away, and searching logs."""

from __future__ import annotations

import os
import re
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from pyruns_jupyter.core.common.errors import InvalidInput
from pyruns_jupyter.core.logs import search_worker
from pyruns_jupyter.core.query import Sources, compile, logs, parse, select
from pyruns_jupyter.core.query.ast import TextValue
from pyruns_jupyter.core.query.pattern import compile_pattern, is_quadratic
from pyruns_jupyter.core.tasks.index import TaskIndex
from pyruns_jupyter.core.tasks.row import TaskRow
from tests.core.making import end_run, one_task, shell_workspace, start_run
from tests.core.query.test_query import BASE

HOSTILE = [
    "(a+)+b",
    "(a*)*b",
    "(a|a)*b",
    "(a|aa)+$",
    r"(\w+\s?)*x",
    r"^(([a-z])+.)+[A-Z]([a-z])+$",
    "(.*a){20}",
    "(a?){30}a{30}",
    "a?" * 30 + "a" * 30,
    ".*.*.*.*.*b",
    r"(a+)\1+b+(\1)*",
    "(?:(?:a?){2,60}){2,60}b",
    "(" * 150 + "a" + ")*" * 150,
    "x*" * 60 + "y",
    "(é+)+x",
    "(?i:(A+)+)b",
    "((a{1,50}){1,50}){1,50}b",
]


@pytest.mark.parametrize("pattern", HOSTILE)
@pytest.mark.parametrize("field", ["note", "log"])
def test_a_hostile_pattern_finds_or_gives_up_in_time(
    tmp_path: Path,
    write: Callable[..., TaskRow],
    monkeypatch: pytest.MonkeyPatch,
    pattern: str,
    field: str,
) -> None:
    """No search runs away: it has a result, or a sentence says that it took too long."""
    monkeypatch.setattr(compile, "PATTERN_SECONDS", 0.2)
    monkeypatch.setattr(logs, "SECONDS", 0.2)
    text = "a" * 3_000 + "!"
    row = replace(write("a", text.encode()), notes=text)
    given_up = None
    try:
        found = select([row], f"{field}:/{pattern}/", sources=sources(tmp_path))
    except InvalidInput as error:
        given_up = error
    if given_up is not None:
        assert "took longer than 0.2 s and was stopped" in given_up.message
        assert given_up.column == len(field) + 2
    else:
        assert [said.code for said in found.notices] in ([], ["logs_unread"], ["nothing"])


@pytest.mark.parametrize("pattern", [*HOSTILE, "a*a*", "x(a)", "a|b", "a??", "a{2}", "[(]a*a*"])
def test_a_pattern_with_choices_is_not_quadratic(pattern: str) -> None:
    assert not is_quadratic(pattern)


@pytest.mark.parametrize("pattern", ["", r"run_\d+$", r"^ada", r"a\(\|b", "[ab]*c", "7$"])
def test_an_everyday_pattern_needs_no_timeout(pattern: str) -> None:
    assert is_quadratic(pattern)


def test_these_expressions_are_given_up() -> None:
    """The tests above would say nothing if every pattern ended soon."""
    compiled = compile_pattern("(a+)+b")
    with pytest.raises(TimeoutError):
        compiled.search("a" * 3_000, timeout=0.1)


@pytest.mark.parametrize(
    ("pattern", "why"),
    [
        ("(?:(?:a{1000}){1000}){1000}b", "repetition counts"),  # it would take the memory of the machine
        ("x" * 501, "500 characters"),
        ("(", "missing"),
        ("[a", "unterminated|terminated"),
        ("*", "nothing to repeat"),
        ("a{99999999999}", "repetition counts"),
        ("(" * 250 + ")" * 249, "missing"),
    ],
)
def test_patterns_that_are_refused(pattern: str, why: str) -> None:
    with pytest.raises(InvalidInput, match=why):
        parse(f"/{pattern}/")


@pytest.mark.parametrize(
    ("pattern", "found"),
    [
        (r"epoch\s+\d+\s+loss\s+[\d.]+", "Epoch  12 loss 0.53"),
        (r"^run_(\d+\.)*\d+$", "run_1.20.3"),
        (r"(foo|bar)+baz", "foobarbaz"),
        (r".*out of memory.*", "CUDA out of memory."),
        (r"lr=\d+(\.\d+)?(e-?\d+)?,", "lr=1.5e-3,"),
        (r"Traceback|Error|Killed", "ValueError: x"),
        (r"\b\w+\.py\b", "at train.py line"),
        (r"(a|b)*c", "ababc"),
        (r"[^,]+,[^,]+,[^,]+", "a,b,c"),
        (r"(?:\w+\.)+\w+", "a.b.c"),
        (r"ü.*ß", "Übergröße"),
        (r"(?<!x)y(?=z)", "yz"),
        (r"a.*b.*c", "a1b2c"),
        (r"loss{e}", "Loss{e}"),  # not "with errors", as `regex` reads it
        (r"{'lr': \d{1,2}}", "{'lr': 12}"),
        (r"x[[a]", "x["),
    ],
)
def test_everyday_patterns_work(pattern: str, found: str) -> None:
    compiled = compile_pattern(pattern)
    assert compiled.search(found, timeout=60)
    assert not compiled.search("nothing!", timeout=60)


@settings(deadline=None)
@given(
    st.lists(
        st.sampled_from(
            [
                *("a", "b", "ab", ".", "*", "+", "?", "(", ")", "|", "{1,3}", "{e}", "{", "}", "[ab]"),
                *("[[a]", "^", "(?=", "(?i)", "[a&&b]", "[a--b]"),
                *(r"\b", r"\1", r"\{", "-", "(?>", "{,}", "{}"),
            ]
        ),
        max_size=8,
    ).map("".join),
    st.sampled_from(["", "a" * 19 + "!", "ab" * 9, "aab" * 6 + "\n", "a{e}b-[[A] {}"]),
)  # fmt: skip
def test_patterns_mean_what_re_makes_of_them(pattern: str, text: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            usual = re.compile(pattern, re.IGNORECASE)
        except re.error:
            return
    found, expected = compile_pattern(pattern).search(text, timeout=60), usual.search(text)
    assert (found and found.span()) == (expected and expected.span())


def test_a_huge_text_is_searched_as_a_whole(tmp_path: Path, write: Callable[..., TaskRow]) -> None:
    long = "x" * 5_000_000
    row = replace(write("a", f"{long}a{long}b--c\n".encode()), notes=f"{long}a{long}b--c")
    for field in ("note", "log"):
        assert select([row], f"{field}:/a.*b.*c$/", sources=sources(tmp_path)).total == 1
        assert select([row], f"{field}:/a.*b.*d$/", sources=sources(tmp_path)).total == 0


# -- logs


@pytest.fixture
def write(tmp_path: Path) -> Callable[..., TaskRow]:
    def make(name: str, data: bytes | None) -> TaskRow:
        folder = tmp_path / name / "run_logs"
        folder.mkdir(parents=True)
        if data is not None:
            (folder / "run1.log").write_bytes(data)
        return replace(BASE, name=name, runs=1, run=1)

    return make


def sources(tmp_path: Path) -> Sources:
    return Sources(log=lambda row: tmp_path / row.name / "run_logs" / f"run{row.run}.log")


def found(tmp_path: Path, rows: list[TaskRow], query: str) -> list[str]:
    return sorted(row.name for row in select(rows, query, sources=sources(tmp_path)).items)


def test_what_is_in_logs(tmp_path: Path, write: Callable[..., TaskRow]) -> None:
    rows = [
        write("oom", b"step 1\r\nCUDA Out Of Memory\n"),
        write("umlaut", "step 2\nGRÖSSE 3\n".encode()),
        write("binary", bytes(range(256)) * 500 + b"needle" + b"\xff\xfe"),
        write("empty", b""),
        write("none", None),
        replace(BASE, name="never"),
    ]
    assert found(tmp_path, rows, 'log:"out of memory"') == ["oom"]
    assert found(tmp_path, rows, "log:memory,größe") == ["oom", "umlaut"]
    assert found(tmp_path, rows, "log:needle") == ["binary"]
    assert found(tmp_path, rows, r"log:/step \d$/") == ["oom", "umlaut"]
    assert found(tmp_path, rows, "log:/^cuda.*memory$/") == ["oom"]
    assert found(tmp_path, rows, "-log:step name:/e/") == ["empty", "never", "none"]
    assert found(tmp_path, rows, "has:log") == ["binary", "empty", "none", "oom", "umlaut"]
    assert found(tmp_path, rows, 'log:""') == ["binary", "empty", "oom", "umlaut"]


def excerpt(tmp_path: Path, row: TaskRow, query: str) -> tuple[int | None, str] | None:
    hit = select([row], query, sources=sources(tmp_path), excerpts=True).excerpts.get(row.name)
    return None if hit is None else (hit.line, hit.text)


def test_the_line_that_was_found_is_told(tmp_path: Path, write: Callable[..., TaskRow]) -> None:
    bar = b"".join(b"\r%d%%|#|" % done for done in range(100))
    row = write("one", b"step 1\n" + bar + b"\n\x1b[31mValueError:\x1b[0m \x07GR\xc3\x96SSE\x00 9\r\nend\n")
    assert excerpt(tmp_path, row, "log:größe") == (103, "ValueError: GRÖSSE 9")
    assert excerpt(tmp_path, row, "log:/^end$/ one") == (104, "end")
    assert excerpt(tmp_path, row, "(log:nothing OR log:99%) -lr<1") == (102, "99%|#|")
    assert excerpt(tmp_path, row, "-log:step") is None
    assert excerpt(tmp_path, row, "step") is None
    assert excerpt(tmp_path, write("none", None), "log:step") is None
    assert excerpt(tmp_path, replace(BASE, name="never"), "log:step") is None

    far = write("far", b"x" * 100_000 + b" needle " + b"y" * 100_000 + b"\n")
    found_far = excerpt(tmp_path, far, "log:needle")
    assert found_far is not None
    assert found_far[1].startswith("…x") and " needle y" in found_far[1] and found_far[1].endswith("y…")
    assert len(found_far[1]) <= 301


def test_the_line_in_a_huge_log(
    tmp_path: Path, write: Callable[..., TaskRow], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "SECONDS", 120.0)  # to read 3 GiB takes a second of a core
    row = write("huge", b"first\n")
    path = tmp_path / "huge" / "run_logs" / "run1.log"
    with path.open("r+b") as stream:
        stream.seek(3 * 1024**3)
        stream.write(b"\nlast words\n")
    assert excerpt(tmp_path, row, "log:first") == (1, "first")
    assert excerpt(tmp_path, row, 'log:"last words"') == (None, "last words")


def test_no_line_is_told_of_what_lies_outside_the_task(tmp_path: Path, write: Callable[..., TaskRow]) -> None:
    (tmp_path / "secret.txt").write_text("password\n")
    row = write("link", None)
    (tmp_path / "link" / "run_logs" / "run1.log").symlink_to(tmp_path / "secret.txt")
    assert excerpt(tmp_path, row, "log:password") is None


@pytest.mark.parametrize("shift", [-5, -1, 0, 1])
def test_a_text_across_two_pieces_is_found(tmp_path: Path, write: Callable[..., TaskRow], shift: int) -> None:
    for name, wanted in (("ascii", "out of memory"), ("other", "größer als")):
        data = b"x" * (search_worker._BLOCK - 6 + shift) + wanted.encode() + b"y" * 100
        row = write(f"{name}{shift}", data)
        assert found(tmp_path, [row], f'log:"{wanted.upper()}"') == [row.name]
        assert found(tmp_path, [row], f"log:/{wanted.replace(' ', '.')}/") == [row.name]


def test_a_huge_log_is_read_at_both_ends_and_said(
    tmp_path: Path, write: Callable[..., TaskRow], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "SECONDS", 120.0)
    row = write("huge", b"first words\n")
    path = tmp_path / "huge" / "run_logs" / "run1.log"
    with path.open("r+b") as stream:  # sparse: 2 GiB that take no room
        stream.seek(1024**3)
        stream.write(b"in the middle")
        stream.truncate(2 * 1024**3)
        stream.seek(0, os.SEEK_END)
        stream.write(b"\nlast words\n")
    assert found(tmp_path, [row], 'log:"first words"') == ["huge"]
    assert found(tmp_path, [row], 'log:"last words"') == ["huge"]
    missed = select([row], "log:middle", sources=sources(tmp_path))
    assert missed.items == []
    assert [said.code for said in missed.notices] == ["logs_cut"]
    with pytest.raises(InvalidInput, match="64 MiB"):
        select([row], "-log:middle", sources=sources(tmp_path), strict=True)
    assert select([row], "-log:middle", sources=sources(tmp_path), strict=True, partial=True).total == 1


def test_a_log_that_grows_is_searched_anew(tmp_path: Path, write: Callable[..., TaskRow]) -> None:
    row = write("grows", b"one\n")
    assert found(tmp_path, [row], "log:two") == []
    with (tmp_path / "grows" / "run_logs" / "run1.log").open("ab") as stream:
        stream.write(b"two\n")
    assert found(tmp_path, [row], "log:two") == ["grows"]


def test_only_files_inside_the_task_are_read(tmp_path: Path, write: Callable[..., TaskRow]) -> None:
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "run1.log").write_text("secret")
    rows = [write(name, None) for name in ("link", "folder", "pipe", "directory")]
    (tmp_path / "link" / "run_logs" / "run1.log").symlink_to(tmp_path / "secret" / "run1.log")
    (tmp_path / "folder" / "run_logs").rmdir()
    (tmp_path / "folder" / "run_logs").symlink_to(tmp_path / "secret")
    os.mkfifo(tmp_path / "pipe" / "run_logs" / "run1.log")
    (tmp_path / "directory" / "run_logs" / "run1.log").mkdir()
    result = select(rows, "log:e", sources=sources(tmp_path))
    assert result.items == []
    assert [said.message for said in result.notices] == ["4 logs could not be read."]


def test_cheap_terms_go_first(tmp_path: Path, write: Callable[..., TaskRow]) -> None:
    rows = [
        replace(write(name, b"text\n"), status=status) for name, status in (("a", "failed"), ("b", "pending"))
    ]
    looked: list[str] = []
    plain = sources(tmp_path).log
    assert plain is not None

    def log(row: TaskRow) -> Path:
        looked.append(row.name)
        return plain(row)

    assert select(rows, "log:text (status:failed OR name:x)", sources=Sources(log=log)).total == 1
    assert looked == ["a"]


def test_time_for_logs_is_bounded(tmp_path: Path, write: Callable[..., TaskRow]) -> None:
    search = logs.LogQuery(sources(tmp_path).log, seconds=-1.0)
    assert not search.contains(write("a", b"late word\n"), [logs.log_needle(TextValue("late word"))])
    (said,) = search.notices()
    assert (said.code, said.is_serious) == ("logs_unread", True)


@pytest.mark.parametrize("options", [{"seconds": -1.0}, {"is_given_up": lambda: True}])
def test_when_time_is_over_no_log_is_read_any_more(
    tmp_path: Path, write: Callable[..., TaskRow], options: dict[str, Any]
) -> None:
    rows = [write(f"t{number}", b"a word\n") for number in range(20)]
    search = logs.LogQuery(sources(tmp_path).log, **{"seconds": 60.0, **options})
    assert not any(search.contains(row, [logs.log_needle(TextValue("never asked before"))]) for row in rows)
    (said,) = search.notices()
    assert "20 logs" in said.message


def test_a_search_that_is_given_up_ends_at_once(tmp_path: Path, write: Callable[..., TaskRow]) -> None:
    """Also in the midst of one log, with the usual time for all of them."""
    row = write("a", b"a" * 5_000_000)
    asked: list[bool] = []

    def is_given_up() -> bool:
        asked.append(True)
        return len(asked) > 2

    result = select([row], "log:/(a+)+b9/", sources=sources(tmp_path), is_given_up=is_given_up)
    assert [said.code for said in result.notices] == ["logs_unreadable"]
    assert len(asked) == 3


def test_nobody_waits_for_a_search(tmp_path: Path, write: Callable[..., TaskRow]) -> None:
    found = select([write("a", b"text\n")], "log:unread", sources=sources(tmp_path), is_given_up=lambda: True)
    assert [said.code for said in found.notices] == ["logs_unread"]


def test_a_real_workspace(tmp_path: Path) -> None:
    workspace = shell_workspace(tmp_path)
    folder = one_task(workspace)
    start_run(folder, pid=1, create_time=1.0)
    end_run(folder)
    (folder / "run_logs").mkdir(exist_ok=True)
    (folder / "run_logs" / "run1.log").write_text("hello there\n")
    index = TaskIndex(workspace)
    index.refresh()
    assert select(index.rows.values(), "log:there run:1", sources=Sources.of(index)).total == 1
    assert select(index.rows.values(), "log:where", sources=Sources.of(index)).total == 0
