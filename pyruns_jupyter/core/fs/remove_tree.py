"""Deleting a folder with all that is in it: no link is followed, and no depth is too deep.

Folders inside are renamed up into the folder that is deleted, one after the other, so there is never more
than one level to enter, whatever the tree looks like; each is entered by descriptor and never through a link.
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

_TRIES = 20
_NOT_EMPTY = (errno.ENOTEMPTY, errno.EEXIST)
_BY_DESCRIPTOR = {os.open, os.rename, os.unlink, os.rmdir, os.stat} <= os.supports_dir_fd
_ENTER = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_NOFOLLOW", 0)


def delete_tree(folder: Path) -> None:
    """Delete `folder` with everything in it; one that is gone already is fine.

    Folders and files that may only be read go too. Another file system that is mounted inside stays, and with
    it `folder`.

    Raises:
        OSError: when something cannot be deleted; what could be is gone.
    """
    if not _BY_DESCRIPTOR:
        shutil.rmtree(folder)
        return
    try:
        for left in reversed(range(_TRIES)):
            with _entered(folder.name, os.open(folder.parent, _ENTER), own_parent=True) as top:
                _empty(top)
            try:
                folder.rmdir()
                return
            except OSError as error:  # somebody else is at it too, or still writes there
                if error.errno not in _NOT_EMPTY or not left:
                    raise
    except FileNotFoundError:
        return


def _empty(top: int) -> None:
    device = os.fstat(top).st_dev
    waiting = _unlink_all(top, device)
    while waiting:
        name = waiting.pop()
        try:
            with _entered(name, top) as inner:
                for below in _unlink_all(inner, device):
                    place = f".{new_token()}"
                    try:
                        os.rename(below, place, src_dir_fd=inner, dst_dir_fd=top)
                    except PermissionError:  # moving a folder writes in it
                        _allow(below, inner)
                        os.rename(below, place, src_dir_fd=inner, dst_dir_fd=top)
                    waiting.append(place)
            os.rmdir(name, dir_fd=top)
        except FileNotFoundError:
            continue  # somebody else deletes it too
        except OSError as error:
            if error.errno not in _NOT_EMPTY:
                raise


def _unlink_all(folder: int, device: int) -> list[str]:
    """Delete all that is no folder; return the names of the folders.

    Raises:
        OSError: also for a folder of another file system.
    """
    folders: list[str] = []
    with os.scandir(folder) as entries:
        found = [entry.name for entry in entries]
    for name in found:
        with suppress(FileNotFoundError):
            status = os.stat(name, dir_fd=folder, follow_symlinks=False)
            if not stat.S_ISDIR(status.st_mode):
                os.unlink(name, dir_fd=folder)
            elif status.st_dev != device:
                raise OSError(0, "another file system is mounted here", name)
            else:
                folders.append(name)
    return folders


def _allow(name: str, parent: int) -> None:
    """Let us list, enter and change a folder of ours."""
    if stat.S_ISDIR(os.stat(name, dir_fd=parent, follow_symlinks=False).st_mode):
        os.chmod(name, stat.S_IRWXU, dir_fd=parent)


@contextmanager
def _entered(name: str, parent: int, *, own_parent: bool = False) -> Iterator[int]:
    """Open a folder, in which everything may be changed then; `own_parent`: close `parent` afterwards."""
    try:
        try:
            descriptor = os.open(name, _ENTER, dir_fd=parent)
        except PermissionError:
            _allow(name, parent)
            descriptor = os.open(name, _ENTER, dir_fd=parent)
        try:
            mode = os.fstat(descriptor).st_mode
            if mode & stat.S_IRWXU != stat.S_IRWXU:
                with suppress(PermissionError):  # not ours; it may still work
                    os.fchmod(descriptor, stat.S_IMODE(mode) | stat.S_IRWXU)
            yield descriptor
        finally:
            os.close(descriptor)
    finally:
        if own_parent:
            os.close(parent)
