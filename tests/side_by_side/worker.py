"""One process of ours in the hammer test: `python -m tests.side_by_side.worker WORKSPACE LETTER STOP`.

It changes tasks at random until the file STOP is there, then prints as JSON what it did for certain. A task
is known by the identity that it keeps under every name; what the other program makes has none and is left
alone.
"""

from __future__ import annotations

import json
import random
import sys
import time
from collections import Counter
from pathlib import Path

from pyruns_jupyter.core import runs, tasks
from pyruns_jupyter.core.errors import Conflict, NotFound
from pyruns_jupyter.core.generate import create_tasks
from pyruns_jupyter.core.layout import TASK_INFO
from pyruns_jupyter.core.taskfile import TaskInfo, edit_task, own, own_facts, read_task
from pyruns_jupyter.core.workspace import WorkspaceFolder
from pyruns_jupyter.engine.submit import cancel, submit

THEIRS = "x-"  # what the names of tasks begin with that the other program makes
STOPPABLE = "s"  # what the identities begin with of tasks that may be stopped
REMOVALS = 2
RENAMES = 3  # in about 80 actions: the other program is slow, and should find a task under the name it read
MOST_RUNS = 20  # of a task
MOST_MADE = 5
NAMES = 12  # so few that names come back, with another task behind them


def identity_of(info: TaskInfo) -> str:
    """Return what a task of ours was called when it was made."""
    return str(own_facts(info)["batch_name"])


def payload(workspace: WorkspaceFolder, identity: str) -> str:
    """Return a shell script that leaves one line for each time that it runs."""
    pause = "sleep 0.3\n" if identity.startswith(STOPPABLE) else ""
    return f"{pause}echo run >> {workspace.project}/ran-{identity}\n"


class Worker:
    """Counts for each task, by the identity that it keeps under every name, what was done."""

    def __init__(self, workspace: WorkspaceFolder, letter: str) -> None:
        self.workspace = workspace
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
        action = self.random.choices(
            (self.count, self.pin, self.note, self.submit, self.stop, self.rename, self.remove, self.make),
            weights=(30, 20, 20, 10, 5, RENAMES, REMOVALS, 2),
        )[0]
        names = [name for name in self.workspace.task_names() if not name.startswith(THEIRS)]
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
        tasks.set_pinned(self.workspace, name, self.random.random() < 0.5)

    def note(self, name: str) -> None:
        info = read_task(self.workspace.existing(name).folder)
        before = tasks.notes_of(info)
        tasks.set_notes(self.workspace, name, f"{before}{self.letter}", expected=before)
        self.noted += 1

    def rename(self, name: str) -> None:
        tasks.rename(self.workspace, name, f"n{self.random.randrange(NAMES)}")

    def remove(self, name: str) -> None:
        """Into the trash and back, perhaps not at once: another process may take the name meanwhile."""
        entry = tasks.trash(self.workspace, name)
        for _ in range(20):
            try:
                tasks.restore(self.workspace, entry)
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
    result = {key: value for key, value in vars(worker).items() if isinstance(value, (Counter, list, int))}
    print(json.dumps(result))


if __name__ == "__main__":
    main()
