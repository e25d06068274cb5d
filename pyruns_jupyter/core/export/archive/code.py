"""The files of a project that its script needs: the script and the modules that it imports from there."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from pyruns_jupyter.core.common.errors import Unreadable
from pyruns_jupyter.core.fs.atomic import read_whole
from pyruns_jupyter.core.taskfile.paths import ROOT_NAME

MAX_FILES, MAX_BYTES = 2000, 50 * 1024 * 1024
_MAX_SOURCE = 4 * 1024 * 1024  # bytes of one module


def script_files(script: Path) -> list[Path]:
    """Return the script and the modules next to or below it that it imports, directly or indirectly.

    They are found by parsing; nothing is imported. Links are not followed, and the search ends after a
    limited number of files.
    """
    project = script.parent
    found: dict[Path, None] = {script: None}
    waiting = [script]
    size = 0
    while waiting:
        path = waiting.pop()
        for name in _imported(path, project):
            for module in _files_of(project, name):
                if module in found:
                    continue
                size += module.stat().st_size
                if len(found) >= MAX_FILES or size > MAX_BYTES:
                    return list(found)
                found[module] = None
                waiting.append(module)
    return list(found)


def _imported(path: Path, project: Path) -> Iterator[str]:
    """Yield the dotted names that a source imports; relative ones are resolved from the project's folder."""
    try:
        tree = ast.parse(read_whole(path, most=_MAX_SOURCE, follow=True)[0])
    except (OSError, Unreadable, SyntaxError, ValueError, RecursionError, MemoryError):
        return
    package = list(path.relative_to(project).parts[:-1])
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield alias.name
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = [*base, *(node.module.split(".") if node.module else [])]
            if module:
                yield ".".join(module)
            for alias in node.names:
                yield ".".join([*module, alias.name])


def _files_of(project: Path, name: str) -> Iterator[Path]:
    """Yield the files of a module or package of the project."""
    parts = name.split(".")
    folder = project
    for part in parts:
        if not part.isidentifier() or part == ROOT_NAME:
            return
        source = folder / f"{part}.py"
        if source.is_file() and not source.is_symlink():
            yield source
        folder = folder / part
        if not folder.is_dir() or folder.is_symlink():
            return
        first = folder / "__init__.py"
        if first.is_file() and not first.is_symlink():
            yield first
