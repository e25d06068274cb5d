"""Whether an engine folder (`_pyruns_/.engine`) and the files in it are ours.

Files in an engine folder start processes. They are used only if the folder was created here by this user:

- `_pyruns_`, `.engine` and the folders in it are real folders; the engine's are owned by the effective user
  and not writable by others;
- the state folder of the user (`PYRUNS_STATE_DIR`), outside of the project, has a key for this very folder,
  identified by its inode and birth time: both are kept by a move and a restart, and no copy has them;
- each batch, study marker, cluster submission and claim ends with an HMAC-SHA256 by that key.

So files that came with a clone, a copy, an archive or a backup, or that another user wrote, are never used.
They can be displayed, and the user can take them over (`engine.requeue`).

    <state>/engines/<inode>/<random>/engine.json    one engine folder: its key and its path
    <state>/engines/<inode>/<random>/done           ids of finished files, one per line: a restored backup of
                                                    one is not used again
    <state>/engines/<inode>/<random>/trees/         stored code that runs start from (`snapshots.trees`)
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import stat
from collections.abc import Iterator, Mapping
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

from msgspec import Struct

from pyruns_jupyter.core.common.errors import Conflict, PyrunsError, Unreadable, Untrusted
from pyruns_jupyter.core.common.host_identity import new_token, state_folder, user_id, user_name
from pyruns_jupyter.core.fs.atomic import dump_json, parse_json, read_json, sync_folder, write_atomic
from pyruns_jupyter.core.fs.filesystem import RENUMBERED, birth_time, file_system_type
from pyruns_jupyter.core.fs.inode_identity import InodeIdentity
from pyruns_jupyter.core.fs.locks import PRIVATE_MODE, SAFE_FLAGS, is_locked, locked
from pyruns_jupyter.core.fs.regular_files import kind_of_file, opened_folder, set_mode
from pyruns_jupyter.core.taskfile.paths import ENGINE, EnginePaths

BATCHES, STUDIES, CLUSTER = "batches", "studies", "cluster"
ENGINES = "engines"
RECORD = "engine.json"
_DONE = "done"
_MAX_DONE_BYTES = 512 * 1024  # about 10,000 ids; beyond it, the older half is dropped
LOCK_SECONDS = 5.0
# Windows has no modes: its access control lists keep other users out of the folders of a user's profile.
_WRITABLE_BY_OTHERS = 0 if os.name == "nt" else stat.S_IWGRP | stat.S_IWOTH
_SEAL = re.compile(rb',\n  "seal": "([0-9a-f]{64})"\n\}\Z')
_SEAL_LENGTH = len(b',\n  "seal": "') + 64 + len(b'"\n}')
_MAX_DAMAGED_BYTES = 1024 * 1024  # of a file without a seal that is parsed to tell damage from a foreign file

NOT_MADE_HERE = (
    "It was queued in another copy of this project, on another machine, or by an older version. "
    "It does not start here. Use 'Queue here' to requeue it."
)
ALREADY_DONE = (
    "This batch has already ended, and its file was restored from a backup. It does not start again."
)


class EngineKey(Struct, frozen=True):
    """The key of one engine folder of ours.

    `root` is the `_pyruns_` folder, `state` its folder in the user's state folder. `owner` is the user id and
    `has_modes` whether the file system keeps modes, both as found when the folder was created.
    """

    root: Path
    state: Path
    secret: bytes
    owner: int
    has_modes: bool

    def __repr__(self) -> str:
        return f"EngineKey({str(self.root)!r}, {self.id})"  # without the secret

    def __rich_repr__(self) -> Iterator[Any]:  # type: ignore[override]
        """Yield what Rich shows in tracebacks; that of a Struct has all fields, also the secret."""
        yield str(self.root)
        yield self.id

    @property
    def id(self) -> str:
        """The name of this key for users and in `scheduler.lock`; it reveals nothing of the secret."""
        return self.state.name

    def seal(self, kind: str, value: Mapping[str, Any]) -> bytes:
        """Return `value` as a JSON object that ends with its seal."""
        body = dump_json(dict(value))
        seal = f',\n  "seal": "{self._mac(kind, body)}"\n}}'
        return body.removesuffix(b"\n}") + seal.encode()

    def unseal(self, kind: str, data: bytes, path: Path) -> dict[str, Any]:
        """Return the JSON object in `data`, which came from `path`.

        Raises:
            Unreadable: if it is not a JSON object.
            Untrusted: if it was not sealed by this key, or is finished.
        """
        found = _SEAL.search(data, max(0, len(data) - _SEAL_LENGTH))
        mac = self._mac(kind, data[:-_SEAL_LENGTH] + b"\n}")
        if found is None or not hmac.compare_digest(mac.encode(), found[1]):
            if len(data) <= _MAX_DAMAGED_BYTES:
                parse_json(data, path)  # raises if it is damaged
            raise Untrusted(f"{path} has no seal of this project. {NOT_MADE_HERE}")
        value = parse_json(data, path)
        del value["seal"]
        if self.is_done(str(value.get("id"))):
            raise Untrusted(f"{path}: {ALREADY_DONE}")
        return value

    def _mac(self, kind: str, body: bytes) -> str:
        return hmac.new(self.secret, kind.encode() + b"\0" + body, hashlib.sha256).hexdigest()

    def is_done(self, identifier: str) -> bool:
        """Return whether the file with this id is finished."""
        path = self.state / _DONE
        try:
            status = path.stat()
        except OSError:
            return False
        return identifier in _done_ids(path, status.st_size, status.st_mtime_ns)

    def add_done(self, identifier: str) -> None:
        """Record that the file with this id is finished."""
        path = self.state / _DONE
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | SAFE_FLAGS, PRIVATE_MODE)
        try:
            os.write(descriptor, f"{identifier}\n".encode())
            size = os.fstat(descriptor).st_size
        finally:
            os.close(descriptor)
        if size > _MAX_DONE_BYTES:
            kept = path.read_bytes()[size // 2 :]
            write_atomic(path, kept[kept.find(b"\n") + 1 :], durable=False)


@lru_cache(maxsize=16)
def _done_ids(path: Path, size: int, mtime_ns: int) -> frozenset[str]:
    return frozenset(path.read_text("ascii", "replace").split())


def trusted_engine(root: Path) -> EngineKey | None:
    """Return the key of the engine folder of `root` (`_pyruns_`), None if it is not ours. Read-only."""
    try:
        return require_engine(root)
    except (PyrunsError, OSError):
        return None


def require_engine(root: Path) -> EngineKey:
    """Return the key of the engine folder of `root` (`_pyruns_`). Read-only.

    Raises:
        Untrusted: if the folder is not ours, with the reason.
        OSError: if it cannot be read.
    """
    key = _find_key(root)
    if key is None:
        _check_folder(root / ENGINE, user_id(), has_modes=True)
        raise Untrusted(f"{root / ENGINE} was not created here by this user. {NOT_MADE_HERE}")
    check_folders(key)
    return key


def check_folders(key: EngineKey) -> None:
    """Check that the folders of an engine are still ours.

    Raises:
        Untrusted: if one is a link or contains one, belongs to another user, or is writable by others.
    """
    _check_folder(key.root, None, has_modes=False)
    engine = key.root / ENGINE
    _check_folder(engine, key.owner, has_modes=key.has_modes)
    check_own(key, *_folders_in(engine))


def _folders_in(engine: Path) -> list[Path]:
    """Return the folders in an engine folder.

    Raises:
        Untrusted: if it contains a link.
    """
    found = []
    with os.scandir(engine) as entries:
        for entry in entries:
            if entry.is_symlink():
                raise Untrusted(
                    f"{entry.path} is a symbolic link. Nothing is written through links here. Delete it."
                )
            if entry.is_dir(follow_symlinks=False):
                found.append(Path(entry.path))
    return found


def check_own(key: EngineKey, *folders: Path) -> None:
    """Check that existing folders are ours in the same way as those of the engine.

    Raises:
        Untrusted: if one is a link, belongs to another user, or is writable by others.
    """
    for folder in folders:
        with suppress(FileNotFoundError):
            _check_folder(folder, key.owner, has_modes=key.has_modes)


def close_own(key: EngineKey, *folders: Path) -> None:
    """Remove the permissions of existing folders that let others write to them.

    Raises:
        Untrusted: if one is a link or belongs to another user.
    """
    for folder in folders:
        with suppress(FileNotFoundError):
            _check_folder(folder, key.owner, has_modes=False)
            if key.has_modes and os.lstat(folder).st_mode & _WRITABLE_BY_OTHERS:
                with opened_folder(folder) as descriptor:
                    set_mode(descriptor, 0o700)


def make_own_folder(key: EngineKey, folder: Path) -> None:
    """Create a folder if it is missing, and remove permissions that let others write to it.

    Raises:
        Untrusted: if it is a link or belongs to another user.
        OSError: if it cannot be created.
    """
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    close_own(key, folder)


def claim_engine(root: Path) -> EngineKey:
    """Create the engine folder of `root` (`_pyruns_`) and its key if they are missing.

    For explicit actions of the user only. A folder of the user that came from elsewhere gets a key: files
    queued from now on are ours, the files already in it remain foreign. Permissions that let others write are
    removed.

    Raises:
        Untrusted: if the folder is a link or belongs to another user.
        Conflict: if a scheduler with a key in another state folder runs.
        PyrunsError: if the state folder cannot be used.
        OSError: if something cannot be written.
    """
    _check_folder(root, None, has_modes=False)
    engine = root / ENGINE
    made = _make_folder(engine)
    key = _find_key(root)
    if key is None:
        _check_folder(engine, None if made else user_id(), has_modes=False)
        key = _add_key(root, os.lstat(engine) if made else None)
    for folder in (engine, engine / BATCHES):
        _make_folder(folder)
    close_own(key, engine, *_folders_in(engine))
    return key


def _make_folder(folder: Path) -> bool:
    try:
        folder.mkdir(mode=0o700)
    except FileExistsError:
        return False
    sync_folder(folder.parent)  # a batch in it is only as durable as its name
    return True


def _check_folder(folder: Path, owner: int | None, *, has_modes: bool) -> None:
    status = os.lstat(folder)
    if not stat.S_ISDIR(status.st_mode):
        kind = kind_of_file(status.st_mode)
        raise Untrusted(f"{folder} is {kind}, but must be a real folder. Delete it.")
    if owner is not None and status.st_uid != owner:
        raise Untrusted(
            f"{folder} belongs to the user {user_name(status.st_uid)}, so Pyruns does not use it. "
            "Work in your own copy of the project."
        )
    if has_modes and status.st_mode & _WRITABLE_BY_OTHERS:
        mode = f"{stat.S_IMODE(status.st_mode):o}"
        raise Untrusted(
            f"{folder} is writable by other users (mode {mode}), so Pyruns does not use it. "
            f"Run 'chmod -R go-w {folder}', or queue the tasks again."
        )


def _find_key(root: Path) -> EngineKey | None:
    """Return the key that was created for the engine folder of `root`, None if there is none."""
    engine = root / ENGINE
    try:
        status = os.lstat(engine)
    except FileNotFoundError:
        return None
    if not stat.S_ISDIR(status.st_mode):
        return None
    for bucket in _buckets(engine, status):
        try:
            _check_state(bucket)
            names = sorted(name for name in os.listdir(bucket) if not name.startswith("."))
        except (FileNotFoundError, NotADirectoryError):
            continue
        for name in names:
            key = _read_key(root, bucket / name, engine, status)
            if key is not None:
                return key
    return None


def _read_key(root: Path, folder: Path, engine: Path, status: os.stat_result) -> EngineKey | None:
    try:
        record = read_json(folder / RECORD)
        place = InodeIdentity.from_dict(record["place"])
        secret = bytes.fromhex(record["secret"])
        owner, has_modes = int(record["owner"]), record["has_modes"] is True
        born = record.get("birth_time")
    except (OSError, Unreadable, KeyError, TypeError, ValueError):
        return None
    if place is None or len(secret) != 32:
        return None
    if record.get("by_path") is True:
        here = place.path == str(engine)
    else:
        now = birth_time(engine)
        here = place.is_at(engine, status) and (born is None or now is None or born == now)
    return EngineKey(root, folder, secret, owner, has_modes) if here else None


def _add_key(root: Path, made: os.stat_result | None) -> EngineKey:
    """Create the key of an engine folder; `made` is its status if it was created just now."""
    engine = root / ENGINE
    _check_other_scheduler(root)
    status = os.lstat(engine)
    by_path = file_system_type(engine) in RENUMBERED
    bucket = _buckets(engine, status)[by_path]
    _make_state(bucket)
    with locked(bucket / ".lock", timeout=LOCK_SECONDS):
        known = _find_key(root)  # of a process that was quicker
        if known is not None:
            return known
        folder = bucket / new_token()[:16]
        folder.mkdir(mode=0o700)
        owner = status.st_uid
        has_modes = made is None or not made.st_mode & _WRITABLE_BY_OTHERS
        secret = os.urandom(32)
        record = {
            "version": 1,
            "place": InodeIdentity.of(engine).to_dict(),
            "birth_time": birth_time(engine),
            "by_path": by_path,
            "owner": owner,
            "has_modes": has_modes,
            "secret": secret.hex(),
        }
        write_atomic(folder / RECORD, dump_json(record), mode=PRIVATE_MODE)
        sync_folder(bucket)
    return EngineKey(root, folder, secret, owner, has_modes)


def _check_other_scheduler(root: Path) -> None:
    paths = EnginePaths(root)
    try:
        if not is_locked(paths.scheduler_lock):
            return
        who = read_json(paths.scheduler_lock)
    except (OSError, Unreadable):
        return
    if who.get("key"):
        raise Conflict(
            f"The queue of {root} is run by a scheduler on {who.get('host')} with another state folder. "
            "Set PYRUNS_STATE_DIR to the same shared folder everywhere, or wait until that scheduler ends."
        )


def _buckets(engine: Path, status: os.stat_result) -> tuple[Path, Path]:
    """Return the folders that hold the key of an engine folder, identified by its inode or by its path."""
    folder = state_folder() / ENGINES
    digest = hashlib.sha256(os.fsencode(engine)).hexdigest()
    return folder / str(status.st_ino), folder / f"path-{digest[:32]}"


def _make_state(bucket: Path) -> None:
    state = state_folder()
    try:
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
        for folder in (bucket.parent, bucket):
            folder.mkdir(mode=0o700, exist_ok=True)
            sync_folder(folder.parent)
    except OSError as error:
        raise PyrunsError(
            f"The folder {state} for the keys of your projects cannot be used: {error.strerror or error}. "
            "Set PYRUNS_STATE_DIR to a permanent folder of your own."
        ) from error
    _check_state(bucket)


def _check_state(bucket: Path) -> None:
    """Check that only this user can change the content of the state folder.

    Raises:
        PyrunsError: if another user could.
        FileNotFoundError: if it does not exist.
    """
    for folder in (bucket.parent.parent, bucket.parent, bucket):
        status = os.stat(folder)
        if status.st_uid != user_id() or status.st_mode & _WRITABLE_BY_OTHERS:
            raise PyrunsError(
                f"Other users can write to {folder}, which contains the keys of your projects. It belongs to "
                f"the user {user_name(status.st_uid)} and has mode {stat.S_IMODE(status.st_mode):o}. "
                "Set PYRUNS_STATE_DIR to a folder of your own."
            )


def other_owner(root: Path) -> str:
    """Return which other user the engine folder of `root` belongs to (`the user ann`), "" if none."""
    try:
        uid = os.lstat(root / ENGINE).st_uid
    except OSError:
        return ""
    try:
        key = _find_key(root)
    except (PyrunsError, OSError):
        key = None
    ours = user_id() if key is None else key.owner
    return "" if uid == ours else f"the user {user_name(uid)}"
