"""The linter of user texts, `tools/prose.py`."""

from __future__ import annotations

from pathlib import Path

import pytest

from tools import prose
from tools.prose import Finding, Text, check, docstrings, literals, markdown, read_terms

ENABLED, TERMS = read_terms()


def found(path: Path, texts: list[Text], kind: str = "docs") -> list[tuple[int, str]]:
    assert all(text.file == path for text in texts)
    return [(one.line, one.term) for one in check(texts, kind, TERMS)]


def test_terms_of_a_page_are_found_with_their_line(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# Title\n\nTwo tasks at a\ntime; `told` in code.\n\n```\ntold\n```\n\nIt is told.\n")
    assert found(page, [markdown(page)]) == [(3, "at a time"), (10, "told")]


def test_terms_of_python_are_found_in_texts_but_not_in_code(tmp_path: Path) -> None:
    module = tmp_path / "module.py"
    module.write_text(
        '"""What it tells."""\n'
        "\n"
        "def told(name: str) -> None:\n"
        '    """Somebody is told."""\n'
        "    raise ValueError(\n"
        '        f"{name} is no "\n'
        '        "number"\n'
        "    )\n"
    )
    assert found(module, [*literals(module)], "messages") == [(6, "is no")]
    assert sorted(found(module, [*docstrings(module)], "docstrings")) == [
        (1, "tells"),
        (4, "Somebody"),
        (4, "told"),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "There is no task. It is no longer pinned.",
        "'x' stands for any value.",
        "A task waits so long as it is queued.",
        "metrics of a run; a Slurm job",
    ],
)
def test_good_english_is_no_finding(tmp_path: Path, text: str) -> None:
    assert found(tmp_path, [Text(tmp_path, 1, text)]) == []


def test_a_term_is_wrong_only_in_its_kinds_and_files() -> None:
    [term] = [one for one in TERMS if "Manager" in one.pattern.pattern]
    assert term.is_for("ui", "src/lab/pages.tsx")
    assert not term.is_for("rest", "pyruns_jupyter/server/openapi.yaml")
    assert not term.is_for("docs", "docs/disk-format.md")


def test_the_linter_fails_and_names_the_place_and_the_better_word(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    page = tmp_path / "page.md"
    page.write_text("Whoever starts it\n")
    monkeypatch.setitem(prose.KINDS, "cli", lambda: [markdown(page)])
    assert prose.main(["cli"]) == 1
    assert capsys.readouterr().out == (
        "page.md:1: cli: 'Whoever' -> the user, another process, no process, everyone\n"
    )
    assert prose.main(["poems"]) == 2


@pytest.mark.parametrize("kind", [kind for kind in prose.KINDS if kind != "ui"])
def test_every_kind_has_texts_and_the_enabled_ones_are_clean(kind: str) -> None:
    texts = [*prose.KINDS[kind]()]
    assert len(texts) > 3
    if kind in ENABLED:
        findings: list[Finding] = [*check(texts, kind, TERMS)]
        assert findings == []


def test_help_texts_of_other_modules_are_covered() -> None:
    texts = {text.text for text in prose.KINDS["cli"]()}
    assert "number of trials (default: %(default)s)" in texts
    assert "retry a failed task up to N times (default: 0)" in texts
