"""Which files are the code of a project, and which lie beside it.

In a git repository: all of it, what is tracked and what is neither tracked nor ignored, of submodules too.
Elsewhere: the files below the project's folder whose names are those of code and configuration.
"""

from __future__ import annotations

import itertools
import os
from dataclasses import dataclass, field
from pathlib import Path

from pyruns_jupyter.core.fs.git import find_repository, run_git
from pyruns_jupyter.core.taskfile.paths import ROOT_NAME

MAX_FILES = 20_000
_GIT_SECONDS = 20.0
_MAX_OUTSIDE = 2_000
_MAX_DEPTH = 20
_MANY_ENTRIES = 5_000  # a folder with more holds data
_SUFFIXES = (
    *(".py", ".pyi", ".pyx", ".pxd", ".ipynb", ".yaml", ".yml", ".json", ".jsonc", ".json5", ".toml", ".ini"),
    *(".cfg", ".conf", ".txt", ".md", ".rst", ".sh", ".bash", ".fish", ".ps1", ".cmd", ".bat", ".c", ".cc"),
    *(".cpp", ".cxx", ".h", ".hh", ".hpp", ".cu", ".cuh", ".rs", ".go", ".jl", ".r", ".lua", ".sql", ".j2"),
    *(".jinja", ".jinja2", ".tmpl", ".proto", ".xml", ".gin", ".jsonnet", ".libsonnet", ".in", ".env", ".mk"),
    *(".cmake", ".awk", ".sed", ".pl", ".rb", ".js", ".ts", ".html", ".css"),
)
_NAMES = frozenset({"Makefile", "Dockerfile", "Snakefile", "Pipfile", "LICENSE"})
_NEVER = frozenset({ROOT_NAME, ".git", "__pycache__", ".ipynb_checkpoints"})
_NO_CODE = frozenset({"node_modules", "site-packages", ".venv", "venv"})


@dataclass
class CodeSelection:
    """Files of a project. Paths are relative to `base`, with `/`; folders in `outside` end in `/`.

    `files` are its code. `outside` is what lies among them and is no code (what git ignores, or data); it is
    `cut` when there is too much of it to be listed.
    """

    base: Path
    by_git: bool
    files: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)
    cut: bool = False


def select(project: Path, *, by_git: bool = True) -> CodeSelection:
    """Return the code of the project in the folder `project`, and what lies beside it."""
    repository = find_repository(project) if by_git else None
    if repository is not None:
        chosen = CodeSelection(repository.parent, True)
        if _ask_git(chosen, chosen.base, "", 0):
            chosen.files = sorted(set(chosen.files))
            chosen.outside = _bounded(chosen)
            return chosen
    chosen = CodeSelection(project, False)
    files, outside, chosen.cut = _walk(project, "", 0)
    chosen.files, chosen.outside = sorted(files), outside
    chosen.outside = _bounded(chosen)
    return chosen


def _bounded(chosen: CodeSelection) -> list[str]:
    kept = sorted(path for path in set(chosen.outside) if not _NEVER & set(path.split("/")))
    chosen.cut = chosen.cut or len(kept) > _MAX_OUTSIDE
    return kept[:_MAX_OUTSIDE]


def _ask_git(chosen: CodeSelection, repository: Path, prefix: str, depth: int) -> bool:
    """Add what a repository and those inside it hold; return whether git answered."""
    listed = run_git(
        repository, "ls-files", "-z", "--cached", "--others", "--exclude-standard", timeout=_GIT_SECONDS
    )
    if listed is None:
        return False
    ignored = run_git(
        repository,
        *("ls-files", "-z", "--others", "--ignored", "--exclude-standard", "--directory"),
        timeout=_GIT_SECONDS,
    )
    chosen.cut = chosen.cut or ignored is None
    chosen.outside += [prefix + path for path in (ignored or "").split("\0") if path]
    for path in listed.split("\0"):
        if not path or _NEVER & set(path.split("/")):
            continue
        inner = repository / path
        if not os.path.isdir(inner) or os.path.islink(inner):
            chosen.files.append(prefix + path)
        elif depth >= _MAX_DEPTH or not _ask_git(chosen, inner, f"{prefix}{path.rstrip('/')}/", depth + 1):
            # A submodule, or a repository inside this one, that git says nothing about.
            chosen.outside.append(f"{prefix}{path.rstrip('/')}/")
    return True


def _walk(folder: Path, prefix: str, depth: int) -> tuple[list[str], list[str], bool]:
    """Return code, what is beside it, and whether that is cut, of a folder; one without code is one thing."""
    files: list[str] = []
    outside: list[str] = []
    cut = False
    try:
        with os.scandir(folder) as found:
            entries = list(itertools.islice(found, _MANY_ENTRIES + 1))
    except OSError:
        return [], [], True
    if depth and len(entries) > _MANY_ENTRIES:
        return [], [], False
    for entry in sorted(entries, key=lambda entry: entry.name):
        name, path = entry.name, prefix + entry.name
        if name in _NEVER or name.endswith(".pyc"):
            continue
        if not entry.is_dir(follow_symlinks=False):
            is_code = name.lower().endswith(_SUFFIXES) or name in _NAMES
            (files if is_code or entry.is_symlink() else outside).append(path)
            continue
        inner: tuple[list[str], list[str], bool] = ([], [], False)
        if name[0] != "." and name not in _NO_CODE and depth < _MAX_DEPTH and not _is_environment(entry.path):
            inner = _walk(Path(entry.path), f"{path}/", depth + 1)
        if inner[0]:
            files += inner[0]
            outside += inner[1]
            cut = cut or inner[2]
        else:
            outside.append(f"{path}/")
    return files, outside, cut or len(entries) > _MANY_ENTRIES


def _is_environment(folder: str) -> bool:
    return any(os.path.exists(f"{folder}/{mark}") for mark in ("pyvenv.cfg", "conda-meta"))


def is_safe(path: str) -> bool:
    """Return whether a path that was read from disk stays inside the folder it is relative to."""
    parts = path.split("/")
    return bool(path) and "\0" not in path and not {"", ".", ".."} & set(parts) and os.sep in ("/", "\\")


def link_text(base: Path, path: str) -> str | None:
    """Return where a link of the project leads, so that it leads to the same in a copy of the project.

    Relative inside the project, absolute outside; None for one that leads nowhere.
    """
    place = base / path
    try:
        target = os.path.realpath(place, strict=True)
    except (OSError, ValueError):
        return None
    inside = os.path.realpath(base)
    if os.path.commonpath([inside, target]) != inside:
        return target
    return os.path.relpath(target, os.path.realpath(place.parent))
