"""The settings of a project as a text that people edit: comments and unknown keys are theirs."""

from __future__ import annotations

from pathlib import Path

from pyruns_jupyter.core.common.errors import Conflict, InvalidInput, Unreadable
from pyruns_jupyter.core.fs.atomic import read_whole, write_atomic
from pyruns_jupyter.core.fs.locks import locked
from pyruns_jupyter.core.taskfile.paths import SETTINGS_NAME

from .settings import DEFAULT_TEXT, MAX_BYTES, Settings

_LOCK_SECONDS = 5.0


def settings_text(root: Path) -> str:
    """Return the settings in `root` (the `_pyruns_` folder) as they were written, by default what a new
    project gets.

    Raises:
        Unreadable: when the file is no text, or cannot be read.
    """
    path = root / SETTINGS_NAME
    try:
        return read_whole(path, most=MAX_BYTES)[0].decode("utf-8-sig")
    except FileNotFoundError:
        return DEFAULT_TEXT
    except UnicodeDecodeError as error:
        raise Unreadable(f"{path} is not UTF-8 text (byte {error.start}).") from error
    except OSError as error:
        raise Unreadable(f"{path} cannot be read: {error.strerror or error}.") from error


def change_settings(root: Path, text: str, *, expected: str) -> None:
    """Replace the settings by `text`, if they still are `expected`.

    Raises:
        InvalidInput: when `text` holds something that cannot be used.
        Conflict: when somebody changed them meanwhile.
        Unreadable: when they cannot be read.
        Busy: when somebody else changes them at this moment.
        OSError: when they cannot be written.
    """
    data = text.encode("utf-8")
    if len(data) > MAX_BYTES:
        raise InvalidInput(f"The settings are longer than {MAX_BYTES >> 20} MiB.", field="text")
    path = root / SETTINGS_NAME
    problem = Settings.parse(data, path).problem
    if problem is not None:
        raise InvalidInput(problem, field="text")
    with locked(root / f".{SETTINGS_NAME}.lock", timeout=_LOCK_SECONDS):
        if settings_text(root) != expected:
            raise Conflict(f"{SETTINGS_NAME} was changed by somebody else. Look at it again.")
        write_atomic(path, data)
