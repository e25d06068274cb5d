"""Selecting the files of a project that are its code.

In a git repository: all files that are tracked, or neither tracked nor ignored, including submodules.
Otherwise: the files below the project's folder with the names of code and configuration.
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
_MAX_ENTRIES = 5_000  # a folder with more contains data
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
    """Files of a project. Paths are relative to `base`, with `/`; folders in `outside` end with `/`.

    `files` are its code. `outside` are other files next to them (ignored by git, or data); it is `cut` if
    there are too many of them to list.
    """

    base: Path
    by_git: bool
    files: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)
    cut: bool = False


def select(project: Path, *, by_git: bool = True) -> CodeSelection:
    """Return the code of the project in the folder `project`, and other files next to it."""
    repository = find_repository(project) if by_git else None
    chosen = CodeSelection(project if repository is None else repository.parent, repository is not None)
    if repository is None or not _ask_git(chosen, chosen.base, "", 0):
        chosen = CodeSelection(project, False)
        chosen.files, chosen.outside, chosen.cut = _walk(project, "", 0)
    chosen.files = sorted(set(chosen.files))
    outside = sorted(path for path in set(chosen.outside) if not _NEVER & set(path.split("/")))
    chosen.cut = chosen.cut or len(outside) > _MAX_OUTSIDE
    chosen.outside = outside[:_MAX_OUTSIDE]
    return chosen


def _ask_git(chosen: CodeSelection, repository: Path, prefix: str, depth: int) -> bool:
    """Add the files of a repository and of those inside it; return whether git succeeded."""
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
            # A submodule, or a repository inside this one, for which git fails.
            chosen.outside.append(f"{prefix}{path.rstrip('/')}/")
    return True


def _walk(folder: Path, prefix: str, depth: int) -> tuple[list[str], list[str], bool]:
    """Return the code of a folder, other paths (a folder without code is one), and whether these are cut."""
    files: list[str] = []
    outside: list[str] = []
    cut = False
    try:
        with os.scandir(folder) as found:
            entries = list(itertools.islice(found, _MAX_ENTRIES + 1))
    except OSError:
        return [], [], True
    if depth and len(entries) > _MAX_ENTRIES:
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
    return files, outside, cut or len(entries) > _MAX_ENTRIES


def _is_environment(folder: str) -> bool:
    return any(os.path.exists(f"{folder}/{mark}") for mark in ("pyvenv.cfg", "conda-meta"))


def is_safe(path: str) -> bool:
    """Return whether a relative path that was read from disk does not leave its folder."""
    parts = path.split("/")
    return bool(path) and "\0" not in path and not {"", ".", ".."} & set(parts) and os.sep in ("/", "\\")


def link_text(base: Path, path: str) -> str | None:
    """Return the target of a link of the project, in a form that is valid in a copy of the project.

    Relative inside the project, absolute outside; None for a broken link.
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
