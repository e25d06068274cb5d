"""Who has which GPU, or how much memory, on this host: a file for each reservation, locked as long as its run
lives.

All projects of a user share a folder for GPUs and one for memory (in `core.host.runtime_folder`), and so do
all users where a variable names one that they may write to (mode 1777). A reservation is made under the
folder's guard. Its lock goes to the supervisor with a fork, and the kernel drops it when that ends, in
whatever way: nothing here is ever out of date.
"""

from __future__ import annotations

import json
import os
import stat
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from pyruns_jupyter.core.common.errors import Busy, PyrunsError, os_sentence
from pyruns_jupyter.core.common.host_identity import make_runtime_folder, runtime_folder
from pyruns_jupyter.core.common.printable import printable
from pyruns_jupyter.core.fs.locks import lock_holder, try_lock

VARIABLE = "PYRUNS_GPU_LEDGER"
MEMORY_VARIABLE = "PYRUNS_MEMORY_LEDGER"
_GUARD = ".guard"
_SUFFIX, _PEAK = ".json", ".peak"
_MAX_BYTES = 65536
_LOCK_SECONDS = 2.0  # the guard is held for milliseconds, unless its holder was stopped or means harm
_SHORT_LOCK_SECONDS = 0.05  # once it was locked for long: a scheduler has other things to do
MAX_FILES = 10_000  # of all users together
_PAUSE = 0.01  # seconds between two tries
_MAX_NAME = 450  # characters of `workspace/task`
_MAX_AMOUNT = 1 << 60
T = TypeVar("T")


@dataclass(frozen=True)
class Refusal:
    """Why a request gets nothing now: a reason for each device (by its name for people) that could have been.

    `is_final`: what is there will never do.
    """

    reasons: Mapping[str, str]
    is_final: bool = False
    more: str = ""

    def __str__(self) -> str:
        told = "; ".join(f"{name}: {reason}" for name, reason in self.reasons.items())
        return " ".join(part for part in (self.more, told and f"{told}.") if part)


@dataclass(frozen=True)
class Reservation:
    """GPUs (`uuids`) that a run has. `memory` (bytes) is what it will use of each, None for all of them, or
    of the host when there are no GPUs.

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
        """Return the reservation in a file, which another user may have written.

        Raises:
            ValueError: if it is not a reservation.
        """
        try:
            value: dict[str, Any] = json.loads(data)
            memory = value["memory"]
            return cls(
                attempt=str(value["attempt"]),
                task=printable(str(value["task"])[:_MAX_NAME]),
                uuids=tuple(map(str, value["uuids"])),
                memory=None if memory is None else _amount(memory),
                used={str(uuid): _amount(used) for uuid, used in value["used"].items()},
                at=float(_amount(value["at"])),
            )
        except (KeyError, TypeError, AttributeError, OverflowError, RecursionError) as error:
            raise ValueError(f"no reservation: {error!r}") from error


@dataclass(frozen=True)
class ResourceKind:
    """What is reserved (`title` begins a sentence), the variable with which an administrator gives a folder
    for all users, and the name of a user's own.
    """

    what: str
    title: str
    variable: str
    folder: str

    def default_folder(self) -> Path:
        """Return the folder that the administrator gives, else that of this user."""
        given = os.environ.get(self.variable)
        return Path(given) if given else runtime_folder() / self.folder


GPUS = ResourceKind("GPU", "GPUs", VARIABLE, "gpus")
MEMORY = ResourceKind("memory", "Memory", MEMORY_VARIABLE, "memory")


class Reservations:
    """The reservations in a folder. Nothing is made before the first one."""

    def __init__(self, folder: Path | None = None, kind: ResourceKind = GPUS) -> None:
        self._given = folder
        self._kind = kind
        self._patience = _LOCK_SECONDS

    @cached_property
    def folder(self) -> Path:
        """The folder.

        Raises:
            PyrunsError: if this user has none.
        """
        return self._kind.default_folder() if self._given is None else self._given

    def decide(self, choose: Callable[[list[Reservation]], T]) -> T | Refusal:
        """Return what `choose` returns for the reservations whose runs live; while it decides, no others are
        made. Return why that is not possible now.
        """
        try:
            with self.guarded(self._patience):
                self._patience = _LOCK_SECONDS
                return choose(self.living())
        except Busy as error:
            self._patience = _SHORT_LOCK_SECONDS
            return Refusal({}, more=error.message)
        except PyrunsError as error:
            return Refusal({}, more=error.message)
        except OSError as error:
            return Refusal({}, more=f"{self._kind.title} cannot be reserved. {os_sentence(error)} Retrying.")

    @contextmanager
    def guarded(self, timeout: float = _LOCK_SECONDS) -> Iterator[None]:
        """Keep all others from reserving meanwhile; for milliseconds.

        Raises:
            Busy: when another process, of any user, keeps the folder locked for `timeout` seconds.
            PyrunsError: when the folder cannot be trusted.
            OSError: when it cannot be used.
        """
        self._prepare()
        descriptor = self._open_guard()
        try:
            deadline = time.monotonic() + timeout
            while not try_lock(descriptor, shared=False):
                if time.monotonic() >= deadline:
                    raise Busy(
                        f"The {self._kind.what} reservations in {self.folder} are locked by "
                        f"{lock_holder(descriptor)}. It is tried again."
                    )
                time.sleep(_PAUSE)
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
        """Return the reservations whose runs live; what dead ones left is removed. To be called guarded.

        Raises:
            PyrunsError: when the folder is full of files.
        """
        found = []
        names = os.listdir(self.folder)
        if len(names) > MAX_FILES:
            raise PyrunsError(
                f"{self.folder}, the folder of {self._kind.what} reservations, holds {len(names):,} files, "
                f"more than {MAX_FILES:,}. Remove those that are not needed any more."
            )
        for name in sorted(names):
            if not name.endswith(_SUFFIX) or name.startswith("."):
                continue
            path = self.folder / name
            try:
                descriptor = _open(path, os.O_RDONLY)
            except OSError:
                continue
            try:
                if try_lock(descriptor, shared=True):
                    with suppress(OSError):  # another user's in a common folder
                        path.unlink()
                        path.with_suffix(_PEAK).unlink(missing_ok=True)
                    continue
                found.append(Reservation.from_bytes(os.read(descriptor, _MAX_BYTES)))
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
            if not try_lock(descriptor, shared=False):
                raise BlockingIOError(f"{path} is locked by another process")
            os.write(descriptor, reservation.to_bytes())
        except BaseException:
            os.close(descriptor)
            path.unlink(missing_ok=True)
            raise
        return descriptor

    def note_peak(self, attempt: str, peak: Mapping[str, int]) -> None:
        """Note the most memory (bytes) that a run has used of each of its GPUs; its supervisor takes it."""
        with suppress(OSError, PyrunsError):  # it is for people only
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
                if os.fstat(descriptor).st_uid != os.geteuid():  # put there by another user
                    return {}
                found = json.loads(os.read(descriptor, _MAX_BYTES))
            finally:
                os.close(descriptor)
            path.unlink()
            return {str(uuid): _amount(used) for uuid, used in found.items()}
        except (OSError, ValueError, AttributeError, TypeError, OverflowError, RecursionError):
            return {}

    def _prepare(self) -> None:
        """Make the folder; it may have vanished since the last time."""
        if self.folder.parent == runtime_folder():
            make_runtime_folder()
        try:
            self.folder.mkdir(mode=0o700)
        except FileExistsError:
            status = os.lstat(self.folder)
            is_common = self._kind.variable in os.environ
            if not stat.S_ISDIR(status.st_mode) or (status.st_uid != os.getuid() and not is_common):
                raise PyrunsError(
                    f"{self.folder}, the folder of {self._kind.what} reservations, is not a folder of yours. "
                    f"Remove it, or set {self._kind.variable} to a folder that all users may write to."
                ) from None


def _open(path: Path, flags: int) -> int:
    """Open a file that all users may lock; never a link that another user put there."""
    return os.open(path, flags | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK, 0o644)


def _amount(value: Any) -> int:
    """Return a number of bytes or seconds as whole one.

    Raises:
        ValueError: when it is not one, or out of bounds.
    """
    if type(value) not in (int, float) or not 0 <= value < _MAX_AMOUNT:
        raise ValueError("no amount")
    return int(value)
