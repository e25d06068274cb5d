"""Detection of the parameters of a Hydra script: its config groups as choices, and the composed values."""

from __future__ import annotations

import ast
import os
import posixpath
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pyruns_jupyter.core.config.flatten import flatten
from pyruns_jupyter.core.fs.boundary import is_inside, project_boundary
from pyruns_jupyter.core.scripts.model import Parameter, Problems, ScriptParameters
from pyruns_jupyter.core.scripts.source.files import nodes_of
from pyruns_jupyter.core.scripts.source.functions import Function, keywords, shown
from pyruns_jupyter.core.scripts.source.import_map import external_name
from pyruns_jupyter.core.scripts.source.modules import Module, Project
from pyruns_jupyter.core.scripts.source.objects import UnknownError
from pyruns_jupyter.core.scripts.types import ANY, Shape, shape_of_value

from .files import MISSING
from .store import stored
from .tree import Composed, GroupChoice, HydraTree

_NAMES = ("config_path", "config_name", "version_base")


@dataclass(frozen=True)
class HydraDetails:
    """What `hydra_argv` needs: the tree, and whether the configuration sets Hydra's output folder."""

    tree: HydraTree
    default: Composed
    places_runs: bool


def read(project: Project) -> ScriptParameters | None:
    """Return the parameters of a script that uses `hydra.main`; None when it does not."""
    found = _decorated(project.main)
    if found is None:
        return None
    module, decorator = found
    problems = Problems()
    line = decorator.lineno if module.main else 0
    words = _words(module, decorator, problems)
    folder = _folder(project, module, words, problems, line)
    store, more = stored(project)
    problems += more
    name = words.get("config_name")
    if name is not None and not isinstance(name, str):
        name = None
    tree = HydraTree(folder, store, name, boundaries(project))
    if folder is not None:
        # Files may be added there without a change to any known file: do not cache the result.
        project.consulted[str(folder)] = (0, 0, 0)
    composed = tree.composed()
    problems += [module.problem(message, decorator.lineno) for message in composed.problems]
    hydra = composed.content.get("hydra")
    hydra = hydra if isinstance(hydra, dict) else {}
    searched = hydra.get("searchpath")
    if searched:
        problems.add(module, "Configurations in hydra.searchpath are not read", decorator.lineno)
    unknown = composed.incomplete or bool(searched) or (name is None and "config_name" in words)
    run = hydra.get("run")
    details = HydraDetails(tree, composed, isinstance(run, dict) and "dir" in run)
    choices = _choices(composed, tree, line)
    names = {parameter.name for parameter in choices}
    parameters = [*choices, *(one for one in values_of(composed) if one.name not in names)]
    problems += project.problems
    return ScriptParameters(
        "hydra", tuple(parameters), tuple(dict.fromkeys(problems)), unknown, details=details
    )


def _decorated(main: Module) -> tuple[Module, ast.expr] | None:
    """Return the decorator `hydra.main` of a function of the script, or of one that it calls."""
    for node in nodes_of(main.tree):
        if isinstance(node, Function):
            decorator = _hydra_main(main, node)
            if decorator is not None:
                return main, decorator
        elif isinstance(node, ast.Call):
            if isinstance(node.func, ast.Call) and _is_main(main, node.func):  # hydra.main(...)(function)
                return main, node.func
            if isinstance(node.func, (ast.Name, ast.Attribute)):
                found = main.find(node.func)
                if found is not None and found[0] is not main and isinstance(found[1], Function):
                    decorator = _hydra_main(found[0], found[1])
                    if decorator is not None:
                        return found[0], decorator
    return None


def _is_main(module: Module, node: ast.expr) -> bool:
    called = node.func if isinstance(node, ast.Call) else node
    return external_name(module.tree, called) == "hydra.main"


def _hydra_main(module: Module, function: ast.AST) -> ast.expr | None:
    assert isinstance(function, Function)
    return next((one for one in function.decorator_list if _is_main(module, one)), None)


def _words(module: Module, decorator: ast.expr, problems: Problems) -> dict[str, Any]:
    """Return the arguments of `hydra.main`; None for computed values."""
    if not isinstance(decorator, ast.Call):
        return {}
    given: dict[str, ast.expr] = dict(zip(_NAMES, decorator.args, strict=False))
    given.update(keywords(decorator))
    words: dict[str, Any] = {}
    for name in _NAMES:
        if name not in given:
            continue
        try:
            words[name] = module.constants.value(given[name])
        except UnknownError:
            problems.add(
                module, f"The {name} of hydra.main is computed ({shown(given[name])})", decorator.lineno
            )
            words[name] = None
    return words


def boundaries(project: Project) -> tuple[Path, ...]:
    """Return the folders that must contain all configurations, also after resolving links."""
    if project.script is None:
        return ()
    inner = project_boundary(project.script.parent)
    return (inner,) if project.within is None else (inner, project.within)


def _folder(
    project: Project, module: Module, words: dict[str, Any], problems: Problems, line: int
) -> Path | None:
    """Return the configuration folder: relative to the file with `hydra.main`, inside the project."""
    if module.path is None:
        return None
    base = module.path.parent
    if "config_path" not in words:
        # Before version 1.2 the script's own folder was searched.
        old = "version_base" not in words or str(words["version_base"]).startswith(("1.0", "1.1"))
        return base if old and words.get("config_name") else None
    path = words["config_path"]
    if not isinstance(path, str):
        return None
    if path.startswith("pkg://"):
        problems.add(module, f"The configurations in {path} are not read", line)
        return None
    folder = Path(os.path.normpath(base / path))
    if not folder.is_dir():
        problems.add(module, f"The folder {path} does not exist next to {module.path.name}", line)
        return None
    if not all(is_inside(folder, boundary) for boundary in boundaries(project)):
        problems.add(module, f"The folder {path} is outside the project and is not read", line)
        return None
    return folder


def _choices(composed: Composed, tree: HydraTree, line: int) -> list[Parameter]:
    groups = tree.groups()
    chosen = [(choice, posixpath.normpath(choice.group)) for choice in composed.choices.values()]
    # Hydra's grammar has no `..` in a key: such a group cannot be overridden.
    able = [(choice, group) for choice, group in chosen if group in groups and ".." not in choice.key]
    result = [_choice(choice, groups[group], line) for choice, group in able]
    used = {group for _, group in chosen}
    primary = (tree.name or "").rpartition("/")[0]
    for group, names in groups.items():
        parents = {group[:index] for index, letter in enumerate(group) if letter == "/"}
        if group in used or group.split("/")[0] == "hydra" or group == primary or parents & used:
            continue
        result.append(_choice(GroupChoice(group, group, None), names, line))
    return result


def _choice(choice: GroupChoice, names: list[str], line: int) -> Parameter:
    several = isinstance(choice.value, list)
    shape = Shape("choice", choices=tuple(names), words=tuple(names), optional=True)
    missing = choice.value == MISSING
    return Parameter(
        name=choice.key,
        type="list" if several else "choice",
        default=None if missing else choice.value,
        choices=tuple(names) or None,
        help="config group",
        group="",
        required=missing,
        action="group",
        line=line,
        shape=shape,
    )


def values_of(composed: Composed) -> list[Parameter]:
    """Return the parameters for the values of a configuration."""
    result = []
    for key, value in flatten(composed.content).items():
        if key.split(".")[0] == "hydra":
            continue
        missing = value == MISSING
        shape = composed.shapes.get(key, ANY)
        if shape.name not in ("int", "float", "bool", "str", "choice", "path"):
            shape = ANY if missing else shape_of_value(value)
        result.append(
            Parameter(
                name=key,
                type="none" if value is None and shape is ANY else shape.shown,
                default=None if missing else value,
                choices=shape.choices or None,
                help=composed.helps.get(key, ""),
                group=key.rpartition(".")[0],
                required=missing,
                item_type="literal",
                shape=shape,
            )
        )
    return result
