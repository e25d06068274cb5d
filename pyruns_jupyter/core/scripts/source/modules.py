"""The modules of a script's project, found and parsed, never run.

Only files of the project are read: those below the folder with a project marker (`pyproject.toml`,
`setup.py`, `.git`, ...), else below the script's folder; links that leave it are not followed. Imports are
resolved as in Python with the script's folder first on the path, then the project's folder and its `src`.
"""

from __future__ import annotations

import ast
import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pyruns_jupyter.core.common.errors import InvalidInput
from pyruns_jupyter.core.fs.boundary import PROJECT_FILES, REPOSITORY, marked_folder
from pyruns_jupyter.core.scripts.model import Problem

from .cache import Stamp, stamp
from .constants import Constants
from .files import (
    MAX_BYTES,
    Definition,
    Import,
    SourceFile,
    definitions_in,
    dotted_name,
    nodes_of,
    parsed_file,
    parsed_script,
    why_unreadable,
)
from .import_map import external_name

MAX_MODULES = 200
_MAX_BYTES_IN_ALL = 8 << 20
_STEPS = 400_000
_MAX_DEPTH = 40  # of names that stand for names
_PACKAGE_FOLDER = re.compile(r"python3\.(\d+)")


@dataclass(eq=False)
class Module:
    """One parsed file of a project. `path` is None for a script without a file; `name` is for messages."""

    project: Project = field(repr=False)
    path: Path | None
    name: str
    source: SourceFile = field(repr=False)
    main: bool = False
    installed: bool = False  # in the packages of the task's interpreter

    def __post_init__(self) -> None:
        self.constants = Constants(self)

    @property
    def tree(self) -> ast.Module:
        """The syntax tree."""
        return self.source.tree

    def place(self, line: int) -> str:
        """Return the location of `line` for a message: "line 3", or "conf.py, line 3" in another file."""
        return f"line {line}" if self.main else f"{self.name}, line {line}"

    def problem(self, message: str, line: int) -> Problem:
        """Return a problem at a line of this file; `message` has no full stop."""
        place = f"Line {line}" if self.main else self.place(line)
        return Problem(f"{place}: {message}.", line, "" if self.main else self.name)

    def resolve(self, name: str) -> tuple[Module, ast.AST] | None:
        """Return where a name (`Config`, `conf.Config`) is defined: its file and its node there.

        The node is a class, a function, an assigned expression, or the `ast.Module` of a module. None when
        the name is not found in a file of the project.
        """
        return self._resolve(name, 0)

    def find(self, node: ast.AST) -> tuple[Module, ast.AST] | None:
        """Return where the name that an expression is (`Config`, `conf.Config`) is defined; else None."""
        return self._resolve(dotted_name(node) or "", 0)

    def find_class(self, node: ast.expr) -> tuple[Module, ast.ClassDef] | None:
        """Return where a class is defined, in the project or in an installed package; else None."""
        found = self.find(node) or self.project.installed(external_name(self.tree, node))
        return (found[0], found[1]) if found is not None and isinstance(found[1], ast.ClassDef) else None

    def _resolve(self, name: str, depth: int) -> tuple[Module, ast.AST] | None:
        head, _, rest = name.partition(".")
        found = self._defined(head, depth)
        while found is not None and rest:
            head, _, rest = rest.partition(".")
            module, node = found
            found = module._member(node, head, depth)
        return found

    def _defined(self, name: str, depth: int) -> tuple[Module, ast.AST] | None:
        if depth > _MAX_DEPTH:
            return None
        definition = self.source.definitions.get(name)
        if definition is not None:
            return self._followed(definition, depth + 1)
        for star in self.source.stars:
            module = self.imported(star)
            found = module._defined(name, depth + 1) if module is not None and module is not self else None
            if found is not None:
                return found
        return None

    def _followed(self, definition: Definition, depth: int) -> tuple[Module, ast.AST] | None:
        if isinstance(definition, Import):
            module = self.imported(definition)
            if definition.name is None:
                return None if module is None else (module, module.tree)
            elsewhere = module is not None and module is not self  # `from . import name` in a package
            found = module._defined(definition.name, depth) if module is not None and elsewhere else None
            if found is not None:
                return found
            module = self.submodule(definition)
            return None if module is None else (module, module.tree)
        dotted = dotted_name(definition) if isinstance(definition, (ast.Name, ast.Attribute)) else None
        if dotted is not None:
            return self._resolve(dotted, depth) or (self, definition)
        return self, definition

    def _member(self, node: ast.AST, name: str, depth: int) -> tuple[Module, ast.AST] | None:
        if isinstance(node, ast.Module):
            found = self._defined(name, depth + 1)
            if found is not None or self.path is None or self.path.name != "__init__.py":
                return found
            module = self.project.module_in(self.path.parent, name)
            return None if module is None else (module, module.tree)
        if isinstance(node, ast.ClassDef):
            return self._in_class(node, name, depth)
        return None

    def _in_class(self, node: ast.ClassDef, name: str, depth: int) -> tuple[Module, ast.AST] | None:
        definition = definitions_in(node.body)[0].get(name)
        if definition is not None:
            return self._followed(definition, depth + 1)
        for base in node.bases if depth < _MAX_DEPTH else ():
            found = self._resolve(dotted_name(base) or "", depth + 1)
            if found is not None and isinstance(found[1], ast.ClassDef):
                inherited = found[0]._in_class(found[1], name, depth + 1)
                if inherited is not None:
                    return inherited
        return None

    def imported(self, item: Import) -> Module | None:
        """Return the file of the project that an import names (that of `from` for a name out of it)."""
        found = self.project.module(item.module, item.level, self)
        if found is None and item.full and self.project.module(item.full, 0, self) is not None:
            return self.project.namespace(item.module)
        return found

    def submodule(self, item: Import) -> Module | None:
        """Return the file that `from module import name` names when `name` is a module itself."""
        return self.project.module(f"{item.module}.{item.name}".lstrip("."), item.level, self)


class Project:
    """A script and the files of its project that it imports.

    Raises:
        InvalidInput: the source is not valid Python; with line, column and Python's message.
    """

    def __init__(
        self,
        script: Path | None,
        source: str | bytes,
        filename: str = "script",
        within: Path | None = None,
        root: Path | None = None,
        packages: tuple[Path, ...] = (),
    ) -> None:
        """Only files in `within` are read when it is set. `root` is the folder of the project, by default
        the nearest one with a project marker. `packages` are the folders of installed packages, which only
        `installed` reads.
        """
        self.packages = packages
        self.within = within
        self.consulted: dict[str, Stamp] = {}
        self.problems: list[Problem] = []
        self.notes: dict[str, Any] = {}  # results of readers
        self.steps = _STEPS  # remaining steps for evaluating expressions, in total
        self._modules: dict[str, Module] = {}
        self._places: dict[tuple[object, ...], Module | None] = {}  # what was found in a folder by a name
        self._refused: set[str] = set()
        self._bytes = 0
        self._literals: set[str] | None = None
        self.script = Path(os.path.abspath(script)) if script is not None else None
        if root is None and self.script is not None:
            root = project_folder(self.script)
        self.root = root
        bounds = [folder for folder in (self.root, within) if folder is not None]
        self._real_folders = [os.path.realpath(folder) for folder in bounds]
        if len(source) > MAX_BYTES:
            source = ""
            self.problems.append(
                Problem(
                    f"{filename} is not read because it is larger than {MAX_BYTES >> 20} MiB (line 1).", 1
                )
            )
        self.main = Module(self, self.script, filename, parsed_script(source, filename), main=True)
        self._modules[os.path.realpath(self.script) if self.script is not None else ""] = self.main

    def release(self) -> None:
        """Drop the syntax trees when everything is read: the results may be cached for long."""
        self.notes.clear()
        self._literals = None
        for module in self._modules.values():
            module.source = SourceFile(ast.Module([], []), {}, frozenset(), (), (), parses=False)
            module.constants = Constants(module)

    @property
    def folders(self) -> list[Path]:
        """The search path of absolute imports."""
        if self.script is None or self.root is None:
            return []
        return list(dict.fromkeys([self.script.parent, self.root, self.root / "src"]))

    def module(self, name: str, level: int, importer: Module) -> Module | None:
        """Return the project's file that `import name` in `importer` means; `level` counts leading dots."""
        parts = name.split(".") if name else []
        if not all(part.isidentifier() for part in parts):
            return None
        if level:
            if importer.path is None:
                return None
            folder = importer.path.parent
            for _ in range(level - 1):
                folder = folder.parent
            return self._at(folder, parts)
        for folder in (self.packages if importer.installed else self.folders) if parts else ():
            found = self._at(folder, parts)
            if found is not None:
                return found
        return None

    def installed(self, name: str) -> tuple[Module, ast.AST] | None:
        """Return where `name` (`package.module.Class`) is defined in an installed package; else None."""
        parts = name.split(".")
        for folder in self.packages if all(part.isidentifier() for part in parts) else ():
            for count in range(len(parts) - 1, 0, -1):
                module = self._at(folder, parts[:count])
                if module is not None:
                    return module.resolve(".".join(parts[count:]))
        return None

    def namespace(self, name: str) -> Module | None:
        """Return the namespace package `name`: a folder without `__init__.py`."""
        for folder in self.folders:
            if (folder / name).is_dir():
                path = folder / name / "__init__.py"
                known = self._modules.get(str(path))
                if known is None:
                    known = self._modules[str(path)] = Module(self, path, name, parsed_script("", name))
                return known
        return None

    def reached(self) -> Iterator[Module]:
        """Yield the script and every file of the project that it imports, directly or not."""
        waiting, seen = [self.main], {id(self.main)}
        while waiting:
            module = waiting.pop(0)
            yield module
            for item in module.source.imports:
                for found in (module.imported(item), module.submodule(item) if item.name else None):
                    if found is not None and id(found) not in seen:
                        seen.add(id(found))
                        waiting.append(found)

    @property
    def read_modules(self) -> list[Module]:
        """The files of the project that were read up to now."""
        return [module for module in self._modules.values() if not module.installed]

    def writes(self, text: str) -> bool:
        """Return whether a string is a literal in the files of the project."""
        if self._literals is None:
            self._literals = {
                node.value
                for module in self.reached()
                for node in nodes_of(module.tree)
                if isinstance(node, ast.Constant) and isinstance(node.value, str)
            }
        return text in self._literals

    def module_in(self, folder: Path, name: str) -> Module | None:
        """Return the module `name` in a folder of the project."""
        return self._at(folder, [name]) if name.isidentifier() else None

    def _at(self, folder: Path, parts: list[str]) -> Module | None:
        key = (folder, *parts)
        if key not in self._places:
            self._places[key] = self._found_at(folder, parts)
        return self._places[key]

    def _found_at(self, folder: Path, parts: list[str]) -> Module | None:
        place = folder.joinpath(*parts)
        candidates = [place / "__init__.py"]
        if parts:
            candidates.append(place.with_name(f"{place.name}.py"))
        for candidate in candidates:
            module = self._read(candidate)
            if module is not None:
                return module
        return None

    def _read(self, path: Path) -> Module | None:
        key = str(path)
        if key in self._refused:
            return None
        real = os.path.realpath(path)
        known = self._modules.get(real)
        if known is not None:
            return known
        home = next((folder for folder in self.packages if path.is_relative_to(folder)), None)
        if home is None and not all(Path(real).is_relative_to(folder) for folder in self._real_folders):
            self._refused.add(key)
            return None
        found = self.consulted[key] = stamp(key)
        if found is None:
            self._refused.add(key)
            return None
        base = home or (self.script.parent if self.script is not None else path.parent)
        shown = os.path.relpath(path, base)
        if len(self._modules) >= MAX_MODULES or self._bytes + found[1] > _MAX_BYTES_IN_ALL:
            self._left_out(key, f"{shown} is not read because the script imports too many files.")
            return None
        if found[1] > MAX_BYTES:
            self._left_out(key, f"{shown} is not read because it is larger than {MAX_BYTES >> 20} MiB.")
            return None
        try:
            source = parsed_file(key, found)
        except (OSError, SyntaxError, ValueError, RecursionError, MemoryError) as error:
            line = error.lineno if isinstance(error, SyntaxError) else None
            where = f", line {line}" if line else ""
            self._left_out(key, f"{shown} cannot be read as Python{where}: {why_unreadable(error)}.", shown)
            return None
        self._bytes += found[1]
        module = self._modules[real] = Module(self, path, shown, source, installed=home is not None)
        return module

    def _left_out(self, key: str, message: str, file: str = "") -> None:
        self.problems.append(Problem(message, 0, file))
        self._refused.add(key)


def project_folder(script: Path) -> Path:
    """Return the folder of the project that a script belongs to: the nearest one with a project marker."""
    return marked_folder(script.parent, (*PROJECT_FILES, *REPOSITORY)) or script.parent


def package_folders(python: str) -> tuple[Path, ...]:
    """Return the folders of the packages that an interpreter (or an environment) has, without running it.

    Nothing is known of one that is given by its name.
    """
    if os.sep not in python:
        return ()
    place = Path(os.path.abspath(os.path.expanduser(python)))  # a virtual environment's is a link
    prefixes = [place] if place.is_dir() else [place.parent.parent]
    found = [one for prefix in prefixes for one in prefix.glob("lib/python3*/site-packages")]
    found += [prefix / "Lib" / "site-packages" for prefix in prefixes]
    return tuple(one for one in found if one.is_dir())


def may_be_newer(python: str) -> bool:
    """Return whether an interpreter may accept newer syntax than this one, without running it.

    Its version is in the name of the folder of its packages; it is unknown if there is no such folder.
    """
    if not python or os.path.realpath(os.path.expanduser(python)) == os.path.realpath(sys.executable):
        return False
    found = [_PACKAGE_FOLDER.fullmatch(folder.parent.name) for folder in package_folders(python)]
    versions = [(3, int(one[1])) for one in found if one is not None]
    return not versions or max(versions) > sys.version_info[:2]


def relative_levels(tree: ast.Module) -> int:
    """Return how many folders above its own a file needs as packages: 0 when it can be run as a script.

    A relative import in a `try` may have an alternative, and a file may set `__package__` itself.
    """
    for statement in tree.body:
        if isinstance(statement, ast.Assign) and dotted_name(statement.targets[0]) == "__package__":
            return 0
    return max((one.level for one in tree.body if isinstance(one, ast.ImportFrom)), default=0)


def module_of(script: Path, levels: int = 1) -> tuple[Path, str]:
    """Return the folder and the name with which `python -m` starts a script.

    The folder is the closest one that is not a package, and at least `levels` above the script.

    Raises:
        InvalidInput: if the script cannot be started in this way.
    """
    folder, parts = script.parent, [script.stem]
    while folder != folder.parent and (len(parts) <= levels or (folder / "__init__.py").is_file()):
        parts.insert(0, folder.name)
        folder = folder.parent
    if len(parts) <= levels or not all(part.isidentifier() for part in parts):
        raise InvalidInput(
            f"{script} cannot be started as a module, because its path is not a Python name.", field="script"
        )
    return folder, ".".join(parts)
