"""Trees: stored code written to a folder, so that runs start from it instead of from the project.

    <state>/trees/<16>.<host>/      one tree, for one boot of a host: it need not survive a power failure
    <state>/trees/<16>.<host>.lock  locked, shared, by each run of the tree; exclusively to make or remove it
    .code/kept-<16>-<maker>/        files that runs wrote next to their code and that could not be moved

`state` belongs to the key of the engine (`trust.engine_key`) and is outside of the project: so no project
contains links of ours, and no tree comes with a clone or an archive. A run that cannot access the key, as on
a node of a cluster, gets a tree in a temporary folder of its own.

Other files of the project (ignored by git, data, too large ones) are accessible through links, so that
`Path(__file__).parent / "data"` is the same as in the project.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from pyruns_jupyter.core.common.errors import NotFound, Unreadable, Untrusted
from pyruns_jupyter.core.fs.git import find_repository
from pyruns_jupyter.core.fs.locks import FileLock, locked
from pyruns_jupyter.core.fs.temp_names import host_tag, is_left_over, maker_suffix, tidy
from pyruns_jupyter.core.trust.engine_key import EngineKey, check_own

from .results import keep_results, move_results
from .selection import is_safe, select
from .store import CODE, STAGING, Manifest, load, path_inside, store_folders, write_out
from .tree_folders import TREES

KEPT = "kept-"
_DIGITS = 16  # of the hash of its code in the name of a tree
_LOCK_SECONDS = 60.0  # while another process creates a large tree
_MADE = 946684800.0  # 2000-01-01: the time stamp of all files in a tree, to detect changed ones
_CUT = ".pyruns-cut"
_PYTHON_CACHES = ("__pycache__", ".pyc")


@dataclass(frozen=True)
class Tree:
    """Stored code as a folder. `project` is the path of the folder that contains `_pyruns_`.

    `base` is the real folder that `folder` replaces. `notes` are sentences about missing files.
    """

    digest: str
    folder: Path
    base: Path
    project: Path
    manifest: Manifest
    notes: tuple[str, ...] = ()

    def place_of(self, path: Path) -> Path | None:
        """Return the path of a file or folder of the project in the tree; None if it is not there."""
        inner = path_inside(self.base, path)
        place = None if inner is None else self.folder / inner
        return place if place is not None and place.exists() else None


@contextmanager
def use(root: Path, digest: str, key: EngineKey | None, say: Callable[[str], None]) -> Iterator[Tree]:
    """Hold the tree of the snapshot `digest` for a `with` block; it is created if it is missing.

    `root` is `_pyruns_` and `key` that of its engine. Without a key, or if the state folder is not writable,
    the tree is a temporary one of this block; `say` reports files that could not be moved from it.

    Raises:
        NotFound, Unreadable: if the snapshot is missing or damaged, or the project was moved.
        Untrusted: if a folder of stored code is not ours.
        Busy: if another process has been creating it for more than a minute.
        OSError: if it cannot be written.
    """
    if key is not None:
        check_own(key, *store_folders(root))
    manifest = load(root, digest)
    base = _base_of(root, manifest)
    if base is None:
        raise NotFound(
            f"In the stored code {digest[:12]}, the project is in the folder {manifest.project}, but "
            f"{root.parent} was moved. Queue the task again."
        )
    with ExitStack() as held:
        folder = None
        if key is not None:
            with suppress(OSError):
                folder = _shared(key, digest, manifest, base, held)
        if folder is None:
            folder = held.enter_context(_temporary(root, digest, manifest, base, say))
        inner = folder / manifest.project if manifest.project else folder
        yield Tree(digest, folder, base, inner, manifest, _notes(folder))


def _shared(key: EngineKey, digest: str, manifest: Manifest, base: Path, held: ExitStack) -> Path:
    """Return the tree that all runs of this code share; it is locked until `held` is closed."""
    trees = key.state / TREES
    trees.mkdir(mode=0o700, exist_ok=True)
    folder = trees / f"{digest[:_DIGITS]}.{host_tag()}"
    lock = FileLock(_lock_path(folder))
    while True:
        lock.acquire(timeout=_LOCK_SECONDS, shared=True)
        if folder.is_dir() and lock.is_at(lock.path):
            held.callback(lock.release)
            return folder
        lock.release()
        with locked(lock.path, timeout=_LOCK_SECONDS) as made:
            if made.is_at(lock.path) and not folder.is_dir():
                _lay_out(key.root, manifest, base, folder)


@contextmanager
def _temporary(
    root: Path, digest: str, manifest: Manifest, base: Path, say: Callable[[str], None]
) -> Iterator[Path]:
    """Create a tree for a `with` block, and remove it at the end."""
    folder = Path(tempfile.mkdtemp(prefix="pyruns-code-"))
    try:
        _fill(root, manifest, base, folder)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    try:
        yield folder
    finally:
        try:
            _save_results(root, folder, digest, manifest, say, ours=True)
            shutil.rmtree(folder, ignore_errors=True)
        except OSError as error:
            say(f"Could not delete the folder {folder} with stored code: {error}")


def _lock_path(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.lock")


def _base_of(root: Path, manifest: Manifest) -> Path | None:
    """Return the folder that a snapshot is relative to; None if the project was moved."""
    project = base = root.parent
    for _ in manifest.project.split("/") if manifest.project else ():
        base = base.parent
    try:
        return base if os.path.samefile(base / manifest.project, project) else None
    except OSError:
        return None


def _lay_out(root: Path, manifest: Manifest, base: Path, folder: Path) -> None:
    """Create a tree under a temporary name and rename it, so that it is complete (call under its lock)."""
    tidy(folder.parent, lambda name: name.startswith(STAGING))
    staging = folder.with_name(f"{STAGING}{maker_suffix()}")
    staging.mkdir(mode=0o700)
    try:
        _fill(root, manifest, base, staging)
        os.rename(staging, folder)
    except BaseException:
        shutil.rmtree(staging, ignore_errors=True)
        raise


def _fill(root: Path, manifest: Manifest, base: Path, folder: Path) -> None:
    write_out(root, manifest, folder)
    for path in manifest.files:
        os.utime(folder / path, (_MADE, _MADE))
    if manifest.project:
        (folder / manifest.project).mkdir(mode=0o700, parents=True, exist_ok=True)
    _link_the_rest(manifest, base, folder)


def _link_the_rest(manifest: Manifest, base: Path, folder: Path) -> None:
    """Link the other files of the project, so that the code finds them at the same relative paths."""
    chosen = select(base / manifest.project if manifest.project else base, by_git=manifest.by_git)
    inside = os.path.realpath(folder)
    for path in (*chosen.outside, *manifest.left_out):
        path = path.rstrip("/")
        place = folder / path
        if not is_safe(path) or not os.path.lexists(base / path):
            continue
        with suppress(OSError):  # its parent is not a folder, or the name is taken
            if Path(os.path.realpath(place.parent)).is_relative_to(inside):
                place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                os.symlink(base / path, place)
    if chosen.cut:
        (folder / _CUT).touch(mode=0o600)


def _notes(folder: Path) -> tuple[str, ...]:
    if (folder / _CUT).exists():
        return ("Some files other than code could not be linked. Access them through the working folder.",)
    return ()


def tidy_trees(key: EngineKey, needed: Callable[[], Collection[str]], say: Callable[[str], None]) -> None:
    """Remove the trees that no run uses and no queued task needs; `needed` returns the hashes of the latter.

    Files that runs wrote next to their code are moved to the same place in the project. Files that cannot be
    moved are kept in the folder of stored code, which `say` reports in a sentence.
    """
    trees = key.state / TREES
    try:
        names = [name for name in os.listdir(trees) if not name.endswith(".lock")]
        if names:
            check_own(key, *store_folders(key.root))
    except Untrusted as error:
        say(f"Folders with stored code are not deleted. {error.message}")
        return
    except OSError:
        return
    tidy(trees, lambda name: name.startswith(STAGING))
    kept = {wanted[:_DIGITS] for wanted in needed()} if names else set()
    for name in names:
        digest, _, place = name.partition(".")
        if not digest or name.startswith("."):
            continue
        ours = place == host_tag()
        if not ours and not is_left_over(trees / name):
            continue  # of another host, or of an earlier boot and not old
        lock = FileLock(_lock_path(trees / name))
        try:
            if not lock.try_acquire():
                continue
        except OSError:
            continue
        try:
            if digest not in kept:  # a task that was queued meanwhile creates it again
                _remove(key.root, trees / name, digest, say, ours=ours)
                lock.path.unlink()  # a process that waits for it detects that
        except OSError as error:
            say(f"Could not delete the folder {trees / name} with stored code: {error}")
        finally:
            lock.release()


def _remove(root: Path, folder: Path, digest: str, say: Callable[[str], None], *, ours: bool) -> None:
    _save_results(root, folder, digest, _manifest_of(root, digest), say, ours=ours)
    hidden = folder.with_name(f"{STAGING}{maker_suffix()}")  # renamed first: named trees are complete
    os.rename(folder, hidden)
    shutil.rmtree(hidden, ignore_errors=True)


def _manifest_of(root: Path, digest: str) -> Manifest | None:
    try:
        names = os.listdir(root / CODE / "manifests")
        found = [name.removesuffix(".json") for name in names if name.startswith(digest)]
        return load(root, found[0]) if len(found) == 1 else None
    except (OSError, NotFound, Unreadable):
        return None


def _save_results(
    root: Path,
    folder: Path,
    digest: str,
    manifest: Manifest | None,
    say: Callable[[str], None],
    *,
    ours: bool,
) -> None:
    """Move files that runs wrote next to their code in a tree to the project, and keep the others.

    They are moved only from a tree of this host and boot (`ours`), and only if the project was not moved.
    """
    new, changed = _written(manifest, folder)
    if not new and not changed:
        return
    base = _base_of(root, manifest) if ours and manifest is not None else None
    if base is not None and manifest is not None and manifest.project:
        repository = find_repository(root.parent)
        if repository is None or not os.path.samefile(repository.parent, base):
            base = None
    staging = root / CODE / f"{STAGING}{maker_suffix()}"
    try:
        links = keep_results(folder, [*new, *changed], staging)
        new = [path for path in new if os.path.lexists(staging / path)]  # FIFOs and the like are not results
        if base is not None and manifest is not None:
            moved = move_results(staging, new, base, manifest.project)
            new = [path for path in new if path not in moved]
        if new or changed:
            kept = root / CODE / f"{KEPT}{digest[:16]}{maker_suffix()}"
            os.rename(staging, kept)
            listed = _some([*new, *changed])
            say(f"Files that runs wrote next to their code were moved to {kept}: {listed}")
        if links and manifest is not None:
            say(f"Links that runs created next to their code were not kept: {_some(links)}")
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _some(paths: list[str]) -> str:
    return ", ".join(paths[:5]) + (f" and {len(paths) - 5} more" if len(paths) > 5 else "")


def _written(manifest: Manifest | None, folder: Path) -> tuple[list[str], list[str]]:
    """Return new files and folders that runs wrote in a tree, and the code that they changed.

    Without the list of its files, everything in the tree counts as new.
    """
    if manifest is None:
        return sorted({*os.listdir(folder)} - {_CUT, _PYTHON_CACHES[0]}), []
    holding = {"/".join(parts[:end]) for parts in _parts_of(manifest) for end in range(1, len(parts))}
    new: list[str] = []
    changed: list[str] = []
    for current, folders, files in os.walk(folder):
        inner = os.path.relpath(current, folder)
        inner = "" if inner == "." else f"{inner}/"
        for name in [*folders]:
            path = inner + name
            if name == _PYTHON_CACHES[0] or os.path.islink(f"{current}/{name}"):
                folders.remove(name)
            elif path not in holding:
                folders.remove(name)
                new.append(path)
        for name in files:
            path = inner + name
            place = f"{current}/{name}"
            if name.endswith(_PYTHON_CACHES[1]) or os.path.islink(place) or path == _CUT:
                continue
            if path not in manifest.files:
                new.append(path)
            elif os.stat(place).st_mtime != _MADE:
                changed.append(path)
    return new, changed


def _parts_of(manifest: Manifest) -> Iterator[list[str]]:
    for path in (*manifest.files, *manifest.links):
        yield path.split("/")
    yield [*manifest.project.split("/"), ""]
