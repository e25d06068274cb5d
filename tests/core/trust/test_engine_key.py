"""The key of an engine folder signs what starts processes, so its secret is shown nowhere."""

from __future__ import annotations

import io
from pathlib import Path

from rich.console import Console
from rich.pretty import pretty_repr

from pyruns_jupyter.core.trust.engine_key import EngineKey


def test_the_secret_is_not_shown(tmp_path: Path) -> None:
    key = EngineKey(tmp_path, tmp_path / "id", b"confidential", 0, True)
    console = Console(file=io.StringIO(), width=200)
    try:
        raise ValueError
    except ValueError:
        console.print_exception(show_locals=True)
    assert isinstance(console.file, io.StringIO)
    for shown in (repr(key), str(key), pretty_repr(key)):
        assert "confidential" not in shown
        assert str(tmp_path) in shown
    # The line of the program itself has the word in quotes.
    assert console.file.getvalue().count("confidential") == 1
