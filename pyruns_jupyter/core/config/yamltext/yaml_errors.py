"""What a YAML parser complains about, as a sentence that says what to do, and the key that it is about."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Iterator
from typing import Any

import yaml

from pyruns_jupyter.core.common.time_limit import check_time

from .textscan import quoted_end

_INDENT = re.compile(r"[ \t]*")
_BREAK = re.compile(r"\r\n|\r|\n")
_DASHES = re.compile(r" *((?:-[ \t]+)*)")
_KEY = re.compile(r"""([^\s#&*!|>'"%@`\[\]{},][^\r\n]*?)[ \t]*:(?=[ \t\r\n]|\Z)""")
_KEY_AFTER_QUOTES = re.compile(r"[ \t]*:(?=[ \t\r\n]|\Z)")


def yaml_mistake(text: str, error: yaml.YAMLError) -> tuple[str, int]:
    """Return what is wrong with `text`, and the index where."""
    problem = str(getattr(error, "problem", None) or getattr(error, "reason", None) or error)
    context = str(getattr(error, "context", None) or "")
    index = _index(getattr(error, "problem_mark", None), text)
    begin = _index(getattr(error, "context_mark", None), text)
    start = _line_start(text, index)
    indent = _INDENT.match(text, start)
    if indent and "\t" in indent.group():
        tab = start + indent.group().index("\t")
        return "this line is indented with a tab; YAML takes only spaces", tab
    if "tab" in problem and "found" in problem:
        return "a tab stands where YAML takes only spaces", index
    if "quoted scalar" in context:
        if "end of stream" in problem or "document separator" in problem:
            return "a quote is opened and never closed", begin
        return (
            "a backslash in double quotes begins an escape: write \\\\ for a backslash, or use single quotes",
            index,
        )
    if "flow sequence" in context or "flow mapping" in context:
        close = "]" if "sequence" in context else "}"
        if index >= len(text.rstrip()) or _line_start(text, begin) < start:
            bracket = text[begin : begin + 1]
            return f"{bracket!r} is opened and never closed; quote the value if it is text", begin
        return f"a comma or the closing {close!r} is missing here; quote the value if it is text", index
    known = next((one for one in _KNOWN if one[0] in problem), None)
    if known is None:
        return f"this is not YAML: {problem}", index
    words, sentence = known
    if words == "could not find expected ':'":
        return sentence, begin
    if sentence is _SHAPE and text[start:index].strip(" -\t"):
        return "this text follows a value that is finished: quote all of it, or put it on its own line", index
    return sentence, index


_SHAPE = "the line does not fit those above: check its indentation, quotes and the colon after the key"
_KNOWN = (
    (
        "mapping values are not allowed",
        "a colon and a space stand inside a value; quote the value, or check the indentation",
    ),
    ("expected a single document", "a configuration is one document; remove the line ---"),
    ("but found another document", "a configuration is one document; remove the line ---"),
    ("<document start>", "a configuration is one document; remove what follows its end"),
    (
        "found undefined alias",
        "an alias (*name) has no anchor (&name) above it; quote the value if it is text",
    ),
    ("found duplicate anchor", "this anchor (&name) stands here twice"),
    ("could not find expected ':'", "this line has no colon: write 'key: value'"),
    ("expected <block end>", _SHAPE),
    ("did not find expected key", _SHAPE),
    ("expected '-' indicator", _SHAPE),
    ("cannot start any token", "YAML gives this character another meaning here: quote the value"),
    ("expected node content", "YAML gives this character another meaning here: quote the value"),
    ("alphabetic or numeric character", "* and & begin a name in YAML: quote the value if it is text"),
    ("comment or line break", "nothing may follow | or > on its line; quote the value if it is text"),
    ("undefined tag handle", "! begins a tag in YAML: quote the value if it is text"),
    ("the expected '>'", "! begins a tag in YAML: quote the value if it is text"),
    ("nested too deeply", "the values are nested too deeply"),
)


def key_at(text: str, index: int) -> str | None:
    """Return the dotted key whose value stands at `index` of a text that cannot be read, None if unclear.

    The key has to be on the line of `index`.
    """
    start = _line_start(text, index)
    line = _key_of(text, start)
    return None if line is None or start + line[1] >= index else keys_at(text, [index])[0]


def keys_at(text: str, indexes: Iterable[int]) -> list[str | None]:
    """Return for each index, in rising order, the dotted key whose value is there; see `key_at`.

    Only keys of block mappings are looked at; a value in a list belongs to no key that could be named.
    """
    lines = _key_lines(text)
    following = next(lines, None)
    around: list[tuple[int, str, bool]] = []  # the keys that enclose the place: column, key, in a list
    found: list[str | None] = []
    for index in indexes:
        while following is not None and following[0] < index:
            _, column, key, listed = following
            while around and around[-1][0] >= column:
                around.pop()
            around.append((column, key, listed))
            following = next(lines, None)
        named = around and not any(listed for _, _, listed in around)
        found.append(".".join(key for _, key, _ in around) if named else None)
    return found


def _key_lines(text: str) -> Iterator[tuple[int, int, str, bool]]:
    """Yield index, column and name of each key of a block mapping, and whether it is in a list."""
    for start in itertools.chain([0], (one.end() for one in _BREAK.finditer(text))):
        check_time()
        line = _key_of(text, start)
        if line is not None:
            yield start + line[1], line[1], line[0], line[2]


def _key_of(text: str, start: int) -> tuple[str, int, bool] | None:
    """Return key, column and whether it stands in a list, of the line that begins at `start`."""
    dashes = _DASHES.match(text, start)
    position = dashes.end() if dashes else start
    if text[position : position + 1] in ("'", '"'):
        end = quoted_end(text, position)
        if end is None or not _KEY_AFTER_QUOTES.match(text, end):
            return None
        key = text[position + 1 : end - 1]
    else:
        found = _KEY.match(text, position)
        if found is None or " #" in found.group():
            return None
        key = found.group(1)
    return key, position - start, bool(dashes and dashes.group(1))


def _index(mark: Any, text: str) -> int:
    return min(mark.index, len(text)) if mark is not None else 0


def _line_start(text: str, index: int) -> int:
    return max(text.rfind("\n", 0, index), text.rfind("\r", 0, index)) + 1
