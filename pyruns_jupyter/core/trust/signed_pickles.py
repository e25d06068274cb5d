"""Pickles that this user's own processes have written, told from those that came from elsewhere.

Reading a pickle can run any program. So each one that is stored ends with a signature by a key that never
leaves the user's home folder: an archive, a clone or a copy of another user's project cannot have it. Python
ignores what follows a pickle, so other programs read these as before.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import pickle
from pathlib import Path
from typing import Any

from pyruns_jupyter.core.common.errors import PyrunsError, Unreadable
from pyruns_jupyter.core.common.host_identity import state_folder
from pyruns_jupyter.core.fs.atomic import read_whole, write_atomic
from pyruns_jupyter.core.fs.locks import PRIVATE_MODE, locked
from pyruns_jupyter.core.fs.regular_files import open_regular

_KEY_BYTES = 32
_MARK = b"\npyruns-signature:"
_SIGNATURE_BYTES = len(_MARK) + 2 * hashlib.sha256().digest_size


def sign_pickle(data: bytes) -> bytes:
    """Return a pickle with this user's signature behind it; without one when no key can be stored."""
    try:
        key = _key(create=True)
    except (OSError, PyrunsError):
        return data
    return data + _signature(key, data)


def is_own_pickle(data: bytes) -> bool:
    """Return whether a pickle ends with this user's signature."""
    try:
        key = _key(create=False)
    except (OSError, PyrunsError):
        return False
    expected = _signature(key, memoryview(data)[:-_SIGNATURE_BYTES])
    return hmac.compare_digest(data[-_SIGNATURE_BYTES:], expected)


def load_pickle(path: Path, *, trust: bool) -> Any:
    """Return the object in a pickle, of another user's only with `trust`.

    Raises:
        FileNotFoundError: when there is no such file.
        Unreadable: when it was not stored by this user, or cannot be read.
    """
    try:
        with os.fdopen(open_regular(path), "rb") as stream:
            data = stream.read()
    except FileNotFoundError:
        raise
    except OSError as error:
        raise Unreadable(f"{path} cannot be read: {error.strerror or error}.") from error
    if not trust and not is_own_pickle(data):
        raise Unreadable(
            f"{path} was not stored by a run of your own: it came with an archive or a copy, or is of an "
            "earlier release. Reading it can run any program. If you trust where it comes from, use "
            "value(trust=True)."
        )
    try:
        return pickle.loads(data)
    except Exception as error:
        raise Unreadable(f"{path} cannot be read: {error}") from error


def _signature(key: bytes, data: bytes | memoryview) -> bytes:
    return _MARK + hmac.new(key, data, "sha256").hexdigest().encode()


def _key(*, create: bool) -> bytes:
    """Return the user's key.

    Raises:
        OSError: when there is none, or it may not be read or stored.
        Unreadable: when it is not this user's own.
    """
    path = state_folder() / "pickles.key"
    if create and not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with locked(path.with_name(".pickles.key.lock"), timeout=5.0):
            if not path.exists():
                write_atomic(path, os.urandom(_KEY_BYTES), mode=PRIVATE_MODE)
    key, status = read_whole(path)
    is_private = os.name == "nt" or (status.st_uid == os.geteuid() and not status.st_mode & 0o077)
    if len(key) != _KEY_BYTES or not is_private:
        raise Unreadable(f"{path} is not a key of this user's own. Remove it.")
    return key
