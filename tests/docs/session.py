"""Runs the blocks of a page one after the other, as a reader would.

`python -m tests.docs.session BLOCKS.json`: commands
in a shell, Python in one IPython session, in the working folder.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from IPython.core.interactiveshell import ExecutionResult, InteractiveShell


def run(shell: InteractiveShell, block: dict[str, Any]) -> str:
    """Do what a block says; return what went wrong."""
    if block["note"] == "file":
        path = Path(block["value"])
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block["text"], encoding="utf-8")
        return ""
    if block["language"] == "bash":
        command = ["bash", "-euo", "pipefail", "-c", block["text"]]
        code = subprocess.run(command, stdin=subprocess.DEVNULL).returncode
        failed = f"exit code {code}" if code else ""
    else:
        failed = str(_run_cell(shell, block["text"]) or "")
    if block["note"] == "fails":
        return "" if failed else "it should have failed"
    return failed


def _run_cell(shell: InteractiveShell, text: str) -> BaseException | None:
    done: ExecutionResult = shell.run_cell(text, store_history=True)  # type: ignore[no-untyped-call]
    return done.error_before_exec or done.error_in_exec


def main() -> None:
    """Run until something goes wrong."""
    shell = InteractiveShell.instance(colors="nocolor")
    sys.path.insert(0, "")
    for block in json.loads(Path(sys.argv[1]).read_text(encoding="utf-8")):
        print(
            f"--- line {block['line']} ({block['language']}{' file' * (block['note'] == 'file')})", flush=True
        )
        if failed := run(shell, block):
            sys.exit(f"line {block['line']}: {failed}\n{block['text']}")


if __name__ == "__main__":
    main()
