"""Signed pickles: recognising those that this user's own processes have written.

Loading a pickle can run any program. So each stored pickle ends with a signature by a key that never leaves
the user's home folder: a pickle from an archive, a clone or another user's project cannot have it. Python
ignores bytes after a pickle, so other programs can load these too.
"""

from __future__ import annotations

import hashlib
import hmac
import os
from pathlib import Path
from typing import Any

from pyruns_jupyter.core.common.errors import PyrunsError, Unreadable
from pyruns_jupyter.core.common.host_identity import state_folder, user_id
from pyruns_jupyter.core.fs.atomic import read_whole, write_atomic
from pyruns_jupyter.core.fs.locks import PRIVATE_MODE, locked
from pyruns_jupyter.core.fs.regular_files import open_regular

_KEY_BYTES = 32
_MARK = b"\npyruns-signature:"
_SIGNATURE_BYTES = len(_MARK) + 2 * hashlib.sha256().digest_size


def sign_pickle(data: bytes) -> bytes:
    """Return a pickle followed by this user's signature; without it if no key can be stored."""
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
    """Return the object in a pickle; one that this user did not store is loaded only with `trust`.

    Raises:
        FileNotFoundError: if there is no such file.
        Unreadable: if it was not stored by this user, or cannot be read.
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
            f"{path} was not stored by one of your own runs. It comes from an archive, a copy or an older "
            "version. Loading it can run arbitrary code. If you trust its source, use value(trust=True)."
        )
    import pickle  # slow to import, and few tasks have pickles

    try:
        return pickle.loads(data)
    except Exception as error:
        raise Unreadable(f"{path} cannot be read: {error}") from error


def _signature(key: bytes, data: bytes | memoryview) -> bytes:
    return _MARK + hmac.new(key, data, "sha256").hexdigest().encode()


def _key(*, create: bool) -> bytes:
    """Return the user's key.

    Raises:
        OSError: if there is none, or it cannot be read or stored.
        Unreadable: if it does not belong to this user only.
    """
    path = state_folder() / "pickles.key"
    if create and not path.exists():
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with locked(path.with_name(".pickles.key.lock"), timeout=5.0):
            if not path.exists():
                write_atomic(path, os.urandom(_KEY_BYTES), mode=PRIVATE_MODE)
    key, status = read_whole(path)
    is_private = os.name == "nt" or (status.st_uid == user_id() and not status.st_mode & 0o077)
    if len(key) != _KEY_BYTES or not is_private:
        raise Unreadable(f"{path} is not a private key of this user. Remove it.")
    return key
