"""Stored answers of scripts: plain data, valid for the script, the files that it imports and the interpreter.

An answer is in the engine folder of its project, which is used only if this user created it here, so that
none comes with a project. Deleting the files loses nothing: the script can be asked again.
"""

from __future__ import annotations

import hashlib
import os
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec
from msgspec import Struct

from pyruns_jupyter.core.common.errors import PyrunsError, Unreadable
from pyruns_jupyter.core.fs.atomic import read_whole, write_atomic
from pyruns_jupyter.core.scripts.source.cache import FileCache, stamp
from pyruns_jupyter.core.scripts.source.modules import project_folder

from .answer import MAX_BYTES, Answer, parse_answer

_MAX_RECORDS = 8  # of one script, for its versions and interpreters
_MAX_FILE_BYTES = 16 << 20
_CACHED = 256
_SUFFIX = ".json"


class Record(Struct, frozen=True):
    """A stored answer. `files` holds the digest of each file of the project that was read."""

    script: str
    interpreter: str
    asked_at: float
    answer: Answer
    files: dict[str, str] = {}


@dataclass(frozen=True)
class StoredAnswer:
    """An answer that was found. `changed` names what has changed since then, "" if nothing."""

    record: Record
    changed: str = ""

    @property
    def answer(self) -> Answer:
        """The answer."""
        return self.record.answer


def keep(folder: Path, script: Path, interpreter: str, answer: Answer) -> Record:
    """Store the answer of a script in a folder, instead of the oldest ones of the same script.

    Raises:
        OSError: if it cannot be written.
    """
    root = project_folder(script)
    own = os.path.relpath(script, root)
    files = {name: _digest(root / name) for name in dict.fromkeys([own, *answer.files]) if _is_inside(name)}
    record = Record(own, interpreter, time.time(), msgspec.structs.replace(answer, checks=()), files)
    identity = hashlib.blake2b(repr((interpreter, sorted(files.items()))).encode(), digest_size=8).hexdigest()
    write_atomic(folder / f"{_prefix(own)}{identity}{_SUFFIX}", msgspec.json.encode(record), durable=False)
    for path in _files(folder, own)[_MAX_RECORDS:]:
        with suppress(OSError):
            path.unlink()
    return record


def find(folder: Path, script: Path, interpreter: str = "", root: Path | None = None) -> StoredAnswer | None:
    """Return the stored answer of a script: the newest one that is valid, else the newest one.

    `interpreter` is the one that tasks use, "" if it does not matter. `root` is the folder of the project, by
    default that of the script.
    """
    root = project_folder(script) if root is None else root
    outdated: StoredAnswer | None = None
    for path in _files(folder, os.path.relpath(script, root)):
        record = _read(path)
        if record is None:
            continue
        changed = _changed(record, root, interpreter)
        if not changed:
            return StoredAnswer(record)
        outdated = outdated or StoredAnswer(record, changed)
    return outdated


def _prefix(script: str) -> str:
    return hashlib.blake2b(script.encode("utf-8", "surrogateescape"), digest_size=8).hexdigest() + "-"


def _files(folder: Path, script: str) -> list[Path]:
    """Return the files of a script's answers, the newest one first."""
    prefix = _prefix(script)
    try:
        with os.scandir(folder) as entries:
            found = [
                (entry.stat(follow_symlinks=False).st_mtime_ns, entry.path)
                for entry in entries
                if entry.name.startswith(prefix) and entry.name.endswith(_SUFFIX)
            ]
    except OSError:
        return []
    return [Path(path) for _, path in sorted(found, reverse=True)]


def _changed(record: Record, root: Path, interpreter: str) -> str:
    for name, digest in record.files.items():
        if not _is_inside(name) or _digest(root / name) != digest:
            return name
    if interpreter and record.interpreter != interpreter:
        return f"the interpreter ({record.interpreter})"
    return ""


def _is_inside(name: str) -> bool:
    return not os.path.isabs(name) and ".." not in name.split(os.sep)


_records: FileCache[str, Record | None] = FileCache(_CACHED)
_digests: FileCache[str, str] = FileCache(_CACHED * 4)


def _read(path: Path) -> Record | None:
    name = str(path)
    known = _records.get(name)
    if known is not None:
        return known
    seen = stamp(name)
    try:
        data = read_whole(path, most=MAX_BYTES)[0]
        record: Record | None = msgspec.json.decode(data, type=Record)
        assert record is not None
        parse_answer(msgspec.json.encode(record.answer))
    except (OSError, PyrunsError, msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        record = None
    return _records.put(name, record, {name: seen})


def _digest(path: Path) -> str:
    """Return the digest of a file; "" if it cannot be read."""
    name = str(path)
    known = _digests.get(name)
    if known is not None:
        return known
    seen = stamp(name)
    if seen is None:
        return ""
    try:
        data = read_whole(path, most=_MAX_FILE_BYTES, follow=True)[0]
    except (OSError, Unreadable):
        return ""
    return _digests.put(name, hashlib.blake2b(data, digest_size=16).hexdigest(), {name: seen})
