"""Names of new tasks."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyruns_jupyter.core.common.errors import InvalidInput
from pyruns_jupyter.core.config.sweep.naming import check_name, default_names, pattern_names
from pyruns_jupyter.core.config.sweep.plan import SweepPlan
from pyruns_jupyter.core.taskfile.paths import is_task_name


def names(text: str, prefix: str = "abl", taken: set[str] | None = None) -> list[str]:
    return default_names(SweepPlan.parse(text), prefix, taken or set())


def test_names_say_what_was_swept() -> None:
    assert names("lr: 0.01 | 1e-3\nopt:\n  name: adam | sgd\n") == [
        "abl_1_lr=0.01,name=adam",
        "abl_2_lr=0.01,name=sgd",
        "abl_3_lr=1e-3,name=adam",
        "abl_4_lr=1e-3,name=sgd",
    ]
    assert names("a: 0:12\n")[8:10] == ["abl_09_a=8", "abl_10_a=9"]


def test_keys_stay_distinct_and_values_legal() -> None:
    assert names("a:\n  lr: 1 | 2\nb:\n  lr: 3 | 3\n")[0] == "abl_1_a.lr=1,b.lr=3"
    assert names("p: a/b | [64, 32]\nd: [1 | 2, 3]\n")[::3] == ["abl_1_p=a-b,d.0=1", "abl_4_p=[64,32],d.0=2"]


def test_one_task_gets_the_prefix_and_must_not_exist() -> None:
    assert names("lr: 1\n") == ["abl"]
    with pytest.raises(InvalidInput, match="already exists") as caught:
        names("lr: 1\n", taken={"abl"})
    assert caught.value.field == "name"
    with pytest.raises(InvalidInput, match="already exists"):
        check_name("x", {"x"})


def test_numbers_go_on_after_those_taken() -> None:
    assert names("a: 1 | 2\n", taken={"abl_7_lr=3", "abl_2", "other_9"}) == ["abl_8_a=1", "abl_9_a=2"]
    assert names("a: 1 | 2\n", taken={"abl_2_a=2"}) == ["abl_3_a=1", "abl_4_a=2"]


@pytest.mark.parametrize("prefix", ["a/b", "", ".x", "-x", "a ", "con", "x" * 201, "a@b"])
def test_an_illegal_prefix_is_refused(prefix: str) -> None:
    for text in ("a: 1\n", "a: 1 | 2\n"):
        with pytest.raises(InvalidInput) as caught:
            names(text, prefix)
        assert caught.value.field == "name"


def test_patterns() -> None:
    plan = SweepPlan.parse("lr: 0.1 | 0.2\nm:\n  seed: 3\n")
    assert pattern_names(plan, "{lr}-{m.seed}") == ["0.1-3", "0.2-3"]
    assert pattern_names(plan, "{name}_{n}", "x", {"x_2"}) == ["x_3", "x_4"]
    assert pattern_names(plan, "same") == ["same", "same_2"]
    with pytest.raises(InvalidInput, match=r"unknown key 'x'\. Use \{n\}, \{lr\}, \{m.seed\}") as caught:
        pattern_names(plan, "{x}")
    assert caught.value.field == "name"
    with pytest.raises(InvalidInput, match=r"Did you mean \{m.seed\}"):
        pattern_names(plan, "{m.sed}")
    for broken in ("{lr", "lr}{n}", "{n}}", "{"):
        with pytest.raises(InvalidInput, match="has no matching brace"):
            pattern_names(plan, broken)
    for illegal in ("{lr}/x", "-{lr}", " {lr}", "{lr}.", "{lr}" + "x" * 200, "{n}" * 400):
        with pytest.raises(InvalidInput):
            pattern_names(plan, illegal)


def test_pattern_keys_may_be_shortened() -> None:
    plan = SweepPlan.parse("opt:\n  lr: 0.1 | 0.2\n  eps: 1e-8\nsched:\n  lr: 5\n  eps: 2\n")
    assert pattern_names(plan, "{lr}") == ["0.1", "0.2"]  # what is swept comes first
    assert pattern_names(plan, "{lr}-{opt.eps}") == ["0.1-1e-8", "0.2-1e-8"]
    with pytest.raises(InvalidInput, match=r"\{eps\} is ambiguous\. Write \{opt.eps\}, \{sched.eps\}"):
        pattern_names(plan, "{eps}-{lr}")
    two = SweepPlan.parse("a:\n  lr: 1 | 2\nb:\n  lr: 3 | 4\n")
    with pytest.raises(InvalidInput, match=r"\{a.lr\}, \{b.lr\}"):
        pattern_names(two, "{lr}")
    assert pattern_names(two, "{a.lr}{b.lr}") == ["13", "14", "23", "24"]


def test_pattern_formats_and_braces() -> None:
    plan = SweepPlan.parse("lr: 0.1 | 1e-5\nk: 3\ns: adam\n")
    assert pattern_names(plan, "{{{n:03}}}_{lr:.0e}_{k:d}_{s:.2}") == ["{001}_1e-01_3_ad", "{002}_1e-05_3_ad"]
    for wrong in ("{lr:d}", "{s:d}", "{lr:>99999999}", "{lr!r}", "{lr:{k}}", "{}", "{:d}", "{lr.real}"):
        with pytest.raises(InvalidInput) as caught:
            pattern_names(plan, wrong)
        assert caught.value.field == "name"
        assert caught.value.message.endswith((".", "?"))


def test_keys_called_n_and_name_come_before_the_built_in_ones() -> None:
    plan = SweepPlan.parse("n: 5 | 7\nname: null\nm: {name: x}\n")
    assert pattern_names(plan, "{name}-{n}", "train") == ["null-5", "null-7"]
    assert pattern_names(SweepPlan.parse("m: {name: x, k: 1 | 2}\n"), "{name}-{k}", "train") == [
        "train-1",
        "train-2",
    ]


def test_values_that_are_no_names_alone() -> None:
    plan = SweepPlan.parse("a: -1 | 1 | a/b | a-b | con | A-B | .5 | '' | [1, 2]\n")
    assert pattern_names(plan, "{a}") == ["_-1", "1", "a-b", "a-b_2", "_con", "A-B_3", "_.5", "_-", "[1,2]"]
    assert default_names(plan, "x")[0] == "x_1_a=-1"


def test_names_of_ten_thousand_tasks_stand_in_order() -> None:
    plan = SweepPlan.parse("a: 0:100\nb: uniform(0, 1, 100)\n")
    for made in (default_names(plan, "x"), pattern_names(plan, "x{n}-{b}")):
        assert made == sorted(made)
        assert len(set(made)) == 10_000
    assert pattern_names(plan, "same")[-1] == "same_10000"


def test_a_prefix_that_leaves_no_room_is_refused() -> None:
    plan = SweepPlan.parse("a: 1 | 2\n")
    for prefix in ("p" * 190, "世" * 80):
        with pytest.raises(InvalidInput, match="too long"):
            default_names(plan, prefix)
    assert len(set(default_names(plan, "p" * 184))) == 2


@given(st.lists(st.text(alphabet='ab/:*?"<>|@\\ .-é世\n…\U0001f600', max_size=60), min_size=2, max_size=4))
def test_names_are_always_legal_and_unique(values: list[str]) -> None:
    from pyruns_jupyter.core.config.yamltext.values import quoted

    text = (
        "a: "
        + " | ".join(quoted(value) for value in values)
        + "\nb: "
        + " | ".join("xy"[:2] + str(i) for i in range(3))
    )
    plan = SweepPlan.parse(text)
    made = default_names(plan, "p" * 150)
    assert len(set(made)) == plan.count
    assert all(is_task_name(name) for name in made)
    made = pattern_names(plan, "n-{a}")
    assert len(set(made)) == plan.count
    assert all(is_task_name(name) for name in made)
