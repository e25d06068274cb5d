"""The grammar of searches: what is read, what is refused and where, and that a query can be written again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyruns_jupyter.core.common.errors import InvalidInput
from pyruns_jupyter.core.query import parse, quote, select
from pyruns_jupyter.core.tasks.row import RowAlert, TaskRow, damaged_row, with_values

BASE = TaskRow("x", "pending", "python", False, 1.0, 0, 0, None, None, None, None, None)
ROWS = [
    with_values(BASE, name="run_1", swept={"optimizer.lr": 0.1, "amp": True}, figures={"acc": 0.5}),
    with_values(BASE, name="run_2", status="failed", swept={"optimizer.lr": 0.01, "opt": "Adam"}, exit_code=1,
            notes="diverged after warm-up", created_at=2.0,
            alert=RowAlert(3.0, "error", "loss is nan", "Epoch 7", 2), runs=2, run=2,
            tags=("best", "Old one")),
    with_values(BASE, name="run_10", status="completed", duration=12.0,
            swept={"optimizer.lr": 1e-5, "opt": "sgd", "layers": [64, 32]},
            figures={"acc": 0.93, "loss": float("nan")}, created_at=3.0,
            gpus=("0", "NVIDIA H100 80GB")),
    with_values(BASE, name="Probe lr=3", kind="shell", status="running", pinned=True, created_at=None),
]  # fmt: skip


def names(query: str = "", **options: object) -> set[str]:
    return {row.name for row in select(ROWS, query, **options).items}  # type: ignore[arg-type]


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
        ("best", {"run_2"}),
        ("amp=true", {"run_1"}),
        ("status:failed,running", {"run_2", "Probe lr=3"}),
        ("-status:failed run", {"run_1", "run_10"}),
        ("lr<0.05", {"run_2", "run_10"}),
        ("optimizer.lr<=1e-2", {"run_2", "run_10"}),
        ("lr=0.010", {"run_2"}),
        ("lr!=0.1", {"run_2", "run_10"}),
        ("lr:1e-4..1e-2", {"run_2"}),
        ("lr:..0.01", {"run_2", "run_10"}),
        ("lr:0.01..", {"run_1", "run_2"}),
        ("lr:0.1,1e-05", {"run_1", "run_10"}),
        ('"Probe lr=3"', {"Probe lr=3"}),
        ("opt=adam", {"run_2"}),
        ("opt:adam,sgd", {"run_2", "run_10"}),
        ("opt!=adam", {"run_10"}),
        ("opt!=adam,sgd", set()),
        ("-opt:adam", {"run_1", "run_10", "Probe lr=3"}),
        ("opt:/^a/", {"run_2"}),
        ("acc>=0.5 acc<0.9", {"run_1"}),
        ("loss<1", set()),
        ("loss:nan", {"run_10"}),
        ("loss:NaN,3", {"run_10"}),
        ("duration>10", {"run_10"}),
        ("duration:10s..1m", {"run_10"}),
        ("exit_code=1", {"run_2"}),
        ("run:2 runs>1", {"run_2"}),
        ("run:/^2$/", {"run_2"}),
        ("name:probe", {"Probe lr=3"}),
        ("name=run_1", {"run_1"}),
        ("name:/_1$/", {"run_1"}),
        ('name:"e lr=3"', {"Probe lr=3"}),
        ("note:run", set()),
        ("note:WARM,nothing", {"run_2"}),
        ("notes:/warm.up/", {"run_2"}),
        ("tag:best", {"run_2"}),
        ("tag:bes", set()),
        ('tag:"old one"', {"run_2"}),
        ("gpu:0", {"run_10"}),
        ("gpu:8", set()),
        ("gpu:h100", {"run_10"}),
        ("gpu:/h[12]00/", {"run_10"}),
        ("kind:shell", {"Probe lr=3"}),
        ("is:pinned", {"Probe lr=3"}),
        ("is:damaged", set()),
        ("is:active", {"Probe lr=3"}),
        ("is:failed,pinned", {"run_2", "Probe lr=3"}),
        ("has:acc", {"run_1", "run_10"}),
        ("no:acc", {"run_2", "Probe lr=3"}),
        ("has:note,gpu", {"run_2", "run_10"}),
        ("no:tag no:gpu no:acc", {"Probe lr=3"}),
        ("has:alert", {"run_2"}),
        ("no:alert run", {"run_1", "run_10"}),
        ("alert:NAN alert:error", {"run_2"}),
        ("alert:warning", set()),
        ("alerts:/epoch \\d/", {"run_2"}),
        ("/^run_1/", {"run_1", "run_10"}),
        ("/lr=0\\.0*1$/", {"run_1", "run_2"}),  # with an operator in it
        ("/a:b|amp=/", {"run_1"}),
        ("lr < 0.05", {"run_2", "run_10"}),
        ("(lr >=0.01 lr!= 0.1)", {"run_2"}),
        ("opt = adam", {"run_2"}),
        ("lr==0.1", {"run_1"}),
        ("status = failed OR opt: sgd", {"run_2", "run_10"}),
        ("amp:yes", {"run_1"}),
        ("amp:no", set()),
        ("layers=[64, 32]", {"run_10"}),
        ("layers:[64,32] run", {"run_10"}),
        ("layers:32,[1, 2]", {"run_10"}),
        ("/RUN_(1|2)$/i", {"run_1", "run_2"}),
        ("run_1 OR Probe", {"run_1", "run_10", "Probe lr=3"}),
        ("run (acc>0.9 OR status:failed)", {"run_2", "run_10"}),
        ("status:failed OR run acc>0.9", {"run_2", "run_10"}),
        ("-(status:failed OR acc>0.9) run", {"run_1"}),
        ("--run", {"run_1", "run_2", "run_10"}),
        ("NOT run", {"Probe lr=3"}),
        ("NOT (run OR probe)", set()),
        ("run AND failed OR run AND is:failed", {"run_2"}),
        ("run\nis:failed", {"run_2"}),
        ("is:failed OR is:pinned\nrun", {"run_2"}),  # each line by itself
        ("is:failed OR is:pinned run", {"run_2"}),
        ("run_1 OR is:pinned\nlr<1", {"run_1", "run_10"}),
        ("run_1\nOR is:pinned", {"run_1", "run_10", "Probe lr=3"}),  # beside OR a new line is white space
        ("run_1 OR\n is:pinned", {"run_1", "run_10", "Probe lr=3"}),
        ("(run_1\nis:pinned OR run_2)", {"run_2"}),  # and in parentheses
        ('"optimizer.lr":0.1', {"run_1"}),
        ("OPTIMIZER.LR:0.1", {"run_1"}),
        ("run_*", {"run_1", "run_2", "run_10"}),
        ("r*n_1", {"run_1", "run_10"}),
        ("ro*r", {"Probe lr=3"}),  # parts are found
        ('"run_*"', set()),
        ("run*run", set()),  # one text may not stand for two
        ("name:*_1", {"run_1"}),  # a whole value is like the pattern
        ("name:un_*", set()),
        ("name:/_1/,p*3", {"run_1", "run_10", "Probe lr=3"}),
        ("opt:AD*", {"run_2"}),
        ("opt:a*m*", {"run_2"}),
        ("opt:ad*dam", set()),
        ('opt:"ad*"', set()),
        ("opt!=a*", {"run_10"}),
        ("lr:*", {"run_1", "run_2", "run_10"}),
        ("lr:1e*,0.1", {"run_1", "run_10"}),
        ("layers:3*", {"run_10"}),
        ("layers:[64*", set()),  # an open bracket: as it is
        ("tag:b*,x", {"run_2"}),
        ("gpu:*h100*", {"run_10"}),
        ("note:*warm", set()),
        ("lr:<0.05", {"run_2", "run_10"}),
        ("lr:>=0.01", {"run_1", "run_2"}),
        ("lr : 0.1", {"run_1"}),
        ("lr≤0.01 acc ≥ 0.5", {"run_10"}),
        ("opt≠adam", {"run_10"}),
        ("opt:adam, sgd", {"run_2", "run_10"}),
        ("status:failed, running lr<1", {"run_2"}),
    ],
)  # fmt: skip
def test_what_a_query_finds(query: str, expected: set[str]) -> None:
    assert names(query) == expected
    assert names(str(parse(query))) == expected


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("status:pending", {"run_1"}),
        ("status:unreadable", {"broken"}),
        ("status!=pending run OR status!=pending broken", {"run_2", "run_10", "broken"}),
        ("is:pending", {"run_1"}),
        ("is:unreadable", {"broken"}),
        ("is:damaged", {"broken"}),
        ("is:damaged,failed", {"broken", "run_2"}),
        ("-is:damaged run", {"run_1", "run_2", "run_10"}),
    ],
)
def test_an_unreadable_task_has_no_other_status(query: str, expected: set[str]) -> None:
    rows = [*ROWS, damaged_row("broken", "python", 1.0, "It is empty.")]
    assert {row.name for row in select(rows, query).items} == expected
    assert [row.name for row in select(rows, statuses=["unreadable"]).items] == ["broken"]
    assert [row.name for row in select(rows, statuses=["pending"]).items] == ["run_1"]
    assert select(rows, sort="status", order="asc").items[-1].name == "broken"


@pytest.mark.parametrize(
    ("query", "line", "column"),
    [
        ("lr< run", 1, 5),
        ('a "open', 1, 3),
        ("a - b", 1, 3),
        ("lr<fast", 1, 4),
        ("lr<1,2", 1, 5),
        ("status:faild", 1, 8),
        ("status:failed,rning", 1, 15),
        ("kind:x", 1, 6),
        ("is:new", 1, 4),
        ("lr:2..1", 1, 4),
        ("duration:2h..1m", 1, 10),
        ("lr=1..2", 1, 4),
        ("a (b", 1, 3),
        ("a\nb)", 2, 2),
        ("a ()", 1, 3),
        ("OR a", 1, 1),
        ("a OR", 1, 3),
        ("a OR OR b", 1, 6),
        ("a AND", 1, 3),
        ("a\n\n  /x", 3, 3),
        ("a /(/", 1, 3),
        ("a /x/y", 1, 6),
        ("name:/(a{2000}){2000}/", 1, 6),
        ('lr:"1"2', 1, 7),
        ("a -", 1, 3),
        ("a NOT", 1, 3),
        ("has:/x/", 1, 5),
        ("started>5", 1, 1),
        ("started=2h", 1, 1),
        ("duration>2026-11-01", 1, 1),
        ("name<3", 1, 1),
        ("tag>3", 1, 1),
        ("lr<10m", 1, 1),
        ("runs:many", 1, 1),
        ("log<3", 1, 1),
    ],
)
def test_a_mistake_has_its_place(query: str, line: int, column: int) -> None:
    with pytest.raises(InvalidInput) as caught:
        select(ROWS, query)
    assert (caught.value.field, caught.value.line, caught.value.column) == ("query", line, column)


def test_a_mistake_comes_with_what_may_be_meant() -> None:
    for query, suggestion in (
        ("lr<1 status:faild", "lr<1 status:failed"),
        ("lr:1..1e-2 run", "lr:1e-2..1 run"),
        ("is:pined", "is:pinned"),
    ):
        with pytest.raises(InvalidInput) as caught:
            parse(query)
        assert caught.value.suggestions == (suggestion,)
        assert caught.value.to_dict()["suggestions"] == [suggestion]
    with pytest.raises(InvalidInput, match="failed"):
        select(ROWS, statuses=["faild"])


@pytest.mark.parametrize("depth", [50, 100_000])
@pytest.mark.parametrize(("opening", "closing"), [("(", ")"), ("-", ""), ("NOT ", ""), ("-(", ")")])
def test_depth_is_bounded(depth: int, opening: str, closing: str) -> None:
    text = opening * depth + "a" + closing * depth
    try:
        assert parse(str(parse(text))) == parse(text)
    except InvalidInput:
        assert depth > 50 or len(opening) > 1


def test_a_long_query_is_refused_or_read() -> None:
    with pytest.raises(InvalidInput):
        parse("a" * 50_000)
    assert names(" OR ".join(f"run_{number}" for number in range(1000))) == {"run_1", "run_2", "run_10"}


TEXT = st.text(max_size=12)
PIECES = st.sampled_from(
    [
        "a", "lr", "OR", "AND", "NOT", "(", ")", "-", " ", "\n", '"', "\\", "/", "/a.b/", "<", ">=", "!=",
        ":", "=", ",", "..", "1e-4", "10m", "2026-11-01", "status", "failed", "has", "no", "is", "pinned",
        "[", "]", "{", ".", "log", "started", "nan", "today", "é", "\u2028", "\x00", "*", "+", "name",
        "duration", "config.", "i", ":<", "≤", "0.1<", "#",
    ]
)  # fmt: skip


@given(TEXT)
def test_a_quoted_text_is_found_literally(text: str) -> None:
    rows = [with_values(BASE, name=f"<{text}>"), with_values(BASE, name="other")]
    found = rows[:1] if text.casefold() not in "other" else rows
    assert select(rows, quote(text), sort="name", order="asc").items == sorted(
        found, key=lambda row: row.name
    )
    assert select(rows, f"-{quote(text)}").total == 2 - len(found)
    assert rows[0] in select(rows, f"name:{quote(text)}").items


@given(st.one_of(st.lists(PIECES, max_size=14).map("".join), st.text(max_size=30)))
def test_a_query_round_trips_or_is_refused_with_a_place(text: str) -> None:
    query, wrong = None, None
    try:
        query = parse(text)
    except InvalidInput as error:
        wrong = error
    if query is None:
        lines = text.split("\n")
        assert wrong is not None
        assert wrong.line is not None
        assert wrong.column is not None
        assert 1 <= wrong.line <= len(lines)
        assert 1 <= wrong.column <= len(lines[wrong.line - 1]) + 1
        return
    written = str(query)
    assert parse(written) == query
    try:
        found = [row.name for row in select(ROWS, query).items]
    except InvalidInput:
        with pytest.raises(InvalidInput):
            select(ROWS, written)
    else:
        assert [row.name for row in select(ROWS, written).items] == found


def terms() -> st.SearchStrategy[str]:
    """Texts that are terms, also within each other."""
    words = st.sampled_from(
        ["run", "lr<0.05", "opt:adam,sgd", "is:failed", "has:acc", '"a b"', "/_1/", "acc:0.1..0.6", "no:opt"]
    )
    return st.recursive(
        words,
        lambda inner: st.one_of(
            inner.map(lambda term: f"-({term})"),
            st.tuples(inner, inner).map(lambda pair: f"({pair[0]} OR {pair[1]})"),
            st.tuples(inner, inner).map(lambda pair: f"({pair[0]} {pair[1]})"),
        ),
        max_leaves=6,
    )


@given(terms(), terms())
def test_the_laws_of_and_or_not(left: str, right: str) -> None:
    one, other, everything = names(left), names(right), names()
    assert names(f"{left} {right}") == one & other
    assert names(f"{left}\n{right}") == one & other
    assert names(f"{left} OR {right}") == one | other
    assert names(f"-({left})") == everything - one
    assert names(f"-({left} OR {right})") == names(f"-({left}) -({right})")


@pytest.mark.parametrize(
    ("query", "column", "suggestions"),
    [
        ("lr :0.1", 4, ('lr ":0.1"',)),
        ("< 3", 1, ('"<" 3',)),
        ("lr !< 3", 4, ('lr "!<" 3',)),
        ("run !adam", 5, ("run -adam",)),
        ("lr=>0.1", 4, ()),
        ("lr=<0.1", 4, ()),
        ("0.01<lr", 6, ("lr>0.01",)),
        ("run 0.01<lr<=0.1", 10, ("run lr>0.01 lr<=0.1",)),
        ("status:failed|running", 8, ("status:failed,running",)),
        ("opt:adam,", 10, ()),
        ("opt:adam,\nsgd", 10, ()),
    ],
)
def test_a_comparison_that_went_wrong_is_no_word(
    query: str, column: int, suggestions: tuple[str, ...]
) -> None:
    with pytest.raises(InvalidInput) as caught:
        select(ROWS, query)
    assert (caught.value.column, tuple(caught.value.suggestions)) == (column, suggestions)


@pytest.mark.parametrize(
    ("query", "code", "suggestions"),
    [
        ("adam or sgd", "as_word", ("adam OR sgd",)),
        ("adam | sgd", "as_word", ("adam OR sgd",)),
        ("not adam", "as_word", ("NOT adam",)),
        ("failed", "as_word", ("is:failed",)),
        ("run -Failed", "as_word", ("run -is:failed",)),
        ("#best", "as_word", ("tag:best",)),
        ("opt:ada", "no_value", ("opt:Adam",)),
        ("opt:lion run", "no_value", ()),
        ('"or" opt:adam,lion', "nothing", ()),
        ('"failed"', "nothing", ()),
        ("name:nobody", "nothing", ()),
        ("run tag:nothing", "nothing", ()),
        ("/nothing/", "nothing", ()),
        ("duration>5h", "nothing", ()),
        ("no:status", "nothing", ()),
        ("acc", "nothing", ("has:acc",)),
        ("lr adam", None, ()),
        ("run", None, ()),
    ],
)
def test_an_empty_table_says_why(query: str, code: str | None, suggestions: tuple[str, ...]) -> None:
    said = [one for one in select(ROWS, query).notices if one.code != "missing"]
    assert [one.code for one in said] == [code] * (code is not None)
    assert all(not one.is_serious and one.suggestions == suggestions for one in said)


@pytest.mark.parametrize(
    ("query", "message"),
    [
        # Fields are tested before words, so not all tasks were compared with the word.
        ("zebra status:cancelled", "`status:cancelled` matches none of 4 tasks."),
        ("zebra -status:failed", "`zebra` matches none of the 3 tasks that match other terms."),
        ("zebra status:failed", "`zebra` does not match the only task that matches other terms."),
    ],
)
def test_a_term_without_matches_names_the_tasks_it_was_tested_on(query: str, message: str) -> None:
    assert [one.message for one in select(ROWS, query).notices] == [message]


def test_fields_that_end_alike_are_told_apart() -> None:
    rows = [*ROWS, with_values(BASE, name="flat", swept={"lr": 3.0, "my key": 1})]
    (said,) = select(rows, "lr>1").notices
    assert said.message == "4 of 5 tasks have no `lr`. `optimizer.lr` is another field."
    assert said.suggestions == ("optimizer.lr>1",)
    (said,) = select([with_values(BASE, swept={"model.name": "vit"})], "name:vit").notices
    assert said.message == "`name:vit` does not match the only task. Did you mean `model.name`?"
    assert said.suggestions == ("model.name:vit",)
    (said,) = select(rows, "mykey:1").notices
    assert said.suggestions == ('"my key":1',)
