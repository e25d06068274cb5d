"""What a word of a command line may go on as, from the grammar itself and from what is on disk."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Callable, Iterable, Sequence

from pyruns_jupyter.api import Workspace
from pyruns_jupyter.core.common.errors import PyrunsError
from pyruns_jupyter.core.taskfile.paths import find_root
from pyruns_jupyter.core.workspace.discovery import workspaces_in

from .context import Context

MAX_WORDS = 200  # words
_IN_QUERIES = (
    *(f"status:{status}" for status in ("pending", "queued", "running", "completed", "failed", "cancelled")),
    *("is:active", "is:pinned", "started<1h", "duration>10m"),
)


def completions(
    context: Context, parser: argparse.ArgumentParser, words: Sequence[str], last: str
) -> list[str]:
    """Return what the word `last` behind `words` may be, in the order in which it is useful.

    Args:
        context: whose workspaces and tasks are named.
        parser: as `build_parser` or `build_cell_parser` makes it.
        words: those before, without the program.
        last: what is there of the word, "" for none yet.
    """
    verbs = next(action for action in parser._actions if isinstance(action, argparse._SubParsersAction))
    if not words:
        return _starting(last, list(verbs.choices))
    chosen = verbs.choices.get(words[0])
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
    """Return values of an option or a place that are known."""
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
        return _of_workspace(context, words, _figures)
    if action.dest in ("name", "names", "anchor", "after", "after_any") and words[0] not in _NEW_NAMES:
        return _of_workspace(
            context, words, lambda workspace: map(shlex.quote, sorted(workspace.folder.task_names()))
        )
    return []


_NEW_NAMES = ("sweep", "plan", "optimize", "add", "exec", "shell", "task")  # their names are of tasks to come


def _query_words(workspace: Workspace) -> Iterable[str]:
    rows = workspace.table().rows
    swept = dict.fromkeys(f"{key}:{value}" for row in rows for key, value in row.swept.items())
    return [*_IN_QUERIES, *swept, *(f"{key}>" for key in _figures(workspace))]


def _figures(workspace: Workspace) -> Iterable[str]:
    return dict.fromkeys(key for row in workspace.table().rows for key in row.figures)


def _of_workspace(
    context: Context, words: Sequence[str], tell: Callable[[Workspace], Iterable[str]]
) -> Iterable[str]:
    named = next((words[at + 1] for at, word in enumerate(words[:-1]) if word in ("-w", "--workspace")), None)
    try:
        return list(tell(context.workspace(named)))
    except (PyrunsError, OSError):
        return []  # the command itself will say what is wrong


def _starting(last: str, words: Iterable[str]) -> list[str]:
    return [word for word in dict.fromkeys(words) if word.startswith(last)][:MAX_WORDS]
