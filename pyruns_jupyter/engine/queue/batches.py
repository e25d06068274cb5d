"""Batches of queued tasks: a file each in `_pyruns_/.engine/batches/`, deleted when all its tasks have ended.

A batch counts from the moment its file is renamed into place. Before that, its tasks are claimed one by one,
with a locked claim file: if the front end dies, a later scheduler undoes the claims that are listed in it.
Batches and claims are sealed (`core.trust`): those that were not made here are shown, never acted on.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from msgspec import Struct, field
from msgspec.structs import asdict

from pyruns_jupyter.core.common.errors import (
    Conflict,
    InvalidInput,
    NotFound,
    PyrunsError,
    Unreadable,
    Untrusted,
)
from pyruns_jupyter.core.common.host_identity import boot_id, host_name
from pyruns_jupyter.core.common.process_identity import ProcessId
from pyruns_jupyter.core.fs.atomic import parse_json, read_whole
from pyruns_jupyter.core.fs.locks import FileLock, is_locked
from pyruns_jupyter.core.taskfile import runs
from pyruns_jupyter.core.taskfile.paths import SHELL_WORKSPACE, TASKS, EnginePaths, check_task_name
from pyruns_jupyter.core.taskfile.task_file import edit_task
from pyruns_jupyter.core.trust.engine_key import ALREADY_DONE, BATCHES, NOT_MADE_HERE, EngineKey
from pyruns_jupyter.core.trust.signatures import (
    CLAIM_SUFFIX,
    Origin,
    SealedFolder,
    claim_path,
    origin,
    read_foreign,
    read_foreign_bytes,
    sealed_names,
)

from . import kept_ends
from .options import QueueOptions

SUFFIX = ".json"
_CLAIM = "claim"
_MAX_EPOCH = 1e11  # seconds; the year 5138
CLAIM_SECONDS = 600.0  # within which a front end on another host completes its claim
_MAX_EMPTY_SECONDS = 60.0  # within which a front end writes to the claim file that it created

Tasks = Sequence[tuple[str, str]]


class Batch(Struct, frozen=True):
    """Tasks that were queued together. `tasks` are pairs of task name and attempt, in order.

    `created_at` is epoch seconds. `code` is the hash of the code that was stored when the tasks were queued,
    `source` the state of the repository then; both are empty if no code was stored. Batches with the same
    `group`, if it is not empty, share one limit of parallel tasks, `options.jobs`.
    """

    id: str
    workspace: str
    options: QueueOptions
    environment: dict[str, str]
    python: str
    tasks: tuple[tuple[str, str], ...]
    created_at: float = field(default_factory=time.time)
    host: str = field(default_factory=host_name)
    boot: str = field(default_factory=boot_id)
    code: str = ""
    source: dict[str, Any] = field(default_factory=dict)
    group: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return the batch as its file stores it."""
        return {
            **asdict(self),
            "options": self.options.to_dict(),
            "tasks": [list(pair) for pair in self.tasks],
        }

    @classmethod
    def from_dict(cls, value: dict[str, Any], path: Path) -> Batch:
        """Return the batch that `to_dict` stored in `path`.

        Raises:
            Unreadable: when something is missing or of the wrong type.
        """
        try:
            created_at = float(value["created_at"])
            if not 0 <= created_at < _MAX_EPOCH:
                raise ValueError(f"created_at is {created_at:g}")
            return cls(
                id=str(value["id"]),
                workspace=_workspace_name(value["workspace"]),
                created_at=created_at,
                options=QueueOptions.from_dict(dict(value.get("options", {}))),
                environment={_text(name): _text(text) for name, text in value["environment"].items()},
                python=_text(value["python"]),
                tasks=tuple((check_task_name(str(name)), _text(attempt)) for name, attempt in value["tasks"]),
                host=str(value.get("host", "")),
                boot=str(value.get("boot", "")),
                code=str(value.get("code", "")),
                source=dict(value.get("source", {})),
                group=str(value.get("group", "")),
            )
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError, InvalidInput) as error:
            raise Unreadable(f"{path} is not a batch: {error!r}.") from error


def _workspace_name(value: Any) -> str:
    name = str(value)
    return name if name == SHELL_WORKSPACE else check_task_name(name)


def _text(value: Any) -> str:
    """Return a text that can be an argument or an environment variable."""
    text = str(value)
    if "\0" in text:
        raise ValueError("a text contains a NUL character")
    os.fsencode(text)  # raises a ValueError for lone surrogates
    return text


def new_id() -> str:
    """Return an id for a batch; ids sort by the time they were made."""
    return f"{time.time_ns():020d}-{os.urandom(4).hex()}"


class Batches(SealedFolder):
    """The batches of an engine folder that is ours; `names` returns their ids, the oldest first."""

    def __init__(self, key: EngineKey) -> None:
        super().__init__(key, BATCHES, SUFFIX)

    def write_batch(self, batch: Batch) -> None:
        """Write a batch durably: once this returns the batch counts.

        Raises:
            OSError: if that is not possible.
        """
        self.write(batch.id, batch.to_dict())

    def read_batch(self, batch: str) -> Batch:
        """Return a batch that was queued here.

        Raises:
            FileNotFoundError: if it is done.
            Untrusted: if it was not queued here.
            Unreadable: if its file is damaged.
            OSError: if it cannot be read at this moment.
        """
        return Batch.from_dict(self.read(batch), self.path / f"{batch}{SUFFIX}")

    def is_foreign(self, batch: str) -> bool:
        """Return whether a batch was not queued here; cheap for an unchanged file.

        Raises:
            OSError: if it cannot be read at this moment.
        """
        return origin(self.key.root, BATCHES, f"{batch}{SUFFIX}", self.key) is Origin.FOREIGN

    def stored_code(self) -> set[str]:
        """Return the hashes of stored code that batches which are not done need."""
        needed = set()
        for batch in self.names():
            with suppress(FileNotFoundError, Unreadable, Untrusted):
                needed.add(self.read_batch(batch).code)
        return needed - {""}


def batch_ids(root: Path) -> list[str]:
    """Return the ids of the batches of a project that are not done, ours or not, the oldest first."""
    return sealed_names(root, BATCHES, SUFFIX)


def read_any_batch(root: Path, batch: str, key: EngineKey | None) -> tuple[Batch, str]:
    """Return a batch for display, and why it does not start here (a sentence), empty if it does.

    Raises:
        FileNotFoundError: if it is done.
        Unreadable: if its file is damaged.
        OSError: if it cannot be read at this moment.
    """
    if key is not None:
        try:
            return Batches(key).read_batch(batch), ""
        except Untrusted:
            pass
    path = EnginePaths(root).batches / f"{batch}{SUFFIX}"
    found = Batch.from_dict(read_foreign(root, BATCHES, path.name), path)
    return found, ALREADY_DONE if key is not None and key.is_done(batch) else NOT_MADE_HERE


def file_digest(root: Path, batch: str) -> str:
    """Return the SHA-256 of a batch's file, by which a process without a key recognises it.

    Raises:
        OSError: if it cannot be read.
    """
    return hashlib.sha256(read_foreign_bytes(root, BATCHES, f"{batch}{SUFFIX}")).hexdigest()


def read_exact(root: Path, batch: str, digest: str) -> Batch:
    """Return a batch whose file has this digest.

    Raises:
        FileNotFoundError: if it is done.
        Untrusted: if the content of the file differs.
        Unreadable: if it is damaged.
    """
    path = EnginePaths(root).batches / f"{batch}{SUFFIX}"
    data = read_foreign_bytes(root, BATCHES, path.name)
    if hashlib.sha256(data).hexdigest() != digest:
        raise Untrusted(f"{path} was changed after its job was submitted.")
    return Batch.from_dict(parse_json(data, path), path)


class Claim:
    """A context manager for the time between the first claimed task of a batch and its batch file.

    Its file is removed at the end, unless `put_back` could not undo all claims: then a scheduler does it.
    """

    def __init__(self, key: EngineKey, batch: str, workspace: str, tasks: Tasks) -> None:
        self._lock = FileLock(claim_path(key.root, batch))
        content = {"id": batch, "workspace": workspace, "tasks": [list(pair) for pair in tasks]}
        self._content = key.seal(_CLAIM, {**content, "maker": ProcessId.ours().to_dict()})
        self._settled = True

    def __enter__(self) -> Claim:
        self._lock.acquire(timeout=5.0)
        try:
            self._lock.write(self._content)
            # Before the first claim: a crash cannot leave an empty file next to claimed tasks.
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
        """Undo claims in the folder `tasks`, because their batch file will not be written."""
        self._settled = False
        self._settled = put_back(tasks, claimed)


def is_lost(root: Path, batch: str, key: EngineKey | None) -> bool:
    """Return whether tasks that are queued in `batch` will not be started here: it is foreign, or there is
    neither a batch nor a front end that is about to write it.

    To be called under the task's lock, so that the claim cannot be completed meanwhile.
    """
    try:
        if _is_claimed(claim_path(root, batch), key):
            return False
        return origin(root, BATCHES, f"{batch}{SUFFIX}", key) is not Origin.OURS
    except (OSError, ValueError):
        return False  # unknown at this moment


def _is_claimed(path: Path, key: EngineKey | None) -> bool:
    """Return whether a front end is creating a batch, or has left a claim that a scheduler will undo."""
    if is_locked(path):
        return True
    try:
        data = read_whole(path, follow=False)[0]
        return key is not None and bool(key.unseal(_CLAIM, data, path))
    except (FileNotFoundError, NotADirectoryError, Unreadable, Untrusted):
        return False


def dead_claims(root: Path) -> Iterator[Path]:
    """Yield the claim files whose writers died before they were finished."""
    folder = EnginePaths(root).batches
    try:
        names = os.listdir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return
    for name in names:
        if not (name.startswith(".") and name.endswith(CLAIM_SUFFIX)):
            continue
        path = folder / name
        with suppress(OSError):
            status = path.lstat()
            is_new = status.st_size == 0 and time.time() - status.st_mtime < _MAX_EMPTY_SECONDS
            is_held = is_new or is_locked(path) or _may_live_elsewhere(path, status.st_mtime)
            if not is_held and path.exists():
                yield path


def undo_claim(key: EngineKey, path: Path) -> None:
    """Restore the tasks of an abandoned claim, unless its batch file was written.

    Raises:
        OSError: if that is not possible now; the claim stays.
    """
    lock = FileLock(path)
    if not lock.try_acquire():
        return
    try:
        batch = path.name[1 : -len(CLAIM_SUFFIX)]
        undone = True
        if not (path.parent / f"{batch}{SUFFIX}").exists():
            try:
                content = key.unseal(_CLAIM, read_whole(path, follow=False)[0], path)
                tasks = key.root / _workspace_name(content["workspace"]) / TASKS
                claimed = [(check_task_name(name), str(attempt)) for name, attempt in content["tasks"]]
            except (Unreadable, Untrusted, InvalidInput, KeyError, TypeError, ValueError):
                pass  # empty, so no task was claimed yet; or not ours
            else:
                undone = put_back(tasks, claimed)
        if undone:
            path.unlink(missing_ok=True)
    finally:
        lock.release()


def put_back(tasks: Path, claimed: Tasks) -> bool:
    """Undo claims without a batch file, except of tasks that were changed otherwise meanwhile.

    Return whether nothing is left to undo: a full disk or a lock may prevent it for now.
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


def has_work(key: EngineKey) -> bool:
    """Return whether there is a batch that was queued here (even a damaged one), an abandoned claim, or a
    kept end of a run that can be written now.
    """
    found = (origin(key.root, BATCHES, f"{batch}{SUFFIX}", key) for batch in batch_ids(key.root))
    if any(one in (Origin.OURS, Origin.DAMAGED) for one in found):
        return True
    if next(dead_claims(key.root), None) is not None:
        return True
    return any(kept_ends.can_be_written(key.root, content) for content in kept_ends.kept_ends(key.root))


def _may_live_elsewhere(path: Path, changed: float) -> bool:
    """Return whether a claim was made on another host recently. Some disks do not show a host the locks of
    another one.
    """
    try:
        maker = ProcessId.from_dict(parse_json(read_whole(path, follow=False)[0], path).get("maker"))
    except (OSError, Unreadable):
        return False
    if maker is None or maker.host == host_name() or maker.boot == boot_id():
        return False
    return abs(time.time() - changed) < CLAIM_SECONDS


def remove_trees(key: EngineKey, log: Callable[[str], None]) -> int:
    """Remove the trees of stored code that no batch needs any more, in a process of its own."""
    from pyruns_jupyter.core.provenance.snapshots import trees  # few projects store code

    trees.tidy_trees(key, Batches(key).stored_code, log)
    return 0
