"""Static composition of a Hydra configuration from its YAML files and its config store.

Source of the rules: Hydra's documentation, "The Defaults List", "Packages" and "Config Groups".
"""

from __future__ import annotations

import os
import posixpath
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pyruns_jupyter.core.common.errors import PyrunsError
from pyruns_jupyter.core.fs.atomic import read_whole
from pyruns_jupyter.core.fs.boundary import is_inside
from pyruns_jupyter.core.scripts.types import Shape

from .files import ENDINGS, MISSING, DefaultsEntry, File, bare, entry_of, merge, read_file, wrapped

_MAX_FILES = 2000
_MAX_ENTRIES = 20_000
_MAX_BYTES = 1 << 20
_MAX_DEPTH = 40


@dataclass
class GroupChoice:
    """A group that the defaults lists choose from: `key` is its override key, `value` what is chosen."""

    key: str
    group: str
    value: Any
    optional: bool = False
    package: str = ""


@dataclass
class Composed:
    """A configuration with its choices; `problems` are sentences."""

    content: dict[str, Any] = field(default_factory=dict)
    choices: dict[str, GroupChoice] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    incomplete: bool = False
    helps: dict[str, str] = field(default_factory=dict)
    shapes: dict[str, Shape] = field(default_factory=dict)


class HydraTree:
    """The configurations below a folder and in the store, by their path without an ending (`model/vit`)."""

    def __init__(
        self,
        folder: Path | None,
        store: Mapping[str, File],
        name: str | None,
        boundaries: tuple[Path, ...] = (),
    ) -> None:
        """Only files inside all `boundaries`, after resolving links, are read."""
        self.folder = folder
        self._boundaries = boundaries
        self.store = dict(store)
        self.name = bare(name) if name else None
        self._files: dict[str, File | None] = {}
        self._composed: dict[tuple[tuple[str, str], ...], Composed] = {}
        self._names: dict[str, list[str]] | None = None
        self.problems: list[str] = []

    def composed(self, choices: Mapping[str, Any] | None = None) -> Composed:
        """Return the configuration for these group choices by override key; without any, the default."""
        key = tuple(sorted((name, repr(value)) for name, value in (choices or {}).items()))
        if key not in self._composed:
            if len(self._composed) > 256:
                self._composed.clear()
            self._composed[key] = _Composition(self, dict(choices or {})).run()
        return self._composed[key]

    def groups(self) -> dict[str, list[str]]:
        """Return the names of each group: those of its folder and of the store, in order."""
        if self._names is None:
            found: dict[str, set[str]] = {}
            for path in [*self._paths(), *self.store]:
                group, _, name = path.rpartition("/")
                if group:
                    found.setdefault(group, set()).add(name)
            self._names = {group: sorted(names) for group, names in sorted(found.items())}
        return self._names

    def file(self, path: str) -> File | None:
        """Return the configuration at a path; None when there is none."""
        path = posixpath.normpath(path)
        if path not in self._files:
            self._files[path] = self._read(path)
        return self._files[path]

    def _paths(self) -> Iterator[str]:
        if self.folder is None:
            return
        count = looked = 0
        for place, folders, files in os.walk(self.folder):
            looked += len(files) + len(folders)
            if looked > _MAX_ENTRIES:
                self.problems.append(f"{self.folder} contains too many entries. Some were not read")
                return
            folders[:] = sorted(name for name in folders if not name.startswith((".", "__")))
            if Path(place) == self.folder and self.folder.name not in ("conf", "config", "configs"):
                # The folder of the script contains many unrelated files.
                folders[:] = [name for name in folders if name not in _NO_GROUPS]
            for name in sorted(files):
                if name.endswith(ENDINGS) and not name.startswith("."):
                    count += 1
                    if count > _MAX_FILES:
                        self.problems.append(f"{self.folder} contains too many files. Some were not read")
                        return
                    relative = os.path.relpath(os.path.join(place, name), self.folder)
                    yield bare(relative.replace(os.sep, "/"))

    def _read(self, path: str) -> File | None:
        if self.folder is not None and ".." not in path.split("/"):
            for ending in ENDINGS:
                place = self.folder / f"{path}{ending}"
                try:
                    if not stat.S_ISREG(os.stat(place).st_mode):
                        continue
                    if not all(is_inside(place, boundary) for boundary in self._boundaries):
                        self.problems.append(f"{path}{ending} is outside the project and is not read")
                        return File((), {})
                    text = read_whole(place, most=_MAX_BYTES, follow=True)[0].decode("utf-8")
                    return read_file(text, f"{path}{ending}")
                except FileNotFoundError:
                    continue
                except (OSError, ValueError) as error:
                    self.problems.append(f"{path}{ending} cannot be read: {error}")
                    return File((), {})
                except PyrunsError as error:
                    self.problems.append(error.message.rstrip("."))
                    return File((), {})
        return self.store.get(path)


_NO_GROUPS = (
    *("outputs", "multirun", "_pyruns_", "node_modules", "data", "logs", "wandb", "venv", "build", "dist"),
)


@dataclass(frozen=True)
class _Place:
    """The location of a defaults list: the group of its configuration, and its package."""

    group: str
    package: str


class _Composition:
    """One composition of the defaults lists."""

    def __init__(self, tree: HydraTree, choices: dict[str, Any]) -> None:
        self.tree = tree
        self.asked = choices
        self.overrides: dict[str, Any] = {}
        self.result = Composed()
        self.around: list[File] = []  # the configurations whose defaults lists include this one

    def run(self) -> Composed:
        """Compose the configuration."""
        if self.tree.name is None:
            return self.result
        file = self.tree.file(self.tree.name)
        if file is None:
            self._problem(f"The configuration {self.tree.name} was not found")
            self.result.incomplete = True
            return self.result
        # `+group` is put at the end of the defaults list, as `+group=name` on the command line does.
        added = {key[1:]: value for key, value in self.asked.items() if key.startswith("+")}
        self.overrides = {key: value for key, value in self.asked.items() if not key.startswith("+")}
        extra = [
            DefaultsEntry(key.partition("@")[0], value, key.partition("@")[2] or None)
            for key, value in added.items()
        ]
        group = self.tree.name.rpartition("/")[0]
        parts = self._expanded(file, _Place(group, _package("", file.package, "")), self.tree.name, extra, 0)
        self.result.choices = dict(reversed(self.result.choices.items()))
        for key in self.overrides.keys() - self.result.choices.keys():
            if key.split("/")[0] != "hydra":
                self._problem(f"The group {key} is overridden, but no defaults list selects from it")
        for package, part in parts:
            merge(self.result.content, wrapped(package, part.content))
            prefix = f"{package}." if package else ""
            self.result.helps.update((f"{prefix}{key}", text) for key, text in part.helps.items())
            self.result.shapes.update((f"{prefix}{key}", shape) for key, shape in part.shapes.items())
        self.result.problems = list(dict.fromkeys([*self.result.problems, *self.tree.problems]))
        return self.result

    def _problem(self, message: str) -> None:
        self.result.problems.append(message)

    def _expanded(
        self, file: File, place: _Place, path: str, extra: list[DefaultsEntry], depth: int
    ) -> list[tuple[str, File]]:
        """Return the contents in the order in which they are merged, each with its package."""
        own = (place.package, file)
        entries = [entry for entry in map(entry_of, file.defaults) if entry is not None]
        if depth > _MAX_DEPTH or not (entries or extra):
            return [own]
        if any(file is one for one in self.around):
            self._problem(f"The defaults list of {path} includes itself")
            return []
        self.around.append(file)
        if not any(entry.group == "" and entry.value == "_self_" for entry in entries):
            entries.append(DefaultsEntry("", "_self_"))
        entries += extra
        for entry in entries:
            if entry.override:
                key = override_key(place, entry)
                self.overrides.setdefault(key, entry.value)
        parts: list[list[tuple[str, File]]] = []
        # From the end, as Hydra does: a later configuration may override the groups before it.
        for entry in reversed(entries):
            if entry.override:
                continue
            if entry.group == "" and entry.value == "_self_":
                parts.append([own])
            elif entry.group == "":
                parts.append(self._plain(entry, place, depth))
            else:
                parts.append(self._grouped(entry, place, depth))
        self.around.pop()
        return [item for part in reversed(parts) for item in part]

    def _plain(self, entry: DefaultsEntry, place: _Place, depth: int) -> list[tuple[str, File]]:
        name = bare(str(entry.value))
        absolute = name.startswith("/")
        name = name.lstrip("/")
        path = name if absolute or not place.group else f"{place.group}/{name}"
        relative = name.rpartition("/")[0].replace("/", ".")
        return self._loaded(path, entry, place, relative, depth)

    def _grouped(self, entry: DefaultsEntry, place: _Place, depth: int) -> list[tuple[str, File]]:
        key = override_key(place, entry)
        group = _absolute(place, entry.group)
        if group.split("/")[0] == "hydra":
            return self._hydra_part(entry, group)
        value = self.overrides.get(key, entry.value)
        package = _package(place.package, entry.package, _relative(entry.group))
        self.result.choices[key] = GroupChoice(key, group, value, entry.optional, package)
        if isinstance(value, str) and "${" in value:
            self._problem(f"The choice {value} in a defaults list could not be resolved")
            self.result.incomplete = True
            value = self.result.choices[key].value = None
        if value is None or value is False or value == MISSING:
            return []
        names = value if isinstance(value, list) else [value]
        parts: list[tuple[str, File]] = []
        for name in names:
            parts += self._loaded(f"{group}/{bare(str(name))}", entry, place, _relative(entry.group), depth)
        return parts

    def _hydra_part(self, entry: DefaultsEntry, group: str) -> list[tuple[str, File]]:
        if isinstance(entry.value, str):
            file = self.tree.file(f"{group}/{bare(entry.value)}")
            if file is not None:
                merge(self.result.content, wrapped(file.package or group.replace("/", "."), file.content))
        return []

    def _loaded(
        self, path: str, entry: DefaultsEntry, place: _Place, relative: str, depth: int
    ) -> list[tuple[str, File]]:
        file = self.tree.file(path)
        if file is None:
            if not entry.optional:
                self._problem(f"The configuration {path} was not found")
                self.result.incomplete = True
            return []
        package = _package(place.package, entry.package or file.package, relative)
        group = path.rpartition("/")[0]
        package = package.replace("_group_", group.replace("/", ".")).replace(
            "_name_", path.rpartition("/")[2]
        )
        return self._expanded(file, _Place(group, package), path, [], depth + 1)


def override_key(place: _Place, entry: DefaultsEntry) -> str:
    """Return the override key of a group: with its package when that differs from its name."""
    group = _absolute(place, entry.group)
    usual = group.replace("/", ".")
    package = _package(place.package, entry.package, _relative(entry.group))
    return group if package == usual else f"{group}@{package or '_global_'}"


def _absolute(place: _Place, group: str) -> str:
    if group.startswith("/"):
        return group[1:]
    return f"{place.group}/{group}" if place.group else group


def _relative(group: str) -> str:
    return group.lstrip("/").replace("/", ".")


def _package(parent: str, package: str | None, relative: str) -> str:
    """Return the full package of a configuration below `parent`."""
    if package is None:
        package = relative
    if package.startswith("_here_"):
        package = package[len("_here_") :].lstrip(".")
    full = package if not parent else f"{parent}.{package}" if package else parent
    at = full.rfind("_global_")
    return full[at + len("_global_") :].lstrip(".") if at >= 0 else full
