"""The parameters of a script, read from its source; the script is never run."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Sequence
from typing import Any

from ..errors import InvalidInput
from ..yamltext.template import Leaf, Template
from ..yamltext.values import string_text, value_text
from .argparse_source import ArgparseReader
from .model import Parameter, Problem, ScriptParameters

__all__ = [
    "Parameter",
    "Problem",
    "ScriptParameters",
    "config_default_text",
    "read_parameters",
    "yaml_parameters",
]

_PACKAGES = ("pyruns", "pyruns_jupyter")


def read_parameters(
    source: str | bytes, *, template: str | None = None, filename: str = "script"
) -> ScriptParameters:
    """Return the parameters of a script from its source.

    `template` is the YAML text whose keys are the parameters of a script that calls `load()`.

    Raises:
        InvalidInput: when the source is not Python (with line, column and Python's message) or the template
            is not YAML.
    """
    module = _parsed(source, filename)
    reader = ArgparseReader(module)
    for node in ast.walk(module):
        if isinstance(node, ast.Call):
            reader.call(node)
    parameters = reader.finished()
    problems = tuple(sorted(reader.problems, key=lambda problem: problem.line))
    if parameters or reader.open:
        return ScriptParameters("argparse", parameters, problems, reader.open, names=_names(parameters))
    loads, config_file = _load_call(module)
    if not loads:
        return ScriptParameters("none", problems=problems)
    listed = yaml_parameters(template) if template is not None else ()
    return ScriptParameters("load", listed, problems, True, config_file, names=_names(listed))


def yaml_parameters(text: str) -> tuple[Parameter, ...]:
    """Return one parameter for each value of a YAML text: dotted key, type by value, comment as help.

    Raises:
        InvalidInput: when the text cannot be read.
    """
    return tuple(
        Parameter(
            name=leaf.key,
            type=_type_of(leaf),
            default=leaf.value,
            help=leaf.comment,
            group=".".join(leaf.path[:-1]),
            item_type=_value_type(leaf.value),
            line=leaf.line,
        )
        for leaf in Template.parse(text).leaves
    )


def config_default_text(parameters: Sequence[Parameter], script_name: str = "") -> str:
    """Return a configuration with every default: one line `key: default  # help` each, in source order."""
    lines = [f"# Defaults of {script_name}\n\n"] if script_name else []
    for parameter in parameters:
        text = value_text(_plain(parameter.default))
        note = " ".join(parameter.help.split())
        lines.append(f"{string_text(parameter.name)}: {text}" + (f"  # {note}" if note else "") + "\n")
    return "".join(lines)


def _names(parameters: Sequence[Parameter]) -> frozenset[str]:
    return frozenset(parameter.name for parameter in parameters)


def _plain(value: Any) -> Any:
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value


def _value_type(value: object) -> str:
    for kind, name in ((bool, "bool"), (int, "int"), (float, "float"), (list, "list")):
        if isinstance(value, kind):
            return name
    return "none" if value is None else "str"


def _type_of(leaf: Leaf) -> str:
    return "str" if leaf.batch else _value_type(leaf.value)


def _parsed(source: str | bytes, filename: str) -> ast.Module:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of the script's own "\d" and the like
            return ast.parse(source)
    except SyntaxError as error:
        message = (error.msg or "it is not Python").strip()
        raise InvalidInput(
            f"{filename} is not valid Python, line {error.lineno or 1}: {message}.",
            field="script",
            line=error.lineno or 1,
            column=max(error.offset or 1, 1),
        ) from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise InvalidInput(
            f"{filename} cannot be read as Python: {error}.", field="script", line=1, column=1
        ) from None


def _load_call(module: ast.Module) -> tuple[bool, str | None]:
    """Tell whether the script calls `load` of the package, and the path that it gives."""
    modules: set[str] = set()
    functions: set[str] = set()
    for node in ast.walk(module):
        if isinstance(node, ast.Import):
            modules |= {item.asname or item.name for item in node.names if item.name in _PACKAGES}
        elif isinstance(node, ast.ImportFrom) and node.module in _PACKAGES:
            functions |= {item.asname or item.name for item in node.names if item.name == "load"}
    for node in ast.walk(module):
        if not isinstance(node, ast.Call):
            continue
        function = node.func
        named = isinstance(function, ast.Name) and function.id in functions
        dotted = (
            isinstance(function, ast.Attribute)
            and function.attr == "load"
            and isinstance(function.value, ast.Name)
            and function.value.id in modules
        )
        if named or dotted:
            first = node.args[0] if node.args else None
            path = first.value if isinstance(first, ast.Constant) and isinstance(first.value, str) else None
            return True, path
    return False, None
