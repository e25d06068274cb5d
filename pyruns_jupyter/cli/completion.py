"""Completion of command lines, from the grammar and from the names on disk."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Callable, Iterable, Sequence

from pyruns_jupyter.api import Workspace
from pyruns_jupyter.core.common.errors import PyrunsError
from pyruns_jupyter.core.taskfile.paths import find_root
from pyruns_jupyter.core.workspace.discovery import workspaces_in

from .context import Context
from .parser import Parser

MAX_WORDS = 200  # words
_IN_QUERIES = (
    *(f"status:{status}" for status in ("pending", "queued", "running", "completed", "failed", "cancelled")),
    *("is:active", "is:pinned", "started<1h", "duration>10m"),
)


def completions(context: Context, parser: Parser, words: Sequence[str], last: str) -> list[str]:
    """Return completions of the word `last` after `words`, the most useful ones first.

    Args:
        context: gives the names of workspaces and tasks.
        parser: from `build_parser` or `build_cell_parser`.
        words: the words before, without the program.
        last: the beginning of the word, may be empty.
    """
    if not words:
        return _starting(last, parser.commands)
    chosen = parser.find(words[0])
    if chosen is None:
        return []
    options = {flag: action for action in chosen._actions for flag in action.option_strings}
    valued = options.get(words[-1]) if len(words) > 1 else None
    if valued is not None and valued.nargs != 0:
        return _starting(last, _values(context, valued, words))
    if last.startswith("-"):
        return _starting(last, [flag for flag in options if flag.startswith("--") or last == "-"])
    found: list[str] = []
    for action in chosen._actions:
        if not action.option_strings:
            found += _values(context, action, words)
    return _starting(last, found)


def _values(context: Context, action: argparse.Action, words: Sequence[str]) -> Iterable[str]:
    """Return known values of an argument."""
    if action.choices is not None:
        return [str(choice) for choice in action.choices]
    if action.dest == "workspace":
        try:
            return [workspace.name for workspace in workspaces_in(find_root(context.folder))]
        except (PyrunsError, OSError):
            return []
    if action.dest == "query":
        return _of_workspace(context, words, _query_words)
    if action.dest == "study":
        return _of_workspace(context, words, lambda workspace: workspace.studies)
    if action.dest == "objective":
        return _of_workspace(context, words, _metrics)
    if action.dest in ("name", "names", "anchor", "after", "after_any") and words[0] not in _NEW_NAMES:
        return _of_workspace(
            context, words, lambda workspace: map(shlex.quote, sorted(workspace.folder.task_names()))
        )
    return []


_NEW_NAMES = ("sweep", "plan", "optimize", "add", "exec", "shell", "task")  # --name is for new tasks


def _query_words(workspace: Workspace) -> Iterable[str]:
    rows = workspace.table().rows
    swept = dict.fromkeys(f"{key}:{value}" for row in rows for key, value in row.swept.items())
    return [*_IN_QUERIES, *swept, *(f"{key}>" for key in _metrics(workspace))]


def _metrics(workspace: Workspace) -> Iterable[str]:
    return dict.fromkeys(key for row in workspace.table().rows for key in row.shape.figures)


def _of_workspace(
    context: Context, words: Sequence[str], values: Callable[[Workspace], Iterable[str]]
) -> Iterable[str]:
    named = next((words[at + 1] for at, word in enumerate(words[:-1]) if word in ("-w", "--workspace")), None)
    try:
        return list(values(context.workspace(named)))
    except (PyrunsError, OSError):
        return []  # the command itself reports the error


def _starting(last: str, words: Iterable[str]) -> list[str]:
    return [word for word in dict.fromkeys(words) if word.startswith(last)][:MAX_WORDS]
