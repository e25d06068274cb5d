"""Reading texts that people write (configurations, scripts): bounded, with sentences for errors."""

from __future__ import annotations

from pathlib import Path

from pyruns_jupyter.core.common.errors import NotFound, Unreadable

from .atomic import read_whole

MAX_TEXT_BYTES = 4 * 1024 * 1024


def read_text(path: Path, *, follow: bool = True) -> str:
    """Return the text of a configuration or shell script; a symbolic link is read only with `follow`.

    Raises:
        FileNotFoundError: when there is no such file.
        Unreadable: when it is not UTF-8, too large, or may not be read.
    """
    try:
        return read_whole(path, most=MAX_TEXT_BYTES, follow=follow)[0].decode("utf-8-sig")
    except FileNotFoundError:
        raise
    except OSError as error:
        raise Unreadable(f"{path} cannot be read: {error.strerror or error}.") from error
    except UnicodeDecodeError as error:
        raise Unreadable(f"{path} is not UTF-8 text (byte {error.start}).") from error


def read_source(script: Path) -> bytes:
    """Return the source of a script.

    Raises:
        NotFound: when there is no such file.
        Unreadable: when it is too large or may not be read.
    """
    try:
        return read_whole(script, most=MAX_TEXT_BYTES, follow=True)[0]
    except FileNotFoundError:
        raise NotFound(f"There is no script {script}.") from None
    except OSError as error:
        raise Unreadable(f"{script} cannot be read: {error.strerror or error}.") from error
