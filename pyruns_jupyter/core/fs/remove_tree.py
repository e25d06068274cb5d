"""Deleting a folder with everything in it, of any depth and without following links.

Folders inside are moved up into the folder that is deleted, one after the other, so there is never more than
one level to open, whatever the tree looks like. Each is opened by descriptor, never through a link.
"""

from __future__ import annotations

import errno
import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pyruns_jupyter.core.common.host_identity import new_token

from .regular_files import OPEN_FOLDER, opened_folder, set_mode

_TRIES = 20
_NOT_EMPTY = (errno.ENOTEMPTY, errno.EEXIST)
_BY_DESCRIPTOR = {os.open, os.rename, os.unlink, os.rmdir, os.stat} <= os.supports_dir_fd


def delete_tree(folder: Path) -> None:
    """Delete `folder` with everything in it, if it exists.

    Read-only files and folders are deleted too. Another file system that is mounted inside is kept, and with
    it `folder`.

    Raises:
        OSError: the first one, if something cannot be deleted; the rest is deleted.
    """
    if not _BY_DESCRIPTOR:
        shutil.rmtree(folder)
        return
    try:
        for left in reversed(range(_TRIES)):
            with opened_folder(folder.parent) as parent, _entered(folder.name, parent) as top:
                errors: list[OSError] = []
                _empty(top, errors)
            if errors:
                raise errors[0]
            try:
                folder.rmdir()
                return
            except OSError as error:  # another process still writes there, or deletes it too
                if error.errno not in _NOT_EMPTY or not left:
                    raise
    except FileNotFoundError:
        return


def _empty(top: int, errors: list[OSError]) -> None:
    device = os.fstat(top).st_dev
    waiting = _unlink_all(top, device, errors)
    while waiting:
        name = waiting.pop()
        with _going_on(errors):
            with _entered(name, top) as inner:
                for below in _unlink_all(inner, device, errors):
                    with _going_on(errors):
                        place = f".{new_token()}"
                        try:
                            os.rename(below, place, src_dir_fd=inner, dst_dir_fd=top)
                        except PermissionError:  # moving a folder writes to it
                            _allow(below, inner)
                            os.rename(below, place, src_dir_fd=inner, dst_dir_fd=top)
                        waiting.append(place)
            os.rmdir(name, dir_fd=top)


@contextmanager
def _going_on(errors: list[OSError]) -> Iterator[None]:
    """Go on after the `with` block if something cannot be deleted; the first error is added to `errors`."""
    try:
        yield
    except FileNotFoundError:
        return  # another process deletes it too
    except OSError as error:
        if error.errno not in _NOT_EMPTY and not errors:
            errors.append(error)


def _unlink_all(folder: int, device: int, errors: list[OSError]) -> list[str]:
    """Delete everything but folders, and return the names of the folders.

    A folder of another file system is an error.
    """
    folders: list[str] = []
    with os.scandir(folder) as entries:
        found = [entry.name for entry in entries]
    for name in found:
        with _going_on(errors):
            status = os.stat(name, dir_fd=folder, follow_symlinks=False)
            if not stat.S_ISDIR(status.st_mode):
                os.unlink(name, dir_fd=folder)
            elif status.st_dev != device:
                raise OSError(0, "another file system is mounted here", name)
            else:
                folders.append(name)
    return folders


def _allow(name: str, parent: int) -> None:
    """Make a folder of ours readable, writable and searchable for us."""
    if stat.S_ISDIR(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode):
        os.chmod(name, stat.S_IRWXU, dir_fd=parent)


@contextmanager
def _entered(name: str, parent: int) -> Iterator[int]:
    """Open a folder for a `with` block and make it writable."""
    try:
        descriptor = os.open(name, OPEN_FOLDER, dir_fd=parent)
    except PermissionError:
        _allow(name, parent)
        descriptor = os.open(name, OPEN_FOLDER, dir_fd=parent)
    try:
        mode = os.fstat(descriptor).st_mode
        if mode & stat.S_IRWXU != stat.S_IRWXU:
            with suppress(PermissionError):  # not our folder; deleting may still work
                set_mode(descriptor, stat.S_IMODE(mode) | stat.S_IRWXU)
        yield descriptor
    finally:
        os.close(descriptor)
