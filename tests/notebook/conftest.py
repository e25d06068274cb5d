"""A project with a quick script, and kernels in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from IPython.core.interactiveshell import InteractiveShell
from traitlets.config import Config

from tests.notebook.kernel import Kernel, running_kernel
from tests.notebook.shell import Shell

SCRIPT = """\
import argparse, time
import pyruns_jupyter as pyruns

parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.1)
parser.add_argument("--seconds", type=float, default=0.0)
args = parser.parse_args()
print("lr is", args.lr, flush=True)
time.sleep(args.seconds)
pyruns.record(acc=args.lr * 2)
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with `train.py`."""
    (tmp_path / "train.py").write_text(SCRIPT, encoding="utf-8")
    return tmp_path


@pytest.fixture
def kernel(project: Path) -> Iterator[Kernel]:
    """A kernel in that folder."""
    with running_kernel(project) as running:
        yield running


@pytest.fixture
def shell(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Iterator[Shell]:
    """A shell in the project's folder with the extension loaded."""
    monkeypatch.chdir(project)
    monkeypatch.setenv("IPYTHONDIR", str(project / ".ipython"))
    config = Config()
    config.HistoryManager.enabled = False
    InteractiveShell.clear_instance()
    interactive = InteractiveShell.instance(config=config)
    made = Shell(interactive, capsys)
    made.cell("%load_ext pyruns_jupyter")
    yield made
    InteractiveShell.clear_instance()
