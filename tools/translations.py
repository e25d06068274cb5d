"""Bring the messages of the translated documentation up to date, or tell which are missing (`--check`).

usage: translations.py [--check]

The messages of a page stand in `docs/locale/zh_CN/LC_MESSAGES/<page>.po`, in the order of the page. New ones
are added without a translation, those that are not in the page any more are removed. What is made from code,
and what only developers of this project read, stays English.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po

DOCS = Path(__file__).resolve().parents[1] / "docs"
LANGUAGE = "zh_CN"
ENGLISH_ONLY = {
    "architecture",
    "cli",
    "decisions",
    "disk-format",
    "magics",
    "python",
    "rest",
    "glossary",
    "scaling",
    "settings",
}


def pages() -> list[str]:
    """The pages that are translated, without `.md`."""
    found = (path.relative_to(DOCS) for path in DOCS.rglob("*.md") if "_build" not in path.parts)
    names = (path.with_suffix("").as_posix() for path in found)
    return sorted(name for name in names if name.partition("/")[0] not in ENGLISH_ONLY)


def current(page: str, templates: Path) -> Catalog:
    """The messages of a page as it is now, with the translations that there are."""
    with (templates / f"{page}.pot").open("rb") as stream:
        wanted = read_po(stream)
    target = path_of(page)
    known = Catalog()
    if target.exists():
        with target.open("rb") as stream:
            known = read_po(stream)
    catalog = Catalog(locale=LANGUAGE)
    for message in wanted:
        if message.id:
            told = known.get(str(message.id))
            catalog.add(str(message.id), told.string if told is not None else "")
    return catalog


def path_of(page: str) -> Path:
    return DOCS / "locale" / LANGUAGE / "LC_MESSAGES" / f"{page}.po"


def text_of(catalog: Catalog) -> bytes:
    buffer = BytesIO()
    write_po(buffer, catalog, width=0, omit_header=True)
    return buffer.getvalue()


def main(words: list[str]) -> None:
    """Write the messages; with `--check` only say what differs, and end with an error."""
    check = words == ["--check"]
    problems = []
    with tempfile.TemporaryDirectory() as folder:
        # Without the English pages, which take much time; `make docs` reports broken links.
        left_out = ",".join(["_build", *(f"{name}{end}" for name in ENGLISH_ONLY for end in (".md", "/**"))])
        options = ["-Q", "-b", "gettext", "-D", f"exclude_patterns={left_out}"]
        subprocess.run([sys.executable, "-m", "sphinx", *options, str(DOCS), folder], check=True)
        for page in pages():
            catalog = current(page, Path(folder))
            missing = [str(message.id) for message in catalog if message.id and not message.string]
            problems += [f"{page}: not translated: {text[:80]!r}" for text in missing]
            target, text = path_of(page), text_of(catalog)
            if check and (not target.exists() or target.read_bytes() != text):
                problems.append(f"{page}: call `make translate`")
            elif not check:
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(text)
        stray = {path.relative_to(path_of("").parent).with_suffix("").as_posix() for path in stored()}
        problems += [f"{page}: there is no such page any more" for page in sorted(stray - set(pages()))]
    print("\n".join(problems), file=sys.stderr)
    if check and problems:
        sys.exit(1)


def stored() -> list[Path]:
    return list(path_of("").parent.rglob("*.po"))


if __name__ == "__main__":
    main(sys.argv[1:])
