"""What was queued: one file a queueing in `_pyruns_/.engine/batches/`, deleted when all of it has ended.

The rename of a batch file into place is the moment a queueing counts. Before it, tasks are claimed one by
one; a claim file, locked for as long as that takes, tells a later scheduler which claims to undo when the
front end died.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pyruns_jupyter.core import runs
from pyruns_jupyter.core.errors import Conflict, InvalidInput, NotFound, PyrunsError, Unreadable
from pyruns_jupyter.core.filelock import FileLock, is_locked
from pyruns_jupyter.core.files import dump_json, parse_json, sync_folder, write_atomic
from pyruns_jupyter.core.host import boot_id, host_name
from pyruns_jupyter.core.layout import TASKS, EnginePaths
from pyruns_jupyter.core.place import Place
from pyruns_jupyter.core.taskfile import edit_task

from .options import QueueOptions

SUFFIX = ".json"
DAMAGED_SUFFIX = ".damaged"
_CLAIM_SUFFIX = ".claim"
_YOUNG = 60.0  # seconds; an empty claim file may be one that is just being made

Tasks = Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Batch:
    """One queueing. `tasks` are pairs of task name and attempt, in order; `created_at` is epoch seconds.

    `code` is the hash of the code that was stored when the tasks were queued, `source` the state of the
    repository then; both are empty when no code was stored.
    """

    id: str
    workspace: str
    created_at: float
    options: QueueOptions
    environment: dict[str, str]
    python: str
    tasks: tuple[tuple[str, str], ...]
    host: str
    boot: str
    place: Place | None = None  # of the engine's folder
    code: str = ""
    source: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def new(
        cls,
        batch: str,
        *,
        workspace: str,
        options: QueueOptions,
        environment: dict[str, str],
        python: str,
        tasks: Tasks,
        place: Place | None = None,
        code: str = "",
        source: dict[str, Any] | None = None,
    ) -> Batch:
        """Return a batch of this moment, host and boot; `place` is that of the engine's folder."""
        return cls(
            id=batch,
            workspace=workspace,
            created_at=time.time(),
            options=options,
            environment=environment,
            python=python,
            tasks=tuple(tasks),
            host=host_name(),
            boot=boot_id(),
            place=place,
            code=code,
            source=source or {},
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the batch as its file stores it."""
        place = None if self.place is None else self.place.to_dict()
        return {
            **vars(self),
            "options": self.options.to_dict(),
            "tasks": [list(pair) for pair in self.tasks],
            "place": place,
        }

    @classmethod
    def from_dict(cls, value: dict[str, Any], path: Path) -> Batch:
        """Return the batch that `to_dict` stored in `path`.

        Raises:
            Unreadable: when something is missing or of the wrong type.
        """
        try:
            return cls(
                id=str(value["id"]),
                workspace=str(value["workspace"]),
                created_at=float(value["created_at"]),
                options=_options(value),
                environment={str(name): str(text) for name, text in value["environment"].items()},
                python=str(value["python"]),
                tasks=tuple((str(name), str(attempt)) for name, attempt in value["tasks"]),
                host=str(value.get("host", "")),
                boot=str(value.get("boot", "")),
                place=Place.from_dict(value.get("place")),
                code=str(value.get("code", "")),
                source=dict(value.get("source", {})),
            )
        except (KeyError, TypeError, ValueError, AttributeError, InvalidInput) as error:
            raise Unreadable(f"{path} is not a batch: {error!r}.") from error


def _options(value: dict[str, Any]) -> QueueOptions:
    stored = dict(value.get("options", {}))
    if "jobs" in value:  # as batches were stored before they had options
        stored.setdefault("jobs", max(1, int(value["jobs"])))
    return QueueOptions.from_dict(stored)


def new_id() -> str:
    """Return an id for a batch; ids sort by the time they were made."""
    return f"{time.time_ns():020d}-{os.urandom(4).hex()}"


def prepare_folders(paths: EnginePaths) -> None:
    """Create the folders of the engine, for this user alone."""
    for folder in (paths.folder, paths.batches):
        try:
            folder.mkdir(mode=0o700)
        except FileExistsError:
            continue
        sync_folder(folder.parent)  # what is queued in it is only as durable as its name


def write_batch(paths: EnginePaths, batch: Batch) -> None:
    """Put a batch into place, durably: once this returns the queueing counts.

    Raises:
        OSError: when that is not possible.
    """
    write_atomic(paths.batches / f"{batch.id}{SUFFIX}", dump_json(batch.to_dict()))


def batch_ids(paths: EnginePaths) -> list[str]:
    """Return the ids of the batches that are not done, the oldest first."""
    return sorted(name.removesuffix(SUFFIX) for name in _names(paths) if _is_batch(name))


def read_batch(paths: EnginePaths, batch: str) -> Batch:
    """Return a batch.

    Raises:
        FileNotFoundError: when it is done.
        Unreadable: when its file is damaged.
        OSError: when it cannot be read at this moment.
    """
    path = paths.batches / f"{batch}{SUFFIX}"
    return Batch.from_dict(parse_json(path.read_bytes(), path), path)


def stored_code(paths: EnginePaths) -> set[str]:
    """Return the hashes of stored code that batches which are not done need."""
    needed = set()
    for batch in batch_ids(paths):
        with suppress(FileNotFoundError, Unreadable):
            needed.add(read_batch(paths, batch).code)
    return needed - {""}


def was_copied(paths: EnginePaths, batch: Batch) -> bool:
    """Tell whether a batch was queued in another folder, of which this one is a copy."""
    try:
        return batch.place is not None and batch.place.is_copied_to(paths.folder)
    except OSError:
        return False


def remove_batch(paths: EnginePaths, batch: str) -> None:
    """Forget a batch of which nothing waits or runs."""
    (paths.batches / f"{batch}{SUFFIX}").unlink(missing_ok=True)


def set_aside(paths: EnginePaths, batch: str) -> None:
    """Rename a damaged batch, so that nobody stumbles over it again and a person can look at it."""
    path = paths.batches / f"{batch}{SUFFIX}"
    path.replace(path.with_suffix(DAMAGED_SUFFIX))


class Claim:
    """The time between the first claimed task of a batch and its batch file. Use as a context manager.

    Its file goes at the end, unless `put_back` could not undo all: then a scheduler does that later.
    """

    def __init__(self, paths: EnginePaths, batch: str, workspace: str, tasks: Tasks) -> None:
        self._lock = FileLock(paths.batches / f".{batch}{_CLAIM_SUFFIX}")
        self._content = dump_json({"workspace": workspace, "tasks": [list(pair) for pair in tasks]})
        self._settled = True

    def __enter__(self) -> Claim:
        self._lock.acquire(timeout=5.0)
        try:
            self._lock.write(self._content)
            # On disk before the first claim can be: nothing empty is ever left of a claim that counts.
            with self._lock.path.open("rb") as stream:
                os.fsync(stream.fileno())
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *unused: object) -> None:
        try:
            if self._settled:
                self._lock.path.unlink(missing_ok=True)
        finally:
            self._lock.release()

    def put_back(self, tasks: Path, claimed: Tasks) -> None:
        """Undo claims in the folder `tasks`, because no batch file will make them good."""
        self._settled = False
        self._settled = put_back(tasks, claimed)


def is_lost(paths: EnginePaths, batch: str) -> bool:
    """Tell whether neither a batch nor a queueing that goes on stands behind a task that waits for `batch`.

    To be asked under the task's lock: then the claim cannot go after the batch was looked for.
    """
    claim, file = f".{batch}{_CLAIM_SUFFIX}", f"{batch}{SUFFIX}"
    return not any(os.path.lexists(paths.batches / name) for name in (claim, file))


def dead_claims(paths: EnginePaths) -> Iterator[Path]:
    """Yield the claim files whose writers died before they were done."""
    for name in _names(paths):
        if not (name.startswith(".") and name.endswith(_CLAIM_SUFFIX)):
            continue
        path = paths.batches / name
        try:
            status = path.stat()
        except OSError:
            continue
        if status.st_size == 0 and time.time() - status.st_mtime < _YOUNG:
            continue
        if not _held(path) and path.exists():
            yield path


def undo_claim(root: Path, path: Path) -> None:
    """Put the tasks of a dead claim back to what they were, unless the batch file made it into place.

    Raises:
        OSError: when that is not possible now; the claim stays.
    """
    lock = FileLock(path)
    if not lock.try_acquire():
        return
    try:
        batch = path.name[1 : -len(_CLAIM_SUFFIX)]
        undone = True
        if not (path.parent / f"{batch}{SUFFIX}").exists():
            try:
                content = parse_json(path.read_bytes(), path)
                tasks = root / str(content["workspace"]) / TASKS
                claimed = [(str(name), str(attempt)) for name, attempt in content["tasks"]]
            except (Unreadable, KeyError, TypeError, ValueError):
                pass  # empty: no task was claimed yet
            else:
                undone = put_back(tasks, claimed)
        if undone:
            path.unlink(missing_ok=True)
    finally:
        lock.release()


def put_back(tasks: Path, claimed: Tasks) -> bool:
    """Undo claims that no batch file made good; tasks that went another way meanwhile are left alone.

    Tell whether nothing is left to undo: a full disk and a lock that is held may stop it for now.
    """
    complete = True
    for name, attempt in claimed:
        try:
            with edit_task(tasks / name, durable=False) as info:
                runs.unclaim(info, attempt=attempt)
        except (Conflict, NotFound, Unreadable):
            continue
        except (PyrunsError, OSError):
            complete = False
    return complete


def has_work(paths: EnginePaths) -> bool:
    """Tell whether a batch is not done or a dead front end left claims behind."""
    return any(_is_batch(name) for name in _names(paths)) or next(dead_claims(paths), None) is not None


def _held(path: Path) -> bool:
    try:
        return is_locked(path)
    except OSError:
        return True


def _is_batch(name: str) -> bool:
    return name.endswith(SUFFIX) and not name.startswith(".")


def _names(paths: EnginePaths) -> list[str]:
    try:
        return os.listdir(paths.batches)
    except FileNotFoundError:
        return []
