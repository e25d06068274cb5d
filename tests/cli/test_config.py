"""The settings of a project from a terminal."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.test_cli import Terminal

FILE = "_pyruns_/_pyruns_settings.yaml"


@pytest.fixture
def terminal(tmp_path: Path) -> Terminal:
    (tmp_path / "train.py").write_text("print(1)\n")
    made = Terminal(tmp_path)
    made("init", "train.py")
    return made


def test_settings_are_shown_and_changed(terminal: Terminal) -> None:
    file = terminal.folder / FILE
    file.write_text("# ours\nsilent_after_minutes: 10  # long enough\nsomebody_elses: 1\n")
    assert "long enough" in terminal("config")
    terminal("config", "silent_after_minutes=30", "log_limit_mb=5")
    assert file.read_text() == (
        "# ours\nsilent_after_minutes: 30  # long enough\nsomebody_elses: 1\nlog_limit_mb: 5\n"
    )
    told = json.loads(terminal("config", "--json"))
    assert told["settings"]["silent_after_minutes"] == 30
    assert told["file"] == str(file)


@pytest.mark.parametrize("wrong", ["silent_after_minutes", "a b=1", "silent_after_minutes=soon", "x=[1"])
def test_what_is_no_setting_changes_nothing(terminal: Terminal, wrong: str) -> None:
    file = terminal.folder / FILE
    file.write_text("silent_after_minutes: 10\n")
    assert terminal("config", wrong, code=1)
    assert file.read_text() == "silent_after_minutes: 10\n"


def test_without_a_folder_the_shell_is_opened(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path)
    terminal("init")
    assert json.loads(terminal("status", "--json"))["workspace"] == "_shell_"
