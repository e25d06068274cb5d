"""Notebooks as tasks: run by real kernels, with their parameters, and kept as what they became."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import nbformat
import pytest

from pyruns_jupyter import Workspace
from pyruns_jupyter.api.task import Task
from tests.core.scripts.test_notebook_parameters import notebook
from tests.support import wait_until


def opened(tmp_path: Path, *cells: str | tuple[str, str], **metadata: Any) -> Workspace:
    (tmp_path / "train.ipynb").write_bytes(notebook(*cells, **metadata))
    return Workspace.open(tmp_path / "train.ipynb")


def run(workspace: Workspace, text: str = "") -> Task:
    [task] = workspace.run(workspace.create(text, name="t")).wait(timeout=120)
    return task


def executed(task: Task) -> Any:
    return nbformat.read(task.folder / "artifacts" / "run1" / "train.ipynb", as_version=4)  # type: ignore[no-untyped-call]


def test_a_notebook_runs_with_its_parameters(tmp_path: Path) -> None:
    workspace = opened(
        tmp_path,
        ("lr = 0.1  # learning rate\nnames = ['a']\nnothing = 1\nlimit = 1.0\nlimits = [0.0]", "parameters"),
        "import pyruns_jupyter as pyruns, sys, os\n"
        "for step in range(3):\n    pyruns.track(loss=lr / (step + 1))\n    print('step', step)\n"
        "print('aside', file=sys.stderr)",
        "pyruns.record(acc=lr * 2)\nprint(os.getcwd())\n(lr, names, nothing, limit, limits)",
    )
    task = run(workspace, "lr: 0.25\nnames: [x, é]\nnothing: null\nlimit: .inf\nlimits: [-.inf, .nan]")
    assert task.status == "completed", task.log()
    assert task.records() == {"acc": 0.5}
    assert len(task.tracks()["loss"]) == 3
    log = task.log()
    assert "step 2" in log and "aside" in log
    assert "[2/4]" in log  # the cell with the values is one of them
    values = "(0.25, ['x', 'é'], None, inf, [-inf, nan])"
    assert values in log
    assert str(tmp_path) in log
    cells = executed(task).cells
    assert cells[1].metadata["tags"] == ["injected-parameters"]
    assert "lr = 0.25" in cells[1].source and "names = ['x', 'é']" in cells[1].source
    assert cells[3].outputs[-1]["data"]["text/plain"] == values
    # The notebook itself stays as it was.
    assert "injected" not in (tmp_path / "train.ipynb").read_text()


def test_a_sweep_over_a_notebook(tmp_path: Path) -> None:
    workspace = opened(
        tmp_path, ("lr = 0.1", "parameters"), "import pyruns_jupyter\npyruns_jupyter.record(twice=2 * lr)"
    )
    made = workspace.run(workspace.create("lr: 1.0 | 2.0", name="sweep"), jobs=2).wait(timeout=120)
    # Two kernels at once, each with its own.
    assert [task.records() for task in made] == [{"twice": 2.0}, {"twice": 4.0}]


def test_a_notebook_that_fails_says_where_and_is_kept(tmp_path: Path) -> None:
    workspace = opened(
        tmp_path, "print('before')", "def f():\n    raise ValueError('too much')\nf()", "print('after')"
    )
    task = run(workspace)
    assert (task.status, task.runs[-1].exit_code) == ("failed", 1)
    assert task.row.message == "ValueError: too much"
    assert "before" in task.log() and "after" not in task.log()
    cells = executed(task).cells
    assert cells[0].outputs[0]["text"] == "before\n"
    assert cells[1].outputs[-1]["ename"] == "ValueError"


def test_progress_and_output_are_there_while_it_runs_and_stopping_ends_the_kernel(tmp_path: Path) -> None:
    workspace = opened(
        tmp_path,
        "import os, time\nprint('kernel', os.getpid(), flush=True)",
        "time.sleep(2.1)",
        "time.sleep(600)",
    )
    [task] = workspace.run(workspace.create("", name="t"))
    wait_until(lambda: task.row.progress == pytest.approx(2 / 3, abs=0.001))
    assert task.status == "running"
    # Its output reaches the log through another process than its progress reaches the task file.
    kernel = int(wait_until(lambda: re.search(r"kernel (\d+)\s", task.log()))[1])
    assert executed(task).cells[0].outputs
    task.stop().wait(timeout=120)
    assert task.status == "cancelled"
    wait_until(lambda: _is_gone(kernel))
    assert executed(task).cells[0].outputs


def _is_gone(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def test_a_kernel_that_is_not_here_is_replaced(tmp_path: Path) -> None:
    workspace = opened(tmp_path, "print('ran')", kernelspec={"name": "far-away", "language": "python"})
    task = run(workspace)
    assert task.status == "completed"
    assert "The kernel 'far-away' is not installed" in task.log() and "ran" in task.log()


def test_what_it_does_not_take_is_refused(tmp_path: Path) -> None:
    workspace = opened(tmp_path, ("lr = 0.1", "parameters"))
    for text, words in (("lr: fast", "value of type float"), ("rate: 1", "rate")):
        with pytest.raises(Exception, match=words):
            workspace.create(text, name="t")
    assert len(workspace) == 0
    assert os.listdir(workspace.folder.folder)
