"""Constants at the top level of a script without a parser: `LR = 0.1`, set in a changed copy of the script.

The script itself is never changed. A run whose configuration has other values below the key `constants`
starts a copy in which these literals are replaced, and `__file__` by the path of the script.
"""

from __future__ import annotations

import ast
import io
import math
import tokenize
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from pyruns_jupyter.core.common.errors import InvalidInput

from .bind_values import MismatchError, is_default
from .model import Parameter
from .source.classfields import comment_of, source_lines
from .source.files import dotted_name, imports, nodes_of, parsed_script
from .source.modules import Module
from .types import ANY, shape_of_value

SECTION = "constants"
ACTION = "constant"  # of a parameter
_MAX_CONSTANTS = 200
_MAX_LENGTH = 1000  # of a literal
_NUMBERS = (int, float)
_PLAIN = (bool, int, float, str, type(None))


def constant_parameters(module: Module) -> Iterator[Parameter]:
    """Yield the constants of a script: names that are assigned once, with a literal, and used."""
    lines = source_lines(module)
    found = _assignments(module.tree, module.source.changed)
    for name, statement in list(found.items())[:_MAX_CONSTANTS]:
        assert statement.value is not None
        default = ast.literal_eval(statement.value)
        shape = ANY if default is None else shape_of_value(list(default) if _is_list(default) else default)
        yield Parameter(
            f"{SECTION}.{name}",
            "none" if default is None else shape.shown,
            list(default) if isinstance(default, tuple) else default,
            help=comment_of(lines, statement),
            group=SECTION,
            action=ACTION,
            const="tuple" if isinstance(default, tuple) else None,
            item_type=shape.item_type,
            line=statement.lineno,
            scope=(SECTION,),
            shape=shape,
        )


def _assignments(tree: ast.Module, changed: frozenset[str]) -> dict[str, ast.Assign | ast.AnnAssign]:
    stored: Counter[str] = Counter()
    last_star = 0
    for one in _module_statements(tree):
        names = _bound_names(one)
        stored.update(names)
        if isinstance(one, ast.ImportFrom) and "*" in names:  # it may replace what was assigned before
            last_star = max(last_star, one.lineno)
    loaded: set[str] = set()
    for node in nodes_of(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
            loaded.add(node.id)
        elif isinstance(node, ast.Name):
            stored[node.id] += 1
    found: dict[str, ast.Assign | ast.AnnAssign] = {}
    for statement in tree.body:
        if isinstance(statement, ast.Assign) and len(statement.targets) == 1:
            target: ast.expr = statement.targets[0]
        elif isinstance(statement, ast.AnnAssign):
            target = statement.target
        else:
            continue
        if not isinstance(target, ast.Name) or target.id.startswith("_") or not _is_literal(statement.value):
            continue
        if statement.lineno <= last_star:
            continue
        if stored[target.id] == 1 and target.id in loaded and target.id not in changed:
            found[target.id] = statement
    return found


def _module_statements(tree: ast.Module) -> list[ast.stmt | ast.ExceptHandler | ast.match_case]:
    """Return the statements of a module, without those in its functions and classes."""
    found: list[Any] = [*tree.body]
    for node in found:  # it grows meanwhile
        if not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            for part in ("body", "handlers", "orelse", "finalbody", "cases"):
                found += getattr(node, part, ())
    return found


def _bound_names(node: ast.stmt | ast.ExceptHandler | ast.match_case) -> list[str]:
    """Return the names that a statement binds without a node `Name`; `*` for those of a star import."""
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        return [name for name, _ in imports(node)]
    if isinstance(node, ast.match_case):
        patterns = list(ast.walk(node.pattern))
        found = [one.name for one in patterns if isinstance(one, (ast.MatchAs, ast.MatchStar))]
        found += [one.rest for one in patterns if isinstance(one, ast.MatchMapping)]
        return [name for name in found if name]
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.ExceptHandler)):
        return [node.name] if node.name else []
    return []


def _is_literal(node: ast.expr | None) -> bool:
    if node is None:
        return False
    try:
        value = ast.literal_eval(node)
        if len(repr(value)) > _MAX_LENGTH or "\n" in str(value):
            return False
    except (ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
        return False  # also a number with more digits than Python prints
    return isinstance(value, _PLAIN) or (
        _is_list(value) and len(value) > 0 and all(isinstance(one, _PLAIN) for one in value)
    )


def _is_list(value: object) -> bool:
    return isinstance(value, (list, tuple))


def constant_literal(parameter: Parameter, value: object) -> str:
    """Return the Python literal for the value of a constant.

    Raises:
        MismatchError: if the value is not of the kind of the constant.
    """
    try:
        expected = _expected(parameter.default, value)
        if expected:
            got = "null. Remove the key to keep the value of the script" if value is None else repr(value)
            raise MismatchError(f"expected {expected}, got {got}")
        if isinstance(parameter.default, float) and isinstance(value, int):
            value = float(value)
        if isinstance(value, list) and parameter.const == "tuple":
            return "(" + "".join(f"{python_literal(one, ascii)}, " for one in value) + ")"
        return python_literal(value, ascii)
    except (OverflowError, ValueError):  # a large integer as a float, or with more digits than Python prints
        raise MismatchError("this number is too large") from None


def _expected(default: object, value: object) -> str:
    """Return what the value of a constant must be, empty if it is."""
    kinds: tuple[tuple[tuple[type, ...], str], ...] = (
        ((bool,), "true or false"),
        (_NUMBERS, "a number"),
        ((str,), "a text"),
        ((list,), "a list"),
    )
    for kind, expected in kinds:
        if isinstance(default, kind):
            is_kind = isinstance(value, kind) and (bool in kind or not isinstance(value, bool))
            return "" if is_kind else expected
    return ""


def python_literal(value: object, text_of: Callable[[object], str] = repr) -> str:
    """Return the Python expression for a value of a configuration, also for infinity and NaN.

    Args:
        value: the value.
        text_of: returns the expression for any other number or text: `repr` or `ascii`.
    """
    if isinstance(value, float) and not math.isfinite(value):
        return f"float({str(value)!r})"
    if isinstance(value, list):
        return "[" + ", ".join(python_literal(one, text_of) for one in value) + "]"
    if isinstance(value, Mapping):
        items = ((python_literal(key, text_of), python_literal(one, text_of)) for key, one in value.items())
        return "{" + ", ".join(f"{key}: {one}" for key, one in items) + "}"
    return text_of(value)


def changed_constants(parameters: tuple[Parameter, ...], config: Mapping[str, Any]) -> dict[str, str]:
    """Return the literals of the constants that a configuration changes, by name.

    Raises:
        InvalidInput: if a value is not of the kind of its constant.
    """
    values: dict[str, Any] = {}
    for key, value in config.items():
        if key == SECTION and isinstance(value, Mapping):
            values.update((f"{SECTION}.{name}", one) for name, one in value.items())
        else:
            values[key] = value  # also a dotted key
    found: dict[str, str] = {}
    for one in parameters:
        if one.action == ACTION and one.name in values and not is_default(one, values[one.name]):
            try:
                found[one.key] = constant_literal(one, values[one.name])
            except MismatchError as error:
                raise InvalidInput(f"{one.name}: {error}.", field=one.name) from None
    return found


class ChangedScript(NamedTuple):
    """A script with other constants.

    Attributes:
        source: its content. Its lines have the same numbers.
        notice: a sentence about processes that do not have these constants; empty if there are none.
    """

    source: bytes
    notice: str


def changed_script(source: bytes, literals: Mapping[str, str], path: str) -> ChangedScript:
    """Return a script with other constants.

    Args:
        source: the script.
        literals: the new literals by the names of the constants.
        path: the path of the script, which replaces `__file__`.

    Raises:
        InvalidInput: if the script has no such constant, or its text cannot be replaced.
    """
    encoding = tokenize.detect_encoding(io.BytesIO(source).readline)[0]
    text = source.decode(encoding)
    data = text.encode("utf-8")  # the columns of a syntax tree count bytes in UTF-8
    script = parsed_script(text, path)
    starts = [0]
    for line in data.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))

    def span(node: ast.expr) -> tuple[int, int]:
        assert node.end_lineno is not None and node.end_col_offset is not None
        return starts[node.lineno - 1] + node.col_offset, starts[node.end_lineno - 1] + node.end_col_offset

    edits: list[tuple[int, int, str]] = []
    known = _assignments(script.tree, script.changed)
    for name, literal in literals.items():
        value = known[name].value if name in known else None
        if value is None:
            raise InvalidInput(
                f"The script has no constant {name} that can be set.", field=f"{SECTION}.{name}"
            )
        begin, end = span(value)
        breaks = "\n" * data.count(b"\n", begin, end)
        edits.append((begin, end, f"({literal}{breaks})" if breaks else literal))
    edits += [(*span(node), ascii(path)) for node in _uses_of_file(script.tree, path)]
    for begin, end, new in sorted(edits, reverse=True):
        data = data[:begin] + new.encode("ascii") + data[end:]
    parsed_script(data, f"The copy of {path} with other constants")
    return ChangedScript(data.decode("utf-8").encode(encoding), _notice(script.tree))


def _uses_of_file(tree: ast.Module, path: str) -> list[ast.Name]:
    """Return the places where a script reads `__file__`.

    Raises:
        InvalidInput: if it cannot be replaced by `path` there.
    """
    found: list[ast.Name] = []
    # `except NameError: __file__ = "train.py"`, for notebooks: a script does not run it.
    fallbacks: set[ast.AST] = set()
    for node in nodes_of(tree):
        if isinstance(node, (ast.ExceptHandler, ast.If)):
            fallbacks.update(filter(_is_file, ast.walk(node)))
        elif isinstance(node, ast.JoinedStr) and any(map(_is_file, ast.walk(node))):
            # A literal within an f-string may contain its quotes.
            raise _unsettable(path, node, "has __file__ in an f-string. Assign it to a name first")
    for node in nodes_of(tree):
        if not isinstance(node, ast.Name) or not _is_file(node):
            continue
        if isinstance(node.ctx, ast.Load):
            found.append(node)
        elif isinstance(node.ctx, ast.Del) or node not in fallbacks:
            raise _unsettable(path, node, "changes __file__. Use another name")
    return found


def _unsettable(path: str, node: ast.expr, why: str) -> InvalidInput:
    return InvalidInput(
        f"The constants of {path} cannot be set, because line {node.lineno} {why}.", field=SECTION
    )


def _notice(tree: ast.Module) -> str:
    """Return a notice if a script seems to start itself: `[sys.executable, __file__]`."""
    for node in nodes_of(tree):
        if not isinstance(node, (ast.List, ast.Tuple)):
            continue
        is_python = any(dotted_name(one) == "sys.executable" for one in node.elts)
        if is_python and any(map(_is_file, ast.walk(node))):
            return (
                f"Line {node.lineno} starts the script by __file__, without the changed constants. "
                "Use sys.argv[0] instead."
            )
    return ""


def _is_file(node: ast.AST) -> bool:
    return isinstance(node, ast.Name) and node.id == "__file__"
