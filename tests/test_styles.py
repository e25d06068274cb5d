"""Style sheets: ours change nothing that other parts of the page show."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent
STYLE = ROOT / "style"
XTERM = ROOT / "node_modules/@xterm/xterm/css/xterm.css"

Rules = list[tuple[list[str], str]]


def rules_of(file: Path) -> Rules:
    """Return selectors and body of each rule, without whitespace and comments; none of them are nested."""
    text = re.sub(r"/\*.*?\*/", "", file.read_text(encoding="utf-8"), flags=re.DOTALL)
    return [
        (
            [" ".join(selector.split()) for selector in match[1].split(",")],
            re.sub(r"\s", "", match[2]).removesuffix(";").lower(),
        )
        for match in re.finditer(r"([^{};]+)\{([^{}]*)\}", text)
    ]


def with_imports(file: Path) -> list[Path]:
    names = re.findall(r"@import url\('([^']+)'\)", file.read_text(encoding="utf-8"))
    imported = [
        ROOT / "node_modules" / name if name.startswith("@") else file.parent / name for name in names
    ]
    return [file, *(each for one in imported for each in with_imports(one))]


def test_terminals_of_others_keep_their_looks() -> None:
    files = [file for name in ("index.css", "widget.css") for file in with_imports(STYLE / name)]
    selectors = [
        selector
        for file in files
        for selectors, _ in rules_of(file)
        for selector in selectors
        if "xterm" in selector  # JupyterLab's terminal is of another version and has the same classes
    ]
    assert len(selectors) > 40
    assert [selector for selector in selectors if not selector.startswith(".pyr-screen ")] == []


def test_our_terminals_look_as_their_version_wants() -> None:
    scoped = [
        ([f".pyr-screen {selector}" for selector in selectors], body) for selectors, body in rules_of(XTERM)
    ]
    assert rules_of(STYLE / "xterm.css") == scoped


def test_no_rule_is_for_a_class_that_nothing_has() -> None:
    sources = "\n".join(
        file.read_text(encoding="utf-8")
        for file in (ROOT / "src").rglob("*.ts*")
        if "__tests__" not in file.parts
    )
    # Of `pyr-status-${status}` the beginning is known.
    beginnings = tuple(re.findall(r"(pyr-[\w-]+-)\$\{", sources))
    used = set(re.findall(r"pyr-[\w-]+", sources))
    styled = {
        name
        for file in STYLE.glob("*.css")
        for selectors, _ in rules_of(file)
        for name in re.findall(r"\.(pyr-[\w-]+)", ",".join(selectors))
    }
    assert len(styled) > 300
    assert sorted(name for name in styled - used if not name.startswith(beginnings)) == []
