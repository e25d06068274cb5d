"""A command imports what it needs: most of the time of a short command is its start."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SHOW_IMPORTED = """
import sys
from pyruns_jupyter.cli.terminal import main
code = main()
print(code, *sys.modules, file=sys.stderr)
"""
SHOW_SEARCHES = """
import gc
from pyruns_jupyter.cli import main
def searches():
    return sum(generation["collections"] for generation in gc.get_stats())
before = searches()
main()
print(gc.isenabled(), searches() - before, gc.get_freeze_count())
"""
SLOW = (
    "pyruns_jupyter.core.config.sweep",
    "pyruns_jupyter.core.create",
    "pyruns_jupyter.core.scripts",
    "pyruns_jupyter.engine.client",
    "pyruns_jupyter.engine.scheduler",
    "pyruns_jupyter.service",
    "pyruns_jupyter.studies.service",
)
SLOW_LIBRARIES = {
    *("asyncio", "csv", "ctypes", "difflib", "html", "logging", "pickle", "psutil", "shutil", "socket"),
    *("statistics", "subprocess", "termios", "yaml"),
    *(() if sys.version_info >= (3, 14) else ("dataclasses",)),  # there, argparse imports it
}
NEEDED = {
    "status": {"psutil", "shutil", "socket", "subprocess"},  # to look for the shell
    "pause": {"ctypes"},  # to claim the engine's folder
}


@pytest.mark.parametrize(
    "words", [["ls"], ["show", "a"], ["status"], ["queue"], ["pause"], ["unpause"], ["wait"]]
)
def test_what_only_looks_imports_nothing_that_creates_or_queues(words: list[str], tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").touch()
    (tmp_path / "hello.sh").write_text("echo hello\n")
    imported_by(["open", "."], tmp_path)
    imported_by(["sweep", "hello.sh", "-n", "a"], tmp_path)
    imported = imported_by(words, tmp_path, code=1 if words == ["wait"] else 0)  # the task has not run
    assert not [name for name in imported if name.startswith(SLOW)]
    assert SLOW_LIBRARIES & set(imported) == NEEDED.get(words[0], set())
    assert "pyruns_jupyter.api.workspace" in imported


@pytest.mark.parametrize(
    ("word", "module"), [("ls", "listing"), ("status", "listing"), ("queue", "queue"), ("pause", "queue")]
)
def test_a_command_does_not_import_those_of_other_subjects(word: str, module: str, tmp_path: Path) -> None:
    imported_by(["open", "."], tmp_path)
    imported = imported_by([word], tmp_path)
    commands = [name for name in imported if name.startswith("pyruns_jupyter.cli.commands.")]
    assert commands == [f"pyruns_jupyter.cli.commands.{module}"]
    options = ("pyruns_jupyter.cli.batch_arguments", "pyruns_jupyter.cli.follow")
    assert not [name for name in imported if name in options]


def test_what_a_command_imports_is_not_searched_for_garbage(tmp_path: Path) -> None:
    imported_by(["open", "."], tmp_path)
    done = subprocess.run(
        [sys.executable, "-c", SHOW_SEARCHES, "ls"], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    is_enabled, searches, frozen = done.stdout.split()[-3:]
    assert is_enabled == "True"  # for commands that run for long
    assert int(searches) == 0
    assert int(frozen) > 10_000


@pytest.mark.parametrize("words", [[], ["--help"]])
def test_help_imports_no_command(words: list[str], tmp_path: Path) -> None:
    imported = imported_by(words, tmp_path, 0 if words else 2)
    needless = ("pyruns_jupyter.api", "pyruns_jupyter.cli.commands.")
    assert not [name for name in imported if name.startswith(needless)]
    assert not {*SLOW_LIBRARIES, "json"} & set(imported)


def imported_by(words: list[str], folder: Path, code: int = 0) -> list[str]:
    """Return the modules that a command line imports."""
    done = subprocess.run(
        [sys.executable, "-c", SHOW_IMPORTED, *words], cwd=folder, capture_output=True, text=True, check=True
    )
    shown, *imported = done.stderr.splitlines()[-1].split()
    assert int(shown) == code, done.stderr
    return imported
