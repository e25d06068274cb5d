"""The same thing done to many tasks: some may be refused, and all of it is made durable at once."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from pyruns_jupyter.core.common.errors import PyrunsError, os_sentence
from pyruns_jupyter.core.fs.atomic import MANY_FILES, sync_filesystem
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder

TaskAction = Callable[[str, bool], "str | None"]


@dataclass(frozen=True)
class Outcome:
    """What became of tasks: the names of those that are done, and of the others with the reason (a sentence).

    `made` holds the names of tasks that there are now because of it.
    """

    done: list[str] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    made: list[str] = field(default_factory=list)


def for_each_task(workspace: WorkspaceFolder, names: Iterable[str], deed: TaskAction) -> Outcome:
    """Do something to every named task; one that is refused does not keep the others from it.

    `deed(name, durable)` returns the name of a task that there is now because of it, or None. It need not
    make anything durable itself when `durable` is False: it is when this returns, or raises.
    """
    wanted = list(dict.fromkeys(names))
    outcome = Outcome()
    with synced_at_the_end(workspace, len(wanted)) as durable:
        for name in wanted:
            try:
                made = deed(name, durable)
            except PyrunsError as error:
                outcome.refused[name] = error.message
            except OSError as error:  # of this one's folder: the others are not concerned
                outcome.refused[name] = os_sentence(error)
            else:
                outcome.done.append(name)
                if made is not None:
                    outcome.made.append(made)
    return outcome


@contextmanager
def synced_at_the_end(workspace: WorkspaceFolder, count: int) -> Iterator[bool]:
    """Tell a `with` block that changes `count` tasks whether each change has to be durable by itself.

    When they are many it has not: the file system is synchronised once, at the end, also when the block
    raises. A power failure before may undo the last of the changes, each one as a whole.
    """
    if count < MANY_FILES or sys.platform != "linux":
        yield True
        return
    try:
        yield False
    finally:
        if not sync_filesystem(workspace.folder):
            os.sync()
