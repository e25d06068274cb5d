"""Parameters of a notebook: the simple assignments of its cell with the tag `parameters`.

Source of the convention: https://papermill.readthedocs.io/en/latest/usage-parameterize.html; of the file
format: https://nbformat.readthedocs.io/en/latest/format_description.html.
"""

from __future__ import annotations

import ast
import json
import re
from dataclasses import dataclass
from typing import Any

from pyruns_jupyter.core.common.errors import InvalidInput
from pyruns_jupyter.core.scripts.model import Parameter, Problem, ScriptParameters
from pyruns_jupyter.core.scripts.source.classfields import comment_of
from pyruns_jupyter.core.scripts.source.files import definitions_in

TAG = "parameters"
KIND = "notebook"

_LINE_MAGIC = re.compile(r"^[ \t]*[%!].*$", re.MULTILINE)
_NAMES = {"int", "float", "str", "bool", "list"}


@dataclass(frozen=True)
class CodeCell:
    """A code cell; `number` counts all code cells from 1."""

    number: int
    source: str
    tags: tuple[str, ...]

    @property
    def python(self) -> str:
        """The source without line magics, which are not Python; empty for a cell magic."""
        if self.source.lstrip().startswith("%%"):
            return ""
        return _LINE_MAGIC.sub("", self.source)


def code_cells(source: bytes, filename: str) -> list[CodeCell]:
    """Return the code cells of a notebook file.

    Raises:
        InvalidInput: the file is not a Python notebook.
    """
    try:
        content = json.loads(source)
        cells = content["cells"]
        found = [cell for cell in cells if cell["cell_type"] == "code"]
        sources = ["".join(cell["source"]) for cell in found]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise InvalidInput(f"{filename} is not a readable notebook (nbformat 4).", field="script") from None
    language = _at(content, "metadata", "language_info", "name") or _at(
        content, "metadata", "kernelspec", "language"
    )
    if isinstance(language, str) and language.lower() != "python":
        raise InvalidInput(
            f"{filename} is a notebook in {language}, but only Python notebooks are supported.",
            field="script",
        )
    return [
        CodeCell(number, text, _tags(cell))
        for number, (cell, text) in enumerate(zip(found, sources, strict=True), start=1)
    ]


def read(source: bytes, filename: str) -> ScriptParameters:
    """Return the parameters of a notebook; none without a tagged cell.

    Raises:
        InvalidInput: it is not a notebook, or its tagged cell is not Python (with the line in the cell).
    """
    cells = code_cells(source, filename)
    tagged = next((cell for cell in cells if TAG in cell.tags), None)
    if tagged is None:
        note = (
            f"No cell of {filename} has the tag '{TAG}', so the notebook has no parameters and runs "
            "unchanged."
        )
        return ScriptParameters(KIND, (), (Problem(note, 0),))
    try:
        module = ast.parse(tagged.python)
    except SyntaxError as error:
        raise InvalidInput(
            f"The cell with the tag '{TAG}' in {filename} is not valid Python: {error.msg}.",
            field="script",
            line=error.lineno,
        ) from None
    lines = tagged.python.splitlines()
    parameters: dict[str, Parameter] = {}
    problems = []
    for statement in module.body:
        names = definitions_in([statement])[0] if isinstance(statement, (ast.Assign, ast.AnnAssign)) else {}
        if len(names) != 1:
            continue
        [(name, value)] = names.items()
        annotation = getattr(statement, "annotation", None)
        assert isinstance(value, ast.expr)
        try:
            default = _plain(ast.literal_eval(value))
        except (ValueError, TypeError, SyntaxError, RecursionError):
            problems.append(
                Problem(f"{name} is computed in line {statement.lineno} and cannot be set.", statement.lineno)
            )
            continue
        choices = _choices(annotation)
        kind = _kind(annotation, default)
        parameters[name] = Parameter(
            name=name,
            type="choice" if choices else kind,
            default=default,
            choices=choices,
            help=comment_of(lines, statement),
            item_type=kind,
            line=statement.lineno,
        )
    return ScriptParameters(KIND, tuple(parameters.values()), tuple(problems))


def _choices(annotation: ast.expr | None) -> tuple[Any, ...] | None:
    """Return the values of `Literal[...]`."""
    if not isinstance(annotation, ast.Subscript):
        return None
    head = annotation.value
    name = head.attr if isinstance(head, ast.Attribute) else getattr(head, "id", "")
    if name != "Literal":
        return None
    try:
        found = ast.literal_eval(annotation.slice)
    except ValueError:
        return None
    return found if isinstance(found, tuple) else (found,)


def _kind(annotation: ast.expr | None, default: object) -> str:
    if isinstance(annotation, ast.Name) and annotation.id in _NAMES:
        return annotation.id
    for kind in (bool, int, float, list):
        if isinstance(default, kind):
            return kind.__name__
    return "none" if default is None or isinstance(default, dict) else "str"


def _plain(value: object) -> object:
    """Return a Python literal as a YAML value.

    Raises:
        ValueError: YAML cannot represent it.
    """
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        return {key: _plain(one) for key, one in value.items()}
    raise ValueError(value)


def _tags(cell: dict[str, Any]) -> tuple[str, ...]:
    tags = _at(cell, "metadata", "tags")
    return tuple(tag for tag in tags if isinstance(tag, str)) if isinstance(tags, list) else ()


def _at(value: Any, *keys: str) -> Any:
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value
