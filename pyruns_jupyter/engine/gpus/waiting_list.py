"""Which schedulers of this host wait for GPUs: a file each in the common folder of reservations.

The scheduler holds the lock of its file and renews its time while it asks for GPUs, so a scheduler that was
killed or stopped is not waited for.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated, NamedTuple

import msgspec
from msgspec import Meta

from pyruns_jupyter.core.common.host_identity import new_token, user_id
from pyruns_jupyter.core.fs.locks import try_lock
from pyruns_jupyter.core.fs.regular_files import NO_FOLLOW, READ, set_mode, set_times, write_whole

from .request import GpuRequest
from .reservations import COMMON_MODE

_SUFFIX = ".waiting"
_MAX_BYTES = 16384
_RENEW_SECONDS = 5.0
EXPIRY_SECONDS = 20.0  # after which a file that was not renewed does not count
MAX_TASKS = 64  # that count for one request: few hosts have more GPUs
_MAX_REQUESTS = 20  # of a user that count


class WaitingRequest(GpuRequest, frozen=True):
    """The same request of several tasks that could start now."""

    tasks: Annotated[int, Meta(ge=1, le=MAX_TASKS)] = 1


# The content of a file.
_Requests = Annotated[tuple[WaitingRequest, ...], Meta(min_length=1)]


class WaitingScheduler(NamedTuple):
    """A scheduler of a user that waits for GPUs; `name` identifies it."""

    name: str
    uid: int
    requests: tuple[WaitingRequest, ...]


class WaitingList:
    """The waiting schedulers of all users, and our own entry; to be used while the folder is guarded."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._uid = user_id()
        self._path: Path | None = None
        self._descriptor = -1
        self._written: tuple[WaitingRequest, ...] = ()
        self._renewed_at = 0.0  # monotonic

    def enter(self, requests: Sequence[WaitingRequest]) -> None:
        """Let other users know for what this scheduler waits.

        Raises:
            OSError: when that is not possible.
        """
        now = time.monotonic()
        if self._path is None:
            path = self._folder / f"{new_token()}{_SUFFIX}"
            flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | NO_FOLLOW
            self._descriptor = os.open(path, flags, 0o600)
            self._path, self._written = path, ()
            try_lock(self._descriptor, shared=False)  # while no other process can know it
        if tuple(requests) != self._written:
            self._written = ()
            os.ftruncate(self._descriptor, 0)
            os.lseek(self._descriptor, 0, os.SEEK_SET)
            write_whole(self._descriptor, _encoded(requests))
            set_mode(self._descriptor, COMMON_MODE)
            self._written = tuple(requests)
        elif now - self._renewed_at < _RENEW_SECONDS:
            return
        set_times(self._descriptor, self._path)
        self._renewed_at = now

    def leave(self) -> None:
        """Remove our own entry if there is one."""
        if self._path is not None:
            with suppress(OSError):
                self._path.unlink()
            os.close(self._descriptor)
            self._path, self._descriptor = None, -1

    def others(self) -> list[WaitingScheduler]:
        """Return the waiting schedulers of other users; our own entries that expired are removed."""
        found: dict[int, list[WaitingScheduler]] = {}
        for name in sorted(os.listdir(self._folder)):
            path = self._folder / name
            if name.endswith(_SUFFIX) and path != self._path:
                with suppress(OSError, ValueError, RecursionError):
                    one = self._read(path)
                    if one is not None:
                        found.setdefault(one.uid, []).append(one)
        return [one for ours in found.values() for one in _first_requests(ours)]

    def _read(self, path: Path) -> WaitingScheduler | None:
        descriptor = os.open(path, READ | NO_FOLLOW)
        try:
            status = os.fstat(descriptor)
            is_dead = try_lock(descriptor, shared=True)
            if status.st_uid == self._uid:
                if is_dead:
                    path.unlink()
                return None
            is_expired = abs(time.time() - status.st_mtime) > EXPIRY_SECONDS
            if is_dead or is_expired or not stat.S_ISREG(status.st_mode) or status.st_nlink != 1:
                return None
            requests = msgspec.json.decode(os.read(descriptor, _MAX_BYTES), type=_Requests)
            return WaitingScheduler(path.name, status.st_uid, requests)
        finally:
            os.close(descriptor)


def _encoded(requests: Sequence[WaitingRequest]) -> bytes:
    """Return the content of a file, without the last requests if it would be too large."""
    requests = requests[:_MAX_REQUESTS]
    while True:
        data = msgspec.json.encode(requests)
        if len(data) <= _MAX_BYTES or len(requests) == 1:
            return data
        requests = requests[:-1]


def _first_requests(schedulers: Sequence[WaitingScheduler]) -> Iterator[WaitingScheduler]:
    """Yield the schedulers of a user with the requests that count."""
    room = _MAX_REQUESTS
    for one in schedulers:
        if room:
            counted = one.requests[:room]
            room -= len(counted)
            yield one._replace(requests=counted)
