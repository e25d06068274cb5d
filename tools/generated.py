"""What the tools that make pages of the documentation have in common: tables, and writing or checking a page.

They run as `python -m tools.NAME`, from the root of the sources: then nothing has to be installed.
"""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
GENERATED = ("cli.md", "magics.md", "settings.md", "rest.md")  # the pages of `docs` that tools write


def main(pages: Mapping[str, Iterable[str]], source: str) -> int:
    """Write pages of `docs` (lines by the page's name), or with `--check` compare them with what is there.

    `source` ends a sentence about what they are not. Returns the exit code.
    """
    only_check = "--check" in sys.argv[1:]
    status = 0
    for name, lines in pages.items():
        text = "\n".join(lines).rstrip() + "\n"
        path = DOCS / name
        if not only_check:
            path.write_text(text, encoding="utf-8")
        elif not path.is_file() or path.read_text(encoding="utf-8") != text:
            print(f"docs/{name} is not what {source}: run `make generate`.", file=sys.stderr)
            status = 1
    return status


def paragraph(text: str) -> str:
    """Return a paragraph in lines as long as those of other pages, with an empty one at its end."""
    return textwrap.fill(text, 120, break_long_words=False, break_on_hyphens=False) + "\n"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    """Yield the lines of a table, with an empty one at its end; nothing when it has no rows."""
    lines = [f"| {' | '.join(map(cell, row))} |" for row in rows]
    if lines:
        yield f"| {' | '.join(head)} |"
        yield f"| {' | '.join('---' for _ in head)} |"
        yield from lines
        yield ""


def cell(text: str) -> str:
    """Return a text as it stands in a table: in one line, without anything that ends the cell."""
    return " ".join(text.split()).replace("|", "\\|")
