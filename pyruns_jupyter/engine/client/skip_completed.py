"""Finding the tasks whose configuration has completed already."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

from pyruns_jupyter.core.common.errors import PyrunsError
from pyruns_jupyter.core.taskfile.runs import COMPLETED
from pyruns_jupyter.core.tasks.index import TaskIndex
from pyruns_jupyter.core.workspace.workspace import SHELL

if TYPE_CHECKING:
    from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder


def already_completed(workspace: WorkspaceFolder, names: Sequence[str]) -> dict[str, str]:
    """Return those of `names` whose configuration has completed in a task of the workspace, with a message.

    Configurations are equal if their values are, regardless of comments and order; shell scripts if their
    text is.
    """
    index = TaskIndex(workspace)
    index.refresh()
    completed = [name for name, row in index.rows.items() if row.status == COMPLETED]
    if not completed:
        return {}
    content = _texts(workspace, [*names, *completed]) if workspace.kind == SHELL else _values(index)
    done: dict[Any, str] = {}
    for name in completed:
        if content.get(name) is not None:
            done.setdefault(content[name], name)
    found = {}
    for name in names:
        if index.rows.get(name) is not None and content.get(name) is not None and content[name] in done:
            other = done[content[name]]
            same = "it" if index.rows[name].status == COMPLETED else f"{other!r} with the same values"
            found[name] = f"{name!r} is skipped because {same} has already completed."
    return found


def _values(index: TaskIndex) -> dict[str, Any]:
    return {
        name: frozenset((key, repr(config[key])) for key in config)
        for name, config in index.configs().items()
    }


def _texts(workspace: WorkspaceFolder, names: Iterable[str]) -> dict[str, Any]:
    texts: dict[str, Any] = {}
    for name in names:
        try:
            texts[name] = workspace.task_text(name).strip()
        except (PyrunsError, OSError):
            continue
    return texts
