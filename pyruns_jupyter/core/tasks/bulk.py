"""Applying one action to many tasks: some may be refused, and all changes are made durable at once."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from msgspec import Struct, field

from pyruns_jupyter.core.common.errors import PyrunsError, os_sentence
from pyruns_jupyter.core.fs.atomic import MANY_FILES, sync_filesystem
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder

TaskAction = Callable[[str, bool], "str | None"]


class Outcome(Struct, frozen=True):
    """The names of the tasks that an action was applied to, and the others with the reason (a sentence).

    `made` contains the names of tasks that the action has created, or the names in the trash of those that it
    has deleted.
    """

    done: list[str] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    made: list[str] = field(default_factory=list)


def for_each_task(workspace: WorkspaceFolder, names: Iterable[str], action: TaskAction) -> Outcome:
    """Apply an action to every named task, whether or not it is refused for some.

    `action(name, durable)` returns the name for `made`, or None. It need not make its changes durable if
    `durable` is False: they are when this function returns or raises.
    """
    wanted = list(dict.fromkeys(names))
    outcome = Outcome()
    with synced_at_the_end(workspace, len(wanted)) as durable:
        for name in wanted:
            try:
                made = action(name, durable)
            except PyrunsError as error:
                outcome.refused[name] = error.message
            except OSError as error:  # in the folder of this task only
                outcome.refused[name] = os_sentence(error)
            else:
                outcome.done.append(name)
                if made is not None:
                    outcome.made.append(made)
    return outcome


@contextmanager
def synced_at_the_end(workspace: WorkspaceFolder, count: int) -> Iterator[bool]:
    """Give a `with` block that changes `count` tasks whether it has to make each change durable.

    For many tasks it does not: the file system is synced once, at the end, also if the block raises. A power
    failure before that may undo the latest changes, each as a whole.
    """
    if count < MANY_FILES or sys.platform != "linux":
        yield True
        return
    try:
        yield False
    finally:
        if not sync_filesystem(workspace.folder):
            os.sync()
