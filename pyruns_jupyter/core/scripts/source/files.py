"""Parsed source files: their syntax trees and top-level definitions."""

from __future__ import annotations

import ast
import os
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from weakref import WeakKeyDictionary

from pyruns_jupyter.core.common.errors import InvalidInput

from .cache import FileCache, Stamp
from .safe_builtins import CHANGING

MAX_BYTES = 1 << 20  # of one file
VERSION = ".".join(map(str, sys.version_info[:2]))
_MAX_SHOWN = 500  # nodes of an expression


@dataclass(frozen=True)
class Import:
    """A name that an import statement binds: the module `module`, or `name` out of it."""

    module: str
    level: int
    name: str | None
    line: int
    full: str = ""  # `a.b` where `import a.b` binds `a`

    @property
    def target(self) -> str:
        """The dotted name of what it binds; a relative one begins with dots."""
        origin = "." * self.level + self.module
        joint = "." if self.name and origin.strip(".") else ""
        return f"{origin}{joint}{self.name or ''}"

    def is_from(self, package: str) -> bool:
        """Return whether it names an installed package, or something in it."""
        return f"{self.full or self.target}.".startswith(f"{package}.")


Definition = ast.expr | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef | Import


@dataclass(frozen=True)
class SourceFile:
    """A parsed file: top-level definitions by name, the names that are not constants, all imports.

    `parses` means that it contains a name that argparse scripts use.
    """

    tree: ast.Module
    definitions: dict[str, Definition]
    changed: frozenset[str]
    stars: tuple[Import, ...]
    imports: tuple[Import, ...]
    parses: bool


def dotted_name(node: ast.AST) -> str | None:
    """Return `a.b.c` of a chain of names, else None."""
    parts: list[str] = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    return ".".join([node.id, *reversed(parts)]) if isinstance(node, ast.Name) else None


_NODES: WeakKeyDictionary[ast.Module, tuple[ast.AST, ...]] = WeakKeyDictionary()
_LEFT_OUT = (ast.expr_context, ast.operator, ast.unaryop, ast.boolop, ast.cmpop)


def nodes_of(tree: ast.Module) -> tuple[ast.AST, ...]:
    """Return the nodes of a module as `ast.walk` yields them, without numbers and the signs of operators."""
    known = _NODES.get(tree)
    if known is None:
        found: list[ast.AST] = [*tree.body]  # not the module itself, so that it can be garbage-collected
        for node in found:  # it grows meanwhile
            for name in node._fields:
                value = getattr(node, name, None)
                for one in value if isinstance(value, list) else (value,):
                    if isinstance(one, ast.Constant):
                        if isinstance(one.value, str):
                            found.append(one)
                    elif isinstance(one, ast.AST) and not isinstance(one, _LEFT_OUT):
                        found.append(one)
        known = _NODES[tree] = tuple(found)
    return known


def text_of(node: ast.AST) -> str:
    """Return the text of an expression; `...` when it is too long or too deep to show."""
    if sum(1 for _ in islice(ast.walk(node), _MAX_SHOWN + 1)) > _MAX_SHOWN:
        return "..."
    try:
        return ast.unparse(node)
    except (ValueError, RecursionError):  # a number with more digits than Python prints
        return "..."


def parsed_script(source: str | bytes, filename: str) -> SourceFile:
    """Parse a script.

    Raises:
        InvalidInput: the source is not Python; with line, column and Python's message.
    """
    try:
        return _scanned(_parsed(source))
    except SyntaxError as error:
        raise InvalidInput(
            f"{filename} is not valid Python {VERSION}, line {error.lineno or 1}: {why_unreadable(error)}.",
            field="script",
            line=error.lineno or 1,
            column=max(error.offset or 1, 1),
        ) from None
    except (ValueError, RecursionError, MemoryError) as error:
        raise InvalidInput(
            f"{filename} cannot be read as Python: {why_unreadable(error)}.", field="script", line=1, column=1
        ) from None


def why_unreadable(error: BaseException) -> str:
    """Return the reason why a file could not be parsed."""
    if isinstance(error, (RecursionError, MemoryError)):
        return "an expression or a block in it is nested too deeply"
    return (error.msg if isinstance(error, SyntaxError) else str(error)).strip() or "it is not valid Python"


def _parsed(source: str | bytes) -> ast.Module:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the script's own "\d" and the like
        return ast.parse(source)


_CACHED_BYTES = 1 << 20  # of source; a tree takes some sixty times as much
_cache: FileCache[str, SourceFile] = FileCache(_CACHED_BYTES)


def parsed_file(path: str, found: Stamp) -> SourceFile:
    """Return a file of the project, parsed; it is cached until its `stamp` changes.

    Raises:
        OSError, SyntaxError, ValueError, RecursionError, MemoryError: it is unreadable or not Python.
    """
    known = _cache.get(path)
    if known is not None:
        return known
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0))
    with os.fdopen(descriptor, "rb") as stream:
        text = stream.read(MAX_BYTES + 1)
    return _cache.put(path, _scanned(_parsed(text)), {path: found}, len(text))


def _scanned(tree: ast.Module) -> SourceFile:
    definitions, twice, stars = definitions_in(tree.body)
    every: list[Import] = []
    parses = False
    for node in nodes_of(tree):
        if isinstance(node, ast.Import):
            every += [Import(one.name, 0, None, node.lineno) for one in node.names]
        elif isinstance(node, ast.ImportFrom):
            every += [Import(node.module or "", node.level, one.name, node.lineno) for one in node.names]
        elif isinstance(node, (ast.Name, ast.Attribute)):
            name = node.id if isinstance(node, ast.Name) else node.attr
            parses = parses or name in _PARSING or name.endswith(("ArgumentParser", "ArgParser"))
    changed = frozenset(twice | _changed(tree))
    return SourceFile(tree, definitions, changed, tuple(stars), tuple(dict.fromkeys(every)), parses)


_PARSING = frozenset(("argparse", "add_argument", "parse_args", "parse_known_args"))


def _changed(tree: ast.Module) -> set[str]:
    """Return the names that are changed somewhere: they are not constants."""
    names: set[str] = set()
    for node in nodes_of(tree):
        if isinstance(node, ast.AugAssign):
            names.add(_base(node.target))
        elif isinstance(node, ast.Global):
            names.update(node.names)
        elif isinstance(node, ast.Assign):
            names.update(_base(target) for target in node.targets if isinstance(target, ast.Subscript))
        elif (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr in CHANGING
            and isinstance(node.func.value, ast.Name)
        ):
            names.add(node.func.value.id)
    return names


def _base(node: ast.expr) -> str:
    while isinstance(node, ast.Subscript):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def definitions_in(body: list[ast.stmt]) -> tuple[dict[str, Definition], set[str], list[Import]]:
    """Return the last definition of each name in a body, names assigned twice, and star imports."""
    found: dict[str, Definition] = {}
    twice: set[str] = set()
    stars: list[Import] = []

    def note(name: str, definition: Definition) -> None:
        if name in found and not (isinstance(definition, Import) and definition == found[name]):
            twice.add(name)
        found[name] = definition

    for statement in _statements(body):
        if isinstance(statement, (ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)):
            note(statement.name, statement)
        elif isinstance(statement, ast.Assign):
            for target in statement.targets:
                for name, value in _bound(target, statement.value):
                    note(name, value)
        elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
            for name, value in _bound(statement.target, statement.value):
                note(name, value)
        elif isinstance(statement, (ast.Import, ast.ImportFrom)):
            for name, item in imports(statement):
                if name == "*":
                    stars.append(item)
                else:
                    note(name, item)
    return found, twice, stars


def _statements(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    waiting = [*reversed(body)]
    while waiting:
        statement = waiting.pop()
        yield statement
        inner: list[ast.stmt] = []
        if isinstance(statement, ast.If):
            inner = [*statement.body, *statement.orelse]
        elif isinstance(statement, ast.Try):
            # A fallback must not hide the usual definition.
            inner = [one for handler in statement.handlers for one in handler.body]
            inner += [*statement.body, *statement.orelse, *statement.finalbody]
        elif isinstance(statement, ast.With):
            inner = statement.body
        waiting.extend(reversed(inner))


def _bound(target: ast.expr, value: ast.expr) -> Iterator[tuple[str, ast.expr]]:
    if isinstance(target, ast.Name):
        yield target.id, value
    elif isinstance(target, (ast.Tuple, ast.List)) and isinstance(value, (ast.Tuple, ast.List)):
        starred = any(isinstance(item, ast.Starred) for item in [*target.elts, *value.elts])
        if len(target.elts) == len(value.elts) and not starred:
            for one, item in zip(target.elts, value.elts, strict=True):
                yield from _bound(one, item)


def imports(statement: ast.Import | ast.ImportFrom) -> Iterator[tuple[str, Import]]:
    """Yield the names that an import binds; `*` for all of a module."""
    if isinstance(statement, ast.ImportFrom):
        for alias in statement.names:
            item = Import(statement.module or "", statement.level, alias.name, statement.lineno)
            yield alias.asname or alias.name, item
        return
    for alias in statement.names:
        if alias.asname:
            yield alias.asname, Import(alias.name, 0, None, statement.lineno)
        else:
            first = alias.name.split(".")[0]
            yield first, Import(first, 0, None, statement.lineno, alias.name if first != alias.name else "")
