"""Environments of Python tasks: version and packages of interpreters, stored once by content.

    .engine/environments/<32 hex digits>.json    one environment: interpreter, packages, editable ones
    .engine/environments/interpreters.json       the environment of each interpreter, with time stamps to
                                                 detect changes

The slot `run_environments` of a run refers to an environment by its hash, `packages`.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from contextlib import suppress
from pathlib import Path
from typing import Any

from pyruns_jupyter.core.common.errors import NotFound, PyrunsError, Unreadable
from pyruns_jupyter.core.fs.atomic import dump_json, read_json, sync_folder, write_atomic
from pyruns_jupyter.core.fs.locks import locked
from pyruns_jupyter.core.taskfile.paths import EnginePaths

FOLDER = "environments"
_CACHE = "interpreters.json"
_DIGEST = re.compile(r"[0-9a-f]{32}")
_PROBE_SECONDS = 60.0
_MAX_INTERPRETERS = 100
# Run by the interpreter to be described, of any version; `-c` puts `""` first on the path. Its working folder
# must not be writable by others, since it imports modules before it can remove that entry.
_PROBE = """
import json, os, platform, sys
sys.path = [entry for entry in sys.path if entry]

def read(*paths):
    for path in paths:
        try:
            with open(path, encoding="utf-8", errors="replace") as file:
                return file.read()
        except OSError:
            pass
    return ""

def names(folder):
    try:
        return sorted(os.listdir(folder))
    except OSError:
        return []

packages, editable = {}, {}
# The module `importlib.metadata` would take half of the time.
for entry in sys.path:
    for folder in names(entry):
        if not (entry + "/" + folder).lower().endswith((".dist-info", ".egg-info", ".egg/egg-info")):
            continue
        folder = os.path.join(entry, folder)
        text = read(os.path.join(folder, "METADATA"), os.path.join(folder, "PKG-INFO"), folder)
        fields = dict(line.split(": ", 1) for line in text.split("\\n\\n", 1)[0].splitlines() if ": " in line)
        name, version = fields.get("Name", "").strip(), fields.get("Version", "").strip()
        if not name or name in packages:
            continue
        packages[name] = version
        try:
            origin = json.loads(read(os.path.join(folder, "direct_url.json")) or "{}")
            if origin.get("dir_info", {}).get("editable"):
                editable[name] = origin.get("url", "")
        except Exception:
            pass
fact = {
    "python": platform.python_version(),
    "implementation": platform.python_implementation(),
    "build": sys.version,
    "executable": sys.executable,
    "prefix": sys.prefix,
    "packages": packages,
    "editable": editable,
}
sys.stdout.buffer.write(json.dumps({"fact": fact, "path": sys.path}).encode())
"""


def known(root: Path, python: str) -> dict[str, Any]:
    """Return `{"python": <version>, "packages": <hash>}` of an interpreter, empty if unknown or outdated.

    Cheap: reads one file and the time stamps of the folders that the interpreter imports from.
    """
    try:
        entry = read_json(_folder(root) / _CACHE).get(python)
    except (OSError, Unreadable):
        return {}
    if not isinstance(entry, dict) or not isinstance(entry.get("fresh"), dict) or not entry["fresh"]:
        return {}
    if any(_mark(path) != mark for path, mark in entry["fresh"].items()):
        return {}
    digest, version = entry.get("packages"), entry.get("python")
    if not isinstance(digest, str) or not isinstance(version, str) or not _DIGEST.fullmatch(digest):
        return {}
    return {"python": version, "packages": digest}


def probe(root: Path, python: str, environment: dict[str, str]) -> str | None:
    """Determine and store the environment of an interpreter, and return its hash; None if that fails.

    `python` is an absolute path, `environment` that of its tasks. Takes as long as starting that Python.
    """
    import subprocess  # slow to import, and few processes probe

    folder = _folder(root)
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        done = subprocess.run(
            [python, "-c", _PROBE],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=_PROBE_SECONDS,
            check=True,
            cwd=os.sep,
            env={**environment, "PYTHONUTF8": "1"},
        )
        found = json.loads(done.stdout)
        fact, searched = found["fact"], [str(path) for path in found["path"]]
        digest = _store(folder, fact)
        _remember(folder, python, str(fact["python"]), digest, searched)
    except (PyrunsError, OSError, ValueError, KeyError, TypeError, subprocess.SubprocessError):
        return None
    return digest


def load(root: Path, digest: str) -> dict[str, Any]:
    """Return a stored environment: python, implementation, executable, prefix, packages, editable.

    Raises:
        NotFound: if it is not stored here.
        Unreadable: if it is damaged.
    """
    if not _DIGEST.fullmatch(digest):
        raise NotFound(f"No recorded environment has the digest {digest!r}.")
    try:
        return read_json(_folder(root) / f"{digest}.json")
    except FileNotFoundError:
        raise NotFound(f"The environment {digest!r} is not stored in {_folder(root)}.") from None


def _folder(root: Path) -> Path:
    return EnginePaths(root).folder / FOLDER


def _store(folder: Path, fact: dict[str, Any]) -> str:
    fact = {**fact, "packages": dict(sorted(fact["packages"].items(), key=lambda item: item[0].lower()))}
    data = dump_json(fact)
    digest = hashlib.sha256(data).hexdigest()[:32]
    path = folder / f"{digest}.json"
    if not path.exists():
        write_atomic(path, data)
        sync_folder(folder.parent)
    return digest


def _remember(folder: Path, python: str, version: str, digest: str, searched: list[str]) -> None:
    watched = [path for path in searched if _holds_packages(path)]
    watched.append(os.path.realpath(python))
    watched.append(str(Path(python).parent.parent / "pyvenv.cfg"))
    entry = {"python": version, "packages": digest, "fresh": {path: _mark(path) for path in watched}}
    with locked(folder / ".interpreters.lock", timeout=5.0):
        try:
            entries = read_json(folder / _CACHE)
        except (OSError, Unreadable):
            entries = {}
        entries.pop(python, None)
        while len(entries) >= _MAX_INTERPRETERS:
            del entries[next(iter(entries))]
        write_atomic(folder / _CACHE, dump_json({**entries, python: entry}), durable=False)


def _holds_packages(path: str) -> bool:
    """Return whether packages are installed in a folder, unlike in that of a project."""
    if os.path.basename(path) in ("site-packages", "dist-packages"):
        return True
    try:
        return any(name.endswith((".dist-info", ".egg-info")) for name in os.listdir(path))
    except OSError:
        return False


def _mark(path: str) -> int:
    """Return the time stamp (ns) of a file or folder, 0 if it does not exist."""
    with suppress(OSError, ValueError):
        return os.stat(path).st_mtime_ns
    return 0
