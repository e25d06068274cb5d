"""Sweeps: counts, order, text that survives, errors."""

from __future__ import annotations

import itertools
import math

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from pyruns_jupyter.core.common.errors import InvalidInputs
from pyruns_jupyter.core.config.sweep.plan import SweepPlan
from pyruns_jupyter.core.config.yamltext.template import Template
from pyruns_jupyter.core.config.yamltext.values import identity, quoted, value_text

TEXT = """\
# top
lr: 0.1 | 1e-2   # rate
seed: (1 | 2)
opt:
    name: "a" | "b" # which
    dims: [64, 32] | [128, 64]
    layers: [64 | 128, 32]
    m: {k: 1 | 2, z: "p|q"}
lst:
  - 1 | 2
  - 3
text: |
  a | b
  key: 1 | 2
tag: (x | y)
long: [
  1 | 2,
  3  # c
]
command: go
"""


def test_one_text_with_everything() -> None:
    plan = SweepPlan.parse(TEXT)
    assert [axis.key for axis in plan.axes] == [
        "lr", "seed", "opt.name", "opt.dims", "opt.layers.0", "opt.m.k", "lst.0", "tag", "long.0",
    ]  # fmt: skip
    assert plan.count == 2**7 * 2
    assert (
        plan.config_text(plan.count - 1)
        == """\
# top
lr: 0.01   # rate
seed: 2
opt:
    name: "b" # which
    dims: [128, 64]
    layers: [128, 32]
    m: {k: 2, z: "p|q"}
lst:
  - 2
  - 3
text: |
  a | b
  key: 1 | 2
tag: y
long: [
  2,
  3  # c
]
command: go
"""
    )


def test_order_products_first_then_zips_last_axis_fastest() -> None:
    plan = SweepPlan.parse("a: (5 | 6)\nx: 3:5\ny: 1 | 2\nb: (7 | 8)\n")
    assert [tuple(row.values()) for row in map(plan.row, range(plan.count))] == [
        (5, 3, 1, 7), (6, 3, 1, 8), (5, 3, 2, 7), (6, 3, 2, 8),
        (5, 4, 1, 7), (6, 4, 1, 8), (5, 4, 2, 7), (6, 4, 2, 8),
    ]  # fmt: skip
    with pytest.raises(IndexError):
        plan.row(8)


def test_named_zip_groups_are_independent() -> None:
    plan = SweepPlan.parse("a: (1 | 2)\nb: g:(1 | 2 | 3)\nc: (3 | 4)\nd: g:(0:3)\n")
    assert plan.count == 6
    assert plan.row(4) == {"a": 2, "b": 2, "c": 4, "d": 1}


def test_equal_configurations_are_folded_and_counted() -> None:
    plan = SweepPlan.parse("a: 1 | 1 | 1.0 | 2\nb: (x | x | y)\nc: (1 | 1 | 1)\n")
    assert (plan.raw_count, plan.count, plan.duplicates) == (12, 6, 6)
    assert [plan.row(index)["a"] for index in (0, 2, 4)] == [1, 1.0, 2]


def test_a_key_called_command_is_a_key() -> None:
    assert SweepPlan.parse("command: a | b").row(1) == {"command": "b"}


def test_fixed_text_is_untouched_byte_for_byte() -> None:
    text = "\r\n# c\r\na:   1e-3\r\nb: 'x'   # y\r\nt: 16:9\r\nz: 1 | 2\r\n"
    plan = SweepPlan.parse(text)
    assert plan.config_text(1) == text.replace("1 | 2", "2")
    assert plan.config(1) == {"a": 0.001, "b": "x", "t": "16:9", "z": 2}
    assert [notice.key for notice in plan.notices] == ["t"]


def test_quoted_bars_are_text_with_a_notice() -> None:
    plan = SweepPlan.parse("lr: '0.1 | 0.2'\nname: \"resnet|v1\"\n")
    assert plan.count == 1
    assert [notice.key for notice in plan.notices] == ["lr"]


def test_every_wrong_place_is_reported_at_once() -> None:
    with pytest.raises(InvalidInputs) as caught:
        SweepPlan.parse("a: 1 |  | 2\nb:\n  c: 1 | [2\nd: 1 | 2\n")
    assert [(error.field, error.line, error.column) for error in caught.value.errors] == [
        ("a", 1, 9),
        ("b.c", 3, 10),
    ]


def test_zip_of_unequal_length_names_both_keys() -> None:
    with pytest.raises(InvalidInputs) as caught:
        SweepPlan.parse("a: (1 | 2)\nb: (1 | 2 | 3)\nc: (1 | 2)\nd: (0:4)\n")
    assert [(error.field, error.line) for error in caught.value.errors] == [("b", 2), ("d", 4)]
    assert "a has 2, b has 3" in caught.value.message


def test_too_many_tasks_are_refused_unless_the_limit_is_raised() -> None:
    text = "a: 0:101\nb: 0:100\n"
    with pytest.raises(InvalidInputs, match="10,100 tasks, but at most 10,000"):
        SweepPlan.parse(text)
    assert SweepPlan.parse(text, limit=20_000).count == 10_100
    with pytest.raises(InvalidInputs):
        SweepPlan.parse("\n".join(f"k{n}: 0:9999" for n in range(50)))


def test_what_a_candidate_becomes_is_read_the_same_by_every_reader() -> None:
    plan = SweepPlan.parse("a: 1e-5 | 010 | 2024-01-02 | 12 | 0o17 | 1e3\n")
    for index in range(plan.count):
        assert yaml.safe_load(plan.config_text(index)) == plan.config(index)


PLAIN = st.text(alphabet="abcxyz019 .-_+éß世$", min_size=1, max_size=8).map(str.strip).filter(bool)
SCALAR = st.one_of(
    st.none(), st.booleans(), st.integers(-(10**6), 10**6), st.floats(allow_nan=False, width=32), PLAIN,
    st.text(alphabet="ab|:#'\"\\[]{}(),1 \n", max_size=8),
)  # fmt: skip
VALUE = st.one_of(SCALAR, st.lists(SCALAR, max_size=3))


@st.composite
def documents(draw: st.DrawFn) -> tuple[str, list[tuple[str, bool, list[object]]]]:
    """A text and its keys: name, whether zipped, candidates (one: fixed)."""
    zip_length = draw(st.integers(2, 3))
    lines: list[str] = ["# head"]
    keys: list[tuple[str, bool, list[object]]] = []
    for number in range(draw(st.integers(1, 5))):
        zipped = draw(st.booleans())
        size = zip_length if zipped else draw(st.integers(1, 3))
        candidates = draw(st.lists(VALUE, min_size=size, max_size=size))
        text = " | ".join(value_text(candidate) for candidate in candidates)
        nested = draw(st.booleans())
        if nested:
            lines.append(f"p{number}:  # parent")
        lines.append(f"{'  ' if nested else ''}k{number}: {f'({text})' if zipped else text}  # note {number}")
        keys.append((f"p{number}.k{number}" if nested else f"k{number}", zipped, candidates))
    return "\n".join(lines) + "\n", keys


@given(documents())
def test_expansion_equals_the_formula(document: tuple[str, list[tuple[str, bool, list[object]]]]) -> None:
    text, keys = document
    plan = SweepPlan.parse(text)
    products = [(key, values) for key, zipped, values in keys if not zipped and len(values) > 1]
    zipped = [(key, values) for key, is_zipped, values in keys if is_zipped]
    lengths = [len(values) for _, values in products] + ([len(zipped[0][1])] if zipped else [])
    assert plan.raw_count == math.prod(lengths)
    expected = []
    for choice in itertools.product(*(range(length) for length in lengths)):
        row = {key: values[at] for (key, values), at in zip(products, choice, strict=False)}
        row.update({key: values[choice[-1]] for key, values in zipped})
        expected.append({axis.key: row[axis.key] for axis in plan.axes})
    first: dict[object, dict[str, object]] = {}
    for row in expected:
        first.setdefault(identity(row), row)
    unique = list(first.values())
    assert plan.count == len(unique) == plan.raw_count - plan.duplicates
    assert [identity(row) for row in map(plan.row, range(plan.count))] == [identity(row) for row in unique]


@given(documents())
def test_text_and_data_of_a_configuration_agree(
    document: tuple[str, list[tuple[str, bool, list[object]]]],
) -> None:
    plan = SweepPlan.parse(document[0])
    for index in {0, plan.count // 2, plan.count - 1}:
        text = plan.config_text(index)
        again = SweepPlan.parse(text)
        assert again.count == 1 and not again.axes
        assert identity(again.config(0)) == identity(plan.config(index))
        assert again.config_text(0) == text
        assert [line.count("# ") > 0 for line in text.splitlines()] == [
            line.count("# ") > 0 for line in document[0].splitlines()
        ]


@given(st.text(max_size=30))
def test_quoting_protects_anything(content: str) -> None:
    content = "".join(c for c in content if not 0xD800 <= ord(c) <= 0xDFFF)
    text = f"a: {quoted(content)}\n"
    if "\\|" in text:
        return  # the one escape that quotes do not stop
    assert SweepPlan.parse(text).config(0) == {"a": content}
    single = content.replace("'", "''")
    if content.isprintable():
        assert SweepPlan.parse(f"a: '{single}'").config(0) == {"a": content}


@given(VALUE, VALUE)
def test_replacing_a_value_reads_back(first: object, second: object) -> None:
    template = Template.parse(f"a: {value_text(first)}  # c\nb: 1\n")
    changed = template.replaced({"a": value_text(second)})
    assert identity(Template.parse(changed).base) == identity({"a": second, "b": 1})


GRAMMAR_SOUP = [
    "a: ",
    "b: ",
    "\n",
    "\n  ",
    " | ",
    "(",
    ")",
    "1:4",
    "[",
    "]",
    ", ",
    "{k: ",
    "}",
    '"',
    "'",
    "x",
    "# c",
    "\\|",
    "log(1,2,3)",
    "g:(",
    "- ",
    ":",
    "é",
    "uniform(0,1,2)",
    "|",
    "1",
    "- ",
    "<<: ",
    "&q ",
    "*q",
]


@given(st.lists(st.sampled_from(GRAMMAR_SOUP), max_size=20))
def test_any_soup_is_a_plan_or_sentences(parts: list[str]) -> None:
    text = "".join(parts)
    try:
        plan = SweepPlan.parse(text)
    except InvalidInputs as error:
        assert all(  # noqa: PT017
            one.line and one.message.endswith(".") for one in error.errors
        )
        return
    for index in {0, plan.count - 1}:
        made = plan.config_text(index)
        assert identity(SweepPlan.parse(made).config(0)) == identity(plan.config(index)), (text, made)
