"""A log as plain text: without what commands a terminal, each line as it was drawn last."""

from __future__ import annotations

import re

# CSI, OSC up to its end, and the short sequences (ECMA-48).
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[ -/]*[0-~])")


def last_drawn(text: str) -> str:
    """Return a text without escape sequences; of a line that was rewritten (`\\r`) the last version."""
    lines = _ESCAPES.sub("", text).split("\n")
    return "\n".join(next((part for part in reversed(line.split("\r")) if part), "") for line in lines)
