"""Which field a word means, what is said of it, times and durations, and sorting."""

from __future__ import annotations

import datetime
import math
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyruns_jupyter.core.common.errors import InvalidInput
from pyruns_jupyter.core.common.natural_order import natural_key
from pyruns_jupyter.core.query import QueryResult, Sources, select
from pyruns_jupyter.core.query.fields import MISSING
from pyruns_jupyter.core.tasks.row import TaskRow, cells_of, with_values
from tests.core.query.test_query import BASE, ROWS

NOW = datetime.datetime(2026, 11, 24, 12, 0).timestamp()
HOUR, DAY = 3600.0, 86400.0


def messages(found: QueryResult) -> list[str]:
    return [said.message for said in found.notices]


def names(found: QueryResult) -> list[str]:
    return [row.name for row in found.items]


def tasks(*values: Mapping[str, Any], figures: bool = False) -> list[TaskRow]:
    group = "figures" if figures else "swept"
    return [
        with_values(BASE, name=f"t{number}", **{group: dict(value)}) for number, value in enumerate(values)
    ]


def test_an_unknown_field_gets_a_suggestion() -> None:
    found = select(ROWS, "run lrr<0.5")
    assert found.items == []
    (said,) = found.notices
    assert said.code == "unknown_field"
    assert "`lrr`" in said.message and "`lr`" in said.message
    assert (said.line, said.column) == (1, 5)
    assert said.suggestions == ("run lr<0.5",)
    assert "statsu" in messages(select(ROWS, "statsu:failed"))[0]
    assert select(ROWS, "statsu:failed").notices[0].suggestions == ("status:failed",)
    assert select([], "lrr<0.5").notices == []
    assert select(ROWS, "metrics.acc>0").notices[0].suggestions == ("acc>0",)
    rows = [with_values(BASE, swept={"optimizer.kind": "sgd"})]
    assert select(rows, "opt:sgd").notices[0].suggestions == ("optimizer.kind:sgd",)
    (said,) = select(ROWS, "temperature<1").notices
    assert "Valid fields: acc, " in said.message
    assert "optimizer.lr" in said.message
    with pytest.raises(InvalidInput) as caught:
        select(ROWS, "a data:/home/me b")
    assert caught.value.suggestions == ('a data:"/home/me" b',)
    assert "quote" in messages(select(ROWS, "example:5"))[0]


@pytest.mark.parametrize("query", ["lrr<1", "-lrr<1", "no:lrr", "has:lrr OR run", "-(lrr:3)", "opt<3"])
def test_who_acts_is_refused_instead(query: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        select(ROWS, query, strict=True)
    assert caught.value.field == "query"
    assert caught.value.column


def test_a_suffix_that_is_not_unique_is_refused() -> None:
    rows = tasks({"a.lr": 1, "b.lr": 2}, {"a.lr": 1, "b.lr": 3})
    with pytest.raises(InvalidInput, match=r"`a\.lr` or `b\.lr`") as caught:
        select(rows, "lr:1")
    assert caught.value.suggestions == ("a.lr:1", "b.lr:1")
    assert select(rows, "b.lr:3").total == 1
    with pytest.raises(InvalidInput) as caught:
        select(rows, sort="lr")
    assert caught.value.field == "sort"
    assert select(tasks({"xlr": 1}, {"a.lr": 2}), "lr:2").total == 1  # a part is a whole word
    assert select(tasks({"lr": 1, "b.lr": 9}), "lr:1").total == 1  # the whole key is exact


def test_a_swept_value_and_a_figure_of_one_name() -> None:
    rows = [with_values(BASE, name="a", swept={"lr": 1}, figures={"lr": 5})]
    with pytest.raises(InvalidInput) as caught:
        select(rows, "lr:1")
    assert caught.value.suggestions == ("config.lr:1", "figure.lr:1")
    assert select(rows, "config.lr:1 figure.lr:5").total == 1
    assert select(rows, "config.lr:5 OR figure.lr:1").total == 0


def test_a_key_with_the_name_of_a_fact() -> None:
    rows = tasks({"status": "warm", "progress": 3})
    found = select(rows, "progress>0")
    assert found.items == []
    assert found.notices[0].suggestions == (".progress>0",)
    assert select(rows, ".status:warm").items == rows


def test_what_is_missing_is_counted() -> None:
    rows = tasks({"acc": 0.5}, {"acc": 0.9}, {}, {"acc": None}, figures=True)
    found = select(rows, "acc>0.6")
    assert names(found) == ["t1"]
    assert messages(found) == ["2 of 4 tasks have no `acc`."]
    assert not found.notices[0].is_serious
    assert messages(select(rows, "acc>0.6 name:/[123]/")) == ["2 of 3 tasks have no `acc`."]
    assert messages(select(rows, "name:t2 acc>0.6")) == ["The only remaining task has no `acc`."]
    assert messages(select(rows, "acc>0.6 acc<2")) == ["2 of 4 tasks have no `acc`."]
    assert messages(select(rows, "-acc<2")) == ["2 of 4 tasks have no `acc`."]
    assert select(rows, "acc:null").total == 1
    assert select(rows, "has:acc").total == 2
    assert messages(select(rows, "has:acc")) == []


def test_types() -> None:
    rows = tasks(
        {"x": 1},
        {"x": 1.0},
        {"x": "1e0"},
        {"x": True},
        {"x": "One"},
        {"x": None},
        {"x": math.inf},
        {"x": [1, 2]},
    )

    def found(query: str) -> list[str]:
        return names(select(rows, query, sort="name", order="asc"))

    assert found("x:1") == ["t0", "t1", "t2", "t7"]
    assert found("x:true") == ["t3"]
    assert found("x:one") == ["t4"]
    assert found("x:null") == ["t5"]
    assert found("x:inf") == ["t6"]
    assert found("x>=1") == ["t0", "t1", "t2", "t6"]
    assert found("x:[1,2]") == ["t7"]
    assert found('x:"[1, 2]"') == ["t7"]
    assert found("x:1..2") == ["t0", "t1", "t2"]
    assert found('x:"1e0"') == ["t2"]  # between quotes it is text
    assert "not a number in 3 of 8 tasks" in messages(select(rows, "x<5"))[-1]
    texts = tasks({"opt": "adam"}, {"opt": "sgd"})
    (said,) = select(texts, "opt<3").notices
    assert (said.code, said.is_serious) == ("type", True)


def test_a_pasted_name_is_found() -> None:
    rows = [with_values(BASE, name="sweep_1_lr=0.1,opt=adam", swept={"lr": 0.1}), BASE]
    found = select(rows, "sweep_1_lr=0.1,opt=adam", strict=True)
    assert names(found) == ["sweep_1_lr=0.1,opt=adam"]
    assert found.notices[0].code == "as_name"
    assert select(rows, "sweep_2_lr=0.1").notices[0].code == "unknown_field"


def test_configurations_are_asked_only_when_needed() -> None:
    calls: list[int] = []

    def configs() -> Mapping[str, Mapping[str, Any]]:
        calls.append(1)
        return {"t0": {"lr": 0.1, "data.size": 3}, "t1": {"lr": 0.2, "data.size": 4, "acc": "no figure"}}

    rows = [
        with_values(row, figures={"acc": 0.5} if row.name == "t0" else {}) for row in tasks({"lr": 0.1}, {})
    ]
    sources = Sources(configs)
    for query in ("", "t", "status:failed", "acc>0.1", "has:acc", "figure.acc>0"):
        select(rows, query, sources=sources)
    assert calls == []
    assert names(select(rows, "lr:0.2", sources=sources)) == ["t1"]  # not swept, so its configuration tells
    assert names(select(rows, "size>3 lr>0", sources=sources)) == ["t1"]
    assert len(calls) == 2  # once a search
    assert names(select(rows, sort="data.size", order="desc", sources=sources)) == ["t1", "t0"]
    assert select(rows, "siz:3", sources=sources).notices[0].suggestions == ("size:3",)
    every = tasks({"lr": 0.1}, {"lr": 0.2})
    calls.clear()
    select(every, "lr<1", sources=sources)
    assert calls == []


STARTED = [
    with_values(BASE, name=name, started_at=None if ago is None else NOW - ago, status="running")
    for name, ago in (("now", 60.0), ("hour", HOUR), ("day", DAY), ("week", 7 * DAY), ("never", None))
]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("started<2h", {"now", "hour"}),  # within the last two hours
        ("started>2d", {"week"}),  # more than two days ago
        ("started>=1d", {"day", "week"}),
        ("started:30m..2d", {"hour", "day"}),
        ("started:..90m", {"now", "hour"}),
        ("started:1d..", {"day", "week"}),
        ("started>2026-11-22", {"now", "hour", "day"}),  # after that day
        ("started>2026-11-23", {"now", "hour"}),
        ("started>=2026-11-23", {"now", "hour", "day"}),
        ("started<2026-11", set()),
        ("started<=2026-11-17", {"week"}),
        ("started:2026-11", {"now", "hour", "day", "week"}),
        ("started:2026-11-23", {"day"}),
        ("started:today", {"now", "hour"}),
        ("started:yesterday", {"day"}),
        ("started:2026-11-17..2026-11-23", {"day", "week"}),
        ("started:2026-11-24T11:30..", {"now"}),
        ('started<"2026-11-24 11:30"', {"hour", "day", "week"}),
        ("started:2026-11-24T11:59", {"now"}),
        ("-started<2h", {"day", "week", "never"}),
        ("no:started", {"never"}),
        ("duration>2h", {"day", "week"}),  # of those that run: until now
        ("duration<1h30m", {"now", "hour"}),
        ("duration<=60", {"now"}),
    ],
)
def test_times_and_durations(query: str, expected: set[str]) -> None:
    assert set(names(select(STARTED, query, now=NOW))) == expected


def test_a_zone() -> None:
    row = with_values(
        BASE, created_at=datetime.datetime(2026, 1, 1, 10, 30, tzinfo=datetime.timezone.utc).timestamp()
    )
    assert select([row], "created:2026-01-01T10:30Z created:2026-01-01T12:30+02:00").total == 1
    assert select([row], "created:2026-01-01T12:30Z").total == 0
    with pytest.raises(InvalidInput):
        select([row], "created>2026-13-45")


def test_sorting() -> None:
    def by(query: str = "run", **options: Any) -> list[str]:
        return names(select(ROWS, query, **options))

    assert by("", sort="name", order="asc") == ["Probe lr=3", "run_1", "run_2", "run_10"]
    assert by(sort="name") == ["run_10", "run_2", "run_1"]
    assert by() == ["run_10", "run_2", "run_1"]
    assert by(sort="acc", order="asc") == ["run_1", "run_10", "run_2"]  # missing comes last
    assert by(sort="acc", order="desc") == ["run_10", "run_1", "run_2"]
    assert by(sort="optimizer.lr", order="asc") == ["run_10", "run_2", "run_1"]
    assert by(sort="lr", order="asc") == ["run_10", "run_2", "run_1"]
    assert by(sort="config.optimizer.lr", order="asc") == ["run_10", "run_2", "run_1"]
    assert by(sort="gpu", order="asc")[0] == "run_10"
    assert natural_key("a2b") < natural_key("a10b") < natural_key("b1")
    assert natural_key("a02") != natural_key("a2")
    with pytest.raises(InvalidInput):
        select(ROWS, order="up")


def test_sorting_by_several_fields() -> None:
    rows = tasks({"a": 1, "b": 1}, {"a": 2, "b": 1}, {"a": 1, "b": 2}, {"b": 3}, {"a": "x", "b": 0})

    def by(sort: str, order: str = "asc") -> list[str]:
        return names(select(rows, sort=sort, order=order))

    assert by("a,-b") == ["t2", "t0", "t1", "t4", "t3"]
    assert by("a,b") == ["t0", "t2", "t1", "t4", "t3"]
    assert by("-a,b") == ["t4", "t1", "t0", "t2", "t3"]
    assert by("a,-b", "desc") == ["t4", "t1", "t0", "t2", "t3"]
    assert by("status") == ["t0", "t1", "t2", "t3", "t4"]  # equal ones by name
    assert by("status", "desc") == ["t0", "t1", "t2", "t3", "t4"]


def test_sorting_by_what_there_is_not() -> None:
    found = select(ROWS, "run", sort="accu", order="asc")
    assert names(found) == ["run_1", "run_2", "run_10"]
    (said,) = found.notices
    assert (said.field, said.suggestions) == ("sort", ("acc",))
    assert select([], sort="accu").notices == []


def test_pages() -> None:
    assert select(ROWS, sort="name", order="asc", offset=1, limit=2).items == [ROWS[0], ROWS[1]]
    assert select(ROWS, limit=0).total == 4
    assert len(select(ROWS, limit=None).items) == 4
    assert names(select(ROWS, statuses=["failed"])) == ["run_2"]


KEYED = st.dictionaries(st.sampled_from(["x", "y", "z"]), st.integers(), max_size=3)


@given(st.lists(st.tuples(KEYED, KEYED)))
def test_values_of_rows_with_different_names(values: list[tuple[dict[str, int], dict[str, int]]]) -> None:
    rows = [with_values(BASE, swept=swept, figures=figures) for swept, figures in values]
    assert [(row.swept, row.figures) for row in rows] == values
    for key in ("x", "y", "z"):
        assert cells_of(rows, "swept", key, None) == [swept.get(key) for swept, _ in values]
        assert cells_of(rows, "figures", key, None) == [figures.get(key) for _, figures in values]
        assert [row.metric(key) for row in rows] == [figures.get(key) for _, figures in values]


VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 3),
    st.floats(),
    st.sampled_from(["a2", "a10", "A3", "1"]),
    st.just([1]),
)


@given(
    st.lists(st.dictionaries(st.sampled_from(["x", "y.z"]), VALUES), max_size=12),
    st.sampled_from(["name", "created", "x", "z", "status", "-x,z", "nothing"]),
    st.sampled_from(["asc", "desc"]),
)
def test_sorting_loses_nothing(values: list[dict[str, Any]], sort: str, order: str) -> None:
    rows = tasks(*values)
    found = select(rows, sort=sort, order=order, limit=None)
    assert found.total == len(rows)
    assert sorted(map(id, found.items)) == sorted(map(id, rows))
    if sort == "x":
        sorted_by = [row.swept.get("x") for row in found.items]
        missing = [value is None or value != value for value in sorted_by]
        assert missing == sorted(missing)
        numbers = [value for value in sorted_by if isinstance(value, (int, float)) and value == value]
        assert numbers == sorted(numbers, reverse=order == "desc")


@given(
    st.lists(st.tuples(st.booleans(), st.sampled_from([None, 0.5, 1, "x", math.nan])), max_size=12),
    st.sampled_from(["acc", "-acc,name", "name,acc", "-name", "acc,run"]),
    st.integers(0, 4),
    st.integers(0, 5),
)
def test_a_page_is_a_part_of_all(values: list[tuple[bool, Any]], sort: str, offset: int, limit: int) -> None:
    rows = [
        with_values(
            BASE, name=f"t{at}", pinned=pinned, run=at % 2, figures={} if acc is None else {"acc": acc}
        )
        for at, (pinned, acc) in enumerate(values)
    ]
    for order in ("asc", "desc"):
        whole = names(select(rows, sort=sort, order=order, limit=None))
        page = select(rows, sort=sort, order=order, offset=offset, limit=limit)
        assert (names(page), page.total) == (whole[offset : offset + limit], len(rows))


@pytest.mark.parametrize(
    "value_of",
    [
        lambda at: at,
        lambda at: -at // 7,
        lambda at: at * 7919 % 6007 / 10,
        lambda at: 1.0,
        lambda at: [at % 11, math.nan, None, "x10", "x9", True][at % 6],
        lambda at: float(at > 5990),
        lambda at: [at / 7, MISSING, -at, 10**30][at % 4],
        lambda at: [at / 7, MISSING, None, True][at % 4],
        lambda at: [at, 10**400][at % 2],
    ],
)
def test_the_first_of_many_tasks_are_those_of_all(value_of: Callable[[int], Any]) -> None:
    values = [value_of(at) for at in range(6000)]
    rows = tasks(*({} if value is MISSING else {"x": value} for value in values))
    for order in ("asc", "desc"):
        whole = select(rows, sort="x", order=order, limit=None).items
        for limit in (1, 20, 500):
            assert select(rows, sort="x", order=order, limit=limit).items == whole[:limit]
