"""Descriptions of arguments in docstrings: the Google and Sphinx styles."""

from __future__ import annotations

import ast
import inspect
import re

_SECTIONS = ("args", "arguments", "parameters", "params", "keyword arguments", "attributes", "fields")
_SPHINX = re.compile(
    r":(?:param|parameter|arg|argument|key|keyword|ivar|cvar|var)\s+(?:[^:]*\s)?\*{0,2}(\w+)\s*:(.*)"
)
_FIELD = re.compile(r":\w+[^:]*:")
_GOOGLE = re.compile(r"\*{0,2}(\w+)\s*(?:\([^)]*\)|\[[^\]]*\])?\s*:(?!:)(.*)")


def docstring_of(node: ast.AST) -> str:
    """Return the docstring of a function, class or module; "" without one."""
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Module)):
        return ast.get_docstring(node) or ""
    return ""


def argument_help(text: str) -> dict[str, str]:
    """Return the description of each argument, one line each."""
    lines = inspect.cleandoc(text).splitlines()
    found: dict[str, list[str]] = {}
    _sphinx(lines, found)
    for index, line in enumerate(lines):
        title = line.strip()
        if line[:1].isspace():
            continue
        if title.endswith(":") and title.lower().rstrip(":") in _SECTIONS:
            _google(lines[index + 1 :], found)
    return {name: " ".join(" ".join(words).split()) for name, words in found.items()}


def summary(text: str) -> str:
    """Return the first paragraph of a docstring as one line."""
    return " ".join(inspect.cleandoc(text).split("\n\n", 1)[0].split())


def _sphinx(lines: list[str], found: dict[str, list[str]]) -> None:
    name = ""
    for line in lines:
        match = _SPHINX.match(line.strip())
        if match:
            name = match[1]
            found.setdefault(name, []).append(match[2])
        elif name and line.strip() and not _FIELD.match(line.strip()) and line[:1].isspace():
            found[name].append(line)
        else:
            name = ""


def _google(lines: list[str], found: dict[str, list[str]]) -> None:
    depth, name = 0, ""
    for line in lines:
        indent = len(line) - len(line.lstrip())
        if not line.strip():
            continue
        if indent == 0:
            return
        depth = depth or indent
        match = _GOOGLE.match(line.strip()) if indent <= depth else None
        if match:
            name = match[1]
            found.setdefault(name, []).append(match[2])
        elif name:
            found[name].append(line)
