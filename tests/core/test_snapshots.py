"""The code of a project, stored by content: what belongs to it, crashes, and getting it back."""

from __future__ import annotations

import json
import os
import random
import subprocess
import time
from pathlib import Path

import pytest

from pyruns_jupyter.core import snapshots
from pyruns_jupyter.core.errors import InvalidInput, NotFound, Unreadable
from pyruns_jupyter.core.snapshots import store
from tests.core.victims import Victims


def git(folder: Path, *words: str) -> str:
    identity = ("-c", "user.name=A", "-c", "user.email=a@b.c", "-c", "protocol.file.allow=always")
    command = ["git", "-C", str(folder), *identity, *words]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def project(folder: Path, **files: str) -> Path:
    """A project with `_pyruns_`; return the latter."""
    root = folder / "_pyruns_"
    root.mkdir(parents=True)
    (root / ".gitignore").write_text("*\n")
    for name, text in {"train__py": "print(1)\n", **files}.items():
        path = folder / name.replace("__", ".").replace("_in_", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return root


def paths(root: Path, digest: str) -> set[str]:
    return set(snapshots.load(root, digest).files)


def test_without_git_code_is_stored_and_data_is_not(tmp_path: Path) -> None:
    root = project(tmp_path / "p", conf_in_a__yaml="a: 1\n", data_in_x__npy="1", x__bin="2")
    environment = tmp_path / "p" / "env"
    environment.mkdir()
    (environment / "pyvenv.cfg").touch()
    (environment / "code.py").touch()
    digest = snapshots.take(root)
    assert paths(root, digest) == {"train.py", "conf/a.yaml"}
    with snapshots.use(root, digest) as tree:
        assert (tree.project / "conf" / "a.yaml").read_text() == "a: 1\n"
        assert (tree.project / "data" / "x.npy").read_text() == "1"  # a link to the data
        assert (tree.project / "x.bin").is_symlink()


def test_in_a_repository_git_says_what_is_code(tmp_path: Path) -> None:
    top = tmp_path / "repo"
    root = project(top / "ml", lib__py="x = 1\n", secret__py="ignored\n")
    (top / "shared").mkdir()
    (top / "shared" / "tool.sh").write_text("#!/bin/sh\n")
    (top / "shared" / "tool.sh").chmod(0o755)
    (top / ".gitignore").write_text("secret.py\n/ml/data/\n")
    git(tmp_path, "init", "-q", str(top))
    git(top, "add", "-A")
    git(top, "commit", "-qm", "one")
    (top / "ml" / "new.py").write_text("untracked\n")
    (top / "ml" / "lib.py").unlink()
    (top / "ml" / "data").mkdir()
    digest = snapshots.take(root, top / "ml" / "train.py")
    manifest = snapshots.load(root, digest)
    assert set(manifest.files) == {".gitignore", "shared/tool.sh", "ml/train.py", "ml/new.py"}
    assert manifest.files["shared/tool.sh"][2] is True
    assert manifest.project == "ml"
    with snapshots.use(root, digest) as tree:
        assert tree.project == tree.folder / "ml"
        assert os.access(tree.folder / "shared" / "tool.sh", os.X_OK)
        assert (tree.project / "secret.py").read_text() == "ignored\n"
        assert (tree.project / "data").is_dir()
        assert tree.place_of(top / "ml" / "train.py") == tree.project / "train.py"
        assert tree.place_of(tmp_path) is None
    assert git(top, "status", "--porcelain").split() == ["D", "ml/lib.py", "??", "ml/new.py"]


def test_submodules_are_code_too(tmp_path: Path) -> None:
    library = tmp_path / "library"
    library.mkdir()
    git(library, "init", "-q")
    (library / "inner.py").write_text("y = 1\n")
    git(library, "add", "-A")
    git(library, "commit", "-qm", "one")
    root = project(tmp_path / "p")
    git(tmp_path / "p", "init", "-q")
    git(tmp_path / "p", "submodule", "--quiet", "add", str(library), "library")
    (tmp_path / "p" / "library" / "inner.py").write_text("changed = 1\n")
    digest = snapshots.take(root)
    assert paths(root, digest) == {".gitmodules", "train.py", "library/inner.py"}
    folder = snapshots.export(root, digest, tmp_path / "out")
    assert (folder / "library" / "inner.py").read_text() == "changed = 1\n"


def test_a_project_that_its_repository_ignores_is_stored_all_the_same(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("*\n")
    git(tmp_path, "init", "-q")
    root = project(tmp_path / "p", lib__py="")
    assert paths(root, snapshots.take(root, tmp_path / "p" / "train.py")) == {"train.py", "lib.py"}


def test_links_lead_to_the_same(tmp_path: Path) -> None:
    root = project(tmp_path / "p", lib_in_a__py="a\n")
    outside = tmp_path / "outside"
    outside.mkdir()
    base = tmp_path / "p"
    (base / "inside.py").symlink_to("lib/a.py")
    (base / "absolute.py").symlink_to(base / "lib" / "a.py")
    (base / "folder").symlink_to("lib")
    (base / "away").symlink_to(outside)
    (base / "nowhere.py").symlink_to("gone.py")
    (base / "loop").symlink_to("loop")
    os.mkfifo(base / "pipe.py")
    digest = snapshots.take(root)
    manifest = snapshots.load(root, digest)
    assert manifest.links == {
        "inside.py": "lib/a.py",
        "absolute.py": "lib/a.py",
        "folder": "lib",
        "away": str(outside),
    }
    assert set(manifest.left_out) == {"away", "nowhere.py", "loop", "pipe.py"}
    with snapshots.use(root, digest) as tree:
        assert (tree.folder / "absolute.py").resolve() == tree.folder / "lib" / "a.py"
        assert (tree.folder / "away").resolve() == outside


def test_what_is_too_large_is_left_out_or_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "MAX_FILE_BYTES", 1024 * 1024)
    root = project(tmp_path / "p", big__json="x" * (1024 * 1024 + 1), small__json="{}")
    manifest = snapshots.load(root, snapshots.take(root))
    assert set(manifest.files) == {"train.py", "small.json"}
    assert manifest.left_out == {"big.json": "it is larger than 1 MB"}
    monkeypatch.setattr(store, "MAX_TOTAL_BYTES", 5)
    with pytest.raises(InvalidInput, match=r"too much to be stored.*snapshot_code: false"):
        snapshots.take(root)
    assert len(list((root / ".code" / "manifests").iterdir())) == 1


def test_a_script_outside_of_the_project_is_refused(tmp_path: Path) -> None:
    root = project(tmp_path / "p")
    with pytest.raises(InvalidInput, match="outside"):
        snapshots.take(root, tmp_path / "other.py")


def test_unchanged_files_are_not_read_again(tmp_path: Path) -> None:
    root = project(tmp_path / "p")
    script = tmp_path / "p" / "train.py"
    first = snapshots.take(root)
    assert not (root / ".code" / "seen.json").exists()  # too young to be trusted
    # The time of the change of its content cannot be set back, so the test waits until it is old enough.
    time.sleep(2.1)
    assert snapshots.take(root) == first
    seen = json.loads((root / ".code" / "seen.json").read_bytes())["files"]
    assert list(seen) == ["train.py"]
    # The same length and time stamp, but the time of the change (ctime) tells it.
    before = script.stat()
    script.write_text("print(2)\n")
    os.utime(script, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert snapshots.take(root) != first
    (root / ".code" / "seen.json").write_text("{broken")
    script.write_text("print(1)\n")
    assert snapshots.take(root) == first


def test_contents_are_private_and_stored_once(tmp_path: Path) -> None:
    root = project(tmp_path / "p", a__py="same\n", b__py="same\n")
    snapshots.take(root)
    snapshots.take(root)
    objects = [path for path in (root / ".code" / "objects").rglob("*") if path.is_file()]
    assert len(objects) == 2
    assert {path.stat().st_mode & 0o777 for path in objects} == {0o600}
    assert (root / ".code").stat().st_mode & 0o777 == 0o700


def test_damage_is_told_and_never_run(tmp_path: Path) -> None:
    root = project(tmp_path / "p")
    digest = snapshots.take(root)
    content = snapshots.load(root, digest).files["train.py"][0]
    place = Path(store.object_path(root / ".code", content))
    place.write_text("print(3)\n")
    with pytest.raises(Unreadable, match=r"train\.py is missing or damaged"), snapshots.use(root, digest):
        pass
    place.unlink()
    with pytest.raises(Unreadable), snapshots.use(root, digest):
        pass
    assert [path.name for path in (root / ".code" / "trees").iterdir() if path.is_dir()] == []
    assert snapshots.take(root) == digest  # what was lost is stored again
    with snapshots.use(root, digest) as tree:
        assert (tree.project / "train.py").read_text() == "print(1)\n"
    manifest = root / ".code" / "manifests" / f"{digest}.json"
    manifest.write_bytes(manifest.read_bytes().replace(b"train.py", b"../../x.py"))
    with pytest.raises(Unreadable, match="damaged"):
        snapshots.load(root, digest)
    with pytest.raises(NotFound):
        snapshots.load(root, "0" * 64)
    with pytest.raises(NotFound):
        snapshots.load(root, "../../secret")


def test_a_manifest_cannot_lead_outside(tmp_path: Path) -> None:
    manifest = snapshots.Manifest("", {"../x": ("0" * 64, 1, False)})
    with pytest.raises(Unreadable, match="outside"):
        snapshots.Manifest.parse(manifest.dump(), tmp_path)


def test_names_that_are_no_text(tmp_path: Path) -> None:
    root = project(tmp_path / "p")
    odd = os.fsdecode(b"a\xff\nb.py")
    (tmp_path / "p" / odd).write_text("x\n")
    digest = snapshots.take(root)
    assert odd in paths(root, digest)
    assert (snapshots.export(root, digest, tmp_path / "out") / odd).read_text() == "x\n"


def test_export_replaces_nothing(tmp_path: Path) -> None:
    root = project(tmp_path / "p")
    digest = snapshots.take(root)
    with pytest.raises(InvalidInput, match="not empty"):
        snapshots.export(root, digest, tmp_path / "p")
    assert (snapshots.export(root, digest, tmp_path / "out") / "train.py").is_file()


def test_trees_are_shared_and_go_when_nobody_needs_them(tmp_path: Path) -> None:
    root = project(tmp_path / "p")
    digest = snapshots.take(root)
    said: list[str] = []
    with snapshots.use(root, digest) as one:
        with snapshots.use(root, digest) as two:
            assert one.folder == two.folder
        snapshots.tidy_trees(root, list, said.append)
        assert one.folder.is_dir()  # in use
    snapshots.tidy_trees(root, lambda: [digest], said.append)
    assert one.folder.is_dir()  # needed
    snapshots.tidy_trees(root, list, said.append)
    assert not one.folder.exists()
    assert said == []


def test_what_runs_wrote_beside_their_code_is_not_lost(tmp_path: Path) -> None:
    root = project(tmp_path / "p", lib_in_a__py="a\n")
    base = tmp_path / "p"
    digest = snapshots.take(root)
    said: list[str] = []
    with snapshots.use(root, digest) as tree:
        (tree.project / "results").mkdir()
        (tree.project / "results" / "model.bin").write_text("weights")
        (tree.project / "lib" / "log.txt").write_text("log")
        (tree.project / "__pycache__").mkdir()
    snapshots.tidy_trees(root, list, said.append)
    assert (base / "results" / "model.bin").read_text() == "weights"
    assert (base / "lib" / "log.txt").read_text() == "log"
    assert not (base / "__pycache__").exists()
    assert said == []
    assert not tree.folder.exists()
    with snapshots.use(root, digest) as tree:  # now both exist in the project already
        (tree.project / "results").unlink()  # the link to it
        (tree.project / "results").mkdir()
        (tree.project / "results" / "model.bin").write_text("other weights")
    snapshots.tidy_trees(root, list, said.append)
    assert (base / "results" / "model.bin").read_text() == "weights"
    (kept,) = (root / ".code").glob("kept-*")
    assert (kept / "results" / "model.bin").read_text() == "other weights"
    assert len(said) == 1
    assert str(kept) in said[0]


STEPS = """
import sys
from pathlib import Path
from pyruns_jupyter.core import snapshots
root = Path(sys.argv[1])
digest = snapshots.take(root)
with snapshots.use(root, digest):
    pass
snapshots.tidy_trees(root, list, print)
"""


def test_kill_at_any_moment_leaves_nothing_that_looks_complete(tmp_path: Path) -> None:
    root = project(tmp_path / "p")
    base = tmp_path / "p"
    for number in range(150):
        (base / f"m{number}.py").write_text(f"x = {number}\n" * 20)
    chance = random.Random(7)
    left_over = 0
    with Victims(STEPS, root) as victims:
        for attempt in range(40):
            (base / "changed.py").write_text(f"{attempt}\n")
            victims.kill(chance.uniform(0, 0.1))
            left_over += len(list((root / ".code").rglob(".new-*")))
            for manifest in (root / ".code" / "manifests").glob("[0-9a-f]*.json"):
                digest = manifest.stem
                for content, size, _ in snapshots.load(root, digest).files.values():
                    assert Path(store.object_path(root / ".code", content)).stat().st_size == size
            for tree in (root / ".code" / "trees").glob("[0-9a-f]*"):
                if tree.is_dir():
                    assert len(list(tree.iterdir())) == 152
    digest = snapshots.take(root)
    with snapshots.use(root, digest) as whole:
        assert len(list(whole.folder.iterdir())) == 152
    snapshots.tidy_trees(root, list, print)
    assert {path.name for path in (root / ".code").iterdir()} - {"seen.json"} == {
        "objects",
        "manifests",
        "trees",
    }
    assert all(path.name.endswith(".lock") for path in (root / ".code" / "trees").iterdir())
    assert not list((root / ".code").rglob("*.tmp"))
    assert left_over, "no kill hit the middle: the test shows nothing"
