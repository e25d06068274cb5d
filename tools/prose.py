"""Check texts that users read against the terms of `tools/prose.yaml`.

usage: python -m tools.prose               checks the enabled kinds of text; exit code 1 for findings
       python -m tools.prose --all         checks every kind
       python -m tools.prose --count       prints the number of findings of each kind
       python -m tools.prose docs ui       checks these kinds

A finding is printed as `file:line: kind: the term -> the better word`.
"""

from __future__ import annotations

import ast
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import Any

import yaml

from tools.generated import DOCS, ROOT, is_generated

PACKAGE = ROOT / "pyruns_jupyter"
TERMS = ROOT / "tools" / "prose.yaml"

_CODE_BLOCK = re.compile(r"^( *)(```+|~~~+).*?^\1\2 *$", re.MULTILINE | re.DOTALL)
_NOT_PROSE = re.compile(
    r"(?s:<!--.*?-->)|`+[^`\n]+`+|\]\([^)\s]*\)|https?://\S+|<[a-zA-Z/][^>\n]*>|^\([\w-]+\)=$", re.MULTILINE
)


@dataclass(frozen=True)
class Text:
    """A text that users read, and where its first line is."""

    file: Path
    line: int
    text: str

    @property
    def place(self) -> str:
        """The file, relative to the root of the sources."""
        return self.file.relative_to(ROOT).as_posix() if self.file.is_relative_to(ROOT) else self.file.name


@dataclass(frozen=True)
class Term:
    """A term that is not to be used.

    Attributes:
        words: the regular expression for it.
        pattern: finds it as whole words.
        better: what to write instead.
        kinds: the kinds of text in which it is wrong; empty for all.
        allowed: patterns of file names in which it is right.
    """

    words: str
    pattern: re.Pattern[str]
    better: str
    kinds: frozenset[str]
    allowed: tuple[str, ...]

    def is_for(self, kind: str, file: str) -> bool:
        """Return whether the term is wrong in this file."""
        return (not self.kinds or kind in self.kinds) and not any(fnmatch(file, one) for one in self.allowed)


@dataclass(frozen=True)
class Finding:
    """A wrong term, and where it is."""

    file: str
    line: int
    kind: str
    term: str
    better: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.kind}: {self.term!r} -> {self.better}"


def read_terms(path: Path = TERMS) -> tuple[list[str], list[Term]]:
    """Return the kinds of text that are checked by `make lint`, and the terms."""
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    return content["enabled"], [_term(one) for one in content["terms"]]


def _term(entry: dict[str, Any]) -> Term:
    flags = 0 if entry.get("case") else re.IGNORECASE
    words = re.sub(" +", r"\\s+", entry["term"])
    return Term(
        words,
        _whole_words(words, flags),
        entry["use"],
        frozenset(entry.get("kinds", ())),
        tuple(entry.get("allowed", ())),
    )


def check(texts: Iterable[Text], kind: str, terms: Sequence[Term]) -> Iterator[Finding]:
    """Yield the wrong terms in texts of one kind."""
    for place, same_place in groupby(texts, lambda one: one.place):
        wrong = [term for term in terms if term.is_for(kind, place)]
        any_wrong = _any_of(tuple(term.words for term in wrong))
        for text in same_place:
            if not any_wrong.search(text.text):  # most have none, and one search is quicker than many
                continue
            for term in wrong:
                for match in term.pattern.finditer(text.text):
                    line = text.line + text.text.count("\n", 0, match.start())
                    yield Finding(place, line, kind, " ".join(match.group().split()), term.better)


@cache
def _any_of(words: tuple[str, ...]) -> re.Pattern[str]:
    return _whole_words("|".join(words) or "(?!)", re.IGNORECASE)


def _whole_words(pattern: str, flags: int) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w-])(?:{pattern})(?![\w-])", flags)


def markdown(path: Path) -> Text:
    """Return a page with spaces in place of code, link targets and markup."""

    def blank(match: re.Match[str]) -> str:
        return re.sub(r"[^\n]", " ", match.group())

    text = path.read_text(encoding="utf-8")
    return Text(path, 1, _NOT_PROSE.sub(blank, _CODE_BLOCK.sub(blank, text)))


def literals(path: Path) -> Iterator[Text]:
    """Yield the texts of several words in a Python file, without docstrings; a field of one is `{}`."""
    nodes = [*ast.walk(ast.parse(path.read_text(encoding="utf-8")))]
    skipped = {
        id(node.body[0].value)
        for node in nodes
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef))
        and isinstance(node.body[0], ast.Expr)
    }
    for node in nodes:
        if isinstance(node, ast.JoinedStr):
            parts = node.values
            skipped.update(map(id, parts))
            text = "".join(str(one.value) if isinstance(one, ast.Constant) else "{}" for one in parts)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in skipped:
            text = node.value
        else:
            continue
        if re.search(r"[A-Za-z] \S", text):
            yield Text(path, node.lineno, text)


def _command_line() -> Iterator[Text]:
    for path in [*_sources(PACKAGE / "cli"), *_COMMAND_LINE]:
        yield from literals(path)
    yield from docstrings(PACKAGE / "notebook" / "magics.py")


def _messages() -> Iterator[Text]:
    for path in _sources(PACKAGE):
        if path not in (*_COMMAND_LINE, _SERVER_SETTINGS) and "cli" not in path.relative_to(PACKAGE).parts:
            yield from literals(path)


def _settings() -> Iterator[Text]:
    schema = ROOT / "schema" / "plugin.json"
    yield from _descriptions(schema, {"title", "description"})
    yield from literals(_SERVER_SETTINGS)


def _rest() -> Iterator[Text]:
    return _descriptions(PACKAGE / "server" / "openapi.yaml", {"title", "summary", "description"})


def _descriptions(path: Path, keys: set[str]) -> Iterator[Text]:
    """Yield the texts of these keys in a YAML (or JSON) file, however deep they are."""

    def walk(node: yaml.Node) -> Iterator[Text]:
        if isinstance(node, yaml.SequenceNode):
            for one in node.value:
                yield from walk(one)
        elif isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                if key.value in keys and isinstance(value, yaml.ScalarNode):
                    is_block = value.style in ("|", ">")
                    yield Text(path, value.start_mark.line + 1 + is_block, _NOT_PROSE.sub(" ", value.value))
                else:
                    yield from walk(value)

    if root := yaml.compose(path.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader):
        yield from walk(root)


def docstrings(path: Path) -> Iterator[Text]:
    """Yield the docstrings of a Python file and of its public classes, functions and methods."""

    def walk(node: ast.Module | ast.ClassDef | ast.FunctionDef) -> Iterator[Text]:
        if text := ast.get_docstring(node, clean=False):
            yield Text(path, node.body[0].lineno, _NOT_PROSE.sub(" ", text))
        for one in node.body if not isinstance(node, ast.FunctionDef) else ():
            if isinstance(one, (ast.ClassDef, ast.FunctionDef)) and not one.name.startswith("_"):
                yield from walk(one)

    return walk(ast.parse(path.read_text(encoding="utf-8")))


def _docstrings() -> Iterator[Text]:
    for path in _PUBLIC:
        for file in _sources(path) if path.is_dir() else [path]:
            yield from docstrings(file)


def _interface() -> Iterator[Text]:
    """Yield the texts of the user interface, as `tools/messages.mjs` finds them."""
    found = subprocess.run(
        ["node", str(ROOT / "tools" / "messages.mjs"), "--places"], check=True, capture_output=True, text=True
    )
    for one in json.loads(found.stdout):
        yield Text(ROOT / one["file"], one["line"], one["text"])


def _pages() -> Iterator[Text]:
    for path in sorted([*ROOT.glob("*.md"), *_documents(), *(ROOT / "examples").rglob("*.md")]):
        if not is_generated(path):
            yield markdown(path)


def _generated() -> Iterator[Text]:
    return (markdown(path) for path in sorted(_documents()) if is_generated(path))


def _documents() -> Iterator[Path]:
    """Yield the sources of the documentation, without the site, which may be built at this moment."""
    for folder, folders, files in os.walk(DOCS):
        folders[:] = [name for name in folders if name != "_build"]
        yield from (Path(folder, name) for name in files if name.endswith(".md"))


def _sources(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.py"))


_COMMAND_LINE = (PACKAGE / "notebook" / "magics.py", PACKAGE / "engine" / "queue" / "options.py")
_SERVER_SETTINGS = PACKAGE / "server" / "app.py"
# Where the names of `pyruns_jupyter.__all__` are defined.
_PUBLIC = (
    PACKAGE / "__init__.py",
    PACKAGE / "script.py",
    PACKAGE / "api",
    PACKAGE / "notebook" / "widgets.py",
)

KINDS: dict[str, Callable[[], Iterable[Text]]] = {
    "cli": _command_line,
    "messages": _messages,
    "settings": _settings,
    "rest": _rest,
    "docstrings": _docstrings,
    "ui": _interface,
    "docs": _pages,
    "reference": _generated,
}


def main(words: Sequence[str]) -> int:
    """Check the kinds that are named, print the findings, and return the exit code."""
    enabled, terms = read_terms()
    named = [word for word in words if not word.startswith("-")]
    kinds = named or (list(KINDS) if {"--all", "--count"} & {*words} else enabled)
    if unknown := {*kinds} - {*KINDS}:
        print(
            f"Unknown kind of text: {', '.join(sorted(unknown))}. Known: {', '.join(KINDS)}.", file=sys.stderr
        )
        return 2
    total = 0
    for kind in kinds:
        found = sorted(check(KINDS[kind](), kind, terms), key=lambda one: (one.file, one.line))
        total += len(found)
        for one in [f"{kind}: {len(found)}"] if "--count" in words else found:
            print(one)
    return 1 if total else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
