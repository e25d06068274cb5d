"""A notebook cell as a task: its code and variables are stored in the task, and another process runs it."""

from __future__ import annotations

import ast
import shlex
import sys
from collections.abc import Mapping
from types import ModuleType
from typing import Any

import cloudpickle  # type: ignore[import-untyped]
from IPython.core.inputtransformer2 import TransformerManager

from pyruns_jupyter.api import Workspace
from pyruns_jupyter.api.task import Task
from pyruns_jupyter.core.common.errors import InvalidInput
from pyruns_jupyter.core.create.create import create_tasks
from pyruns_jupyter.core.create.preview import free_name
from pyruns_jupyter.core.taskfile.paths import CELL_CODE, CELL_GIVEN
from pyruns_jupyter.core.trust.signed_pickles import sign_pickle

RUNNER = "pyruns_jupyter.notebook.cellrun"


def create_cell_task(workspace: Workspace, code: str, name: str, given: Mapping[str, Any]) -> Task:
    """Create a task that runs a cell with this kernel's Python, and return it.

    If the name is taken, a number is appended: cells are run repeatedly.

    Args:
        workspace: a shell workspace.
        code: of the cell; magics work as in IPython.
        name: of the task.
        given: variables for the cell, with their current values.

    Raises:
        InvalidInput: if the code is not Python, or a variable cannot be pickled; nothing is written.
    """
    files = {CELL_CODE: code.encode()}
    _check(code)
    if given:
        files[CELL_GIVEN] = _pickled(given)
    text = f"# A cell of a notebook: its code is in {CELL_CODE} next to this file.\n"
    text += f"{shlex.quote(sys.executable)} -m {RUNNER}\n"
    [made] = create_tasks(workspace.folder, text, free_name(workspace.folder, name), files)
    return workspace[made]


def _check(code: str) -> None:
    if not code.strip():
        raise InvalidInput("The cell is empty.", field="text")
    try:
        plain = TransformerManager().transform_cell(code)  # type: ignore[no-untyped-call]
        compile(plain, "cell", "exec", ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    except SyntaxError as error:
        raise InvalidInput(
            f"Not valid Python: {error.msg}.", line=error.lineno, column=error.offset
        ) from None


def _pickled(given: Mapping[str, Any]) -> bytes:
    for name, value in given.items():
        if isinstance(value, ModuleType):
            raise InvalidInput(f"{name} is a module: import it in the cell.", field=name)
        try:
            cloudpickle.dumps(value)
        except Exception as error:
            raise InvalidInput(
                f"Cannot pickle {name} ({type(value).__name__}): {error}", field=name
            ) from error
    # Pickled again together, so that objects shared by variables stay shared.
    return sign_pickle(cloudpickle.dumps(dict(given)))
