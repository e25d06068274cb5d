"""The code of a project, stored by content: what belongs to it, crashes, and getting it back."""

from __future__ import annotations

import hashlib
import json
import os
import random
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, suppress
from pathlib import Path

import pytest

from pyruns_jupyter.core.common.errors import Busy, InvalidInput, NotFound, Unreadable, Untrusted
from pyruns_jupyter.core.common.host_identity import STATE_VARIABLE
from pyruns_jupyter.core.provenance.snapshots import pruning, store, trees
from pyruns_jupyter.core.taskfile.paths import EnginePaths
from pyruns_jupyter.core.trust.engine_key import claim_engine
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
from tests.core.victims import Victims


def git(folder: Path, *words: str) -> str:
    identity = ("-c", "user.name=A", "-c", "user.email=a@b.c", "-c", "protocol.file.allow=always")
    command = ["git", "-C", str(folder), *identity, *words]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def take(root: Path, script: Path | None = None) -> str:
    return store.take(claim_engine(root), script)


def use(root: Path, digest: str) -> AbstractContextManager[trees.Tree]:
    return trees.use(root, digest, claim_engine(root), fail)


def fail(said: str) -> None:
    raise AssertionError(said)


def tidy_trees(root: Path, needed: Callable[[], list[str]], say: Callable[[str], None] = fail) -> None:
    trees.tidy_trees(claim_engine(root), needed, say)


def tree_folder(root: Path) -> Path:
    return claim_engine(root).state / "trees"


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
    return set(store.load(root, digest).files)


def test_without_git_code_is_stored_and_data_is_not(tmp_path: Path) -> None:
    root = project(tmp_path / "p", conf_in_a__yaml="a: 1\n", data_in_x__npy="1", x__bin="2")
    environment = tmp_path / "p" / "env"
    environment.mkdir()
    (environment / "pyvenv.cfg").touch()
    (environment / "code.py").touch()
    digest = take(root)
    assert paths(root, digest) == {"train.py", "conf/a.yaml"}
    with use(root, digest) as tree:
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
    digest = take(root, top / "ml" / "train.py")
    manifest = store.load(root, digest)
    assert set(manifest.files) == {".gitignore", "shared/tool.sh", "ml/train.py", "ml/new.py"}
    assert manifest.files["shared/tool.sh"][2] is True
    assert manifest.project == "ml"
    with use(root, digest) as tree:
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
    digest = take(root)
    assert paths(root, digest) == {".gitmodules", "train.py", "library/inner.py"}
    folder = store.export(root, digest, tmp_path / "out")
    assert (folder / "library" / "inner.py").read_text() == "changed = 1\n"


def test_a_project_that_its_repository_ignores_is_stored_all_the_same(tmp_path: Path) -> None:
    (tmp_path / ".gitignore").write_text("*\n")
    git(tmp_path, "init", "-q")
    root = project(tmp_path / "p", lib__py="")
    assert paths(root, take(root, tmp_path / "p" / "train.py")) == {"train.py", "lib.py"}


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
    digest = take(root)
    manifest = store.load(root, digest)
    assert manifest.links == {"inside.py": "lib/a.py", "absolute.py": "lib/a.py", "folder": "lib"}
    assert set(manifest.left_out) == {"away", "nowhere.py", "loop", "pipe.py"}
    with use(root, digest) as tree:
        assert (tree.folder / "absolute.py").resolve() == tree.folder / "lib" / "a.py"
        assert (tree.folder / "away").resolve() == outside
    copy = store.export(root, digest, tmp_path / "out")
    assert sorted(path.name for path in copy.iterdir() if path.is_symlink()) == [
        "absolute.py",
        "folder",
        "inside.py",
    ]


def test_what_is_too_large_is_left_out_or_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "MAX_FILE_BYTES", 1024 * 1024)
    root = project(tmp_path / "p", big__json="x" * (1024 * 1024 + 1), small__json="{}")
    manifest = store.load(root, take(root))
    assert set(manifest.files) == {"train.py", "small.json"}
    assert manifest.left_out == {"big.json": "it is larger than 1 MB"}
    monkeypatch.setattr(store, "MAX_TOTAL_BYTES", 5)
    with pytest.raises(InvalidInput, match=r"too large to be stored.*snapshot_code: false"):
        take(root)
    assert len(list((root / ".code" / "manifests").iterdir())) == 1


def test_a_script_outside_of_the_project_is_refused(tmp_path: Path) -> None:
    root = project(tmp_path / "p")
    with pytest.raises(InvalidInput, match="outside"):
        take(root, tmp_path / "other.py")


def test_unchanged_files_are_not_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = project(tmp_path / "p")
    script = tmp_path / "p" / "train.py"
    with monkeypatch.context() as patch:
        patch.setattr(store, "_YOUNG_NS", 10**12)  # however long it takes
        first = take(root)
    assert not (root / ".code" / "seen.json").exists()  # too young to be trusted
    # The time of the change of its content cannot be set back, so the test waits until it is old enough.
    time.sleep(2.1)
    assert take(root) == first
    seen = json.loads((root / ".code" / "seen.json").read_bytes())["files"]
    assert list(seen) == ["train.py"]
    # The same length and time stamp, but the time of the change (ctime) tells it.
    before = script.stat()
    script.write_text("print(2)\n")
    os.utime(script, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert take(root) != first
    (root / ".code" / "seen.json").write_text("{broken")
    script.write_text("print(1)\n")
    assert take(root) == first


def test_contents_are_private_and_stored_once(tmp_path: Path) -> None:
    root = project(tmp_path / "p", a__py="same\n", b__py="same\n")
    take(root)
    take(root)
    objects = [path for path in (root / ".code" / "objects").rglob("*") if path.is_file()]
    assert len(objects) == 2
    assert {path.stat().st_mode & 0o777 for path in objects} == {0o600}
    assert (root / ".code").stat().st_mode & 0o777 == 0o700


def test_damage_is_told_and_never_run(tmp_path: Path) -> None:
    root = project(tmp_path / "p")
    digest = take(root)
    content = store.load(root, digest).files["train.py"][0]
    place = Path(store.object_path(root / ".code", content))
    place.write_text("print(3)\n")
    with pytest.raises(Unreadable, match=r"train\.py is missing or damaged"), use(root, digest):
        pass
    place.unlink()
    with pytest.raises(Unreadable), use(root, digest):
        pass
    assert [path.name for path in tree_folder(root).iterdir() if path.is_dir()] == []
    assert take(root) == digest  # what was lost is stored again
    with use(root, digest) as tree:
        assert (tree.project / "train.py").read_text() == "print(1)\n"
    manifest = root / ".code" / "manifests" / f"{digest}.json"
    manifest.write_bytes(manifest.read_bytes().replace(b"train.py", b"../../x.py"))
    with pytest.raises(Unreadable, match="damaged"):
        store.load(root, digest)
    with pytest.raises(NotFound):
        store.load(root, "0" * 64)
    with pytest.raises(NotFound):
        store.load(root, "../../secret")


def test_a_manifest_cannot_lead_outside(tmp_path: Path) -> None:
    manifest = store.Manifest("", {"../x": ("0" * 64, 1, False)})
    with pytest.raises(Unreadable, match="outside"):
        store.Manifest.parse(manifest.dump(), tmp_path)


def plant(root: Path, files: dict[str, str], links: dict[str, str], project: str = "") -> str:
    """Store code as an archive may bring it, whatever it says; return its hash."""
    facts = {}
    for path, text in files.items():
        digest = hashlib.sha256(text.encode()).hexdigest()
        place = Path(store.object_path(root / ".code", digest))
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
        facts[path] = (digest, len(text), False)
    data = store.Manifest(project, facts, links).dump()
    digest = hashlib.sha256(data).hexdigest()
    place = root / ".code" / "manifests" / f"{digest}.json"
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(data)
    return digest


@pytest.mark.parametrize(
    ("files", "links"),
    [
        ({"a/.bash_profile": "evil"}, {"a": "{victim}"}),
        ({}, {"a": "{victim}", "a/.bash_profile": "/x"}),
        ({}, {"a": "{victim}", "a/b/.bash_profile": "/x"}),
        ({"a/.bash_profile": "evil"}, {"a": "../victim"}),
        ({"A/.bash_profile": "evil"}, {"a": "../victim"}),
        ({}, {"a": "b/../..", "b": "c", "c": "."}),
        ({"s/t/f": "x"}, {"s/x": "..", "e": "s/x/../victim"}),
        ({"s/t/f": "x"}, {"s/x": "../..", "s/t/y": "../../../victim"}),
        ({}, {"a": "/"}),
        ({}, {"a": ".."}),
        ({}, {"a": "./../victim"}),
        ({"a": "x", "a/b": "y"}, {}),
        ({"a": "x"}, {"a": "b"}),
        ({".git/config": "[core]\nfsmonitor = evil\n"}, {}),
        ({"lib/.GIT/config": "x"}, {}),
        ({"_pyruns_/train/tasks/x": "x"}, {}),
    ],
)
def test_nothing_of_a_snapshot_leads_out_of_its_folder(
    tmp_path: Path, files: dict[str, str], links: dict[str, str]
) -> None:
    root, victim = project(tmp_path / "p"), tmp_path / "victim"
    victim.mkdir()
    digest = plant(root, files, {path: text.format(victim=victim) for path, text in links.items()})
    out = tmp_path / "out"
    for write in (
        lambda: store.export(root, digest, out),
        lambda: use(root, digest).__enter__(),
    ):
        with suppress(Unreadable):
            write()
    assert os.listdir(victim) == []
    for current, folders, names in os.walk(out):
        assert not {".git", ".GIT", "_pyruns_"} & set(folders)
        for name in (*folders, *names):
            assert Path(current, name).resolve().is_relative_to(out)


def test_what_a_link_in_the_store_leads_to_is_not_read(tmp_path: Path) -> None:
    root = project(tmp_path / "p")
    digest = take(root)
    manifest = root / ".code" / "manifests" / f"{digest}.json"
    content = Path(store.object_path(root / ".code", store.load(root, digest).files["train.py"][0]))
    for place, error in ((content, Unreadable), (manifest, Unreadable)):
        place.rename(tmp_path / "elsewhere")
        place.symlink_to(tmp_path / "elsewhere")
        with pytest.raises(error):
            store.export(root, digest, tmp_path / "out" / place.name)
        place.unlink()
        os.mkfifo(place)  # reading it would wait for ever
        with pytest.raises(Unreadable):
            store.export(root, digest, tmp_path / "out" / f"{place.name}-fifo")
        place.unlink()
        (tmp_path / "elsewhere").rename(place)


@pytest.mark.parametrize("name", [".code", ".code/objects", ".code/manifests"])
def test_a_store_that_is_not_ours_is_not_used(tmp_path: Path, name: str) -> None:
    root = project(tmp_path / "p")
    digest = take(root)
    folder, elsewhere = root / name, tmp_path / "elsewhere"
    with use(root, digest) as tree:
        (tree.project / "result").touch()
    folder.chmod(0o770)
    said: list[str] = []
    with pytest.raises(Untrusted, match="chmod"), use(root, digest):
        pass
    tidy_trees(root, list, said.append)
    assert "chmod" in said[0]
    assert take(root) == digest  # queueing closes it to others
    assert folder.stat().st_mode & 0o777 == 0o700
    folder.rename(elsewhere)
    folder.symlink_to(elsewhere)
    before = sorted(elsewhere.rglob("*"))
    (tmp_path / "p" / "new.py").write_text("new")
    with pytest.raises(Untrusted, match="a symbolic link"):
        take(root)
    with pytest.raises(Untrusted), use(root, digest):
        pass
    tidy_trees(root, list, said.append)
    assert sorted(elsewhere.rglob("*")) == before
    assert (tree.project / "result").exists()


def test_contents_are_not_written_through_a_link(tmp_path: Path) -> None:
    root = project(tmp_path / "p")
    take(root)
    text = "new\n"
    prefix = root / ".code" / "objects" / hashlib.sha256(text.encode()).hexdigest()[:2]
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    prefix.symlink_to(elsewhere)
    (tmp_path / "p" / "new.py").write_text(text)
    with pytest.raises(Untrusted):
        take(root)
    assert os.listdir(elsewhere) == []


def test_names_that_are_no_text(tmp_path: Path) -> None:
    root = project(tmp_path / "p")
    odd = os.fsdecode(b"a\xff\nb.py")
    (tmp_path / "p" / odd).write_text("x\n")
    digest = take(root)
    assert odd in paths(root, digest)
    assert (store.export(root, digest, tmp_path / "out") / odd).read_text() == "x\n"


def test_export_replaces_nothing(tmp_path: Path) -> None:
    root = project(tmp_path / "p")
    digest = take(root)
    with pytest.raises(InvalidInput, match="not empty"):
        store.export(root, digest, tmp_path / "p")
    assert (store.export(root, digest, tmp_path / "out") / "train.py").is_file()


def test_trees_are_shared_and_go_when_nobody_needs_them(tmp_path: Path) -> None:
    root = project(tmp_path / "p")
    digest = take(root)
    said: list[str] = []
    with use(root, digest) as one:
        with use(root, digest) as two:
            assert one.folder == two.folder
        tidy_trees(root, list, said.append)
        assert one.folder.is_dir()  # in use
    tidy_trees(root, lambda: [digest], said.append)
    assert one.folder.is_dir()  # needed
    tidy_trees(root, list, said.append)
    assert not one.folder.exists()
    assert said == []


def test_what_runs_wrote_beside_their_code_is_not_lost(tmp_path: Path) -> None:
    root = project(tmp_path / "p", lib_in_a__py="a\n")
    base = tmp_path / "p"
    digest = take(root)
    said: list[str] = []
    with use(root, digest) as tree:
        (tree.project / "results").mkdir()
        (tree.project / "results" / "model.bin").write_text("weights")
        (tree.project / "lib" / "log.txt").write_text("log")
        (tree.project / "__pycache__").mkdir()
    tidy_trees(root, list, said.append)
    assert (base / "results" / "model.bin").read_text() == "weights"
    assert (base / "lib" / "log.txt").read_text() == "log"
    assert not (base / "__pycache__").exists()
    assert said == []
    assert not tree.folder.exists()
    with use(root, digest) as tree:  # now both exist in the project already
        (tree.project / "results").unlink()  # the link to it
        (tree.project / "results").mkdir()
        (tree.project / "results" / "model.bin").write_text("other weights")
    tidy_trees(root, list, said.append)
    assert (base / "results" / "model.bin").read_text() == "weights"
    (kept,) = (root / ".code").glob("kept-*")
    assert (kept / "results" / "model.bin").read_text() == "other weights"
    assert len(said) == 1
    assert str(kept) in said[0]


def in_repository(tmp_path: Path) -> Path:
    """A project inside a repository."""
    root = project(tmp_path / "home" / "repo" / "ml")
    git(tmp_path, "init", "-q", str(tmp_path / "home" / "repo"))
    return root


def all_files(folder: Path) -> dict[str, str]:
    return {str(path.relative_to(folder)): path.read_text() for path in folder.rglob("*") if path.is_file()}


def kept(root: Path) -> dict[str, str]:
    """What is kept of trees; nothing in it is a link."""
    found = {}
    for folder in (root / ".code").glob("kept-*"):
        assert not [path for path in folder.rglob("*") if path.is_symlink()]
        found.update(all_files(folder))
    return found


@pytest.fixture(params=["same file system", "another one"])
def state(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The state folder of the user, on the file system of the project or not."""
    folder = tmp_path / "state"
    if request.param == "another one":
        memory = Path("/dev/shm")
        if not os.access(memory, os.W_OK) or memory.stat().st_dev == tmp_path.stat().st_dev:
            pytest.skip("there is no other file system")
        folder = Path(tempfile.mkdtemp(dir=memory))
    monkeypatch.setenv(STATE_VARIABLE, str(folder))
    yield folder
    shutil.rmtree(folder)


@pytest.mark.usefixtures("state")
def test_results_go_to_their_places_and_replace_nothing(tmp_path: Path) -> None:
    root = in_repository(tmp_path)
    base, outside = tmp_path / "home" / "repo", tmp_path / "outside"
    outside.mkdir()
    (base / "lib" / "deep").mkdir(parents=True)
    (base / "lib" / "deep" / "code.py").touch()
    digest = take(root)
    written = {
        "ml/result.txt": "1",
        "ml/.hidden": "2",
        "ml/new/folder/.x": "3",
        "shared.txt": "4",
        ".bash_profile": "evil",
        ".config/x": "evil",
        "lib/deep/log.txt": "5",
        "ml/taken.txt": "6",
        "ml/taken/x": "7",
        "ml/_pyruns_/train/x": "8",
        ".git/hooks/post-commit": "evil",
    }
    with use(root, digest) as tree:
        for path, text in written.items():
            (tree.folder / path).parent.mkdir(parents=True, exist_ok=True)
            (tree.folder / path).write_text(text)
        os.chmod(tree.folder / "ml" / "result.txt", 0o750)
        (tree.folder / "ml" / "new" / "latest").symlink_to("folder")
        os.mkfifo(tree.folder / "ml" / "pipe")
        (tree.folder / "ml" / "train.py").write_text("print(2)\n")
        (base / "ml" / "taken.txt").write_text("mine")
        (base / "ml" / "taken").mkdir()
        shutil.rmtree(base / "lib" / "deep")
        (base / "lib" / "deep").symlink_to(outside)
    before = all_files(base / ".git")
    said: list[str] = []
    tidy_trees(root, list, said.append)
    moved = {path: (base / path).read_text() for path in written if (base / path).is_file()}
    wanted = ("ml/result.txt", "ml/.hidden", "ml/new/folder/.x", "shared.txt")
    assert moved == {path: written[path] for path in wanted} | {"ml/taken.txt": "mine"}
    assert (base / "ml" / "result.txt").stat().st_mode & 0o777 == 0o750
    assert kept(root) == {
        **{path: text for path, text in written.items() if path not in wanted},
        "ml/train.py": "print(2)\n",
    }
    assert os.listdir(outside) == []
    assert all_files(base / ".git") == before
    assert all(path.is_dir() or path.is_file() for path in (base / "ml").rglob("*"))
    assert not any(path.is_symlink() for path in (base / "ml").rglob("*"))
    assert said[0].endswith(" and 3 more")
    assert "ml/new/latest" in said[1]
    assert not tree.folder.exists()


def test_results_stay_when_the_project_lies_elsewhere(tmp_path: Path) -> None:
    """The folders above it are other ones now: nothing is put there."""
    root = in_repository(tmp_path)
    digest = take(root)
    with use(root, digest) as tree:
        (tree.folder / "shared.txt").write_text("1")
        (tree.project / "result.txt").write_text("2")
    (tmp_path / "home" / "other").mkdir()
    (tmp_path / "home" / "repo" / "ml").rename(tmp_path / "home" / "other" / "place")
    moved = tmp_path / "home" / "other" / "place" / "_pyruns_"
    before = all_files(tmp_path / "home")
    said: list[str] = []
    tidy_trees(moved, list, said.append)
    assert kept(moved) == {"shared.txt": "1", "ml/result.txt": "2"}
    assert {path for path in all_files(tmp_path / "home").keys() - before if "kept-" not in path} == set()
    assert len(said) == 1
    with pytest.raises(NotFound, match="Queue the task again"), use(moved, digest):
        pass


@pytest.mark.parametrize("files", [{}, {"train.py": "x"}])
def test_no_list_of_files_makes_folders_above_the_project_its_own(
    tmp_path: Path, files: dict[str, str]
) -> None:
    """`project` in it may say anything, as long as the names are right."""
    root = project(tmp_path / "home" / "x" / "y")
    claim_engine(root)
    digest = plant(root, files, {}, project="x/y")
    with use(root, digest) as tree:
        (tree.folder / "profile").write_text("evil")
        (tree.folder / ".bash_profile").write_text("evil")
    tidy_trees(root, list, lambda said: None)
    assert os.listdir(tmp_path / "home") == ["x"]
    assert kept(root) == {"profile": "evil", ".bash_profile": "evil"}


def test_trees_of_another_boot_are_kept_when_they_are_old(tmp_path: Path) -> None:
    root = project(tmp_path / "p")
    digest = take(root)
    with use(root, digest) as tree:
        (tree.project / "result.txt").write_text("1")
    other = tree.folder.with_name(f"{digest[:16]}.01234567")
    tree.folder.rename(other)
    tidy_trees(root, list)
    assert other.is_dir()  # it may be another host's
    os.utime(other, (1, 1))
    for path in other.iterdir():
        os.utime(path, (1, 1))
    said: list[str] = []
    tidy_trees(root, list, said.append)
    assert not (tmp_path / "p" / "result.txt").exists()
    assert kept(root)["result.txt"] == "1"
    assert not other.exists()
    assert len(said) == 1


def test_a_tree_without_its_list_is_kept(tmp_path: Path) -> None:
    root = project(tmp_path / "p", data_in_x__npy="1")
    digest = take(root)
    with use(root, digest) as tree:
        (tree.project / "result.txt").write_text("1")
    (root / ".code" / "manifests" / f"{digest}.json").unlink()
    said: list[str] = []
    tidy_trees(root, list, said.append)
    assert kept(root) == {"train.py": "print(1)\n", "result.txt": "1"}
    assert len(said) == 1


def test_a_run_without_the_key_has_a_tree_of_its_own(tmp_path: Path) -> None:
    """As on a node of a cluster that does not share the state folder."""
    root = project(tmp_path / "p", data_in_x__npy="1")
    digest = take(root)
    said: list[str] = []
    with trees.use(root, digest, None, said.append) as tree:
        assert (tree.project / "train.py").read_text() == "print(1)\n"
        assert (tree.project / "data" / "x.npy").read_text() == "1"
        assert not tree.folder.is_relative_to(tmp_path)
        assert tree.folder.stat().st_mode & 0o777 == 0o700
        (tree.project / "result.txt").write_text("2")
        (tree.project / "train.py").write_text("changed")
    assert (tmp_path / "p" / "result.txt").read_text() == "2"
    assert kept(root) == {"train.py": "changed"}
    assert not tree.folder.exists()
    assert len(said) == 1


def stored(root: Path) -> tuple[set[str], set[bytes]]:
    """The snapshots and the contents that are stored."""
    manifests = {path.stem for path in (root / ".code" / "manifests").iterdir()}
    return manifests, {path.read_bytes() for path in (root / ".code" / "objects").glob("??/*")}


def make_old(root: Path) -> None:
    for path in (root / ".code").rglob("*"):
        os.utime(path, (1, 1))


def test_what_nothing_needs_is_pruned(tmp_path: Path) -> None:
    root = project(tmp_path / "p", same__py="same\n")
    digests = {}
    for name in ("task", "trash", "batch", "damaged", "nobody", "again"):
        (tmp_path / "p" / "train.py").write_text(f"{name}\n")
        digests[name] = take(root)
    train, shell = WorkspaceFolder(root / "train"), WorkspaceFolder(root / "_shell_")
    places = {
        "task": train.paths("one").info,
        "trash": train.trash / "two" / "task_info.json",
        "batch": EnginePaths(root).batches / "1.json",
        "damaged": shell.paths("three").info,
    }
    for name, place in places.items():
        place.parent.mkdir(parents=True, exist_ok=True)
        end = "" if name == "damaged" else "}}"
        place.write_text(f'{{"sources": {{"1": {{"code": "{digests[name]}"}}{end}')
    key = claim_engine(root)
    assert pruning.find_unneeded(root).files == ()  # all of it is young
    make_old(root)
    assert pruning.find_unneeded(root).snapshots == 2
    assert take(root) == digests["again"]  # by a batch that is not written yet
    before = stored(root)
    assert pruning.find_unneeded(root).snapshots == 1
    assert stored(root) == before
    pruned = pruning.prune(key)
    assert (pruned.snapshots, len(pruned.files)) == (1, 2)
    wanted = set(digests) - {"nobody"}
    assert stored(root) == (
        {digests[name] for name in wanted},
        {b"same\n", *(f"{name}\n".encode() for name in wanted)},
    )
    assert pruning.prune(key).files == ()
    (tmp_path / "p" / "train.py").write_text("nobody\n")
    assert take(root) == digests["nobody"]
    with use(root, digests["nobody"]) as tree:
        assert (tree.project / "train.py").read_text() == "nobody\n"


def test_nothing_is_pruned_while_code_is_stored_or_a_task_cannot_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = project(tmp_path / "p")
    take(root)
    make_old(root)
    monkeypatch.setattr(store, "_LOCK_SECONDS", 0.1)
    key = claim_engine(root)
    before = stored(root)
    with store.changing(root), pytest.raises(Busy):
        pruning.prune(key)
    info = root / "train" / "tasks" / "one" / "task_info.json"
    info.parent.mkdir(parents=True)
    os.mkfifo(info)
    with pytest.raises(Unreadable):
        pruning.prune(key)
    assert stored(root) == before


STEPS = """
import sys
from pathlib import Path
from pyruns_jupyter.core.provenance.snapshots import pruning, store, trees
from pyruns_jupyter.core.trust.engine_key import claim_engine
root = Path(sys.argv[1])
key = claim_engine(root)
digest = store.take(key)
with trees.use(root, digest, key, print):
    pass
trees.tidy_trees(key, list, print)
"""


def test_kill_at_any_moment_leaves_nothing_that_looks_complete(tmp_path: Path) -> None:
    root = project(tmp_path / "p")
    base = tmp_path / "p"
    for number in range(150):
        (base / f"m{number}.py").write_text(f"x = {number}\n" * 20)
    chance = random.Random(7)
    left_over = attempt = 0
    with Victims(STEPS, root) as victims:
        while attempt < 40 or (not left_over and attempt < 300):  # until a kill hit the middle
            attempt += 1
            (base / "changed.py").write_text(f"{attempt}\n")
            victims.kill(chance.uniform(0, chance.choice((0.05, 0.1, max(0.4, attempt / 100)))))
            places = (root / ".code", tree_folder(root))
            left_over += sum(len(list(place.rglob(".new-*"))) for place in places)
            for manifest in (root / ".code" / "manifests").glob("[0-9a-f]*.json"):
                digest = manifest.stem
                for content, size, _ in store.load(root, digest).files.values():
                    assert Path(store.object_path(root / ".code", content)).stat().st_size == size
            for tree in tree_folder(root).glob("[0-9a-f]*"):
                if tree.is_dir():
                    assert len(list(tree.iterdir())) == 152
    digest = take(root)
    with use(root, digest) as whole:
        assert len(list(whole.folder.iterdir())) == 152
    tidy_trees(root, list, print)
    assert {path.name for path in (root / ".code").iterdir()} - {"seen.json", ".lock"} == {
        "objects",
        "manifests",
    }
    assert all(path.name.endswith(".lock") for path in tree_folder(root).iterdir())
    assert not list((root / ".code").rglob("*.tmp"))
    assert left_over, "no kill hit the middle: the test shows nothing"
