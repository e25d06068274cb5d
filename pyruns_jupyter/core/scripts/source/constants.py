"""Static evaluation of simple Python expressions."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING, Any

from .files import text_of
from .objects import UNKNOWN, UnknownError, plain

if TYPE_CHECKING:
    from .modules import Module
    from .tracing import Tracer


_STEPS = 20_000


class Constants:
    """The constants of a module; `value` computes an expression that uses nothing else.

    Names are resolved in the imported modules of the project. A name that is changed anywhere, or assigned
    twice, is not a constant.
    """

    def __init__(self, module: Module) -> None:
        self._module = module
        self._tracer: Tracer | None = None

    def get(self, node: ast.expr | None, default: Any = None) -> Any:
        """Return the value of `node` as `value` does; `default` when there is none or it is unknown."""
        try:
            return default if node is None else self.value(node)
        except UnknownError:
            return default

    def text(self, node: ast.expr | None) -> str:
        """Return the string that `node` is, else ""."""
        value = self.get(node)
        return value if isinstance(value, str) else ""

    def value(self, node: ast.expr) -> Any:
        """Return the value of `node` as plain data; a path is its text, a member of an Enum its value.

        Raises:
            UnknownError: it depends on anything but literals and constants of the project.
        """
        from .expressions import OutOfSteps
        from .tracing import Tracer

        tracer = self._tracer = self._tracer or Tracer()
        project = self._module.project
        allowed = tracer.steps = min(_STEPS, project.steps)
        try:
            result = tracer.evaluate(node, tracer.module_scope(self._module))
        except (OutOfSteps, RecursionError):
            raise UnknownError(text_of(node)) from None
        finally:
            project.steps -= allowed - max(tracer.steps, 0)
        if result is UNKNOWN:
            raise UnknownError(text_of(node))
        return plain(result)
