"""The classes and mappings that a script stores in Hydra's ConfigStore, read from its syntax tree."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING, Any

from pyruns_jupyter.core.scripts.model import Problems
from pyruns_jupyter.core.scripts.source.classfields import (
    NOTHING,
    ClassField,
    fields_of,
    given_values,
    is_config_class,
)
from pyruns_jupyter.core.scripts.source.files import nodes_of, text_of
from pyruns_jupyter.core.scripts.source.functions import (
    default_of,
    keywords,
    known_default,
    note_computed,
    shown,
)
from pyruns_jupyter.core.scripts.source.import_map import external_name, imported_names
from pyruns_jupyter.core.scripts.types import Shape

from .files import MISSING, File

if TYPE_CHECKING:
    from pyruns_jupyter.core.scripts.source.modules import Module, Project

_MAX_DEPTH = 10
_MAX_MODULES = 30


def stored(project: Project) -> tuple[dict[str, File], Problems]:
    """Return the stored configurations by path (`group/name`), and the problems."""
    found: dict[str, File] = {}
    problems = Problems()
    for module in _modules(project):
        for node in nodes_of(module.tree):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr == "store"
            ):
                if not _is_store(module, node.func.value):
                    continue
                entry = _entry(module, node, problems)
                if entry is not None:
                    found[entry[0]] = entry[1]
    return found, problems


def _modules(project: Project) -> Iterator[Module]:
    """Yield the script and the files of the project that it imports and that use the store."""
    seen = [project.main]
    for module in seen:
        for name in imported_names(module.tree):
            found = module.resolve(name)
            if found is not None and found[0] not in seen and len(seen) < _MAX_MODULES:
                seen.append(found[0])
    yield from (module for module in seen if "ConfigStore" in str(imported_names(module.tree)))


def _is_store(module: Module, node: ast.expr) -> bool:
    if isinstance(node, ast.Call):
        return external_name(module.tree, node.func).endswith("ConfigStore.instance")
    if isinstance(node, ast.Name):
        for statement in nodes_of(module.tree):
            if isinstance(statement, ast.Assign) and text_of(statement.targets[0]) == node.id:
                return _is_store(module, statement.value)
        found = module.resolve(node.id)
        return found is not None and isinstance(found[1], ast.Call) and _is_store(found[0], found[1])
    return False


def _entry(module: Module, call: ast.Call, problems: Problems) -> tuple[str, File] | None:
    words = keywords(call)
    words.update(zip(("name", "node", "group", "package", "provider"), call.args, strict=False))
    name, group = (module.constants.text(words.get(key)) for key in ("name", "group"))
    if not name or "node" not in words:
        problems.add(module, "The name of a stored configuration is computed. It is not listed", call.lineno)
        return None
    file = stored_file(module, words["node"], problems, module.constants.text(words.get("package")) or None)
    name = name.removesuffix(".yaml")
    return None if file is None else (f"{group}/{name}" if group else name, file)


def stored_file(
    module: Module, node: ast.expr, problems: Problems, package: str | None = None
) -> File | None:
    """Return the configuration that a class, an instance or a mapping defines; None when it is unknown."""
    shapes: dict[str, Shape] = {}
    helps: dict[str, str] = {}
    content = _content(module, node, problems, shapes, helps)
    if content is None:
        return None
    defaults = content.pop("defaults", [])
    return File(tuple(defaults) if isinstance(defaults, list) else (), content, package, helps, shapes)


def _content(
    module: Module, node: ast.expr, problems: Problems, shapes: dict[str, Shape], helps: dict[str, str]
) -> dict[str, Any] | None:
    """Return the mapping that a node of the store defines."""
    found: tuple[Module, ast.AST] | None = module, node
    if isinstance(node, (ast.Name, ast.Attribute)):
        found = module.find(node)
    if found is not None:
        home, target = found
        given: dict[str, ast.expr] = {}
        if isinstance(target, ast.Call):
            made = home.find(target.func)
            if made is not None and isinstance(made[1], ast.ClassDef):
                given = given_values(*made, target)
                return _of_class(*made, given, home, problems, shapes, helps, "", 0)
        if isinstance(target, ast.ClassDef) and is_config_class(home, target):
            return _of_class(home, target, {}, home, problems, shapes, helps, "", 0)
        if isinstance(target, ast.expr):
            value = home.constants.get(target)
            if isinstance(value, dict):
                return value
    problems.add(module, f"The stored configuration {shown(node)} could not be read", node.lineno)
    return None


def _of_class(
    module: Module,
    definition: ast.AST,
    given: dict[str, ast.expr],
    giver: Module,
    problems: Problems,
    shapes: dict[str, Shape],
    helps: dict[str, str],
    prefix: str,
    depth: int,
) -> dict[str, Any]:
    assert isinstance(definition, ast.ClassDef)
    content: dict[str, Any] = {}
    if depth > _MAX_DEPTH:
        return content
    for item in fields_of(module, definition)[0]:
        key = f"{prefix}{item.name}"
        shapes[key] = item.shape
        if item.help:
            helps[key] = item.help
        if item.name in given:
            node = given[item.name]
            content[item.name], _ = default_of(giver, key, node, problems, partial(known_default, giver))
        elif item.nested is not None and item.default is None:
            inner = dict(item.given)
            content[item.name] = _of_class(
                *item.nested, inner, item.module, problems, shapes, helps, f"{key}.", depth + 1
            )
        else:
            content[item.name] = _default(item, key, problems)
    return content


def _default(item: ClassField, key: str, problems: Problems) -> Any:
    if item.default is NOTHING:
        return MISSING
    if item.computed and item.expression is not None:
        note_computed(problems, item.module, key, item.expression)
    return item.default
