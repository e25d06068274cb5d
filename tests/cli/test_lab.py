"""JupyterLab, started by `jupyter pyruns lab`; a script takes its place."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from tests.cli.test_cli import Terminal
from tests.support import wait_until

LAB = f"""\
#!{sys.executable}
import pathlib, signal, sys, time
signal.signal(signal.SIGINT, lambda *_: pathlib.Path("asked").touch())
pathlib.Path("root").write_text(sys.argv[1])
while not pathlib.Path("confirmed").exists():
    time.sleep(0.05)
time.sleep(0.5)
pathlib.Path("closed").touch()
sys.exit(3)
"""
# With a program beside Python, `lab` starts that.
PROGRAM = """\
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)
sys.executable = sys.argv.pop(1)
from pyruns_jupyter.cli.terminal import main
sys.exit(main())
"""


def test_an_interrupt_leaves_the_end_to_jupyterlab(tmp_path: Path) -> None:
    lab = tmp_path / "bin" / "jupyter-lab"
    lab.parent.mkdir()
    lab.write_text(LAB, encoding="utf-8")
    lab.chmod(0o755)
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(lab.with_name("python")), "lab"],
        cwd=tmp_path,
        env=Terminal(tmp_path).environment,
        start_new_session=True,
    )
    try:
        root = tmp_path / "root"
        wait_until(lambda: root.exists() and root.read_text() == f"--ServerApp.root_dir={tmp_path}")
        for _ in range(2):
            os.killpg(process.pid, signal.SIGINT)
            wait_until((tmp_path / "asked").exists)
            (tmp_path / "asked").unlink()
        (tmp_path / "confirmed").touch()
        assert process.wait(timeout=120) == 3
        assert (tmp_path / "closed").exists()
    finally:
        (tmp_path / "confirmed").touch()
        process.kill()
        process.wait()
