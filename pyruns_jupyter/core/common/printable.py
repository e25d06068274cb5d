"""Escaping text from names and files for display."""

from __future__ import annotations

import re
import unicodedata


def printable(text: str) -> str:
    """Return `text` on one line with control characters escaped, so that a name cannot control a terminal."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        character
        if unicodedata.category(character)[0] != "C"
        else character.encode("unicode_escape").decode("ascii")
        for character in text
    )


def printable_text(text: str) -> str:
    """Return a text of several lines with control characters escaped."""
    lines = text.replace("\r\n", "\n").split("\n")
    return "\n".join("\t".join(map(printable, line.split("\t"))) for line in lines)


def printable_json(text: str) -> str:
    """Return JSON with control characters, and those that change the text direction, escaped."""
    return _NOT_ASCII.sub(_json_escape, text)


def _json_escape(found: re.Match[str]) -> str:
    import json  # the command line shows its help faster without it

    return "".join(
        character if unicodedata.category(character)[0] != "C" else json.dumps(character)[1:-1]
        for character in found.group()
    )


_NOT_ASCII = re.compile(r"[^\x00-\x7e]+")
