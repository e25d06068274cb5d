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
# The pages and folders of `docs` that tools write.
GENERATED = ("cli.md", "cli", "magics.md", "settings.md", "rest.md", "rest")


def is_generated(page: Path) -> bool:
    """Return whether tools write this page of `docs`."""
    return page.is_relative_to(DOCS) and page.relative_to(DOCS).parts[0] in GENERATED


def main(pages: Mapping[str, Iterable[str]], source: str) -> int:
    """Write pages of `docs` (lines by the page's path), or with `--check` compare them with the files.

    Pages in the folders of these pages that are not among them are deleted. `source` names what they are made
    from. Returns the exit code.
    """
    only_check = "--check" in sys.argv[1:]
    texts = {DOCS / name: "\n".join(lines).rstrip() + "\n" for name, lines in pages.items()}
    folders = {path.parent for path in texts} - {DOCS}
    outdated = [path for path, text in texts.items() if not path.is_file() or path.read_text("utf-8") != text]
    unknown = [path for folder in folders for path in folder.glob("*.md") if path not in texts]
    if not only_check:
        for path in outdated:
            path.parent.mkdir(exist_ok=True)
            path.write_text(texts[path], encoding="utf-8")
        for path in unknown:
            path.unlink()
        return 0
    for path in [*outdated, *unknown]:
        print(f"{path.relative_to(ROOT)} differs from {source}: run `make generate`.", file=sys.stderr)
    return 1 if outdated or unknown else 0


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
