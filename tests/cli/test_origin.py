"""What a terminal shows of the code of a run, and of where it took place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyruns_jupyter.core.common.host_identity import host_name
from tests.cli.test_cli import Terminal, terminal

if TYPE_CHECKING:
    from pathlib import Path

__all__ = ["terminal"]


def test_show_tells_code_and_place(terminal: Terminal) -> None:
    settings: Path = terminal.folder / "_pyruns_" / "_pyruns_settings.yaml"
    settings.write_text("snapshot_code: true\n", encoding="utf-8")
    (terminal.folder / "sweep.yaml").write_text("lr: 0.5\n", encoding="utf-8")
    terminal("sweep", "sweep.yaml", "-n", "one", "--run")
    terminal("wait", "--timeout", "100")
    lines = terminal("show", "one").splitlines()
    assert any(line.startswith("  git none | unknown | script ") for line in lines)
    assert any(line.startswith("  code snapshot ") and len(line.split()[-1]) == 12 for line in lines)
    assert any(line.startswith(f"  {host_name()}, Python 3.") for line in lines)
