"""What the demo loads besides JupyterLite: Pyodide, the packages for it, and the history of its projects.

The worker of the pages loads one archive with all that it needs. The kernel of a notebook loads the packages
that `pyodide-lock.json` lists, so nothing comes from another host.

usage: python tools/demo_site.py WHEELS FOLDER

WHEELS is a folder with the wheels for Pyodide (`make` fills it), FOLDER is made.
"""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DEMO = ROOT / "demo"
_SITE = "site.zip"
_LOCK = "pyodide-lock.json"
_PYODIDE = "pyodide"
_PYODIDE_FILES = ("pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm", _LOCK, "python_stdlib.zip")
_SCRIPTS = ("worker.mjs", "boot.mjs")
_LEFT_OUT = ("__pycache__", "labextension", "locale")
_VIEWS = "static"  # of widgets, which only the kernel needs
_WORKER_WHEEL = "msgspec-*.whl"
_KERNEL_WHEELS = Path(
    sys.prefix, "share/jupyter/labextensions/@jupyterlite/pyodide-kernel-extension/static/pypi"
)
_EARLY = """\
<script>
  globalThis.pyrunsDemoWorker = new Worker('../pyruns/worker.mjs', { type: 'module' });
  // It may fail before somebody listens.
  pyrunsDemoWorker.onerror = ({ message }) => {
    pyrunsDemoWorker.problem = message || 'worker.mjs cannot be loaded';
  };
</script>
"""
_OURS = "pyruns_jupyter"


def _package(folder: Path) -> Iterator[tuple[Path, str]]:
    """Yield the files of a package, and their names in `site-packages`."""
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder.parent)
        is_left_out = any(part in _LEFT_OUT for part in relative.parts)
        if path.is_file() and not is_left_out and path.suffix not in (".so", ".pyc"):
            yield path, str(relative)


def _folder_of(package: str) -> Path:
    found = importlib.util.find_spec(package)
    if found is None or found.origin is None:
        raise SystemExit(f"{package} is not installed. Run make env.")
    return Path(found.origin).parent


def write_packages(target: Path, *, views: bool, wheels: Iterable[Path] = ()) -> None:
    """Write an archive of our package, with or without its `views`, the stand-ins, PyYAML without its
    compiled part, and the content of `wheels`.
    """
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as site:
        for folder in (ROOT / _OURS, DEMO / "pyruns_demo", _folder_of("yaml")):
            for path, name in _package(folder):
                if views or _VIEWS not in Path(name).parts:
                    site.write(path, name)
        for path in sorted((DEMO / "standins").glob("*.py")):
            site.write(path, path.name)
        for wheel in wheels:
            with zipfile.ZipFile(wheel) as content:
                for name in content.namelist():
                    site.writestr(name, content.read(name))


def write_lock(pyodide: Path, wheels: Path) -> None:
    """Copy the packages of the kernel, and list them for Pyodide."""
    write_packages(pyodide / f"{_OURS}.zip", views=True)
    with zipfile.ZipFile(pyodide / f"{_OURS}.zip", "a") as ours:
        ours.write(pyodide.parent / "history.zip", "pyruns_demo/history.zip")
    for wheel in [*wheels.glob("*.whl"), *_KERNEL_WHEELS.glob("*.whl")]:
        shutil.copy(wheel, pyodide / wheel.name)
    lock = json.loads((pyodide / _LOCK).read_text(encoding="utf-8"))
    lock["packages"] = {}
    for path in sorted([*pyodide.glob("*.whl"), pyodide / f"{_OURS}.zip"]):
        name, _, version = path.stem.partition("-")
        name = name.lower().replace("_", "-")
        lock["packages"][name] = {
            "name": name,
            "version": version.partition("-")[0] or "0",
            "file_name": path.name,
            "install_dir": "site",
            "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            "package_type": "package",
            "imports": [],
            "depends": [],
            "unvendored_tests": False,
        }
    (pyodide / _LOCK).write_text(json.dumps(lock), encoding="utf-8")


def compile_packages(folder: Path) -> None:
    """Add the bytecode for the Python of Pyodide to the archive of the worker."""
    compiled = _run_node("ask.mjs", str(folder), str(DEMO / "compile_site.py"))
    (folder / _SITE).write_bytes(base64.b64decode(compiled))


def _run_node(script: str, *words: str) -> bytes:
    done = subprocess.run(["node", str(DEMO / script), *words], input=b"", capture_output=True, check=False)
    if done.returncode != 0:
        raise SystemExit(done.stderr.decode())
    return done.stdout


def write_history(target: Path) -> None:
    """Live through the history of the demo, and write it."""
    path = os.pathsep.join([str(DEMO), str(DEMO / "standins"), str(ROOT)])
    command = [sys.executable, "-m", "pyruns_demo.history", str(ROOT / "examples"), str(target)]
    done = subprocess.run(
        command, env={**os.environ, "PYTHONPATH": path}, stderr=subprocess.PIPE, text=True, check=False
    )
    if done.returncode != 0:
        raise SystemExit(done.stderr)


def write_python(folder: Path, wheels: Path) -> None:
    """Write what the worker needs: Pyodide, and the archive of the packages."""
    pyodide = folder / _PYODIDE
    pyodide.mkdir(parents=True)
    for name in _PYODIDE_FILES:
        shutil.copy(ROOT / "node_modules" / "pyodide" / name, pyodide / name)
    for name in _SCRIPTS:
        shutil.copy(DEMO / name, folder / name)
    write_packages(folder / _SITE, views=False, wheels=wheels.glob(_WORKER_WHEEL))


def start_early(page: Path) -> None:
    """Let the page of JupyterLite start the worker before it loads JupyterLab."""
    text = page.read_text(encoding="utf-8")
    page.write_text(text.replace("</head>", f"{_EARLY}</head>", 1), encoding="utf-8")


def main(words: list[str]) -> None:
    """Make the folder."""
    wheels, folder = map(Path, words)
    write_python(folder, wheels)
    compile_packages(folder)
    _run_node("snapshot.mjs", str(folder))
    write_history(folder / "history.zip")
    write_lock(folder / _PYODIDE, wheels)
    start_early(folder.parent / "lab" / "index.html")


if __name__ == "__main__":
    main(sys.argv[1:])
