"""The wheel in an environment without this checkout, for a test in a browser.

`python -m tests.packaging.installed FOLDER`, where FOLDER is called `oldest`, `newest` or `prerelease`: the
oldest of all that we say to work with (the lower bounds in pyproject.toml), the newest there is, or that with
the next JupyterLab and Notebook, which are not yet released. Writes one line of JSON
once a server of that environment answers: `url`, and the version of JupyterLab. When standard input ends, it
removes the package and looks for what is left. Nothing may be compiled, and there is no Node.js on the path.

`--prepare` only makes the environments `.venv-oldest` and `.venv-newest`, which are kept.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.engine.support import stop_everything
from tests.nodes import free_ports
from tests.packaging.test_distribution import build
from tests.support import ROOT

SCRIPT = """\
import argparse
import pyruns_jupyter as pyruns

parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.1)
lr = parser.parse_args().lr
for step in range(5):
    pyruns.track(step=step, loss=lr / (step + 1))
print("done with", lr)
"""
WORDS = {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}


class Installed:
    """An environment with the wheel in it.

    Args:
        kind: `oldest`, `newest` or `prerelease`.
        folder: where it works.
    """

    def __init__(self, kind: str, folder: Path) -> None:
        self.kind = kind
        self.folder = folder
        self.venv = ROOT / f".venv-{kind}"

    def prepare(self) -> None:
        """Make the environment, unless it is there with all it needs."""
        needs = (
            oldest_needs(self.python()) if self.kind == "oldest" else newest_needs(self.kind == "prerelease")
        )
        stamp = self.venv / ".needs"
        if stamp.exists() and stamp.read_text() == "\n".join(needs):
            return
        subprocess.run([self.python(), "-m", "venv", "--clear", "--without-pip", self.venv], check=True)
        install: list[str | Path] = ["bash", ROOT / "tools" / "install.sh", self.venv / "bin" / "python"]
        subprocess.run([*install, "--only-binary", ":all:", "pip", *needs], check=True)
        stamp.write_text("\n".join(needs))

    def python(self) -> str:
        """The oldest or the newest Python of this machine that we say to work with."""
        versions = range(10, 15) if self.kind == "oldest" else range(14, 9, -1)
        found = (shutil.which(f"python3.{version}") for version in versions)
        # One without `ensurepip` (a Debian package of its own) makes no environments.
        able = (path for path in found if path and _can(path, "import ensurepip, ctypes, sqlite3"))
        return next(able, sys.executable)

    def install_wheel(self) -> None:
        """Install the wheel alone; environments in the same folder share it."""
        if any("pyruns_jupyter" in name for name in self.packages()):
            self.uninstall()  # of an attempt that was killed
        self.before = self.files()
        dist = self.folder.parent / "dist"
        if not dist.exists():
            build(dist, "--wheel")
        [wheel] = dist.glob("*.whl")
        self.install(str(wheel))
        self.with_it = self.packages()

    def install(self, *needs: str) -> None:
        self.run("python", "-m", "pip", "install", "--quiet", "--only-binary", ":all:", *needs)

    def uninstall(self) -> None:
        self.run("python", "-m", "pip", "uninstall", "--yes", "pyruns_jupyter")

    def run(self, program: str, *words: str) -> str:
        """Return what a program of the environment prints; it has to succeed."""
        done = subprocess.run(
            [self.venv / "bin" / program, *words],
            cwd=self.folder,
            env=self.environment(),
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, f"{program} {words}: {done.stdout}{done.stderr}"
        return done.stdout + done.stderr

    def environment(self) -> dict[str, str]:
        """Nothing of ours but how packages are found here."""
        pip = {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "SSL_"))}
        paths = {"HOME": str(self.folder)}
        return {**pip, **WORDS, **paths, "PATH": f"{self.venv / 'bin'}:{WORDS['PATH']}"}

    def files(self) -> set[str]:
        """All files of the environment but compiled ones."""
        found = (path for path in self.venv.rglob("*") if path.is_file() or path.is_symlink())
        return {str(path.relative_to(self.venv)) for path in found if path.suffix != ".pyc"}

    def packages(self) -> set[str]:
        """Names and versions of what is installed; `pip freeze` would take a second."""
        return {path.name for path in self.venv.glob("lib/python*/site-packages/*.dist-info")}

    def check(self) -> str:
        """Check that installing was all it takes; return the version of JupyterLab."""
        self.run("python", "-m", "pip", "check")
        lab = self.run("jupyter", "labextension", "list")
        assert re.search(r"pyruns-jupyter v\S+ .*enabled.*OK", lab), lab
        server = self.run("jupyter", "server", "extension", "list")
        assert re.search(r"pyruns_jupyter .*enabled", server) and "pyruns_jupyter 0" in server, server
        assert "usage: jupyter pyruns" in self.run("jupyter", "pyruns", "--help")
        found = re.search(r"JupyterLab v(\S+)", lab)
        assert found
        return found[1]

    def check_removed(self) -> None:
        """Remove the package and check that it leaves nothing behind."""
        self.uninstall()
        left = {path for path in self.files() - self.before if "pyruns" in path.lower()}
        assert left == set(), left
        gone = self.with_it - self.packages()
        assert len(gone) == 1 and "pyruns_jupyter" in gone.pop()


def _can(python: str, text: str) -> bool:
    return subprocess.run([python, "-c", text], capture_output=True).returncode == 0


def lower_bounds() -> list[tuple[str, str]]:
    """What pyproject.toml says the package needs, JupyterLab last: name and lowest version."""
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    block = re.search(r"^dependencies = \[\n(.*?)^\]", text, re.MULTILINE | re.DOTALL)
    lab = re.search(r'^lab = \["(jupyterlab)>=([\d.]+)', text, re.MULTILINE)
    assert block and lab
    # Without those of other systems, which have a condition after a semicolon.
    return [*re.findall(r'"([\w-]+)>=([\d.]+)[^;"]*"', block[1]), (lab[1], lab[2])]


def oldest_needs(python: str) -> list[str]:
    """The lowest versions, and the Notebook of that JupyterLab.

    For a Python that is younger than they are, some were never compiled: then the oldest that was.
    """
    bounds = [*lower_bounds(), ("notebook", "7.2")]
    young = _can(python, "import sys; sys.exit(sys.version_info < (3, 12))")
    return [f"{name}{'>=' if young and name == 'pyyaml' else '=='}{version}" for name, version in bounds]


def newest_needs(prerelease: bool) -> list[str]:
    # A bound that is a pre-release allows the pre-releases of that package.
    lab = ["jupyterlab>=4.7.0a0", "notebook>=7.6.0a0"] if prerelease else ["jupyterlab", "notebook"]
    return [*(name for name, _ in lower_bounds() if name != "jupyterlab"), *lab]


def serve(installed: Installed) -> str:
    """Start JupyterLab on a project; return its address."""
    project = installed.folder / "project"
    project.mkdir()
    (project / "train.py").write_text(SCRIPT)
    [port] = free_ports(1)
    words = [
        "lab",
        "--allow-root",
        "--no-browser",
        "--IdentityProvider.token=ui-tests",
        f"--ServerApp.port={port}",
        "--ServerApp.port_retries=0",
        f"--ServerApp.root_dir={project}",
        "--LabApp.expose_app_in_browser=True",
    ]
    log = (installed.folder / "server.log").open("wb")
    subprocess.Popen(
        [installed.venv / "bin" / "jupyter", *words],
        env=installed.environment(),
        stdin=subprocess.DEVNULL,  # ours is not to become non-blocking
        stdout=log,
        stderr=log,
    )
    url = f"http://localhost:{port}"
    end = time.monotonic() + 150  # its first start compiles all modules
    while time.monotonic() < end:
        asked = urllib.request.Request(
            f"{url}/pyruns/api/status", headers={"Authorization": "token ui-tests"}
        )
        try:
            with urllib.request.urlopen(asked, timeout=5) as answer:
                assert answer.status == 200
                return url
        except OSError:
            time.sleep(0.25)
    raise TimeoutError((installed.folder / "server.log").read_text())


def main() -> None:
    """Serve until nobody needs it any more."""
    if sys.argv[1] == "--prepare":
        with ThreadPoolExecutor() as pool:  # each waits for processes of its own
            list(pool.map(lambda kind: Installed(kind, ROOT).prepare(), ("oldest", "newest")))
        return
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    installed = Installed(folder.name, folder)
    installed.prepare()
    installed.install_wheel()
    lab = installed.check()
    try:
        print(json.dumps({"url": serve(installed), "lab": lab}), flush=True)
        sys.stdin.read()
    finally:
        stop_everything(folder)
    installed.check_removed()


if __name__ == "__main__":
    main()
