"""The identity of a folder or file, to tell a copy from the original.

A copy has another inode; after a move or rename the inode is the same, except on file systems that give a
file another inode after each mount: there the path decides. Device numbers are valid for one boot of one
host, paths until something is moved.
"""

from __future__ import annotations

import os
from pathlib import Path

from pyruns_jupyter.core.common.host_identity import boot_id, host_name
from pyruns_jupyter.core.common.process_identity import StoredIdentity

from .filesystem import RENUMBERED, file_system_type


class InodeIdentity(StoredIdentity, frozen=True):
    """A folder or file, as a process of some host and boot found it."""

    path: str
    dev: int
    ino: int
    host: str
    boot: str

    @classmethod
    def of(cls, path: Path, descriptor: int | None = None) -> InodeIdentity:
        """Return the identity of an existing file or folder (by its descriptor, if it is open).

        Raises:
            OSError: if it does not exist.
        """
        status = os.stat(path) if descriptor is None else os.fstat(descriptor)
        return cls(str(path), status.st_dev, status.st_ino, host_name(), boot_id())

    def is_at(self, path: Path, status: os.stat_result) -> bool:
        """Return whether this is the file or folder at `path` with this status: moved perhaps, not copied."""
        restarted = self.host != host_name() or self.boot != boot_id()
        same_disk = restarted or self.dev == status.st_dev or self.path == str(path)
        return self.ino == status.st_ino and same_disk

    def is_copied_to(self, path: Path) -> bool:
        """Return whether `path` is a copy of this file or folder, not the original.

        Raises:
            OSError: if `path` does not exist.
        """
        now = InodeIdentity.of(path)
        if self.host != now.host:
            return self.ino != now.ino
        if self.boot != now.boot:
            return self.ino != now.ino and self.path != now.path
        if self.path == now.path and self.ino != now.ino:
            return file_system_type(path) not in RENUMBERED
        return self.ino != now.ino or (self.dev != now.dev and self.path != now.path)
