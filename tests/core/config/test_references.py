"""References in a configuration: `${a.b}` and what else people write who know OmegaConf."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyruns_jupyter.core.common.errors import InvalidInput
from pyruns_jupyter.core.config.document import parse_config, resolved_config
from pyruns_jupyter.core.config.references import interpolate


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: 1e-3\nb: ${a}", 0.001),
        ("a: 1e-3\nb: v${a}", "v0.001"),
        ("a: true\nb: ${a}", True),
        ("a: null\nb: x${a}", "xNone"),
        ("a: {x: [1, {y: q}]}\nb: ${a.x[1].y}${a.x.0}", "q1"),
        ("a: {x: 1}\nb: ${a}", {"x": 1}),
        ("a: [1, 2]\nb: ['${.1}', 5]", [5, 5]),
        (
            "x: 4\nb: {y: {z: '${...x}', w: '${..v}', u: '${.z}'}, v: 2}",
            {"y": {"z": 4, "w": 2, "u": 4}, "v": 2},
        ),
        ("k: a\na: 3\nb: ${${k}}", 3),
        ("a: ${c}\nc: {q: 3}\nb: ${a.q}", 3),
        ("a: 1\nb: \\${a}", "${a}"),
        ("a: 1\nb: \\\\${a}", "\\1"),
        ("a: 1\nb: 'C:\\dir $ {a} $a'", "C:\\dir $ {a} $a"),
        ("b: ${oc.env:PYRUNS_TEST_X}/${env:PYRUNS_TEST_X}", "17/17"),
        ("b: ${oc.env:PYRUNS_TEST_NO, 10}", "10"),
        ("b: ${oc.env:PYRUNS_TEST_NO,null}", None),
        ("b: ${oc.env:PYRUNS_TEST_NO,'a,}b'}", "a,}b"),
        ("b: ${oc.decode:${oc.env:PYRUNS_TEST_X}}", 17),
        ("b: ${oc.select:nope,5}", 5),
        ("b: ${oc.dict.keys:m}\nm: {x: 1}", ["x"]),
    ],
)
def test_what_references_stand_for(text: str, value: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYRUNS_TEST_X", "17")
    found = resolved_config(text)["b"]
    assert (found, type(found)) == (value, type(value))


@pytest.mark.parametrize(
    ("text", "field", "words"),
    [
        ("opt: {lr: 1}\nb: ${lr}", "b", r"'lr', which does not exist\. Did you mean \$\{opt.lr\}\?"),
        ("m: {b: '${nope}'}", "m.b", r"Write \\\$\{nope\} for the literal text"),
        ("a: ${b}\nb: ${a}", "a", "refers to itself: a -> b -> a"),
        ("a: {b: '${a}'}", "a.b", "refers to itself"),
        ("a: 1\nb: ${a", "b", "never closed"),
        ("b: ${oc.env:X,'", "b", "never closed"),
        ("b: ${oc.env:X", "b", "never closed"),
        ("b: ${}", "b", "is empty"),
        ("b: ${....a}", "b", "does not exist"),
        ("b: [1, '${.7}']", "b.1", "does not exist"),
        ("b: ${now:%Y}", "b", "unknown function"),
        ("b: ${oc.env:PYRUNS_TEST_NO}", "b", "not set. Add a default"),
        ("a: ???\nb: ${a}", "b", "no value yet"),
    ],
)
def test_wrong_references_are_explained(text: str, field: str, words: str) -> None:
    with pytest.raises(InvalidInput, match=words) as caught:
        resolved_config(text, "c.yaml")
    assert caught.value.field == field
    assert caught.value.message.startswith(f"c.yaml is not valid. At '{field}', ")


def test_what_was_read_stays_as_it_is() -> None:
    values = {"a": [1], "b": "${a}", "c": {"d": "${a}"}}
    resolved = interpolate(values)
    assert values == {"a": [1], "b": "${a}", "c": {"d": "${a}"}}
    assert resolved == {"a": [1], "b": [1], "c": {"d": [1]}}
    assert parse_config("b: ${a}") == {"b": "${a}"}


def test_a_small_text_cannot_stand_for_a_huge_value() -> None:
    lists = "\n".join(f"a{n + 1}: [" + ", ".join([f"'${{a{n}}}'"] * 10) + "]" for n in range(12))
    texts = "\n".join(f"a{n + 1}: " + f"${{a{n}}}" * 10 for n in range(12))
    chain = "\n".join(f"a{n}: ${{a{n + 1}}}" for n in range(1, 500))
    nested = "a0: " + "${" * 3000 + "a" + "}" * 3000
    for text in (lists, texts, chain, nested):
        with pytest.raises(InvalidInput):
            resolved_config(f"a0: [1, 2]\n{text}" if text is not nested else text)


@given(st.text(st.sampled_from("ab.{}$[]\\:,'\" 01|oc.env"), max_size=30), st.text(max_size=10))
def test_no_text_crashes(text: str, other: str) -> None:
    values = {"a": text, "b": {"a": 1, "b": [text, other, "${a}"]}, "c": other}
    with suppress(InvalidInput):
        interpolate(values)


@given(
    st.one_of(st.text(max_size=80), st.text(st.sampled_from("a: -[]{}&*!|>'\"\n #$%\t1.e-3?,"), max_size=80))
)
def test_no_yaml_crashes(text: str) -> None:
    with suppress(InvalidInput):
        assert isinstance(resolved_config(text), dict)
