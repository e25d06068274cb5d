"""What is published: a wheel and a source archive that install without Node.js and say what is in them."""

from __future__ import annotations

import email
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from hashlib import sha256
from pathlib import Path

import pytest

from tests.support import ROOT

# The archive and the wheel are built twice, each in some ten seconds when nothing else runs.
pytestmark = pytest.mark.timeout(600)

VERSION = json.loads((ROOT / "package.json").read_text(encoding="utf-8"))["version"]
LAB = "share/jupyter/labextensions/pyruns-jupyter"
FREE = {"MIT", "ISC", "BSD-2-Clause", "BSD-3-Clause", "Apache-2.0", "0BSD"}
COMPILED = ("pyruns_jupyter/labextension", "pyruns_jupyter/static")
# Files that git ignores, such as a developer has in a checkout: they are not published.
IGNORED = (
    ".ipynb_checkpoints/notes.ipynb",
    ".venv/bin/python",
    "docs/_build/index.html",
    "examples/_pyruns_/tasks/mine/task.json",
    "junit.xml",
    "lib/index.js",
    "node_modules/left/index.js",
    "pyruns_jupyter/core/__pycache__/old.pyc",
)


def build(target: Path, *words: str) -> None:
    """Build from a copy of the sources as they are; there is no Node.js on the path.

    A build writes `_version.py` in place, and other tests import it meanwhile.
    """
    path = os.pathsep.join([str(Path(sys.executable).parent), "/usr/sbin", "/sbin"])
    with tempfile.TemporaryDirectory() as folder:
        copy_sources(Path(folder))
        command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(target), *words, folder]
        done = subprocess.run(command, env={**os.environ, "PATH": path}, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def copy_sources(target: Path) -> None:
    """Copy the files that git lists and those that were compiled, and add some that git ignores."""
    for name in git_files("--cached", "--others", "--exclude-standard"):
        if (ROOT / name).is_file():  # git also lists a file whose removal is not committed
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, target / name)
    for name in COMPILED:
        shutil.copytree(ROOT / name, target / name)
    for name in IGNORED:
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        (target / name).write_text("not for others\n", encoding="utf-8")


def git_files(*options: str) -> list[str]:
    if not (ROOT / ".git").exists():  # such as an unpacked source archive
        pytest.skip("only git knows which files are sources")
    listed = subprocess.run(["git", "ls-files", "-z", *options], cwd=ROOT, capture_output=True, check=True)
    return listed.stdout.decode().split("\0")[:-1]


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the source archive, and the wheel that was built from that archive alone."""
    target = tmp_path_factory.mktemp("dist")
    build(target)
    return target


@pytest.fixture(scope="module")
def wheel(dist: Path) -> zipfile.ZipFile:
    return zipfile.ZipFile(dist / f"pyruns_jupyter-{VERSION}-py3-none-any.whl")


def test_the_wheel_holds_what_runs_and_nothing_else(wheel: zipfile.ZipFile) -> None:
    names = wheel.namelist()
    parts = {name.split("/")[0] for name in names}
    info, data = f"pyruns_jupyter-{VERSION}.dist-info", f"pyruns_jupyter-{VERSION}.data"
    assert parts == {"pyruns_jupyter", "hydra_plugins", info, data}
    # Other distributions put plugins into this namespace package too.
    assert [name for name in names if name.startswith("hydra_plugins/")] == [
        "hydra_plugins/pyruns_launcher.py"
    ]
    suffixes = {Path(name).suffix for name in names if name.startswith("pyruns_jupyter/")}
    assert suffixes == {".py", ".typed", ".yaml", ".json", ".js", ".css", ".txt", ".sh", ".md"} & suffixes
    assert not [name for name in names if re.search(r"node_modules|\.tsx?$|\.map$|__tests__|\.pyc$", name)]
    for needed in (f"{LAB}/package.json", f"{LAB}/install.json", f"{LAB}/schemas/pyruns-jupyter/plugin.json"):
        assert f"{data}/data/{needed}" in names
    enabled = json.loads(wheel.read(f"{data}/data/etc/jupyter/jupyter_server_config.d/pyruns_jupyter.json"))
    assert enabled["ServerApp"]["jpserver_extensions"] == {"pyruns_jupyter": True}


def test_what_it_needs_is_what_the_project_says(wheel: zipfile.ZipFile) -> None:
    told = email.message_from_bytes(wheel.read(f"pyruns_jupyter-{VERSION}.dist-info/METADATA"))
    needs = [need for need in told.get_all("Requires-Dist") or () if "extra ==" not in need]
    # Apart from these, only what `jupyter_server` and `ipywidgets` bring along anyway.
    own = ("anywidget", "cloudpickle", "msgspec", "nvidia-ml-py", "psutil", "pywinpty", "pyyaml", "regex")
    jupyter = re.compile(r"(ipython|ipywidgets|jupyter|nbclient|nbformat|prometheus|tornado|traitlets)")
    assert sorted(need for need in needs if not jupyter.match(need)) == [
        next(need for need in needs if need.startswith(name)) for name in own
    ]
    assert told["License-Expression"] == "BSD-3-Clause"
    assert told["Requires-Python"] == ">=3.10"
    # Heavy things, and the browser's side of Jupyter, are extras.
    heavy = re.compile(r"(optuna|jupyterlab|notebook|pandas|numpy|torch|scikit)\b")
    assert not [need for need in needs if heavy.match(need.lower())]


def test_it_says_what_javascript_of_others_it_carries(wheel: zipfile.ZipFile) -> None:
    [name] = [name for name in wheel.namelist() if ".dist-info/sboms/" in name]
    bom = json.loads(wheel.read(name))
    assert (bom["bomFormat"], bom["specVersion"]) == ("CycloneDX", "1.6")
    found = {component["name"]: component for component in bom["components"]}
    lab = json.loads(wheel.read(f"pyruns_jupyter-{VERSION}.data/data/{LAB}/static/third-party-licenses.json"))
    assert {package["name"] for package in lab["packages"]} <= set(found)
    assert {"react", "@xterm/xterm", "d3-scale", "diff"} <= set(found)
    locked = (ROOT / "yarn.lock").read_text(encoding="utf-8")
    texts = wheel.read("pyruns_jupyter/static/THIRD-PARTY-LICENSES.txt").decode()
    for package, component in found.items():
        version, [licence] = component["version"], component["licenses"]
        assert f'resolution: "{package}@npm:{version}"' in locked
        assert licence["license"]["id"] in FREE, component
        assert f"\n{package} {version} (" in texts


def test_the_source_archive_is_what_is_under_version_control(dist: Path) -> None:
    with tarfile.open(dist / f"pyruns_jupyter-{VERSION}.tar.gz") as archive:
        names = {name.split("/", 1)[1] for name in archive.getnames()}
    built = re.compile(r"pyruns_jupyter/(labextension|static)/|pyruns_jupyter/_version.py$|PKG-INFO$")
    known = set(git_files("--cached", "--others", "--exclude-standard"))
    assert {name for name in names if not built.match(name)} - known == set()
    assert {"LICENSE", "README.md", "CHANGELOG.md", "src/index.ts", "yarn.lock"} <= names


def test_the_same_sources_give_the_same_bytes(dist: Path, tmp_path: Path) -> None:
    version = ROOT / "pyruns_jupyter/_version.py"
    written = version.stat().st_mtime_ns
    build(tmp_path, "--wheel", "--sdist")  # the wheel not from the archive
    assert version.stat().st_mtime_ns == written
    for path in dist.iterdir():  # digests: a difference of long bytes takes minutes to print
        digests = [sha256(file.read_bytes()).hexdigest() for file in (tmp_path / path.name, path)]
        assert digests[0] == digests[1], path.name
    assert len(list(dist.iterdir())) == 2


def test_the_changelog_knows_this_version() -> None:
    headings = re.findall(r"^## \[([^\]]+)\](.*)$", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert headings[0][0] in ("Unreleased", VERSION)
    versions = [version for version, _ in headings if version != "Unreleased"]
    number = re.compile(r"\d+\.\d+\.\d+((a|b|rc)\d+)?")
    assert all(number.fullmatch(version) for version in versions)
    assert number.fullmatch(VERSION)
