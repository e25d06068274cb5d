"""Identities that files store, such as that of a process: a reused pid must not be mistaken for ours."""

from __future__ import annotations

import os
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from msgspec import Struct, ValidationError, convert
from msgspec.structs import asdict

from .errors import PyrunsError
from .host_identity import boot_id, create_time, host_name, pid_space, process_alive

if TYPE_CHECKING:
    from typing_extensions import Self


class StoredIdentity(Struct, frozen=True):
    """An identity that files store."""

    @classmethod
    def from_dict(cls, value: Any) -> Self | None:
        """Return the identity that `to_dict` stored, None if `value` is not one."""
        try:
            return convert(value, cls)
        except (ValidationError, UnicodeEncodeError):
            return None

    def to_dict(self) -> dict[str, Any]:
        """Return the identity as JSON-ready data."""
        return asdict(self)


class ProcessId(StoredIdentity, frozen=True):
    """A process of some host and boot, since a pid alone is ambiguous. `space` is its `pid_space`."""

    host: str
    boot: str
    pid: int
    create_time: float
    space: str = ""

    @classmethod
    def ours(cls) -> ProcessId:
        """Return the identity of this process.

        Raises:
            PyrunsError: if its start time cannot be read: then its pid may be that of another one.
        """
        return _identity_of(os.getpid())

    @property
    def here(self) -> bool:
        """Whether it belongs to this host and this boot, so that `alive` can be determined."""
        return self.host == host_name() and self.boot == boot_id()

    def alive(self) -> bool:
        """Return whether exactly this process runs, not a later one with its pid; False unless `here`."""
        return self.here and process_alive(self.pid, self.create_time)


@lru_cache(maxsize=1)  # a fork has another pid
def _identity_of(pid: int) -> ProcessId:
    created = create_time(pid)
    if created is None:
        raise PyrunsError("The start time of this process cannot be read.")
    return ProcessId(host_name(), boot_id(), pid, created, pid_space())
