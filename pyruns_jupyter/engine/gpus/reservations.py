"""The reservations of GPUs or memory on this host: a file each, which is locked as long as its run lives.

All projects of a user share a folder for GPUs and one for memory (in `runtime_folder`), and all users share
those that variables name, to which they can write (mode 1777). A reservation is made under the guard of the
folder. The supervisor inherits its lock in a fork, and the kernel releases the lock when the supervisor ends,
however that happens, so no reservation is ever out of date.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cached_property
from pathlib import Path
from typing import Annotated, NamedTuple, TypeVar

import msgspec
from msgspec import Meta, Struct, field
from msgspec.structs import asdict, replace

from pyruns_jupyter.core.common.errors import Busy, PyrunsError, os_sentence
from pyruns_jupyter.core.common.host_identity import make_runtime_folder, runtime_folder, user_id
from pyruns_jupyter.core.common.printable import printable
from pyruns_jupyter.core.fs.locks import SAFE_FLAGS, lock_holder, try_lock
from pyruns_jupyter.core.fs.regular_files import set_mode, set_times, write_whole

VARIABLE = "PYRUNS_GPU_LEDGER"
MEMORY_VARIABLE = "PYRUNS_MEMORY_LEDGER"
_GUARD = ".guard"
_SUFFIX, _PEAK = ".json", ".peak"
_MAX_BYTES = 65536
_LOCK_SECONDS = 2.0  # the guard is held for milliseconds, unless its holder was stopped or is malicious
_SHORT_LOCK_SECONDS = 0.05  # the timeout after that happened, so that it does not delay a scheduler each time
MAX_FILES = 10_000  # of all users together
_PAUSE_SECONDS = 0.01  # between two attempts
_MAX_NAME = 450  # characters of `workspace/task`
_OF_FILE = ("uid", "seen")  # fields of a reservation that are not in the content of its file
COMMON_MODE = 0o644  # of files that all users read
T = TypeVar("T")
Bytes = Annotated[int, Meta(ge=0, lt=1 << 60)]


class Refusal(Struct, frozen=True):
    """Why a request cannot be fulfilled now: a reason for each device (by its name for users), and `more`.

    `is_final`: this host can never fulfil it. `missing`: how many more GPUs (of those in `holders`), or
    bytes, running tasks would have to release; 0 if that would not help. `holders`: the attempts that would
    have to end to release a GPU, by its UUID.
    """

    reasons: Mapping[str, str]
    is_final: bool = False
    more: str = ""
    missing: int = 0
    holders: Mapping[str, set[str]] = field(default_factory=dict)

    def __str__(self) -> str:
        listed = "; ".join(f"{name}: {reason}" for name, reason in self.reasons.items())
        return " ".join(part for part in (self.more, listed and f"{listed}.") if part)


class Reservation(Struct, frozen=True):
    """GPUs (`uuids`) that a run has. `memory` (bytes) is what it uses of each, None for all of it; without
    GPUs it is memory of the host.

    `used` is what was in use on each before, in bytes; `at` is epoch seconds. The system knows of its file
    whose it is (`uid`), and when a supervisor renewed it last (`seen`, epoch seconds).
    """

    attempt: str
    task: str
    uuids: Annotated[tuple[Annotated[str, Meta(max_length=100)], ...], Meta(max_length=64)]
    memory: Bytes | None
    used: Mapping[str, Bytes]
    at: Annotated[float, Meta(ge=0, lt=1e12)]
    uid: int = -1
    seen: float = 0.0

    def to_bytes(self) -> bytes:
        """Return the content of its file."""
        values = {name: value for name, value in asdict(self).items() if name not in _OF_FILE}
        return msgspec.json.encode({**values, "task": printable(self.task)})

    @classmethod
    def from_bytes(cls, data: bytes) -> Reservation:
        """Return the reservation in a file, which another user may have written.

        Raises:
            ValueError: if it is not a reservation.
        """
        try:
            found = msgspec.json.decode(data, type=cls)
        except RecursionError as error:
            raise ValueError("not a reservation") from error
        return replace(found, task=printable(found.task[:_MAX_NAME]), uid=-1, seen=0.0)

    @classmethod
    def read(cls, descriptor: int) -> Reservation:
        """Return the reservation in an open file.

        Raises:
            OSError: if it cannot be read.
            ValueError: if it is not a reservation.
        """
        status, found = os.fstat(descriptor), cls.from_bytes(os.read(descriptor, _MAX_BYTES))
        return replace(found, uid=status.st_uid, seen=status.st_mtime)


def holders_of(uuids: Iterable[str], reservations: Iterable[Reservation]) -> dict[str, set[str]]:
    """Return the attempts that have reserved each of the GPUs `uuids`; those that are free are left out."""
    holders: dict[str, set[str]] = {}
    for one in reservations:
        for uuid in set(uuids).intersection(one.uuids):
            holders.setdefault(uuid, set()).add(one.attempt)
    return holders


class ResourceKind(NamedTuple):
    """The name of what is reserved (`title` begins a sentence), the variable with which an administrator
    names a folder for all users, and the name of the folder of one user.
    """

    what: str
    title: str
    variable: str
    folder: str

    def default_folder(self) -> Path:
        """Return the folder of the administrator, else that of this user."""
        given = os.environ.get(self.variable)
        return Path(given) if given else runtime_folder() / self.folder


GPUS = ResourceKind("GPU", "GPUs", VARIABLE, "gpus")
MEMORY = ResourceKind("memory", "Memory", MEMORY_VARIABLE, "memory")


class Reservations:
    """The reservations in a folder, which is created with the first one."""

    def __init__(self, folder: Path | None = None, kind: ResourceKind = GPUS) -> None:
        self._given = folder
        self._kind = kind
        self._patience = _LOCK_SECONDS
        self.ended: list[Reservation] = []

    @cached_property
    def folder(self) -> Path:
        """The folder.

        Raises:
            PyrunsError: if this user has none.
        """
        return self._kind.default_folder() if self._given is None else self._given

    @property
    def is_common(self) -> bool:
        """Whether the administrator named the folder, for all users."""
        return bool(os.environ.get(self._kind.variable))

    def decide(self, choose: Callable[[list[Reservation]], T], *, keeps_ended: bool = False) -> T | Refusal:
        """Call `choose` with the current reservations, while no others are made, and return its result, or
        why that is not possible now. `keeps_ended`: see `living`.
        """
        try:
            with self.guarded(self._patience):
                self._patience = _LOCK_SECONDS
                return choose(self.living(keeps_ended=keeps_ended))
        except Busy as error:
            self._patience = _SHORT_LOCK_SECONDS
            return Refusal({}, more=error.message)
        except PyrunsError as error:
            return Refusal({}, more=error.message)
        except OSError as error:
            return Refusal({}, more=f"{self._kind.title} cannot be reserved. {os_sentence(error)} Retrying.")

    @contextmanager
    def guarded(self, timeout: float = _LOCK_SECONDS) -> Iterator[None]:
        """Prevent all other processes from reserving for a `with` block, which takes milliseconds.

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
                        f"{lock_holder(descriptor)}. Retrying."
                    )
                time.sleep(_PAUSE_SECONDS)
            yield
        finally:
            os.close(descriptor)

    def _open_guard(self) -> int:
        """Open the file that all users lock, and create it if it does not exist. An existing file must not be
        opened with O_CREAT, which Linux forbids to other users in such folders (`fs.protected_regular`).
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
                set_mode(descriptor, 0o666)
            return descriptor

    def living(self, *, keeps_ended: bool = False) -> list[Reservation]:
        """Return the current reservations, and remove the files of ended runs. To be called guarded.

        With `keeps_ended`, those that can be read are not removed, but stored in `ended`.

        Raises:
            PyrunsError: when the folder is full of files.
        """
        found: list[Reservation] = []
        self.ended = []
        names = os.listdir(self.folder)
        if len(names) > MAX_FILES:
            raise PyrunsError(
                f"{self.folder}, the folder of {self._kind.what} reservations, holds {len(names):,} files, "
                f"more than {MAX_FILES:,}. Remove those that are no longer needed."
            )
        for name in sorted(names):
            if not name.endswith(_SUFFIX) or name.startswith("."):
                continue
            path = self.folder / name
            try:
                descriptor = _open(path, os.O_RDONLY)
            except OSError:
                continue
            is_ended = False
            try:
                is_ended = try_lock(descriptor, shared=True)
                one = None if is_ended and not keeps_ended else Reservation.read(descriptor)
            except (OSError, ValueError):
                one = None
            finally:
                os.close(descriptor)
            if one is not None and one.attempt == path.stem:
                (self.ended if is_ended else found).append(one)
            elif is_ended:
                self._remove(path)
        return found

    def remove(self, ended: Iterable[Reservation]) -> None:
        """Remove the files of ended runs that `living` kept. To be called guarded."""
        for one in ended:
            self._remove(self.folder / f"{one.attempt}{_SUFFIX}")

    def _remove(self, path: Path) -> None:
        with suppress(OSError):  # another user's in a common folder
            path.unlink()
            path.with_suffix(_PEAK).unlink(missing_ok=True)

    def reserve(self, reservation: Reservation) -> int:
        """Store a reservation, and return the descriptor that holds its lock. To be called guarded."""
        path = self.folder / f"{reservation.attempt}{_SUFFIX}"
        descriptor = _open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL)
        try:
            if not try_lock(descriptor, shared=False):
                raise BlockingIOError(f"{path} is locked by another process")
            write_whole(descriptor, reservation.to_bytes())
            if self.is_common:
                set_mode(descriptor, COMMON_MODE)  # whatever the umask of this user is
        except BaseException:
            os.close(descriptor)
            path.unlink(missing_ok=True)
            raise
        return descriptor

    def of_run(self, attempt: str) -> Reservation | None:
        """Return the reservation of a living run of this user, None if it has none."""
        with suppress(OSError, ValueError, PyrunsError):
            descriptor = _open(self.folder / f"{attempt}{_SUFFIX}", os.O_RDONLY)
            try:
                found = Reservation.read(descriptor)
            finally:
                os.close(descriptor)
            if found.attempt == attempt and found.uid == user_id():
                return found
        return None

    def note_peak(self, attempt: str, peak: Mapping[str, int]) -> None:
        """Store the peak memory (bytes) of a run on each of its GPUs, for its supervisor."""
        with suppress(OSError, PyrunsError):  # for information only
            descriptor = _open(self.folder / f"{attempt}{_PEAK}", os.O_RDWR | os.O_CREAT | os.O_TRUNC)
            try:
                os.write(descriptor, msgspec.json.encode(peak))
            finally:
                os.close(descriptor)

    def take_peak(self, attempt: str) -> dict[str, int]:
        """Return and remove the peak memory of a run that has ended, empty if it is unknown."""
        found = self.read_peak(attempt)
        with suppress(OSError):
            (self.folder / f"{attempt}{_PEAK}").unlink()
        return found

    def read_peak(self, attempt: str) -> dict[str, int]:
        """Return the peak memory of a run (bytes by UUID), empty if it is unknown."""
        path = self.folder / f"{attempt}{_PEAK}"
        try:
            descriptor = _open(path, os.O_RDONLY)
            try:
                if os.fstat(descriptor).st_uid != user_id():  # put there by another user
                    return {}
                found = msgspec.json.decode(os.read(descriptor, _MAX_BYTES), type=dict[str, Bytes])
            finally:
                os.close(descriptor)
        except (OSError, ValueError, RecursionError):
            return {}
        return found

    def _prepare(self) -> None:
        """Create the folder; it may have been removed since the last call."""
        if self.folder.parent == runtime_folder():
            make_runtime_folder()
        try:
            self.folder.mkdir(mode=0o700)
        except FileExistsError:
            status = os.lstat(self.folder)
            is_common = self._kind.variable in os.environ
            if not stat.S_ISDIR(status.st_mode) or (status.st_uid != user_id() and not is_common):
                raise PyrunsError(
                    f"{self.folder}, the folder of {self._kind.what} reservations, is not a folder or "
                    f"belongs to another user. Delete it, or set {self._kind.variable} to a folder "
                    "that all users may write to."
                ) from None


def renew(descriptors: Iterable[int]) -> None:
    """Note that the run of these reservations still lives, or lived until now."""
    for descriptor in descriptors:
        with suppress(OSError):  # for information only
            set_times(descriptor)


def _open(path: Path, flags: int) -> int:
    """Open a file that all users may lock; never through a link."""
    return os.open(path, flags | SAFE_FLAGS, 0o644)
