"""The pages of the reference that tools write."""

from __future__ import annotations

import posixpath
import re
import sys
from pathlib import Path

import pytest
import yaml

from pyruns_jupyter.cli.grammar import GROUPS
from tools import generated
from tools.grammar_docs import cli_pages, magics_page
from tools.rest_docs import METHODS, OVERVIEW, SHARED, SOURCE, Reference

DESCRIPTION = yaml.safe_load(SOURCE.read_text(encoding="utf-8"))


def texts() -> dict[str, str]:
    """Return the pages of the command line, the magics and REST, by their path in `docs`."""
    pages = {**cli_pages(), "magics.md": magics_page(), **Reference(DESCRIPTION).pages()}
    return {name: "\n".join(lines) for name, lines in pages.items()}


def anchors(text: str) -> set[str]:
    """Return the anchors that Sphinx gives to the headings of a page."""
    titles = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def test_each_command_and_operation_has_one_heading() -> None:
    pages = texts()
    headings = [line for text in pages.values() for line in text.splitlines() if line.startswith("#")]
    for name in (name for names in GROUPS.values() for name in names):
        assert headings.count(f"## `{name}`") == 1
    for path, item in DESCRIPTION["paths"].items():
        for method in item.keys() & set(METHODS):
            assert headings.count(f"### {method.upper()} `{path[1:]}`") == 1
    for name in DESCRIPTION["components"]["schemas"]:
        described = [
            page for page, text in pages.items() if "\n## Schemas" in text and f"\n### {name}\n" in text
        ]
        assert len([page for page in described if page != OVERVIEW or name in SHARED]) == 1


def test_links_between_the_pages_lead_to_a_heading() -> None:
    pages = texts()
    count = 0
    for name, text in pages.items():
        for path, anchor in re.findall(r"\]\(([\w./-]*)#([\w-]+)\)", text):
            target = posixpath.normpath(posixpath.join(posixpath.dirname(name), path)) if path else name
            if target in pages:
                count += 1
                assert anchor in anchors(pages[target]), f"{name}: {path}#{anchor}"
    assert count > 100


def test_options_that_magics_share_are_described_once() -> None:
    text = texts()["magics.md"]
    options = re.findall(r"^\| (?=`-).*?(--[\w-]+)", text, re.MULTILINE)
    assert [options.count(each) for each in ("--height", "--with", "--check", "--objective")] == [1, 1, 0, 0]
    for name in ("sweep", "plan", "optimize"):
        assert f"](cli/create.md#{name})" in text.partition(f"\n### `{name}`\n")[2].partition("\n### ")[0]


def test_a_page_is_written_checked_and_removed_when_it_is_no_longer_generated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(generated, "DOCS", tmp_path)
    monkeypatch.setattr(generated, "ROOT", tmp_path.parent)

    def call(*words: str) -> int:
        monkeypatch.setattr(sys, "argv", ["tool", *words])
        return generated.main({"a.md": ["# A"], "folder/b.md": ["# B"]}, "the source")

    assert call("--check") == 1
    assert call() == 0
    assert call("--check") == 0
    assert (tmp_path / "folder" / "b.md").read_text() == "# B\n"
    (tmp_path / "folder" / "old.md").write_text("# Old\n")
    (tmp_path / "other.md").write_text("# By hand\n")
    capsys.readouterr()
    assert call("--check") == 1
    assert "folder/old.md differs from the source" in capsys.readouterr().err
    assert call() == 0
    assert sorted(path.name for path in tmp_path.rglob("*.md")) == ["a.md", "b.md", "other.md"]
