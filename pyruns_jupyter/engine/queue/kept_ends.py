"""Ends of runs that are kept while their task files cannot be written.

    _pyruns_/.engine/ends/<attempt>.json    by default
    <state>/ends/<attempt>.json             in the user's state folder, if the project cannot be written to

A supervisor must not wait forever, and no other process knows how its run ended. A scheduler writes a kept
end to the task file later; it overrides what others wrote there meanwhile.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from pyruns_jupyter.core.common.errors import InvalidInput, PyrunsError, Unreadable
from pyruns_jupyter.core.common.host_identity import state_folder
from pyruns_jupyter.core.fs.atomic import dump_json, read_json, write_atomic
from pyruns_jupyter.core.fs.locks import PRIVATE_MODE
from pyruns_jupyter.core.taskfile.paths import SHELL_WORKSPACE, TASKS, EnginePaths, check_task_name
from pyruns_jupyter.core.taskfile.task_file import read_task

_SUFFIX = ".json"
_ATTEMPT = re.compile(r"[0-9A-Za-z-]{1,64}")
_MAX_BYTES = 16 * 1024 * 1024


def keep_end(root: Path, attempt: str, content: Mapping[str, Any]) -> bool:
    """Store the end of the run of `attempt` durably; return whether that was possible."""
    if not _ATTEMPT.fullmatch(attempt):
        return False
    data = dump_json({**content, "root": str(root), "attempt": attempt})
    for folder in _folders(root):
        try:
            folder.mkdir(mode=0o700, exist_ok=True)
            write_atomic(folder / f"{attempt}{_SUFFIX}", data, mode=PRIVATE_MODE)
        except OSError:
            continue
        return True
    return False


def remove_end(root: Path, attempt: str) -> None:
    """Remove the kept end of the run of `attempt`."""
    for folder in _folders(root):
        with suppress(OSError):
            (folder / f"{attempt}{_SUFFIX}").unlink()


def read_end(root: Path, attempt: str) -> dict[str, Any] | None:
    """Return the kept end of the run of `attempt`, None if there is none."""
    for folder in _folders(root):
        with suppress(OSError, Unreadable):
            content = read_json(folder / f"{attempt}{_SUFFIX}", most=_MAX_BYTES)
            if _is_end(content, folder, root, attempt):
                return content
    return None


def kept_ends(root: Path) -> Iterator[dict[str, Any]]:
    """Yield the kept ends of the project whose `_pyruns_` folder is `root`."""
    for folder in _folders(root):
        try:
            names = sorted(os.listdir(folder))
        except OSError:
            continue
        for name in names:
            attempt = name.removesuffix(_SUFFIX)
            if attempt == name or not _ATTEMPT.fullmatch(attempt):
                continue
            content = read_end(root, attempt)
            if content is not None:
                yield content


def task_folder(root: Path, content: Mapping[str, Any]) -> Path:
    """Return the folder of the task to which a kept end belongs."""
    return root / str(content.get("workspace")) / TASKS / str(content.get("task"))


def can_be_written(root: Path, content: Mapping[str, Any]) -> bool:
    """Return whether the task file to which a kept end belongs can be read, or is gone."""
    try:
        read_task(task_folder(root, content))
    except Unreadable:
        return False
    except (PyrunsError, OSError, ValueError):
        pass
    return True


def _folders(root: Path) -> list[Path]:
    folders = [EnginePaths(root).ends]
    with suppress(PyrunsError):
        folders.append(state_folder() / folders[0].name)
    return folders


def _is_end(content: Mapping[str, Any], folder: Path, root: Path, attempt: str) -> bool:
    """Return whether a file in `folder` holds an end of this project; those of all projects of a user share
    the state folder.
    """
    if content.get("attempt") != attempt or (content.get("root") != str(root) and root not in folder.parents):
        return False
    try:
        check_task_name(str(content.get("task")))
        workspace = str(content.get("workspace"))
        return workspace == SHELL_WORKSPACE or bool(check_task_name(workspace))
    except InvalidInput:
        return False
