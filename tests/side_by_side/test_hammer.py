"""Several processes of each program change the same tasks at once."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path

import pytest

from pyruns_jupyter.core import runs, tasks
from pyruns_jupyter.core.generate import create_tasks
from pyruns_jupyter.core.taskfile import edit_task, own, own_facts, read_task
from pyruns_jupyter.core.workspace import WorkspaceFolder
from tests.support import ROOT, wait_until

from .shared import Shared, rows

pytestmark = pytest.mark.reference

TASKS, ROUNDS = 6, 5
# It may refuse in a sentence (a task is gone, is active, has the name already). When a task gets another name
# while it waits for the lock, it gives up with one of these.
REFUSED = ": 1  pyr: error: "
GAVE_UP = ("pyr: internal error: {tasks}/", "pyr: internal error: Task lock queue reservation disappeared")


def pyr_loop(shared: Shared, workspace: WorkspaceFolder, letter: str, answers: list[str]) -> None:
    """One loop of the reference program: list, pin, move away and back."""

    def call(*arguments: str) -> bool:
        done = shared.pyr(*arguments, workspace=workspace, check=False)
        succeeded = done.returncode == 0
        if succeeded:
            answers.append(f"{arguments[0]}: done")
        else:
            answers.append(f"{' '.join(arguments)}: {done.returncode} {done.stdout} {done.stderr}".strip())
        return succeeded

    for number in range(ROUNDS):
        listed = sorted(shared.listed(workspace))
        name = listed[(number * 2 + len(letter)) % len(listed)] if listed else "none"
        call("pin", name)
        moved = f"{letter}-{number}"
        if call("mv", name, moved):
            call("mv", moved, name)
        call("pin", "--off", name)


def test_no_update_is_lost_and_no_task_harmed(shared: Shared) -> None:
    workspace = shared.shell()
    identities = [f"t{number}" for number in range(TASKS)]
    for identity in identities:
        create_tasks(workspace, f"echo {identity}\n", identity)
        with edit_task(workspace.paths(identity).folder) as info:
            own(info)["identity"] = identity
    stop = shared.project / "stop"
    workers = [
        subprocess.Popen(
            [sys.executable, "-m", "tests.side_by_side.worker", str(workspace.folder), letter, str(stop)],
            cwd=ROOT,
            env=shared.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        for letter in "AB"
    ]
    answers: list[str] = []
    loops = [
        threading.Thread(target=pyr_loop, args=(shared, workspace, letter, answers)) for letter in ("P", "QQ")
    ]
    for loop in loops:
        loop.start()
    for loop in loops:
        loop.join()
    stop.touch()
    outputs = [worker.communicate(timeout=60)[0] for worker in workers]
    assert [worker.returncode for worker in workers] == [0, 0], outputs
    done = [json.loads(output) for output in outputs]
    print("ours:", *(result["done"] for result in done), "theirs:", *answers, sep="\n")

    folders = {folder: read_task(folder) for folder in folders_of(workspace)}
    for folder in folders:
        wait_until(
            lambda folder=folder: runs.status_of(read_task(folder)) not in runs.ACTIVE,  # type: ignore[misc]
            timeout=60,
            message=lambda: shared.scheduler_log(),
        )
    assert "pin: done" in answers and "mv: done" in answers, "the reference program never came to its turn"
    infos = {own_facts(info)["identity"]: info for info in map(read_task, folders_of(workspace))}
    assert sorted(infos) == identities
    assert [result["unexpected"] for result in done] == [[], []]
    expected = (": done", REFUSED, *(text.format(tasks=workspace.tasks) for text in GAVE_UP))
    assert [answer for answer in answers if not any(text in answer for text in expected)] == []

    totals = {key: [Counter(result[key]) for result in done] for key in ("counted", "noted", "submitted")}
    for identity, info in infos.items():
        for letter, counted, noted in zip("AB", totals["counted"], totals["noted"], strict=True):
            assert own_facts(info).get("hammer", {}).get(letter, 0) == counted[identity]
            assert tasks.notes_of(info).count(letter) == noted[identity]
        ran = runs.runs(info)
        assert len(ran) == sum(counter[identity] for counter in totals["submitted"])
        assert {run.status for run in ran} <= {"completed"}
        assert runs.status_of(info) == ("completed" if ran else "pending")
        assert "_namespace_operation" not in info
    for folder in folders_of(workspace):
        assert read_task(folder)["name"] == folder.name
        assert [path.name for path in folder.iterdir() if path.suffix in (".tmp", ".lock")] == []
    assert {name: row.status for name, row in rows(workspace).items()} == shared.statuses(workspace)
    assert "Traceback" not in shared.scheduler_log()


def folders_of(workspace: WorkspaceFolder) -> list[Path]:
    """The folders of all tasks."""
    return [workspace.tasks / name for name in workspace.task_names()]
