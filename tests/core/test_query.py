"""Searching and sorting rows."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyruns_jupyter.core.errors import InvalidInput
from pyruns_jupyter.core.query import natural_key, parse, quote, select
from pyruns_jupyter.core.rows import TaskRow

BASE = TaskRow("x", "pending", "python", False, 1.0, 0, 0, None, None, None, None, None)
ROWS = [
    replace(BASE, name="run_1", swept={"optimizer.lr": 0.1, "amp": True}, figures={"acc": 0.5}),
    replace(BASE, name="run_2", status="failed", swept={"optimizer.lr": 0.01, "opt": "Adam"}, exit_code=1,
            notes="diverged after warm-up", created_at=2.0),
    replace(BASE, name="run_10", status="completed", swept={"optimizer.lr": 1e-5}, duration=12.0,
            figures={"acc": 0.93, "loss": float("nan")}, created_at=3.0),
    replace(BASE, name="Probe lr=3", kind="shell", status="running", pinned=True, created_at=None),
]  # fmt: skip


def names(query: str = "", **options: object) -> list[str]:
    return [row.name for row in select(ROWS, query, **options)[0]]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", {"run_1", "run_2", "run_10", "Probe lr=3"}),
        ("RUN", {"run_1", "run_2", "run_10"}),
        ("run -run_1", {"run_2"}),
        ("diverged warm", {"run_2"}),
        ('"after warm"', {"run_2"}),
        ('"warm after"', set()),
        ("adam", {"run_2"}),
        ("status:failed,running", {"run_2", "Probe lr=3"}),
        ("-status:failed run", {"run_1", "run_10"}),
        ("lr<0.05", {"run_2", "run_10"}),
        ("optimizer.lr<=1e-2", {"run_2", "run_10"}),
        ("lr=0.010", {"run_2"}),
        ("lr!=0.1", {"run_2", "run_10"}),
        ("lr=3", {"Probe lr=3"}),
        ("opt=adam", {"run_2"}),
        ("opt!=adam", set()),
        ("amp=true", {"run_1"}),
        ("amp=1", set()),
        ("acc>=0.5 acc<0.9", {"run_1"}),
        ("loss<1", set()),
        ("duration>10", {"run_10"}),
        ("exit_code=1", {"run_2"}),
        ("name:probe", {"Probe lr=3"}),
        ("note:run", set()),
        ("kind:shell", {"Probe lr=3"}),
    ],
)
def test_what_a_query_finds(query: str, expected: set[str]) -> None:
    assert set(names(query)) == expected
    assert set(names(str(parse(query)))) == expected


@pytest.mark.parametrize(
    ("query", "column"),
    [("lr< run", 4), ('a "open', 3), ("a - b", 3), ("lr<fast", 4), ("status:faild", 8), ("kind:x", 6)],
)
def test_a_mistake_has_its_column(query: str, column: int) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse(query)
    assert (caught.value.field, caught.value.column) == ("query", column)


def test_a_misspelt_status_gets_a_suggestion() -> None:
    with pytest.raises(InvalidInput, match="failed"):
        parse("status:faild")
    with pytest.raises(InvalidInput, match="failed"):
        select(ROWS, statuses=["faild"])


def test_sorting() -> None:
    assert names(sort="name", order="asc") == ["Probe lr=3", "run_1", "run_2", "run_10"]
    assert names("run", sort="name") == ["run_10", "run_2", "run_1"]
    assert names("run") == ["run_10", "run_2", "run_1"]
    assert names("run", sort="acc", order="asc") == ["run_1", "run_10", "run_2"]  # missing comes last
    assert names("run", sort="acc", order="desc") == ["run_10", "run_1", "run_2"]
    assert names("run", sort="optimizer.lr", order="asc") == ["run_10", "run_2", "run_1"]
    assert names("run", sort="no such key", order="asc") == ["run_1", "run_2", "run_10"]
    assert natural_key("a2b") < natural_key("a10b")
    with pytest.raises(InvalidInput):
        select(ROWS, order="up")


def test_pages() -> None:
    assert select(ROWS, sort="name", order="asc", offset=1, limit=2)[0] == [ROWS[0], ROWS[1]]
    assert select(ROWS, limit=0)[1] == 4
    assert len(select(ROWS, limit=None)[0]) == 4
    assert [row.name for row in select(ROWS, statuses=["failed"])[0]] == ["run_2"]


TEXT = st.text(max_size=12)


@settings(deadline=None)
@given(TEXT)
def test_a_quoted_text_is_found_literally(text: str) -> None:
    row = replace(BASE, name=f"<{text}>")
    assert parse(quote(text)).matches(row)
    assert parse(f"name:{quote(text)}").matches(row)


@settings(deadline=None)
@given(st.text(alphabet='ab lr<>=!:-",\\.01status', max_size=24))
def test_a_query_round_trips_or_is_refused_with_a_place(text: str) -> None:
    query, column = None, None
    try:
        query = parse(text)
    except InvalidInput as error:
        column = error.column
    if query is None:
        assert column is not None
        assert 1 <= column <= len(text) + 1
        return
    assert parse(str(query)) == query
    for row in ROWS:
        query.matches(row)


@settings(deadline=None)
@given(
    st.lists(st.sampled_from(ROWS), max_size=8),
    st.sampled_from(["name", "created", "lr", "acc", "loss", "status"]),
)
def test_sorting_loses_nothing(rows: list[TaskRow], sort: str) -> None:
    for order in ("asc", "desc"):
        found, total = select(rows, sort=sort, order=order)
        assert total == len(rows)
        assert sorted(map(id, found)) == sorted(map(id, rows))
