"""Trees: stored code laid out again as a folder, so that runs start from it instead of from the project.

    .code/trees/<16>.<home>/       one tree; `home` is host and boot: a tree need not survive a power failure
    .code/trees/<16>.<home>.lock   locked, shared, by each run of the tree; exclusively to make or remove it
    .code/kept-<16>-<maker>/       a tree in which runs wrote what could not be moved to the project

What is in the project and no code (what git ignores, data, what was left out for its size) is reached through
links, so that `Path(__file__).parent / "data"` leads to the same as in the project.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from ..errors import Unreadable
from ..filelock import FileLock, locked
from ..makers import home, is_left_over, maker_suffix, tidy
from .selection import select
from .store import CODE, STAGING, Manifest, load, write_out

_LOCK_SECONDS = 60.0  # for somebody else to lay out a large tree
_MADE = 946684800.0  # 2000-01-01: the time stamp of every file in a tree, by which a changed one is known
_PYTHON_LEAVES = ("__pycache__", ".pyc")


@dataclass(frozen=True)
class Tree:
    """Stored code as a folder. `project` is the place of the folder that holds `_pyruns_`.

    `base` is the real folder that `folder` stands for. `notes` are sentences about what it lacks.
    """

    digest: str
    folder: Path
    base: Path
    project: Path
    manifest: Manifest
    notes: tuple[str, ...] = ()

    def place_of(self, path: Path) -> Path | None:
        """Return where a file or folder of the project lies in the tree; None when it does not."""
        for base, real in ((self.base, path), (_real(self.base), _real(path))):
            try:
                inner = real.relative_to(base)
            except ValueError:
                continue
            place = self.folder / inner
            return place if place.exists() else None
        return None


def has_trees(root: Path) -> bool:
    """Tell whether a tree may be there that could be removed; cheap."""
    try:
        return any(not name.endswith(".lock") for name in os.listdir(root / CODE / "trees"))
    except OSError:
        return False


@contextmanager
def use(root: Path, digest: str) -> Iterator[Tree]:
    """Hold the tree of the snapshot `digest` for a `with` block; it is laid out when it is not there.

    Raises:
        NotFound, Unreadable: when the snapshot is missing or damaged.
        Busy: when somebody else is laying it out for longer than a minute.
        OSError: when it cannot be written.
    """
    manifest = load(root, digest)
    trees = root / CODE / "trees"
    trees.mkdir(mode=0o700, exist_ok=True)
    folder = trees / f"{digest[:16]}.{home()}"
    lock_path = folder.with_name(f"{folder.name}.lock")
    project = root.parent
    base = project
    for _ in manifest.project.split("/") if manifest.project else ():
        base = base.parent
    lock = FileLock(lock_path)
    while True:
        lock.acquire(timeout=_LOCK_SECONDS, shared=True)
        if folder.is_dir():
            break
        lock.release()
        with locked(lock_path, timeout=_LOCK_SECONDS):
            if not folder.is_dir():
                _lay_out(root, manifest, base, folder)
    try:
        inner = folder / manifest.project if manifest.project else folder
        yield Tree(digest, folder, base, inner, manifest, _notes(folder))
    finally:
        lock.release()


def _lay_out(root: Path, manifest: Manifest, base: Path, folder: Path) -> None:
    """Make a tree beside its place and rename it, so that it is whole (call under its lock)."""
    tidy(folder.parent, lambda name: name.startswith(STAGING))
    staging = folder.with_name(f"{STAGING}{maker_suffix()}")
    staging.mkdir(mode=0o700)
    try:
        write_out(root, manifest, staging)
        for path in manifest.files:
            os.utime(staging / path, (_MADE, _MADE))
        if manifest.project:
            (staging / manifest.project).mkdir(mode=0o700, parents=True, exist_ok=True)
        _link_the_rest(manifest, base, staging)
        os.rename(staging, folder)
    except BaseException:
        shutil.rmtree(staging, ignore_errors=True)
        raise


def _link_the_rest(manifest: Manifest, base: Path, staging: Path) -> None:
    """Link what lies in the project and is no code, so that the code finds it where it was."""
    chosen = select(base / manifest.project if manifest.project else base, by_git=manifest.by_git)
    for path in (*chosen.outside, *manifest.left_out):
        path = path.rstrip("/")
        place = staging / path
        if path in manifest.files or path in manifest.links or not os.path.lexists(base / path):
            continue
        with suppress(OSError):  # its folder is none, or something of the name is there
            if os.path.realpath(place.parent).startswith(os.path.realpath(staging)):
                place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                os.symlink(base / path, place)
    if chosen.cut:
        (staging / ".pyruns-cut").touch(mode=0o600)


def _notes(folder: Path) -> tuple[str, ...]:
    if (folder / ".pyruns-cut").exists():
        return ("Not all files that are no code could be linked: reach them by the working folder.",)
    return ()


def tidy_trees(root: Path, needed: Callable[[], Collection[str]], say: Callable[[str], None]) -> None:
    """Remove the trees that no run uses and nothing that waits will use; `needed` tells the hashes of these.

    What runs wrote beside their code is moved to the same place in the project. What cannot be moved keeps
    its tree, which `say` is told in a sentence.
    """
    trees = root / CODE / "trees"
    try:
        names = [name for name in os.listdir(trees) if not name.endswith(".lock")]
    except OSError:
        return
    tidy(trees, lambda name: name.startswith(STAGING))
    for name in names:
        digest, _, place = name.partition(".")
        if not digest or name.startswith("."):
            continue
        if place != home() and not is_left_over(trees / name):
            continue  # of another host, or of an earlier boot and not old
        lock = FileLock(trees / f"{name}.lock")
        try:
            if not lock.try_acquire():
                continue
        except OSError:
            continue
        try:
            if not any(wanted.startswith(digest) for wanted in needed()):
                _remove(root, trees / name, digest, say)
        except OSError as error:
            say(f"The tree {trees / name} is kept: {error}")
        finally:
            lock.release()


def _remove(root: Path, folder: Path, digest: str, say: Callable[[str], None]) -> None:
    manifest = _manifest_of(root, digest)
    problems = ["its list of files is gone"] if manifest is None else _save_results(root, manifest, folder)
    if problems:
        kept = root / CODE / f"kept-{digest}{maker_suffix()}"
        os.rename(folder, kept)
        say(f"Files that runs wrote beside their code are kept in {kept}: {', '.join(problems[:5])}")
        return
    doomed = folder.with_name(f"{STAGING}{maker_suffix()}")  # renamed first: what has its name is whole
    os.rename(folder, doomed)
    shutil.rmtree(doomed, ignore_errors=True)


def _manifest_of(root: Path, digest: str) -> Manifest | None:
    try:
        names = os.listdir(root / CODE / "manifests")
        found = [name.removesuffix(".json") for name in names if name.startswith(digest)]
        return load(root, found[0]) if len(found) == 1 else None
    except (OSError, Unreadable):
        return None


def _save_results(root: Path, manifest: Manifest, folder: Path) -> list[str]:
    """Move what runs wrote beside their code to the project; return what had to stay."""
    base = root.parent
    for _ in manifest.project.split("/") if manifest.project else ():
        base = base.parent
    stay: list[str] = []
    for current, folders, files in os.walk(folder):
        inner = os.path.relpath(current, folder)
        inner = "" if inner == "." else f"{inner}/"
        for name in [*folders]:
            path = inner + name
            if name == _PYTHON_LEAVES[0] or os.path.islink(f"{current}/{name}"):
                folders.remove(name)
            elif not _holds_code(manifest, path):
                folders.remove(name)
                _rescue(base, folder, path, stay)
        for name in files:
            path = inner + name
            place = f"{current}/{name}"
            if name.endswith(_PYTHON_LEAVES[1]) or os.path.islink(place) or path == ".pyruns-cut":
                continue
            if path not in manifest.files:
                _rescue(base, folder, path, stay)
            elif os.stat(place).st_mtime != _MADE:
                stay.append(path)
    return stay


def _holds_code(manifest: Manifest, path: str) -> bool:
    inside = f"{path}/"
    return (
        any(name.startswith(inside) for name in manifest.files)
        or any(name.startswith(inside) for name in manifest.links)
        or f"{manifest.project}/".startswith(inside)
    )


def _rescue(base: Path, folder: Path, path: str, stay: list[str]) -> None:
    target = base / path
    if os.path.lexists(target) or not target.parent.is_dir():
        stay.append(path)
        return
    try:  # neither replaces what came to be there meanwhile
        if (folder / path).is_dir():
            os.rename(folder / path, target)
        else:
            os.link(folder / path, target)
            os.unlink(folder / path)
    except OSError:
        stay.append(path)


def _real(path: Path) -> Path:
    return Path(os.path.realpath(path))
