"""YAML as a document: fields, places, and text that stays as it is."""

from __future__ import annotations

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyruns_jupyter.core.common.errors import InvalidInput
from pyruns_jupyter.core.config.yamltext.template import Template
from pyruns_jupyter.core.config.yamltext.values import value_text

DOCUMENT = """\
# experiment
lr: 0.1     # rate
"quoted key": 'it''s'
optimizer:
  name: adam
  betas: [0.9, 0.999]   # two
  sched: {kind: cosine, warm: 1e3}
layers:
- 64
- 32  # last
empty:
note: |
  several | lines
  key: 1 | 2
command: ls
"""


def test_fields_with_place_value_and_comment() -> None:
    template = Template.parse(DOCUMENT)
    found = {
        leaf.key: (leaf.value, leaf.style, leaf.comment, leaf.line, leaf.column) for leaf in template.leaves
    }
    assert found == {
        "lr": (0.1, "plain", "rate", 2, 5),
        "quoted key": ("it's", "single", "", 3, 15),
        "optimizer.name": ("adam", "plain", "", 5, 9),
        "optimizer.betas": ([0.9, 0.999], "flow", "two", 6, 10),
        "optimizer.sched.kind": ("cosine", "plain", "", 7, 17),
        "optimizer.sched.warm": (1000.0, "plain", "", 7, 31),
        "layers": ([64, 32], "block", "", 9, 1),
        "empty": (None, "plain", "", 11, 7),
        "note": ("several | lines\nkey: 1 | 2\n", "literal", "", 12, 7),
        "command": ("ls", "plain", "", 15, 10),
    }
    assert not template.places
    for leaf in template.leaves:
        assert DOCUMENT[leaf.start : leaf.end] == leaf.source


def test_replacing_fields_leaves_the_rest() -> None:
    changed = Template.parse(DOCUMENT).replaced(
        {"lr": "1 | 2", "optimizer.betas": "[1, 2]", "layers": "[1, 2]", "empty": "7", "note": "short"}
    )
    assert changed == DOCUMENT.replace("0.1 ", "1 | 2 ").replace("[0.9, 0.999]", "[1, 2]").replace(
        "layers:\n- 64\n- 32  # last\n", "layers: [1, 2]\n"
    ).replace("empty:", "empty: 7").replace("note: |\n  several | lines\n  key: 1 | 2\n", "note: short\n")
    with pytest.raises(InvalidInput, match="no key 'nope'"):
        Template.parse(DOCUMENT).replaced({"nope": "1"})


def test_values_people_mean() -> None:
    text = (
        "a: 1e-3\nb: 1.e5\nc: 12:30:00x\nd: 010\ne: yes\nf: n\ng: 2024-01-02\nh: .inf\ni: 0o17\non: 1\n7: x\n"
    )
    assert Template.parse(text).base == {
        "a": 0.001, "b": 1e5, "c": "12:30:00x", "d": "010", "e": True, "f": "n", "g": "2024-01-02",
        "h": float("inf"), "i": 15, "on": 1, "7": "x",
    }  # fmt: skip


def test_anchors_and_merges_are_read() -> None:
    text = "base: &b\n  lr: 1\n  wd: 2\nx:\n  <<: *b\n  lr: 3 | 4\ny: *b\n"
    template = Template.parse(text)
    assert [place.key for place in template.places] == ["x.lr"]
    assert template.base["y"] == {"lr": 1, "wd": 2}


@pytest.mark.parametrize(
    ("text", "field", "line", "column", "words"),
    [
        ("a: [1, 2", "a", 1, 4, "never closed"),
        ("- a", "yaml", 1, 1, "key: value"),
        ("hello", "yaml", 1, 1, "key: value"),
        ("a: 1\nb:\n  c: 2\n  c: 3", "b.c", 4, 3, "duplicated"),
        ("a: 1\n\tb: 2", "yaml", 2, 1, "tab"),
        ("a:\n\tb: 2", "yaml", 2, 1, "tab"),
        ("a: b: c", "a", 1, 5, "colon"),
        ("x: 1\n---\ny: 2", "yaml", 2, 1, "---"),
        ("a: \x00", "a", 1, 4, "not allowed"),
        ("x: *q", "x", 1, 4, "alias"),
        ("x: &a [*a]", "x", 1, 4, "alias"),
        ("x: &a 1 | 2\ny: *a", "x", 1, 4, "anchor"),
        ("b: &b\n  lr: 3 | 4\ny: *b", "b.lr", 2, 7, "alias"),
        ("b: &b\n  lr: 3 | 4\ny:\n  <<: *b", "b.lr", 2, 7, "alias"),
        ("a: !!python/object:os.system x", "a", 1, 4, "tag"),
        ("? [a]\n: 2", "yaml", 1, 3, "key"),
        ("a: " + "[" * 5000, "a", 1, 105, "nested"),
        ("\n".join(" " * depth + "a:" for depth in range(300)), "yaml", 102, 102, "nested"),
    ],
)
def test_errors_say_where(text: str, field: str, line: int, column: int, words: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        Template.parse(text)
    error = caught.value
    assert (error.field, error.line, error.column) == (field, line, column)
    assert words in error.message


def test_aliases_cannot_explode() -> None:
    lines = ["a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    with pytest.raises(InvalidInput, match="values"):
        Template.parse("\n".join(lines))


def test_many_keys_that_each_explode_cost_no_more_than_one() -> None:
    lines = ["a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 6)]
    lines += [f"b{n}: [*a4]" for n in range(1000)]
    begun = time.process_time()
    with pytest.raises(InvalidInput, match="values"):
        Template.parse("\n".join(lines))
    assert time.process_time() - begun < 10  # with 100,000 values for each key it takes minutes


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        Template.parse(text)
    except InvalidInput as error:
        assert error.line and error.column  # noqa: PT017


@given(
    st.lists(
        st.sampled_from(
            [
                "a",
                "b: ",
                "- ",
                "\n",
                "  ",
                "\n  ",
                "|",
                '"',
                "'",
                "[",
                "]",
                "{",
                "}",
                "(",
                ")",
                "# ",
                ": ",
                ", ",
                "1:3",
                "&x ",
                "*x",
                "!!str ",
                "\t",
                "<<: ",
                "? ",
                "\r\n",
                "---",
                "\\",
                "1 | 2",
                "%",
                "é",
            ]
        ),
        max_size=24,
    )
)
def test_any_yaml_soup_is_read_or_refused(parts: list[str]) -> None:
    text = "".join(parts)
    try:
        template = Template.parse(text)
    except InvalidInput as error:
        assert error.line and error.column  # noqa: PT017
    else:
        for leaf in template.leaves:
            assert text[leaf.start : leaf.end] == leaf.source


@given(st.data())
def test_any_field_can_be_replaced(data: st.DataObject) -> None:
    template = Template.parse(DOCUMENT)
    leaf = data.draw(st.sampled_from(template.leaves))
    value = data.draw(
        st.one_of(st.integers(), st.text(max_size=10).filter(str.isprintable), st.lists(st.integers()))
    )
    changed = Template.parse(template.replaced({leaf.key: value_text(value)}))
    assert {other.key: other.value for other in changed.leaves} == {
        **{other.key: other.value for other in template.leaves},
        leaf.key: value,
    }
