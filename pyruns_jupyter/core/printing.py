"""Texts that come from names and files, for people to look at."""

from __future__ import annotations

import unicodedata


def printable(text: str) -> str:
    """Return `text` on one line, control characters as escapes: a name must not command a terminal."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        character
        if unicodedata.category(character)[0] != "C"
        else character.encode("unicode_escape").decode("ascii")
        for character in text
    )
