"""A real interactive shell, without a kernel around it."""

from __future__ import annotations

import pytest
from IPython.core.interactiveshell import InteractiveShell


class Shell:
    """An interactive shell and what its cells write."""

    def __init__(self, shell: InteractiveShell, capsys: pytest.CaptureFixture[str]) -> None:
        self.shell = shell
        self._capsys = capsys

    def cell(self, text: str) -> str:
        """Run a cell that succeeds; return what it wrote."""
        self._capsys.readouterr()
        result = self.shell.run_cell(text)  # type: ignore[no-untyped-call]
        written = self._capsys.readouterr()
        assert result.success, written.err + written.out
        return written.out

    def failing(self, text: str) -> str:
        """Run a cell that fails; return what the user is told."""
        self._capsys.readouterr()
        result = self.shell.run_cell(text)  # type: ignore[no-untyped-call]
        written = self._capsys.readouterr()
        assert not result.success
        told = written.err + written.out
        assert "Traceback" not in told
        assert told.startswith("UsageError: ")
        return told.removeprefix("UsageError: ").strip()
