"""Which folder or file on this machine's disks something is, to tell a copy from the original.

A copy has another inode; something that was only moved or renamed keeps it, except on file systems that give
a file another inode after each mount: there the path decides. Device numbers are good for one boot of one
host, paths for as long as nobody moves anything; so they decide only where they can.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pyruns_jupyter.core.common.host_identity import boot_id, host_name

from .filesystem import RENUMBERED, file_system_type


@dataclass(frozen=True)
class InodeIdentity:
    """A folder or file as it was seen by a process of some host and boot."""

    path: str
    dev: int
    ino: int
    host: str
    boot: str

    @classmethod
    def of(cls, path: Path, descriptor: int | None = None) -> InodeIdentity:
        """Return the place of an existing file or folder (by its descriptor, if it is open).

        Raises:
            OSError: when it is not there.
        """
        status = os.stat(path) if descriptor is None else os.fstat(descriptor)
        return cls(str(path), status.st_dev, status.st_ino, host_name(), boot_id())

    @classmethod
    def from_dict(cls, value: Any) -> InodeIdentity | None:
        """Return the place that `to_dict` stored, None when `value` is none."""
        import msgspec  # where it is needed: what scripts import stays light

        try:
            return msgspec.convert(value, cls)
        except (msgspec.ValidationError, UnicodeEncodeError):
            return None

    def to_dict(self) -> dict[str, Any]:
        """Return the place as JSON-ready data."""
        return dict(vars(self))

    def is_at(self, path: Path, status: os.stat_result) -> bool:
        """Return whether this is what lies at `path`, whose status is given; moved perhaps, not copied."""
        restarted = self.host != host_name() or self.boot != boot_id()
        same_disk = restarted or self.dev == status.st_dev or self.path == str(path)
        return self.ino == status.st_ino and same_disk

    def is_copied_to(self, path: Path) -> bool:
        """Return whether what lies at `path` is a copy of this, not this itself.

        Raises:
            OSError: when nothing is there.
        """
        now = InodeIdentity.of(path)
        if self.host != now.host:
            return self.ino != now.ino
        if self.boot != now.boot:
            return self.ino != now.ino and self.path != now.path
        if self.path == now.path and self.ino != now.ino:
            return file_system_type(path) not in RENUMBERED
        return self.ino != now.ino or (self.dev != now.dev and self.path != now.path)
