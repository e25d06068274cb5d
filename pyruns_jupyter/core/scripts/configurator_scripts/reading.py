"""Detection of the constants that `exec(open("configurator.py").read())` lets the command line override."""

from __future__ import annotations

import ast
import re

from pyruns_jupyter.core.scripts.model import Parameter, Problems, ScriptParameters
from pyruns_jupyter.core.scripts.source.classfields import comment_of, source_lines
from pyruns_jupyter.core.scripts.source.files import definitions_in, text_of
from pyruns_jupyter.core.scripts.source.functions import default_of
from pyruns_jupyter.core.scripts.source.modules import Module, Project
from pyruns_jupyter.core.scripts.types import ANY, shape_of_value

FILE_KEY = "config_file"
_EXECUTED = re.compile(r"exec\(.*configurator\.py['\"].*\.read\(\)\)")


def read(project: Project) -> ScriptParameters | None:
    """Return the constants that a script lets its configurator change; None when it has no configurator."""
    main = project.main
    at = next((index for index, one in enumerate(main.tree.body) if _EXECUTED.match(text_of(one))), None)
    if at is None:
        return None
    problems = Problems()
    found: dict[str, Parameter] = {}
    lines = source_lines(main)
    for statement in main.tree.body[:at]:
        for name, node in definitions_in([statement])[0].items():
            if not isinstance(node, ast.expr) or name.startswith("_") or _is_object(main, node):
                continue
            default, computed = default_of(main, name, node, problems)
            if default is None or isinstance(default, (bool, int, float, str)):
                shape = ANY if default is None else shape_of_value(default)
                found[name] = Parameter(
                    name,
                    "none" if default is None and not computed else shape.shown,
                    default,
                    (f"--{name}",),
                    help=comment_of(lines, statement),
                    item_type=shape.item_type,
                    line=statement.lineno,
                    computed=computed,
                    shape=shape,
                )
    if FILE_KEY not in found:
        about = "file of assignments that are executed before the other values are set"
        found = {
            FILE_KEY: Parameter(FILE_KEY, "path", help=about, positional=True, item_type="path"),
            **found,
        }
    return ScriptParameters("configurator", tuple(found.values()), (*problems, *project.problems))


def _is_object(main: Module, node: ast.expr) -> bool:
    """Return whether a value is an object, which no argument can replace."""
    is_made = isinstance(node, (ast.Call, ast.Lambda, ast.ListComp, ast.DictComp))
    return is_made and main.constants.get(node, node) is node
