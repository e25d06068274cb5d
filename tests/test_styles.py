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


def test_each_class_has_a_rule_and_each_rule_a_class() -> None:
    files = [*(ROOT / "src").rglob("*.ts*"), *(ROOT / "ui-tests").glob("*/*.ts")]
    texts = {file: file.read_text(encoding="utf-8") for file in files}
    tests = {file for file in files if {"__tests__", "ui-tests"} & set(file.relative_to(ROOT).parts)}
    sources = "\n".join(text for file, text in texts.items() if file not in tests)
    tested = "\n".join(texts[file] for file in tests)
    # Of `pyr-status-${status}` the beginning is known.
    beginnings = tuple(re.findall(r"(pyr-[\w-]+-)\$\{", sources))
    used = {name for name in re.findall(r"(?<!-)pyr-[\w-]+", sources) if not name.endswith("-")}
    styled = {
        name
        for file in STYLE.glob("*.css")
        for selectors, _ in rules_of(file)
        for name in re.findall(r"\.(pyr-[\w-]+)", ",".join(selectors))
    }
    assert len(styled) > 300
    assert sorted(name for name in styled - used if not name.startswith(beginnings)) == []
    # Tests may find an element by a class that has no rule.
    assert sorted(used - styled - set(re.findall(r"pyr-[\w-]+", tested))) == []
