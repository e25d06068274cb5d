"""Running a notebook cell as a task, in another process."""

from __future__ import annotations

import ast
from collections.abc import Mapping
from types import ModuleType
from typing import Any

import cloudpickle  # type: ignore[import-untyped]
from IPython.core.inputtransformer2 import TransformerManager

from pyruns_jupyter.api import Workspace
from pyruns_jupyter.api.task import Task
from pyruns_jupyter.core.common.errors import InvalidInput
from pyruns_jupyter.core.create.cells import create_cell
from pyruns_jupyter.core.taskfile.paths import CELL_CODE, CELL_GIVEN
from pyruns_jupyter.core.trust.signed_pickles import sign_pickle


def create_cell_task(workspace: Workspace, code: str, name: str, given: Mapping[str, Any]) -> Task:
    """Create a task that runs a cell with this kernel's Python, and return it.

    A number is added to a name that is in use, because cells are run repeatedly.

    Args:
        workspace: a shell workspace.
        code: the code of the cell; magics work as in IPython.
        name: the name of the task.
        given: the variables to copy into the task, with their current values.

    Raises:
        InvalidInput: if the code is not valid Python or a variable cannot be pickled; no task is created.
    """
    files = {CELL_CODE: code.encode()}
    _check(code)
    if given:
        files[CELL_GIVEN] = _pickled(given)
    about = f"Runs a notebook cell; its code is in {CELL_CODE}."
    return workspace[create_cell(workspace.folder, name, about, files)]


def _check(code: str) -> None:
    if not code.strip():
        raise InvalidInput("The cell is empty.", field="text")
    try:
        plain = TransformerManager().transform_cell(code)  # type: ignore[no-untyped-call]
        compile(plain, "cell", "exec", ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    except SyntaxError as error:
        raise InvalidInput(
            f"The cell is not valid Python: {error.msg}.", line=error.lineno, column=error.offset
        ) from None


def _pickled(given: Mapping[str, Any]) -> bytes:
    for name, value in given.items():
        if isinstance(value, ModuleType):
            raise InvalidInput(
                f"{name} is a module, which cannot be passed to a task. Import it in the cell instead.",
                field=name,
            )
        try:
            cloudpickle.dumps(value)
        except Exception as error:
            raise InvalidInput(
                f"The variable {name} ({type(value).__name__}) cannot be pickled: {error}", field=name
            ) from error
    # Pickled together, so that objects that variables share stay shared.
    return sign_pickle(cloudpickle.dumps(dict(given)))
