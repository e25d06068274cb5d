"""Who has which GPU on this host: a file for each reservation, locked as long as its run lives.

All projects of a user share one folder, and all users where `PYRUNS_GPU_LEDGER` names one that they may
write to (mode 1777). A reservation is made under the folder's guard, its lock goes to the supervisor with a
fork, and the kernel drops it when that ends, however it ends. So nothing here is ever out of date.
"""

from __future__ import annotations

import fcntl
import json
import os
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pyruns_jupyter.core.errors import PyrunsError
from pyruns_jupyter.core.host import runtime_folder

VARIABLE = "PYRUNS_GPU_LEDGER"
_GUARD = ".guard"
_SUFFIX, _PEAK = ".json", ".peak"
_MOST_BYTES = 65536


@dataclass(frozen=True)
class Reservation:
    """GPUs (`uuids`) that a run has. `memory` (bytes) is what it will use of each, None for all of them.

    `used` is what was in use on each before, in bytes; `at` is epoch seconds.
    """

    attempt: str
    task: str
    uuids: tuple[str, ...]
    memory: int | None
    used: Mapping[str, int]
    at: float

    def to_bytes(self) -> bytes:
        """Return the content of its file."""
        return json.dumps({**vars(self), "uuids": list(self.uuids)}).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> Reservation:
        """Return the reservation in a file.

        Raises:
            ValueError: when it is none.
        """
        try:
            value: dict[str, Any] = json.loads(data)
            memory = value["memory"]
            return cls(
                attempt=str(value["attempt"]),
                task=str(value["task"]),
                uuids=tuple(map(str, value["uuids"])),
                memory=None if memory is None else int(memory),
                used={str(uuid): int(used) for uuid, used in value["used"].items()},
                at=float(value["at"]),
            )
        except (KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
            raise ValueError(f"no reservation: {error!r}") from error


def ledger_folder() -> Path:
    """Return the folder of this user, or the one that the administrator gives."""
    given = os.environ.get(VARIABLE)
    return Path(given) if given else runtime_folder("pyruns-gpus")


class Ledger:
    """The reservations in a folder. Nothing is made before the first one."""

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = ledger_folder() if folder is None else folder

    @contextmanager
    def guarded(self) -> Iterator[None]:
        """Keep all others from reserving meanwhile; for milliseconds.

        Raises:
            PyrunsError: when the folder cannot be trusted.
            OSError: when it cannot be used.
        """
        self._prepare()
        descriptor = self._open_guard()
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _open_guard(self) -> int:
        """Open the file that all users lock. Who comes first makes it; what is there must not be opened as if
        it were to be made, which Linux forbids to others in such folders (`fs.protected_regular`).
        """
        path = self.folder / _GUARD
        while True:
            try:
                return _open(path, os.O_RDWR)
            except FileNotFoundError:
                pass
            try:
                descriptor = _open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL)
            except FileExistsError:
                continue
            with suppress(OSError):
                os.fchmod(descriptor, 0o666)
            return descriptor

    def living(self) -> list[Reservation]:
        """Return the reservations whose runs live; what dead ones left is removed. To be called guarded."""
        found = []
        for name in sorted(os.listdir(self.folder)):
            if not name.endswith(_SUFFIX) or name.startswith("."):
                continue
            path = self.folder / name
            try:
                descriptor = _open(path, os.O_RDONLY)
            except OSError:
                continue
            try:
                if _is_free(descriptor):
                    with suppress(OSError):  # another user's in a common folder
                        path.unlink()
                        path.with_suffix(_PEAK).unlink(missing_ok=True)
                    continue
                found.append(Reservation.from_bytes(os.read(descriptor, _MOST_BYTES)))
            except (OSError, ValueError):
                continue
            finally:
                os.close(descriptor)
        return found

    def reserve(self, reservation: Reservation) -> int:
        """Write a reservation down and return the descriptor that holds its lock. To be called guarded."""
        path = self.folder / f"{reservation.attempt}{_SUFFIX}"
        descriptor = _open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            os.write(descriptor, reservation.to_bytes())
        except BaseException:
            os.close(descriptor)
            path.unlink(missing_ok=True)
            raise
        return descriptor

    def note_peak(self, attempt: str, peak: Mapping[str, int]) -> None:
        """Note the most memory (bytes) that a run has used of each of its GPUs; its supervisor takes it."""
        with suppress(OSError):  # it is for people only
            descriptor = _open(self.folder / f"{attempt}{_PEAK}", os.O_RDWR | os.O_CREAT | os.O_TRUNC)
            try:
                os.write(descriptor, json.dumps(dict(peak)).encode())
            finally:
                os.close(descriptor)

    def take_peak(self, attempt: str) -> dict[str, int]:
        """Return what `note_peak` noted of a run that has ended, and forget it; empty when nothing was."""
        path = self.folder / f"{attempt}{_PEAK}"
        try:
            descriptor = _open(path, os.O_RDONLY)
            try:
                found = json.loads(os.read(descriptor, _MOST_BYTES))
            finally:
                os.close(descriptor)
            path.unlink()
            return {str(uuid): int(used) for uuid, used in found.items()}
        except (OSError, ValueError, AttributeError, TypeError, OverflowError, RecursionError):
            return {}

    def _prepare(self) -> None:
        try:
            self.folder.mkdir(mode=0o700)
        except FileExistsError:
            status = os.lstat(self.folder)
            is_common = VARIABLE in os.environ
            if not stat.S_ISDIR(status.st_mode) or (status.st_uid != os.getuid() and not is_common):
                raise PyrunsError(
                    f"{self.folder}, where GPUs are reserved, is not a folder of yours. Remove it, or set "
                    f"{VARIABLE} to a folder that all users may write to."
                ) from None


def _open(path: Path, flags: int) -> int:
    """Open a file that all users may lock; never a link that somebody put there."""
    return os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK, 0o644)


def _is_free(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
