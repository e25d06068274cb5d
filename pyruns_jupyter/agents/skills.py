"""Adding the skill of Pyruns to the folders in which agents look for skills."""

from __future__ import annotations

import os
from pathlib import Path

from pyruns_jupyter.core.common.errors import Conflict
from pyruns_jupyter.core.fs.atomic import write_atomic

NAME = "pyruns"
SHARED = ".agents/skills"  # which Codex, Cursor and OpenCode read
CLAUDE = ".claude/skills"
_SKILL = Path(__file__).parent / "skill" / "SKILL.md"


def skill_text() -> str:
    """Return the skill: Markdown with a YAML header, see https://agentskills.io."""
    return _SKILL.read_text(encoding="utf-8")


def add_skill(folder: Path) -> list[Path]:
    """Write the skill below `folder` and link it for Claude Code; return the paths that were written.

    An existing skill of this name is replaced if it is an earlier version of this one.

    Raises:
        Conflict: if something else is in its place; nothing is written then.
    """
    target, link = folder / SHARED / NAME / _SKILL.name, folder / CLAUDE / NAME
    if target.exists() and f"\nname: {NAME}\n" not in target.read_text(encoding="utf-8", errors="replace"):
        raise Conflict(f"{target} is another skill. Rename or remove it first.")
    if os.path.lexists(link) and os.path.realpath(link) != os.path.realpath(target.parent):
        raise Conflict(f"{link} is another skill. Rename or remove it first.")
    target.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(target, skill_text().encode())
    if not os.path.lexists(link):
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(os.path.relpath(target.parent, link.parent))
    return [target, link]
