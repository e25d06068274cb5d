"""Storing the code of a project: file contents and lists of files, each once, by their SHA-256.

    .code/objects/<2>/<62>       the content of files
    .code/manifests/<64>.json    the list of files of a snapshot
    .code/seen.json              hashes of known files, so that unchanged ones are not read again
    .code/.new-<maker>/          contents that are being added to `objects`
    .code/.lock                  locked, shared, while code is stored; exclusively while some is removed

Everything is written under a temporary name, made durable and then renamed, so that named files are complete.
A file is used only if its content matches its name; links are not followed.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import shutil
import stat
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated

import msgspec

from pyruns_jupyter.core.common.errors import InvalidInput, NotFound, Unreadable
from pyruns_jupyter.core.fs.atomic import (
    parse_json,
    read_json,
    read_whole,
    sync_files,
    sync_folder,
    write_atomic,
    write_new,
)
from pyruns_jupyter.core.fs.locks import FileLock, locked
from pyruns_jupyter.core.fs.regular_files import open_to_read
from pyruns_jupyter.core.fs.temp_names import is_temporary_file, maker_suffix, tidy
from pyruns_jupyter.core.taskfile.paths import ROOT_NAME
from pyruns_jupyter.core.trust.engine_key import EngineKey, make_own_folder

from .selection import MAX_FILES, CodeSelection, is_safe, link_text, select

CODE, SEEN = ".code", "seen.json"
MAX_FILE_BYTES = 10 * 1024 * 1024
MAX_TOTAL_BYTES = 200 * 1024 * 1024
STAGING = ".new"
_ID = re.compile(r"[0-9a-f]{64}")
_LOCK_SECONDS = 60.0
_YOUNG_NS = 2_000_000_000  # a file changed so shortly before it was read may change again undetected
# Never stored: files in these control programs that find them where stored code was written to.
_NEVER_CODE = frozenset({".git", ROOT_NAME})
# Errors of a missing or planted object, unlike temporary ones.
_NOT_A_FILE = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.EMLINK})
_REMEDY = "Add data to .gitignore, move it out of the project, or set snapshot_code: false."
# Size, times of modification and change (ns), inode and content hash of a known file.
_Known = tuple[int, int, int, int, Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]]


@dataclass(frozen=True)
class Manifest:
    """One snapshot. Paths are relative to the stored folder, with `/`.

    `project` is the path of the folder that contains `_pyruns_`, "" if it is the stored folder. `files` maps
    a path to content hash, size in bytes and whether it is executable; `links` a path to its target;
    `left_out` contains code that was not stored, with the reason.
    """

    project: str
    files: dict[str, tuple[str, int, bool]]
    links: dict[str, str] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    by_git: bool = False

    def dump(self) -> bytes:
        """Return the stored form of the snapshot, which is always the same for equal snapshots."""
        value = {
            "version": 1,
            "project": self.project,
            "by_git": self.by_git,
            "files": {path: list(fact) for path, fact in sorted(self.files.items())},
            "links": dict(sorted(self.links.items())),
            "left_out": dict(sorted(self.left_out.items())),
        }
        return json.dumps(value, ensure_ascii=False, indent=0).encode("utf-8", "backslashreplace")

    @classmethod
    def parse(cls, data: bytes, path: Path) -> Manifest:
        """Return the snapshot that `dump` stored in `path`.

        Raises:
            Unreadable: if it is not a valid snapshot.
        """
        value = parse_json(data, path)
        try:
            found = msgspec.convert(value, cls)
        except (msgspec.ValidationError, UnicodeEncodeError) as error:
            raise Unreadable(f"{path} is not a valid code snapshot: {error}.") from error
        files, links = found.files, found.links
        if found.project and not is_safe(found.project):
            raise Unreadable(
                f"{path} is not a valid code snapshot: the project folder {found.project!r} is outside of it."
            )
        for name in (*files, *links):
            if not is_safe(name):
                raise Unreadable(f"{path} is not a valid code snapshot: {name!r} is outside of it.")
            if not _NEVER_CODE.isdisjoint(name.lower().split("/")):
                raise Unreadable(f"{path} is not a valid code snapshot: {name!r} is not code.")
            if any(above in files or above in links for above in _folders_of(name)):
                raise Unreadable(f"{path} is not a valid code snapshot: {name!r} is below a file or a link.")
        if not files.keys().isdisjoint(links):
            raise Unreadable(f"{path} is not a valid code snapshot: a path is both a file and a link.")
        if not all(_ID.fullmatch(digest) for digest, _, _ in files.values()):
            raise Unreadable(f"{path} is not a valid code snapshot: a file has no valid hash.")
        return found


def _folders_of(path: str) -> Iterator[str]:
    """Yield the parent folders of a path."""
    end = path.rfind("/")
    while end > 0:
        yield path[:end]
        end = path.rfind("/", 0, end)


def _stays_inside(path: str, text: str) -> bool:
    """Return whether a link at `path` of a snapshot with the target `text` stays in the snapshot.

    `..` is allowed only at the beginning: a name may be another link, after which `..` leads elsewhere.
    """
    words = text.split("/")
    ups = next((count for count, word in enumerate(words) if word != ".."), len(words))
    rest = "/".join(words[ups:])
    return bool(text) and ups <= path.count("/") and (rest in ("", ".") or is_safe(rest))


def store_folders(root: Path) -> tuple[Path, ...]:
    """Return the folders of stored code, which must be ours before anything is read or written there."""
    folder = root / CODE
    return folder, folder / "objects", folder / "manifests"


def take(key: EngineKey, script: Path | None = None) -> str:
    """Store the code of an engine's project durably, and return its hash.

    `script` is part of it even if git ignores it.

    Raises:
        InvalidInput: if it is too large, or the script is outside of it; then nothing is stored.
        Untrusted: if a folder of stored code is a link or belongs to another user.
        OSError: if it cannot be written.
    """
    root = key.root
    project = root.parent
    chosen = select(project)
    inner = path_inside(chosen.base, project) or ""
    if inner and not any(path.startswith(f"{inner}/") for path in chosen.files):
        chosen, inner = select(project, by_git=False), ""  # the repository ignores the project
    if script is not None:
        place = path_inside(chosen.base, script)
        if place is None:
            raise InvalidInput(
                f"The script {script} is outside of {chosen.base}, so its code cannot be stored. "
                "Set snapshot_code: false.",
                field="snapshot_code",
            )
        if place not in chosen.files:
            chosen.files.append(place)
    folder = root / CODE
    for made in store_folders(root):
        make_own_folder(key, made)
    tidy(folder, lambda name: name.startswith(STAGING) or is_temporary_file(name))
    tidy(folder / "manifests", is_temporary_file)
    with changing(root):
        manifest = _store(key, chosen, inner)
        data = manifest.dump()
        digest = hashlib.sha256(data).hexdigest()
        path = _manifest_path(root, digest)
        if path.exists():
            os.utime(path)  # so that it is not pruned before the batch that uses it is written
        else:
            write_atomic(path, data)
            sync_folder(folder)
            sync_folder(root)
    return digest


def changing(root: Path, *, shared: bool = True) -> AbstractContextManager[FileLock]:
    """Return the lock to hold while stored code is added; without `shared`, while it is removed.

    Raises (on entering):
        Busy: if another process removes or adds code for longer than a minute.
        OSError: if the folder of stored code is not writable.
    """
    return locked(root / CODE / ".lock", timeout=_LOCK_SECONDS, shared=shared)


def path_inside(base: Path, path: Path) -> str | None:
    """Return `path` relative to `base` with `/`, "" for `base` itself; None if it is outside."""
    for one, other in ((base, path), (Path(os.path.realpath(base)), Path(os.path.realpath(path)))):
        try:
            return "" if one == other else other.relative_to(one).as_posix()
        except ValueError:
            continue
    return None


def _store(key: EngineKey, chosen: CodeSelection, project: str) -> Manifest:
    folder = key.root / CODE
    seen = _seen(folder, chosen.base)
    files: dict[str, tuple[str, int, bool]] = {}
    links: dict[str, str] = {}
    left_out: dict[str, str] = {}
    known: dict[str, _Known] = {}
    new: set[str] = set()
    total = 0
    staging = folder / f"{STAGING}{maker_suffix()}"
    staging.mkdir(mode=0o700)
    try:
        for path in chosen.files:
            place = f"{chosen.base}/{path}"
            try:
                status = os.lstat(place)
            except OSError:
                continue  # deleted, but still in the index of git
            if stat.S_ISLNK(status.st_mode):
                text = link_text(chosen.base, path)
                if text is None:
                    left_out[path] = "it is a broken link"
                elif os.path.isabs(text):
                    left_out[path] = f"it is a link to {text}, outside of the project"
                else:
                    links[path] = text
                continue
            if stat.S_ISDIR(status.st_mode):
                continue
            if not stat.S_ISREG(status.st_mode):
                left_out[path] = "it is neither a file nor a link"
                continue
            if status.st_size > MAX_FILE_BYTES:
                left_out[path] = f"it is larger than {MAX_FILE_BYTES >> 20} MB"
                continue
            total += status.st_size
            if total > MAX_TOTAL_BYTES or len(files) >= MAX_FILES:
                raise InvalidInput(_too_much(chosen), field="snapshot_code")
            try:
                fact, mark = _content(folder, staging, place, status, seen.get(path), new)
            except (PermissionError, Unreadable):
                left_out[path] = "it cannot be read"
                continue
            except (FileNotFoundError, NotADirectoryError):
                continue  # just deleted
            files[path] = fact
            if mark is not None:
                known[path] = mark
        _place(key, staging, new)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    if known != seen:
        data = json.dumps({"base": str(chosen.base), "files": known}, ensure_ascii=False)
        with suppress(OSError):  # it is only a cache
            write_atomic(folder / SEEN, data.encode("utf-8", "backslashreplace"), durable=False)
    return Manifest(project, files, links, left_out, chosen.by_git)


def _content(
    folder: Path, staging: Path, place: str, status: os.stat_result, seen: _Known | None, new: set[str]
) -> tuple[tuple[str, int, bool], _Known | None]:
    """Return hash, size and mode of a file, and its cache entry; write new contents to `staging`."""
    executable = bool(status.st_mode & 0o100)
    mark = _mark(status)
    if seen is not None and seen[:4] == mark and os.path.exists(object_path(folder, seen[4])):
        return (seen[4], status.st_size, executable), seen
    began = time.time_ns()
    descriptor = open_to_read(place)
    with os.fdopen(descriptor, "rb") as stream:
        data = stream.read(MAX_FILE_BYTES + 1)[:MAX_FILE_BYTES]
        after = os.fstat(descriptor)
    digest = hashlib.sha256(data).hexdigest()
    if digest not in new and not os.path.exists(object_path(folder, digest)):
        write_new(staging / digest, data, durable=False, mode=0o600)
        new.add(digest)
    is_settled = _mark(after) == mark and max(mark[1], mark[2]) < began - _YOUNG_NS
    return (digest, len(data), executable), (*mark, digest) if is_settled else None


def _mark(status: os.stat_result) -> tuple[int, int, int, int]:
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino


def _place(key: EngineKey, staging: Path, new: set[str]) -> None:
    """Make new contents durable, then rename them to their final names."""
    if not new:
        return
    folder = key.root / CODE
    sync_files(staging, sorted(new))
    prefixes = {digest[:2] for digest in new}
    for prefix in prefixes:
        make_own_folder(key, folder / "objects" / prefix)
    for digest in new:
        os.replace(staging / digest, object_path(folder, digest))
    for prefix in prefixes:
        sync_folder(folder / "objects" / prefix)
    sync_folder(folder / "objects")


def _too_much(chosen: CodeSelection) -> str:
    sizes: dict[str, int] = {}
    for path in chosen.files:
        with suppress(OSError):
            size = os.lstat(f"{chosen.base}/{path}").st_size
            top = path.split("/")[0] + ("/" if "/" in path else "")
            sizes[top] = sizes.get(top, 0) + (size if size <= MAX_FILE_BYTES else 0)
    largest = sorted(sizes.items(), key=lambda item: -item[1])[:3]
    listed = ", ".join(f"{name} {size / 1e6:.0f} MB" for name, size in largest)
    return (
        f"The code of {chosen.base} is too large to be stored: more than {MAX_TOTAL_BYTES >> 20} MB or "
        f"{MAX_FILES} files (largest: {listed}). {_REMEDY}"
    )


def _seen(folder: Path, base: Path) -> dict[str, _Known]:
    with suppress(FileNotFoundError, Unreadable, msgspec.ValidationError, UnicodeEncodeError):
        value = read_json(folder / SEEN)
        if value.get("base") == str(base):
            return msgspec.convert(value.get("files"), dict[str, _Known])
    return {}


def load(root: Path, digest: str) -> Manifest:
    """Return the snapshot `digest` (64 hexadecimal digits).

    Raises:
        NotFound: if it is not stored here.
        Unreadable: if it is damaged.
        OSError: if it cannot be read now.
    """
    path = _manifest_path(root, digest)
    missing = NotFound(f"The code {digest[:12]!r} is not stored in {root / CODE}.")
    if not _ID.fullmatch(digest):
        raise missing
    try:
        data, _ = read_whole(path)
    except OSError as error:
        if error.errno not in _NOT_A_FILE:
            raise
        raise missing from None
    if hashlib.sha256(data).hexdigest() != digest:
        raise Unreadable(f"{path} is damaged because its content does not match its name.")
    return Manifest.parse(data, path)


def write_out(root: Path, manifest: Manifest, folder: Path) -> None:
    """Write the files and links of a snapshot to the empty folder `folder`, and nothing outside of it.

    Links to targets outside of the snapshot, which earlier releases stored, are skipped.

    Raises:
        Unreadable: if a content is missing or damaged.
        OSError: if it cannot be written.
    """
    made: set[str] = set()
    for path, (digest, size, executable) in manifest.files.items():
        parent = path.rpartition("/")[0]
        if parent not in made:
            (folder / parent).mkdir(mode=0o700, parents=True, exist_ok=True)
            made.add(parent)
        data = read_object(root, digest, path)
        if len(data) != size:
            raise Unreadable(f"The stored size of {path} is not that of its content.")
        write_new(folder / path, data, durable=False, mode=0o700 if executable else 0o600)
    for path, text in manifest.links.items():  # after the files, so that none is written through a link
        if not _stays_inside(path, text):
            continue
        (folder / path).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.symlink(text, folder / path)


def read_object(root: Path, digest: str, path: str) -> bytes:
    """Return the stored content `digest`, that of the file `path`.

    Raises:
        Unreadable: if it is missing or damaged.
        OSError: if it cannot be read now.
    """
    store = root / CODE
    damaged = Unreadable(f"The stored content of {path} is missing or damaged in {store / 'objects'}.")
    try:
        data, _ = read_whole(object_path(store, digest), most=MAX_FILE_BYTES, follow=False)
    except Unreadable:
        raise damaged from None
    except OSError as error:
        if error.errno not in _NOT_A_FILE:
            raise
        raise damaged from None
    if hashlib.sha256(data).hexdigest() != digest:
        raise damaged
    return data


def export(root: Path, digest: str, folder: Path) -> Path:
    """Write the snapshot `digest` to `folder`, which must be new or empty.

    Raises:
        NotFound, Unreadable: if the snapshot is missing or damaged.
        InvalidInput: if `folder` is not empty; nothing is written.
    """
    manifest = load(root, digest)
    if os.path.lexists(folder) and (folder.is_symlink() or not folder.is_dir() or any(folder.iterdir())):
        raise InvalidInput(f"{folder} is not empty. Choose a folder that does not exist yet.", field="folder")
    folder.mkdir(parents=True, exist_ok=True)
    write_out(root, manifest, folder)
    return folder


def object_path(store: Path, digest: str) -> str:
    """Return the path of the content `digest` in the folder `.code`."""
    return f"{store}/objects/{digest[:2]}/{digest[2:]}"


def _manifest_path(root: Path, digest: str) -> Path:
    return root / CODE / "manifests" / f"{digest}.json"
