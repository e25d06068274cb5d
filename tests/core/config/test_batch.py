"""The batch grammar of one value."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyruns_jupyter.core.config.sweep.batch import DEFAULT_LIMIT, Values, expand
from pyruns_jupyter.core.config.yamltext.textscan import ScanError


def read(text: str, key: str = "") -> Values:
    return expand(text.strip(), key=key, limit=DEFAULT_LIMIT)


def values(text: str) -> list[object]:
    return [candidate.value for candidate in read(text).candidates]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a | b | c", ["a", "b", "c"]),
        ("a|b", ["a", "b"]),
        ("0.1 | 1e-2 | 5 | true | null | off", [0.1, 0.01, 5, True, None, False]),
        ("010 | 0x10 | 1_000 | 2024-01-02 | 12:30:00a", ["010", 16, 1000, "2024-01-02", "12:30:00a"]),
        ("1:4", [1, 2, 3]),
        ("0:10:3", [0, 3, 6, 9]),
        ("5:1:-2", [5, 3]),
        ("-1:2", [-1, 0, 1]),
        ("08:11", [8, 9, 10]),
        ("(1, 4)", [1, 2, 3]),
        ("(1, 10, 4)", [1, 5, 9]),
        ("1:4 | 7", [1, 2, 3, 7]),
        ("0.1:0.5:0.1", [0.1, 0.2, 0.3, 0.4]),
        ("1:0:-0.25", [1.0, 0.75, 0.5, 0.25]),
        ("1e-5:4e-5:1e-5", [1e-5, 2e-5, 3e-5]),
        ("12:15", [12, 13, 14]),
        ('"resnet|v1"', ["resnet|v1"]),
        ("'resnet|v1' | x", ["resnet|v1", "x"]),
        ('"12:30"', ["12:30"]),
        ('"12:30" | 1', ["12:30", 1]),
        (r"a\|b", ["a|b"]),
        (r"a\|b | c", ["a|b", "c"]),
        (r'"a\|b"', ["a|b"]),
        (r"'a\|b'", [r"a\|b"]),
        ("don't | can't", ["don't", "can't"]),
        ("[64, 32] | [128, 64]", [[64, 32], [128, 64]]),
        ("[64 | 128, 32]", [[64, 32], [128, 32]]),
        ("[1:3, a | b]", [[1, "a"], [1, "b"], [2, "a"], [2, "b"]]),
        ("{k: 1 | 2} | {k: 9}", [{"k": 1}, {"k": 2}, {"k": 9}]),
        ("(1,2) | (3,4)", [[1, 2], [3, 4]]),
        ("(0.9, x) | ((1, 2), 'a|b',) | f(x, y)", [[0.9, "x"], [[1, 2], "a|b"], "f(x, y)"]),
        ("((1, 2) | (3, 4))", [[1, 2], [3, 4]]),
        ("(0.9, 0.999)", ["(0.9, 0.999)"]),
        ("{k: ']'} | {k: 2}", [{"k": "]"}, {"k": 2}]),
        ("choice(1:4, log(10, 1000, 3), x)", [1, 2, 3, 10, 100, 1000, "x"]),
        ("log(1e-5, 1e-1, 5)", [1e-5, 1e-4, 1e-3, 1e-2, 1e-1]),
        ("log(1, 1000, 4)", [1, 10, 100, 1000]),
        ("lin(0, 1, 5)", [0.0, 0.25, 0.5, 0.75, 1.0]),
        ("lin(16, 64, 4) | 128", [16, 32, 48, 64, 128]),
        ("choice(a, b, [1, 2])", ["a", "b", [1, 2]]),
        ("(1:3 | 7)", [1, 2, 7]),
        ("zip1:(a | b)", ["a", "b"]),
        # Text that only looks similar.
        ("http://a:80/b", ["http://a:80/b"]),
        (r"C:\data\x", [r"C:\data\x"]),
        (r"C:\a | D:\b", [r"C:\a", r"D:\b"]),
        ("16:9", ["16:9"]),
        ("12:30:00", ["12:30:00"]),
        ("(a)", ["(a)"]),
        ("(a, b)", ["(a, b)"]),
        ("log(x)+1", ["log(x)+1"]),
    ],
)
def test_values(text: str, expected: list[object]) -> None:
    found = values(text)
    assert found == expected
    assert [type(value) for value in found] == [type(value) for value in expected]


@pytest.mark.parametrize(
    ("text", "column", "words"),
    [
        ("a | ", 4, "before or after a bar"),
        ("a||b", 3, "before or after a bar"),
        ("a | [1", 5, "never closed"),
        ('a | "x', 5, "never closed"),
        ("(1 | 2) | 3", 1, "zip"),
        ("f(a | b)", 1, "brackets"),
        ("1.5:2", 1, "step"),
        ("5:1 | 3", 1, "empty"),
        ("0:1000000", 1, "10,000"),
        ("log(0, 1, 3)", 5, "positive"),
        ("log(1, 2)", 5, "log(low, high, count)"),
        ("uniform(0, 1, 3, seed=x)", 9, "seed"),
        ("choice(a, b, n=3)", 8, "maximum is 2"),
        ("a | b: c", 5, "Quote"),
        ('a | "b" c', 5, "next to a quoted"),
        ("[1, (2, 3)]", 5, "parentheses"),
        ("{a: 1, a: 2} | 3", 8, "duplicated"),
    ],
)
def test_errors_say_where(text: str, column: int, words: str) -> None:
    with pytest.raises(ScanError) as caught:
        read(text, key="lr")
    assert caught.value.offset == column - 1
    assert words in caught.value.message


def test_groups_and_kinds() -> None:
    assert read("a | b").kind == "product"
    assert read("a | b").group is None
    assert read("(a | b)").group == ""
    assert read("g:(a | b)").group == "g"
    assert read("1:3").kind == "range"
    assert read("x").kind == "fixed"


def test_random_values_are_reproducible_and_differ_by_key() -> None:
    first = read("uniform(0, 1, 20, seed=1)", key="lr")
    assert first == read("uniform(0, 1, 20, seed=1)", key="lr")
    assert first.count == 20
    assert all(isinstance(c.value, float) and 0 <= c.value <= 1 for c in first.candidates)
    assert first != read("uniform(0, 1, 20, seed=1)", key="wd")
    assert first != read("uniform(0, 1, 20, seed=2)", key="lr")
    chosen = read("choice(a, b, c, d, n=2, seed=5)", key="x")
    assert len({c.value for c in chosen.candidates}) == 2


def test_empty_range_alone_is_text_with_a_notice() -> None:
    found = read("16:9")
    assert found.notice is not None and "read as text" in found.notice


@given(st.integers(-50, 50), st.integers(-50, 50), st.integers(-7, 7).filter(bool))
def test_integer_ranges_equal_python(start: int, stop: int, step: int) -> None:
    expected: list[object] = list(range(start, stop, step))
    text = f"{start}:{stop}:{step}"
    assert values(text) == (expected or [text])


@given(st.integers(-20, 20), st.integers(1, 40), st.integers(1, 3))
def test_fraction_ranges_have_no_drift(start: int, length: int, digits: int) -> None:
    scale = 10**digits
    expected = [float(f"{start + index}e-{digits}") for index in range(length)]
    assert values(f"{start / scale}:{(start + length) / scale}:{1 / scale}") == expected


@given(st.text(max_size=40).filter(str.strip))
def test_any_text_gives_values_or_a_sentence(text: str) -> None:
    try:
        assert read(text).count >= 1
    except ScanError as error:
        assert error.message and 0 <= error.offset <= len(text)  # noqa: PT017


@given(st.lists(st.sampled_from([*"ab1[](){}|\\\"',: #.\n", "log(", "1:3", " | ", "choice("]), max_size=14))
def test_any_grammar_soup_gives_values_or_a_sentence(parts: list[str]) -> None:
    text = "".join(parts).strip()
    try:
        assert not text or read(text).count >= 1
    except ScanError as error:
        assert error.message and 0 <= error.offset <= len(text)  # noqa: PT017
