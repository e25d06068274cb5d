"""What the documentation says about the code, compared with the code."""

from __future__ import annotations

import re

from tests.docs.pages import pages
from tests.support import ROOT
from tests.test_layers import PYTHON_ARROWS

_VARIABLE = re.compile(r"\bPYRUNS_[A-Z_]*[A-Z]\b(?!__)")
_IMAGE = re.compile(r"images/([\w-]+\.\w+)")
_MADE_UP = {"PYRUNS_TEST_NO", "PYRUNS_TEST_X"}  # variables of scripts that the tests interpolate


def test_the_table_of_rooms_is_what_the_arrows_allow() -> None:
    text = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([\w/]+)` +\|[^|]*\| ([^|]*?) +\|$", text, re.MULTILINE)
    told = {name: set(re.findall(r"`([\w/]+)`", allowed)) for name, allowed in rows}
    assert told == PYTHON_ARROWS


def test_variables_of_the_tests_are_described() -> None:
    described = {
        name
        for page in ("CONTRIBUTING.md", "docs/settings.md", "docs/script.md")
        for name in _VARIABLE.findall((ROOT / page).read_text(encoding="utf-8"))
    }
    files = [
        path
        for folder in ("tests", "tools", "ui-tests")
        for path in (ROOT / folder).rglob("*")
        if path.suffix in (".py", ".ts", ".js", ".mjs", ".c") and "node_modules" not in path.parts
    ]
    used = {name for path in files for name in _VARIABLE.findall(path.read_text(encoding="utf-8"))}
    assert {"PYRUNS_STORM_KILLS", "PYRUNS_UI_PORT"} <= used
    assert used - described - _MADE_UP == set()


def test_a_page_shows_each_image() -> None:
    shown = {name for page in pages() for name in _IMAGE.findall(page.read_text(encoding="utf-8"))}
    assert {path.name for path in (ROOT / "docs" / "images").iterdir()} == shown
