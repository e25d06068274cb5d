"""Every command and code block of the documentation runs as it stands there."""

from __future__ import annotations

import ast
import json
import os
import re
import shlex
import shutil
import sys
from pathlib import Path

import pytest
import yaml

from pyruns_jupyter import Workspace
from pyruns_jupyter.core.workspace.discovery import discover
from tests.engine.support import stop_everything
from tests.forks import CLI, DRIVER, SCHEDULER, SESSION, client, forks, run
from tests.slurm.cluster import Cluster
from tests.support import EXAMPLES, ROOT, reference_program, wait_until

from .pages import DOCS, READ, RUN, Block, blocks, pages, setting

TOLD = {page.relative_to(ROOT).as_posix(): page for page in pages()}


def to_run(page: Path) -> list[Block]:
    """The blocks of a page that are run or written."""
    return [block for block in blocks(page) if block.note == "file" or runs(block)]


def runs(block: Block) -> bool:
    return block.language in RUN and block.note not in ("not run", "with")


# Here `jupyter` is what users start; elsewhere forks run its commands, which takes a tenth of the time.
AS_INSTALLED = ("README.md", "docs/start.md")
COMMANDS = """#!/bin/sh
[ "$1" = pyruns ] || exec {programs}/jupyter "$@"
shift
exec {command} "$@"
"""
RUNNING = [name for name, page in TOLD.items() if any(map(runs, blocks(page)))]


@pytest.mark.parametrize("name", TOLD)
def test_each_block_says_what_it_is(name: str) -> None:
    for block in blocks(TOLD[name]):
        assert block.language in (*RUN, *READ), f"{name}:{block.line}: no language"
        if block.note == "not run":
            assert len(block.value) > 10, f"{name}:{block.line}: say why it is not run"
        if block.language == "yaml":
            yaml.safe_load(re.sub(r"\[[^\n]*\] \|.*", "x", block.text))
        if block.language == "json":
            json.loads(block.text)
        if block.language == "python" and not block.text.lstrip().startswith(("%", "c.")) and block.note:
            ast.parse(re.sub(r"^( *)%.*$", r"\1pass", block.text, flags=re.MULTILINE))


# Each command of a page starts Python, and so do its tasks: some pages take a minute beside other tests.
@pytest.mark.timeout(700)
@pytest.mark.parametrize("name", RUNNING)
def test_the_page_runs(name: str, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    page = TOLD[name]
    steps = to_run(page)
    before = setting(page, "after")
    while before:
        earlier = DOCS / before
        steps = [*to_run(earlier), *steps]
        page, before = earlier, setting(earlier, "after")
    folder = tmp_path / "work"
    example = setting(page, "in")
    if example:
        ignored = shutil.ignore_patterns("_pyruns_", "__pycache__", ".*", "outputs")
        shutil.copytree(EXAMPLES / example, folder, ignore=ignored)
    else:
        folder.mkdir()
    (tmp_path / "steps.json").write_text(json.dumps([step.to_dict() for step in steps]))
    programs = Path(sys.executable).parent
    environment = {
        **{key: value for key, value in os.environ.items() if not key.startswith(("PYRUNS_", "SLURM_"))},
        "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "PYTHONPATH": str(ROOT),
        "IPYTHONDIR": str(tmp_path / "ipython"),
    }
    if name not in AS_INSTALLED:
        address, *_ = (
            forks().address([sys.executable, "-m", one], environment) for one in (CLI, SCHEDULER, DRIVER)
        )
        jupyter = tmp_path / "programs" / "jupyter"
        jupyter.parent.mkdir()
        command = shlex.join([*client(address, str(programs)), sys.executable, "-m", CLI])
        jupyter.write_text(COMMANDS.format(programs=shlex.quote(str(programs)), command=command))
        jupyter.chmod(0o755)
        environment["PATH"] = f"{jupyter.parent}{os.pathsep}{environment['PATH']}"
    cluster, needs = None, setting(TOLD[name], "needs")
    if needs == "pyr":
        reference = reference_program()
        if reference is None:
            pytest.skip("PYRUNS_REFERENCE does not name the program pyr")
        environment["PATH"] += f"{os.pathsep}{reference.parent}"  # last: its Python is not to be found first
    if needs == "slurm":
        if missing := Cluster.missing():
            pytest.skip(missing)
        cluster = Cluster(tmp_path_factory.mktemp("slurm"))  # a socket's path has to be short
        cluster.start()
        environment.update(cluster.environment)
    try:
        steps_file = str(tmp_path / "steps.json")
        done = run([sys.executable, "-m", SESSION], [steps_file], folder, environment)
        assert done.returncode == 0, done.stdout + done.stderr
        if name == "docs/start.md":
            check_the_five_minutes(folder)
        if not setting(TOLD[name], "tasks fail"):
            # What waits may wait for GPUs that are not here; what runs is to end well.
            wait_until(lambda: not any(ws.counts()["running"] for ws in workspaces(tmp_path)))
            bad = {
                task.name: task.log()[-2000:]
                for workspace in workspaces(tmp_path)
                for task in workspace
                if task.status == "failed"
            }
            assert bad == {}, done.stdout
    finally:
        stop_everything(tmp_path)
        if cluster is not None:
            cluster.stop()


def workspaces(folder: Path) -> list[Workspace]:
    return [Workspace.open(found.folder) for found in discover(folder)]


def check_the_five_minutes(folder: Path) -> None:
    """The first page leaves what it says that it does: a finished sweep, with the figures of its script."""
    workspace = Workspace.open(folder / "train.py")
    swept = [task for task in workspace.wait(timeout=120) if task.name.startswith("first_")]
    assert {task.name: task.status for task in swept} == {
        f"first_{number}_lr={lr}": "completed" for number, lr in enumerate((0.01, 0.1, 0.5), 1)
    }
    assert workspace.tasks("first", sort="final")[0].records() == {"final": 0.5**10}


def test_no_page_is_hidden_by_one_of_sphinx() -> None:
    own = {"search.md", "genindex.md", "py-modindex.md"}
    assert own & {page.name for page in DOCS.glob("*.md")} == set()
