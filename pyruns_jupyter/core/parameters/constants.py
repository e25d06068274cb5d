"""Values of simple Python expressions, found without running anything."""

from __future__ import annotations

import ast
import posixpath
from collections.abc import Callable
from typing import Any

ARGPARSE_WORDS = {
    "SUPPRESS": "==SUPPRESS==",
    "OPTIONAL": "?",
    "ZERO_OR_MORE": "*",
    "ONE_OR_MORE": "+",
    "REMAINDER": "...",
    "PARSER": "A...",
}
_PATH_TYPES = ("Path", "PurePath", "PosixPath", "PurePosixPath")
_LIMIT = 2**64
_LONGEST = 10_000


class UnknownError(Exception):
    """The value of an expression cannot be told from the source."""


class Constants:
    """The module's constants; `value` computes an expression that uses nothing else."""

    def __init__(self, module: ast.Module) -> None:
        self._sources: dict[str, ast.expr | None] = {}
        self._busy: set[str] = set()
        for statement in module.body:
            if isinstance(statement, ast.Assign):
                for target in statement.targets:
                    self._note(target, statement.value)
            elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
                self._note(statement.target, statement.value)
        for node in ast.walk(module):
            # A name that is changed anywhere is no constant.
            if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
                self._sources[node.target.id] = None
            if isinstance(node, ast.Global):
                self._sources.update(dict.fromkeys(node.names))

    def _note(self, target: ast.expr, value: ast.expr) -> None:
        if isinstance(target, ast.Name):
            self._sources[target.id] = None if target.id in self._sources else value

    def value(self, node: ast.expr) -> Any:
        """Return the value of `node`; a path is its text.

        Raises:
            UnknownError: when it depends on anything but literals and constants of the module.
        """
        try:
            result = self._value(node)
        except UnknownError:
            raise
        except Exception as error:  # noqa: BLE001 - the script's own arithmetic may fail in any way
            raise UnknownError(str(error)) from None
        if isinstance(result, str) and len(result) > _LONGEST:
            raise UnknownError("the value is too long")
        return result

    def _value(self, node: ast.expr) -> Any:
        if isinstance(node, ast.Constant):
            if isinstance(node.value, (bytes, complex)) or node.value is ...:
                raise UnknownError("not plain data")
            return node.value
        if isinstance(node, (ast.List, ast.Tuple, ast.Set)):
            return [self.value(item) for item in node.elts]
        if isinstance(node, ast.Dict):
            if any(key is None for key in node.keys):
                raise UnknownError("a mapping is unpacked")
            return {
                self.value(key): self.value(item)
                for key, item in zip(node.keys, node.values, strict=True)
                if key is not None
            }
        if isinstance(node, ast.Name):
            return self._name(node.id)
        if isinstance(node, ast.Attribute):
            if isinstance(node.value, ast.Name) and node.attr in ARGPARSE_WORDS:
                return ARGPARSE_WORDS[node.attr]
            if ast.unparse(node) in ("math.pi", "np.pi", "numpy.pi"):
                return 3.141592653589793
            raise UnknownError(ast.unparse(node))
        if isinstance(node, ast.UnaryOp):
            return _unary(node.op, self.value(node.operand))
        if isinstance(node, ast.BinOp):
            return _binary(node.op, self.value(node.left), self.value(node.right))
        if isinstance(node, ast.Subscript):
            return self.value(node.value)[self.value(node.slice)]
        if isinstance(node, ast.JoinedStr):
            return "".join(self._formatted(part) for part in node.values)
        if isinstance(node, ast.Call):
            return self._call(node)
        raise UnknownError(ast.unparse(node))

    def _name(self, name: str) -> Any:
        if name in ARGPARSE_WORDS:
            return ARGPARSE_WORDS[name]
        source = self._sources.get(name)
        if source is None or name in self._busy:
            raise UnknownError(name)
        self._busy.add(name)
        try:
            return self.value(source)
        finally:
            self._busy.discard(name)

    def _formatted(self, part: ast.expr) -> str:
        if isinstance(part, ast.FormattedValue):
            if part.format_spec is not None or part.conversion != -1:
                raise UnknownError("a format")
            return str(self.value(part.value))
        return str(self.value(part))

    def _call(self, node: ast.Call) -> Any:
        name = ast.unparse(node.func)
        if node.keywords:
            if name == "dict" and not node.args:
                return {str(keyword.arg): self.value(keyword.value) for keyword in node.keywords}
            raise UnknownError(name)
        values = [self.value(argument) for argument in node.args]
        short = name.rsplit(".", 1)[-1]
        if short in _PATH_TYPES or name in ("os.path.join", "path.join", "osp.join", "join"):
            return posixpath.join(*values) if values else "."
        simple: dict[str, Callable[..., Any]] = {
            "int": int,
            "float": float,
            "str": str,
            "bool": bool,
            "list": list,
        }
        if name in simple and len(values) == 1:
            return simple[name](values[0])
        if name == "range" and all(isinstance(item, int) and abs(item) <= _LONGEST for item in values):
            return list(range(*values))
        raise UnknownError(name)


def _unary(operator: ast.unaryop, value: Any) -> Any:
    if isinstance(operator, ast.USub):
        return -value
    if isinstance(operator, ast.UAdd):
        return +value
    if isinstance(operator, ast.Not):
        return not value
    return ~value


def _binary(operator: ast.operator, left: Any, right: Any) -> Any:
    if isinstance(operator, ast.Div) and isinstance(left, str):
        return posixpath.join(left, right)  # pathlib
    numbers = isinstance(left, (int, float)) and isinstance(right, (int, float))
    if isinstance(operator, ast.Add) and (numbers or type(left) is type(right)):
        result = left + right
    elif not numbers or abs(left) > _LIMIT or abs(right) > _LIMIT:
        raise UnknownError("an operation on something else than numbers")
    elif isinstance(operator, ast.Sub):
        result = left - right
    elif isinstance(operator, ast.Mult):
        result = left * right
    elif isinstance(operator, ast.Div):
        result = left / right
    elif isinstance(operator, ast.FloorDiv):
        result = left // right
    elif isinstance(operator, ast.Mod):
        result = left % right
    elif isinstance(operator, ast.Pow) and abs(right) <= 64 and abs(left) <= 1000:
        result = left**right
    elif isinstance(operator, ast.LShift) and 0 <= right <= 64:
        result = left << right
    else:
        raise UnknownError("an operation")
    if isinstance(result, complex):
        raise UnknownError("not plain data")
    return result
