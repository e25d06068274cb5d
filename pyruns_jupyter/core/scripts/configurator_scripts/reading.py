"""Detection of the constants that `exec(open("configurator.py").read())` lets the command line override."""

from __future__ import annotations

import ast
import re

from pyruns_jupyter.core.scripts.model import Parameter, Problem, ScriptParameters
from pyruns_jupyter.core.scripts.source.classfields import comment_of, source_lines
from pyruns_jupyter.core.scripts.source.files import definitions_in, text_of
from pyruns_jupyter.core.scripts.source.functions import shown
from pyruns_jupyter.core.scripts.source.modules import Module, Project
from pyruns_jupyter.core.scripts.source.objects import UnknownError
from pyruns_jupyter.core.scripts.types import ANY, shape_of_value

FILE_KEY = "config_file"
_EXECUTED = re.compile(r"exec\(.*configurator\.py['\"].*\.read\(\)\)")


def read(project: Project) -> ScriptParameters | None:
    """Return the constants that a script lets its configurator change; None when it has no configurator."""
    main = project.main
    at = next((index for index, one in enumerate(main.tree.body) if _EXECUTED.match(text_of(one))), None)
    if at is None:
        return None
    problems: list[Problem] = []
    found: dict[str, Parameter] = {}
    lines = source_lines(main)
    for statement in main.tree.body[:at]:
        for name, value in definitions_in([statement])[0].items():
            if isinstance(value, ast.expr) and not name.startswith("_"):
                _add(main, statement, name, value, comment_of(lines, statement), found, problems)
    if FILE_KEY not in found:
        about = "file of assignments that are executed before the other values are set"
        found = {
            FILE_KEY: Parameter(FILE_KEY, "path", help=about, positional=True, item_type="path"),
            **found,
        }
    return ScriptParameters("configurator", tuple(found.values()), (*problems, *project.problems))


def _add(
    main: Module,
    statement: ast.stmt,
    name: str,
    node: ast.expr,
    text: str,
    found: dict[str, Parameter],
    problems: list[Problem],
) -> None:
    default, computed = None, False
    try:
        default = main.constants.value(node)
    except UnknownError:
        if isinstance(node, (ast.Call, ast.Lambda, ast.ListComp, ast.DictComp)):
            return  # an object, which no argument can replace
        computed = True
        problems.append(
            main.problem(
                f"The default of {name} is computed ({shown(node)}). Set null to use it", node.lineno
            )
        )
    if default is not None and not isinstance(default, (bool, int, float, str)):
        return
    shape = ANY if default is None else shape_of_value(default)
    found[name] = Parameter(
        name,
        "none" if default is None and not computed else shape.shown,
        default,
        (f"--{name}",),
        help=text,
        item_type=shape.item_type,
        line=statement.lineno,
        computed=computed,
        shape=shape,
    )
