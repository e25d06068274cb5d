"""Reading text files of users (configurations, scripts), limited in size, with readable errors."""

from __future__ import annotations

from pathlib import Path

from pyruns_jupyter.core.common.errors import NotFound, Unreadable

from .atomic import read_whole

MAX_TEXT_BYTES = 4 * 1024 * 1024


def read_text(path: Path, *, follow: bool = True) -> str:
    """Return the text of a configuration or shell script; a symbolic link is read only with `follow`.

    Raises:
        FileNotFoundError: if there is no such file.
        Unreadable: if it is not UTF-8, is too large or cannot be read.
    """
    try:
        return _read(path, follow=follow).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Unreadable(f"{path} is not UTF-8 text (byte {error.start}).") from error


def read_source(script: Path) -> bytes:
    """Return the source of a script.

    Raises:
        NotFound: if there is no such file.
        Unreadable: if it is too large or cannot be read.
    """
    try:
        return _read(script, follow=True)
    except FileNotFoundError:
        raise NotFound(f"The script {script} does not exist.") from None


def _read(path: Path, *, follow: bool) -> bytes:
    try:
        return read_whole(path, most=MAX_TEXT_BYTES, follow=follow)[0]
    except FileNotFoundError:
        raise
    except OSError as error:
        raise Unreadable(f"{path} cannot be read: {error.strerror or error}.") from error
