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
    found: dict[str, list[str]] = {}
    name, inside, depth = "", False, 0
    for line in inspect.cleandoc(text).splitlines():
        words, indent = line.strip(), len(line) - len(line.lstrip())
        if words and indent == 0:
            name, inside, depth = "", words.endswith(":") and words.lower().rstrip(":") in _SECTIONS, 0
        depth = depth or indent
        match = _GOOGLE.match(words) if inside and 0 < indent <= depth else _SPHINX.match(words)
        if match:
            name = match[1]
            found.setdefault(name, []).append(match[2])
        elif not inside and _FIELD.match(words):
            name = ""
        elif name:
            found[name].append(words)
    return {name: " ".join(" ".join(lines).split()) for name, lines in found.items()}


def summary(text: str) -> str:
    """Return the first paragraph of a docstring as one line."""
    return " ".join(inspect.cleandoc(text).split("\n\n", 1)[0].split())
