"""The skill: its commands exist, and adding it overwrites nothing of others."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

import pytest

from pyruns_jupyter.agents.skills import add_skill, skill_text
from pyruns_jupyter.cli.grammar import build_parser
from pyruns_jupyter.core.common.errors import Conflict


def test_the_commands_of_the_skill() -> None:
    parser = build_parser("jupyter pyruns")
    lines = [line for line in skill_text().splitlines() if line.startswith("jupyter pyruns ")]
    for line in lines:
        parser.parse_args(shlex.split(line, comments=True)[2:])
    assert len(lines) == 11


def test_adding_the_skill(tmp_path: Path) -> None:
    written = add_skill(tmp_path)
    assert (tmp_path / ".claude/skills/pyruns/SKILL.md").read_text() == skill_text()
    assert not Path(os.readlink(tmp_path / ".claude/skills/pyruns")).is_absolute()
    written[0].write_text("---\nname: pyruns\n---\nan earlier version")
    assert add_skill(tmp_path) == written
    assert written[0].read_text() == skill_text()


@pytest.mark.parametrize("place", [".agents/skills/pyruns", ".claude/skills/pyruns"])
def test_another_skill_is_kept(tmp_path: Path, place: str) -> None:
    other = tmp_path / place / "SKILL.md"
    other.parent.mkdir(parents=True)
    other.write_text("---\nname: other\n---\n")
    with pytest.raises(Conflict, match="another skill"):
        add_skill(tmp_path)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [other]
