"""What several verbs need."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

from pyruns_jupyter.core.common.errors import InvalidInput, NotFound

from ..context import Context


def act_on_tasks(context: Context, args: argparse.Namespace, action: str, word: str, **more: Any) -> int:
    """Perform an action of `service.actions` on every named task; continue after a refusal, and fail at the
    end if there was one. `word` says what was done; `more` are other fields of the request.
    """
    from pyruns_jupyter.service.actions import ActionRequest, perform  # most verbs start faster without
    from pyruns_jupyter.service.request import read_request

    folder = context.workspace(args.workspace).folder
    wanted = read_request(ActionRequest, {"action": action, "names": args.names, **more})
    outcome = perform(folder, wanted, args.names)
    if args.json:
        context.json({"done": outcome.done, "refused": outcome.refused})
    else:
        if outcome.done:
            context.line(f"{some(outcome.done)}: {word}")
        for message in outcome.refused.values():
            context.line(message)
    return 1 if outcome.refused else 0


def told(context: Context, args: argparse.Namespace, word: str, names: list[str]) -> int:
    """Say what was done to tasks."""
    if args.json:
        context.json({"done": names, "refused": {}})
    else:
        context.line(f"{some(names)}: {word}")
    return 0


def some(names: list[str], most: int = 10) -> str:
    """Return the first names as text, and how many more there are."""
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def read(context: Context, file: str) -> str:
    """Return the text of a file the user named; `-` is standard input.

    Raises:
        NotFound: when it cannot be read.
        InvalidInput: when it is no UTF-8 text.
    """
    if file == "-":
        return sys.stdin.read()
    path = context.folder / file
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise NotFound(f"{Path(file)} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError:
        raise InvalidInput(f"{Path(file)} is not UTF-8 text.", field="yaml") from None
