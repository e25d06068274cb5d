"""Storing the code of a project: contents and lists of files, each once, by the SHA-256 of what is in it.

    .code/objects/<2>/<62>       the content of files
    .code/manifests/<64>.json    which files a snapshot has
    .code/seen.json              what unchanged files contained: they are not read again
    .code/.new-<maker>/          contents on their way into `objects`
    .code/.lock                  locked, shared, while code is stored; exclusively while some is removed

Everything is written beside its place, made durable, then renamed: what has its name is complete. What is
read counts only if it has the content that its name says, and no link is followed.
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
from typing import Any

import msgspec

from pyruns_jupyter.core.common.errors import InvalidInput, NotFound, Unreadable
from pyruns_jupyter.core.fs.atomic import (
    parse_json,
    read_json,
    read_whole,
    sync_files,
    sync_folder,
    write_atomic,
)
from pyruns_jupyter.core.fs.locks import FileLock, locked
from pyruns_jupyter.core.fs.temp_names import is_temporary_file, maker_suffix, tidy
from pyruns_jupyter.core.taskfile.paths import ROOT_NAME
from pyruns_jupyter.core.trust.engine_key import EngineKey, close_own

from .selection import MAX_FILES, CodeSelection, is_safe, link_text, select

CODE = ".code"
MAX_FILE_BYTES = 10 * 1024 * 1024
MAX_TOTAL_BYTES = 200 * 1024 * 1024
STAGING = ".new"
_ID = re.compile(r"[0-9a-f]{64}")
_LOCK_SECONDS = 60.0
_YOUNG_NS = 2_000_000_000  # a file changed so shortly before it was read may change again unseen
# Nothing is stored below these; a program that finds them where code was written out acts on what they hold.
_NEVER_CODE = frozenset({".git", ROOT_NAME})
# What a damaged or planted object is found by, unlike an error that passes.
_NOT_A_FILE = frozenset({errno.ENOENT, errno.ENOTDIR, errno.ELOOP, errno.EMLINK})
_WAY_OUT = "Name data in .gitignore or move it away, or set snapshot_code: false."


@dataclass(frozen=True)
class Manifest:
    """One snapshot. Paths are relative to what was stored, with `/`.

    `project` is where the folder that holds `_pyruns_` lies in it, empty when it is the whole. `files` maps a
    path to content hash, size in bytes and whether it can be executed; `links` a path to where it leads;
    `left_out` names what is code but was not stored, with the reason.
    """

    project: str
    files: dict[str, tuple[str, int, bool]]
    links: dict[str, str] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    by_git: bool = False

    def dump(self) -> bytes:
        """Return the snapshot as it is stored; the same snapshot is the same bytes."""
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
            Unreadable: when it is none.
        """
        value = parse_json(data, path)
        try:
            found = msgspec.convert(value, cls)
        except (msgspec.ValidationError, UnicodeEncodeError) as error:
            raise Unreadable(f"{path} does not describe stored code: {error}.") from error
        files, links = found.files, found.links
        if found.project and not is_safe(found.project):
            raise Unreadable(f"{path} names the folder {found.project!r}, which lies outside.")
        for name in (*files, *links):
            if not is_safe(name):
                raise Unreadable(f"{path} names {name!r}, which lies outside.")
            if not _NEVER_CODE.isdisjoint(name.lower().split("/")):
                raise Unreadable(f"{path} names {name!r}, which is not code.")
            if any(above in files or above in links for above in _folders_of(name)):
                raise Unreadable(f"{path} names {name!r}, which lies below a file or a link.")
        if not files.keys().isdisjoint(links):
            raise Unreadable(f"{path} names a file that is also a link.")
        if not all(_ID.fullmatch(digest) for digest, _, _ in files.values()):
            raise Unreadable(f"{path} does not describe stored code: a content has no hash.")
        return found


def _folders_of(path: str) -> Iterator[str]:
    """Yield the folders that a path goes through."""
    end = path.rfind("/")
    while end > 0:
        yield path[:end]
        end = path.rfind("/", 0, end)


def stayspath_inside(path: str, text: str) -> bool:
    """Return whether a link at `path` of a snapshot that leads to `text` leads to a place in the snapshot.

    Its `..` come first: what follows a name may be another link, from where `..` leads elsewhere.
    """
    words = text.split("/")
    ups = next((count for count, word in enumerate(words) if word != ".."), len(words))
    rest = "/".join(words[ups:])
    return bool(text) and ups <= path.count("/") and (rest in ("", ".") or is_safe(rest))


def store_folders(root: Path) -> tuple[Path, ...]:
    """Return the folders of stored code that have to be ours, before anything is read or written there."""
    folder = root / CODE
    return folder, folder / "objects", folder / "manifests"


def take(key: EngineKey, script: Path | None = None) -> str:
    """Store the code of the project of an engine, durably, and return its hash.

    `script` is part of it, whatever git ignores.

    Raises:
        InvalidInput: when it is too large, or the script does not lie in it; nothing counts then.
        Untrusted: when a folder of stored code is a link or belongs to another user.
        OSError: when it cannot be written.
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
                f"The script {script} lies outside of {chosen.base}, so its code cannot be stored. "
                "Set snapshot_code: false.",
                field="snapshot_code",
            )
        if place not in chosen.files:
            chosen.files.append(place)
    folder = root / CODE
    for made in store_folders(root):
        _make_folder(key, made)
    tidy(folder, lambda name: name.startswith(STAGING) or is_temporary_file(name))
    tidy(folder / "manifests", is_temporary_file)
    with changing(root):
        manifest = _store(key, chosen, inner)
        data = manifest.dump()
        digest = hashlib.sha256(data).hexdigest()
        path = _manifest_path(root, digest)
        if path.exists():
            os.utime(path)  # it is needed again, by a batch that is not written yet
        else:
            write_atomic(path, data)
            sync_folder(folder)
            sync_folder(root)
    return digest


def changing(root: Path, *, shared: bool = True) -> AbstractContextManager[FileLock]:
    """Return a context that stored code is added in; without `shared`, one that it is removed in.

    Raises (on entering):
        Busy: when another process removes or adds code for longer than a minute.
        OSError: when the folder of stored code cannot be written to.
    """
    return locked(root / CODE / ".lock", timeout=_LOCK_SECONDS, shared=shared)


def _make_folder(key: EngineKey, folder: Path) -> None:
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    close_own(key, folder)


def path_inside(base: Path, path: Path) -> str | None:
    """Return `path` relative to `base` with `/`, empty for `base` itself; None when it lies outside."""
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
    known: dict[str, list[Any]] = {}
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
                continue  # git still knows it, but it was deleted
            if stat.S_ISLNK(status.st_mode):
                text = link_text(chosen.base, path)
                if text is None:
                    left_out[path] = "it is a link that leads nowhere"
                    continue
                if os.path.isabs(text):
                    left_out[path] = f"it is a link that leads outside, to {text}"
                else:
                    links[path] = text
                continue
            if stat.S_ISDIR(status.st_mode):
                continue
            if not stat.S_ISREG(status.st_mode):
                left_out[path] = "it is neither file nor link"
                continue
            if status.st_size > MAX_FILE_BYTES:
                left_out[path] = f"it is larger than {MAX_FILE_BYTES >> 20} MB"
                continue
            total += status.st_size
            if total > MAX_TOTAL_BYTES or len(files) >= MAX_FILES:
                raise InvalidInput(_too_much(chosen), field="snapshot_code")
            try:
                fact, mark = _content(folder, staging, place, status, seen.get(path), new)
            except PermissionError:
                left_out[path] = "it may not be read"
                continue
            except (FileNotFoundError, NotADirectoryError):
                continue  # deleted at this moment
            files[path] = fact
            if mark is not None:
                known[path] = mark
        _place(key, staging, new)
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    if known != seen:
        _remember(folder, chosen.base, known)
    return Manifest(project, files, links, left_out, chosen.by_git)


def _content(
    folder: Path, staging: Path, place: str, status: os.stat_result, seen: list[Any] | None, new: set[str]
) -> tuple[tuple[str, int, bool], list[Any] | None]:
    """Return hash, size and mode of a file, and what to remember of it; put what is new into `staging`."""
    executable = bool(status.st_mode & 0o100)
    mark = [status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino]
    if seen is not None and seen[:4] == mark and os.path.exists(object_path(folder, seen[4])):
        return (seen[4], status.st_size, executable), seen
    began = time.time_ns()
    descriptor = os.open(place, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0))
    with os.fdopen(descriptor, "rb") as stream:
        data = stream.read(MAX_FILE_BYTES + 1)[:MAX_FILE_BYTES]
        after = os.fstat(descriptor)
    digest = hashlib.sha256(data).hexdigest()
    if digest not in new and not os.path.exists(object_path(folder, digest)):
        with open(os.open(staging / digest, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
            stream.write(data)
        new.add(digest)
    quiet = [after.st_size, after.st_mtime_ns, after.st_ctime_ns, after.st_ino] == mark
    quiet = quiet and max(mark[1], mark[2]) < began - _YOUNG_NS
    return (digest, len(data), executable), [*mark, digest] if quiet else None


def _place(key: EngineKey, staging: Path, new: set[str]) -> None:
    """Make new contents durable, then give them their names."""
    if not new:
        return
    folder = key.root / CODE
    sync_files(staging, sorted(new))
    prefixes = {digest[:2] for digest in new}
    for prefix in prefixes:
        _make_folder(key, folder / "objects" / prefix)
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
    told = ", ".join(f"{name} {size / 1e6:.0f} MB" for name, size in largest)
    return (
        f"The code of {chosen.base} is too much to be stored: more than {MAX_TOTAL_BYTES >> 20} MB or "
        f"{MAX_FILES} files (most of it: {told}). {_WAY_OUT}"
    )


def _seen(folder: Path, base: Path) -> dict[str, list[Any]]:
    try:
        value = read_json(folder / "seen.json")
    except (FileNotFoundError, Unreadable):
        return {}
    files = value.get("files")
    if value.get("base") != str(base) or not isinstance(files, dict):
        return {}
    return {
        path: mark
        for path, mark in files.items()
        if isinstance(mark, list) and len(mark) == 5 and isinstance(mark[4], str) and _ID.fullmatch(mark[4])
    }


def _remember(folder: Path, base: Path, known: dict[str, list[Any]]) -> None:
    data = json.dumps({"base": str(base), "files": known}, ensure_ascii=False)
    with suppress(OSError):  # it only saves time
        write_atomic(folder / "seen.json", data.encode("utf-8", "backslashreplace"), durable=False)


def load(root: Path, digest: str) -> Manifest:
    """Return the snapshot `digest` (64 hexadecimal digits).

    Raises:
        NotFound: when it is not stored here.
        Unreadable: when it is damaged.
        OSError: when it cannot be read at this moment.
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
        raise Unreadable(f"{path} is damaged: it does not hold what its name says.")
    return Manifest.parse(data, path)


def write_out(root: Path, manifest: Manifest, folder: Path) -> None:
    """Write files and links of a snapshot into the empty folder `folder`, and nothing outside of it.

    A link that leads out of the snapshot, as earlier releases stored them, is left out.

    Raises:
        Unreadable: when a content is missing or damaged.
        OSError: when it cannot be written.
    """
    made: set[str] = set()
    for path, (digest, size, executable) in manifest.files.items():
        parent = path.rpartition("/")[0]
        if parent not in made:
            (folder / parent).mkdir(mode=0o700, parents=True, exist_ok=True)
            made.add(parent)
        data = read_object(root, digest, path)
        if len(data) != size:
            raise Unreadable(f"The size of {path} in the stored code is not that of its content.")
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_NOFOLLOW", 0)
        with open(os.open(folder / path, flags, 0o700 if executable else 0o600), "wb") as stream:
            stream.write(data)
    for path, text in manifest.links.items():  # after the files, so that none is written through one
        if not stayspath_inside(path, text):
            continue
        (folder / path).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.symlink(text, folder / path)


def read_object(root: Path, digest: str, path: str) -> bytes:
    """Return the stored content `digest`, that of the file `path`.

    Raises:
        Unreadable: when it is missing or damaged.
        OSError: when it cannot be read at this moment.
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
    """Write the snapshot `digest` into `folder`, which is made and must not be there (or be empty).

    Raises:
        NotFound, Unreadable: when the snapshot is missing or damaged.
        InvalidInput: when something is in `folder` already; nothing is written.
    """
    manifest = load(root, digest)
    if os.path.lexists(folder) and (folder.is_symlink() or not folder.is_dir() or any(folder.iterdir())):
        raise InvalidInput(f"{folder} is not empty. Name a folder that is not there yet.", field="folder")
    folder.mkdir(parents=True, exist_ok=True)
    write_out(root, manifest, folder)
    return folder


def object_path(store: Path, digest: str) -> str:
    """Return where the content `digest` lies in the folder `.code`."""
    return f"{store}/objects/{digest[:2]}/{digest[2:]}"


def _manifest_path(root: Path, digest: str) -> Path:
    return root / CODE / "manifests" / f"{digest}.json"
