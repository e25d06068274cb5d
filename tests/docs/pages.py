"""The code blocks of a page of the documentation, and what is to be done with each.

A comment right before a block says what differs: `<!-- file: NAME -->` it is a file; `<!-- not run: WHY -->`;
`<!-- fails -->` its last command ends with an error; `<!-- with: PACKAGE -->` a script that
`test_framework_examples` runs as a task where this package is installed. Comments at the top of a page say
where it runs: `<!-- in: EXAMPLE -->` in a copy of that example, `<!-- after: PAGE -->` in what another page
left,
`<!-- needs: slurm -->` beside a cluster, `<!-- needs: pyr -->` with the program `pyr` on the path,
`<!-- tasks fail: WHY -->` that some may.
"""

from __future__ import annotations

import re
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests.support import ROOT

DOCS = ROOT / "docs"
RUN = ("bash", "python")
READ = ("yaml", "json", "ini", "text", "typescript")

_FENCE = re.compile(
    r"^(?P<indent> *)(?P<ticks>`{3,})(?P<info>[^\n`]*)\n(?P<text>.*?)^(?P=indent)(?P=ticks) *$", re.M | re.S
)
_COMMENT = re.compile(r"<!-- ([a-z ]+)(?:: ([^>]*))? -->\s*\Z")


@dataclass(frozen=True)
class Block:
    """A code block: its language, text, first line in the page, and what the comment before it says."""

    language: str
    text: str
    line: int
    note: str = ""
    value: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return the block as JSON-ready data."""
        return asdict(self)


def pages() -> list[Path]:
    """All pages that people read, but the generated ones."""
    found = [path for path in DOCS.rglob("*.md") if "_build" not in path.parts]
    return sorted([*found, *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "RELEASING.md"))])


def blocks(page: Path) -> list[Block]:
    """Return the code blocks of a page; directives of MyST are none."""
    source = page.read_text(encoding="utf-8")
    found = []
    for match in _FENCE.finditer(source):
        info = match["info"].strip()
        if info.startswith("{"):
            continue
        comment = _COMMENT.search(source[: match.start()])
        indent = match["indent"]
        lines = [line.removeprefix(indent) for line in match["text"].splitlines()]
        found.append(
            Block(
                info,
                "\n".join(lines) + "\n",
                source.count("\n", 0, match.start()) + 1,
                comment[1] if comment else "",
                (comment[2] or "") if comment else "",
            )
        )
    return found


def setting(page: Path, name: str) -> str:
    """Return what a comment at the top of a page sets, empty when there is none."""
    found = re.search(rf"\A(?:<!-- .* -->\n)*?<!-- {name}: (.*?) -->\n", page.read_text(encoding="utf-8"))
    return found[1] if found else ""
