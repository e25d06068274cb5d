"""Turn the errors of the YAML parser into sentences that say what to do."""

from __future__ import annotations

import re
from typing import Any

import yaml

_INDENT = re.compile(r"[ \t]*")


def yaml_problem(text: str, error: yaml.YAMLError) -> tuple[str, int]:
    """Return what is wrong with `text`, and at which index."""
    problem = str(getattr(error, "problem", None) or getattr(error, "reason", None) or error)
    context = str(getattr(error, "context", None) or "")
    index = _index(getattr(error, "problem_mark", None), text)
    begin = _index(getattr(error, "context_mark", None), text)
    start = _line_start(text, index)
    indent = _INDENT.match(text, start)
    if indent and "\t" in indent.group():
        tab = start + indent.group().index("\t")
        return "this line is indented with a tab, but YAML allows only spaces", tab
    if "tab" in problem and "found" in problem:
        return "there is a tab where YAML allows only spaces", index
    if "quoted scalar" in context:
        if "end of stream" in problem or "document separator" in problem:
            return "this quote is never closed", begin
        return (
            (
                "a backslash in double quotes starts an escape sequence. Write \\\\ for a backslash, or "
                "use single quotes"
            ),
            index,
        )
    if "flow sequence" in context or "flow mapping" in context:
        close = "]" if "sequence" in context else "}"
        if index >= len(text.rstrip()) or _line_start(text, begin) < start:
            bracket = text[begin : begin + 1]
            return f"{bracket!r} is never closed. Quote the value if it is text", begin
        return f"a comma or the closing {close!r} is missing here. Quote the value if it is text", index
    known = next((one for one in _KNOWN if one[0] in problem), None)
    if known is None:
        return f"this is not valid YAML: {problem}", index
    words, sentence = known
    if words == "could not find expected ':'":
        return sentence, begin
    if sentence is _SHAPE and text[start:index].strip(" -\t"):
        return "this text follows a complete value. Quote all of it, or put it on a line of its own", index
    return sentence, index


_SHAPE = "this line does not match the lines above. Check its indentation, quotes and the colon after the key"
_KNOWN = (
    (
        "mapping values are not allowed",
        "a value contains a colon and a space. Quote the value, or check the indentation",
    ),
    ("expected a single document", "a configuration must be a single document. Remove the line ---"),
    ("but found another document", "a configuration must be a single document. Remove the line ---"),
    ("<document start>", "a configuration must be a single document. Remove the text after its end"),
    (
        "found undefined alias",
        "an alias (*name) has no anchor (&name) above it. Quote the value if it is text",
    ),
    ("found duplicate anchor", "duplicate anchor (&name)"),
    ("could not find expected ':'", "this line has no colon. Write 'key: value'"),
    ("expected <block end>", _SHAPE),
    ("did not find expected key", _SHAPE),
    ("expected '-' indicator", _SHAPE),
    ("cannot start any token", "this character has a special meaning in YAML. Quote the value"),
    ("expected node content", "this character has a special meaning in YAML. Quote the value"),
    ("alphabetic or numeric character", "* and & start a name in YAML. Quote the value if it is text"),
    (
        "comment or line break",
        "no text is allowed after | or > on the same line. Quote the value if it is text",
    ),
    ("undefined tag handle", "! starts a tag in YAML. Quote the value if it is text"),
    ("the expected '>'", "! starts a tag in YAML. Quote the value if it is text"),
    ("nested too deeply", "the values are nested too deeply"),
)


def _index(mark: Any, text: str) -> int:
    return min(mark.index, len(text)) if mark is not None else 0


def _line_start(text: str, index: int) -> int:
    return max(text.rfind("\n", 0, index), text.rfind("\r", 0, index)) + 1
