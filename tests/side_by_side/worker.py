"""One process of ours in the hammer test: `python -m tests.side_by_side.worker WORKSPACE LETTER STOP`.

It changes tasks at random, its own and those of the other program, until the file STOP is there, then prints
as JSON what it did for certain. A task is known by the identity that it keeps under every name.
"""

from __future__ import annotations

import json
import random
import sys
import time
from collections import Counter
from pathlib import Path

from pyruns_jupyter import Workspace
from pyruns_jupyter.core.common.errors import Conflict, NotFound
from pyruns_jupyter.core.create.create import create_tasks
from pyruns_jupyter.core.taskfile import metadata, runs
from pyruns_jupyter.core.taskfile.paths import TASK_INFO
from pyruns_jupyter.core.taskfile.task_file import TaskInfo, edit_task, own, own_facts, read_task
from pyruns_jupyter.core.tasks import edit as tasks
from pyruns_jupyter.core.tasks import trash
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
from pyruns_jupyter.engine.client.submit import cancel, submit
from tests.core.making import set_pinned

THEIRS = "x"  # what the identities end with of tasks that the other program made
STOPPABLE = "s"  # what the identities begin with of tasks that may be stopped; their names do so too
KEPT = "k"  # and of those that keep their names, and are pinned by the other program alone
IDENTITY = "HAMMER_IDENTITY"  # the variable of a task of the other program that tells its identity
REMOVALS = 2
RENAMES = 3  # in about 100 actions: the other program is slow, and should find a task under the name it read
MOST_RUNS = 100  # of a task
MOST_MADE = 5
NAMES = 16  # so few that names come back, with another task behind them


def identity_of(info: TaskInfo) -> str:
    """Return what a task was called when it was made."""
    return str(own_facts(info).get("batch_name") or info["env"][IDENTITY])


def payload(workspace: WorkspaceFolder, identity: str) -> str:
    """Return a shell script that leaves one line for each time that it runs."""
    pause = "sleep 0.3\n" if identity.startswith(STOPPABLE) else ""
    return f"{pause}echo run >> {workspace.project}/ran-{identity}\n"


class Worker:
    """Counts for each task, by the identity that it keeps under every name, what was done."""

    def __init__(self, workspace: WorkspaceFolder, letter: str) -> None:
        self.workspace = workspace
        self.opened = Workspace(workspace)
        self.letter = letter
        self.random = random.Random(letter)
        self.done: Counter[str] = Counter()
        self.counted: Counter[str] = Counter()
        self.noted = 0
        self.submitted = 0
        self.made: list[str] = []
        self.unexpected: list[str] = []

    def step(self) -> None:
        """Do one thing to one task; it may be gone or busy by then."""
        actions = {
            self.count: 30,
            self.pin: 20,
            self.note: 20,
            self.submit: 10,
            self.stop: 5,
            self.rename: RENAMES,
            self.remove: REMOVALS,
            self.make: 2,
            self.look: 2,
        }
        action = self.random.choices([*actions], weights=[*actions.values()])[0]
        names = self.workspace.task_names()
        if not names:
            return
        try:
            action(self.random.choice(names))
            self.done[action.__name__] += 1
        except (Conflict, NotFound) as error:
            self.done[f"{action.__name__}: {type(error).__name__}"] += 1
        except Exception as error:  # noqa: BLE001 - whatever else happens is what the test is about
            self.unexpected.append(f"{action.__name__}: {error!r}")

    def count(self, name: str) -> None:
        with edit_task(self.workspace.tasks / name) as info:
            counter = own(info).setdefault("hammer", {})
            counter[self.letter] = counter.get(self.letter, 0) + 1
            identity = identity_of(info)
        self.counted[identity] += 1

    def pin(self, name: str) -> None:
        if not name.startswith(KEPT):
            set_pinned(self.workspace, name, self.random.random() < 0.5)

    def note(self, name: str) -> None:
        info = read_task(self.workspace.existing(name).folder)
        before = metadata.notes_of(info)
        wanted = metadata.TaskPatch(notes=f"{before}{self.letter}", expected={"notes": before})
        tasks.change(self.workspace, name, wanted)
        self.noted += 1

    def rename(self, name: str) -> None:
        if not name.startswith(KEPT):
            kind = STOPPABLE if name.startswith(STOPPABLE) else "n"
            tasks.rename(self.workspace, name, f"{kind}{self.random.randrange(NAMES)}")

    def remove(self, name: str) -> None:
        """Into the trash and back, perhaps not at once: another process may take the name meanwhile."""
        if name.startswith(KEPT):
            return
        entry = trash.trash(self.workspace, name)
        for _ in range(20):
            try:
                trash.restore(self.workspace, entry)
                return
            except Conflict:
                time.sleep(0.1)
        self.done["left in the trash"] += 1

    def make(self, name: str) -> None:
        """Make a task, as another person would at the same time."""
        if len(self.made) < MOST_MADE:
            made = f"m{self.letter}{len(self.made)}"
            create_tasks(self.workspace, payload(self.workspace, made), made)
            self.made.append(made)

    def look(self, name: str) -> None:
        """See and export everything while it changes."""
        assert repr(self.opened.table())
        self.opened.export(self.workspace.project / f"export-{self.letter}.csv")

    def stop(self, name: str) -> None:
        if identity_of(read_task(self.workspace.existing(name).folder)).startswith(STOPPABLE):
            cancel(self.workspace, name)

    def submit(self, name: str) -> None:
        if runs.slot_count(read_task(self.workspace.existing(name).folder)) >= MOST_RUNS:
            return
        submission = submit(self.workspace, [name])
        if submission.queued:
            self.submitted += 1
        elif (self.workspace.tasks / name / TASK_INFO).exists():
            raise Conflict(submission.refused[name])
        else:
            raise NotFound(submission.refused[name])


def main() -> None:
    folder, letter, stop = sys.argv[1:]
    worker = Worker(WorkspaceFolder.at(Path(folder)), letter)
    while not Path(stop).exists():
        worker.step()
        time.sleep(0.01)  # the other program, which starts anew for each verb, needs the cores
    result = {key: value for key, value in vars(worker).items() if isinstance(value, (Counter, list, int))}
    print(json.dumps(result))


if __name__ == "__main__":
    main()
