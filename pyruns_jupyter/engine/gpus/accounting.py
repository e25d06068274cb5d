"""How many GPU-seconds each user of a host has used lately. Usage counts half after each half-life.

The usage of a user is that of the reservations whose files exist, and a sum in a file of the user, into which
the user's schedulers add ended reservations before they remove them. The owner of a file decides to whom it
belongs, so no user can change the usage of another one.
"""

from __future__ import annotations

import math
import os
import stat
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from pyruns_jupyter.core.common.host_identity import new_token, user_id
from pyruns_jupyter.core.fs.regular_files import NO_FOLLOW, READ, set_mode, write_whole

from .reservations import COMMON_MODE, Reservation

_SUFFIX = ".usage"
_MAX_BYTES = 65536
# A supervisor renews its reservation every 30 s. Another user could keep a file locked for longer.
_MAX_SILENCE_SECONDS = 90.0
_MAX_COUNTED = 500  # attempts in a file: those whose reservations may still exist
_Seconds = Annotated[float, Meta(ge=0, lt=1e15)]


class UsageSum(Struct, frozen=True):
    """The usage of a user (GPU-seconds, as it counted at the time `at`) by reservations that were removed.

    `counted` are attempts that are in the sum, although their reservations may still exist.
    """

    gpu_seconds: _Seconds
    at: Annotated[float, Meta(ge=0, lt=1e12)]
    counted: tuple[str, ...] = ()


class Accounts:
    """The usage of all users in a folder of reservations; to be used while it is guarded."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._uid = user_id()

    def usage(
        self,
        living: Iterable[Reservation],
        ended: Sequence[Reservation],
        memory: Mapping[str, int],
        *,
        half_life: float,
        now: float,
    ) -> dict[int, float]:
        """Return the GPU-seconds of each user, by user id, as they count at the time `now`.

        `memory` is the total memory of each GPU in bytes, by UUID.
        """
        used: dict[int, float] = {}
        counted: dict[int, set[str]] = {}
        for uid, _, one in self._sums():
            age = max(0.0, now - one.at)
            used[uid] = used.get(uid, 0.0) + one.gpu_seconds * _decay(age, half_life)
            counted.setdefault(uid, set()).update(one.counted)
        for one_living in living:
            end = min(now, one_living.seen + _MAX_SILENCE_SECONDS)
            seconds = _seconds(one_living, end, memory, half_life, now)
            used[one_living.uid] = used.get(one_living.uid, 0.0) + seconds
        for one_ended in ended:
            if one_ended.attempt not in counted.get(one_ended.uid, ()):
                seconds = _seconds(one_ended, one_ended.seen, memory, half_life, now)
                used[one_ended.uid] = used.get(one_ended.uid, 0.0) + seconds
        return used

    def add(
        self, ended: Sequence[Reservation], memory: Mapping[str, int], *, half_life: float, now: float
    ) -> None:
        """Add ended reservations of this user to the sum of this user. Their files may be removed then.

        Raises:
            OSError: when the sum cannot be stored.
        """
        ours = [(path, one) for uid, path, one in self._sums() if uid == self._uid]
        path, before = ours[0] if ours else (self._folder / f"{new_token()}{_SUFFIX}", UsageSum(0.0, now))
        seconds = before.gpu_seconds * _decay(max(0.0, now - before.at), half_life)
        for one in ended:
            if one.attempt not in before.counted:
                seconds += _seconds(one, one.seen, memory, half_life, now)
        attempts = tuple(one.attempt for one in ended)[-_MAX_COUNTED:]
        _replace(path, msgspec.json.encode(UsageSum(seconds, now, attempts)))

    def _sums(self) -> list[tuple[int, Path, UsageSum]]:
        """Return the user id, the path and the content of all stored sums."""
        found = []
        for name in sorted(os.listdir(self._folder)):
            if not name.endswith(_SUFFIX) or name.startswith("."):
                continue
            path = self._folder / name
            with suppress(OSError, ValueError, RecursionError):
                descriptor = os.open(path, READ | NO_FOLLOW)
                try:
                    status = os.fstat(descriptor)
                    if stat.S_ISREG(status.st_mode) and status.st_nlink == 1:
                        one = msgspec.json.decode(os.read(descriptor, _MAX_BYTES), type=UsageSum)
                        found.append((status.st_uid, path, one))
                finally:
                    os.close(descriptor)
        return found


def _seconds(
    reservation: Reservation, end: float, memory: Mapping[str, int], half_life: float, now: float
) -> float:
    """Return the GPU-seconds of a reservation until `end`, as they count at the time `now`.

    A task that shares a GPU uses the part of it that its memory is.
    """
    parts = 0.0
    for uuid in set(reservation.uuids):
        total = memory.get(uuid, 0)
        is_part = reservation.memory is not None and total > 0
        parts += min(1.0, (reservation.memory or 0) / total) if is_part else 1.0
    end = min(end, now)
    begin = min(reservation.at, end)
    # The integral of the weight 2 ** -(age / half_life) from `begin` to `end`.
    weight = _decay(now - end, half_life) - _decay(now - begin, half_life)
    return parts * weight * half_life / math.log(2)


def _decay(age: float, half_life: float) -> float:
    """Return the weight of usage that is `age` seconds old."""
    return math.pow(2.0, -age / half_life)


def _replace(path: Path, data: bytes) -> None:
    """Replace a file that all users may read."""
    temporary = path.with_name(f".{new_token()}.new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | NO_FOLLOW, 0o600)
    try:
        try:
            set_mode(descriptor, COMMON_MODE)
            write_whole(descriptor, data)
        finally:
            os.close(descriptor)
        os.replace(temporary, path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
