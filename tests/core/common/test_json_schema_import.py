"""Programs of ours import jsonschema without what its format "iri" needs, whose import takes a second."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.parametrize(
    "program",
    [
        "from pyruns_jupyter.notebook import nbrun",
        # The server ends at once, since nothing comes from its client.
        "import pathlib, pyruns_jupyter.agents.mcp_server as mcp; mcp.serve(pathlib.Path(), None, 'x')",
    ],
)
def test_the_grammar_is_not_compiled(tmp_path: Path, program: str) -> None:
    (tmp_path / "rfc3987_syntax.py").write_text("raise SystemExit('imported')\n")
    done = subprocess.run(
        [sys.executable, "-c", f"{program}; import jsonschema"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, "imported" in done.stderr) == (0, False), done.stderr
