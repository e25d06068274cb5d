"""Plans as files: the sweep's own YAML, led by comment lines with the name of the tasks and the script.

# Pyruns plan of 6 tasks
# name: {lr}-{seed}
# script: train.py
# ----
lr: 0.1 | 0.01   # the text as it was, byte for byte
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from pyruns_jupyter.core.common.errors import Conflict, InvalidInput, NotFound
from pyruns_jupyter.core.fs.text_files import read_text
from pyruns_jupyter.core.taskfile.output_file import output_file

_TITLE = "# Pyruns plan"
_END = "# ----"
_LINE = re.compile(r"# (name|script): ?(.*)")
_BREAK = re.compile(r"\r\n|\r|\n")


@dataclass(frozen=True)
class PlanFile:
    """A sweep's text, and what its leading lines say; "" where they say nothing."""

    text: str
    name: str = ""
    script: str = ""


def parse_plan(text: str) -> PlanFile:
    """Split a text into its leading lines and the sweep; any other text is a sweep without them."""
    position, lines = 1 if text.startswith("\ufeff") else 0, 0
    found: dict[str, str] = {}
    while True:
        end = _BREAK.search(text, position)
        line = text[position : end.start() if end else len(text)]
        if lines == 0:
            if not line.startswith(_TITLE):
                return PlanFile(text)
        elif line.rstrip() == _END:
            position = end.end() if end else len(text)
            break
        else:
            said = _LINE.fullmatch(line.rstrip())
            if said is None:
                break  # the closing line is gone: the text begins here
            found.setdefault(said.group(1), said.group(2).strip())
        if end is None:
            position = len(text)
            break
        position, lines = end.end(), lines + 1
    return PlanFile(text[position:], found.get("name", ""), found.get("script", ""))


def plan_text(plan: PlanFile, count: int) -> str:
    """Return what is written into the file of a plan that makes `count` tasks.

    Raises:
        InvalidInput: when the name holds a line break.
    """
    lines = [f"{_TITLE} of {count:,} {'task' if count == 1 else 'tasks'}"]
    for key, value in (("name", plan.name), ("script", plan.script)):
        if _BREAK.search(value):
            raise InvalidInput(f"The {key} {value!r} holds a line break.", field=key)
        if value:
            lines.append(f"# {key}: {value}")
    return "\n".join([*lines, _END, plan.text])


def read_plan(path: Path) -> PlanFile:
    """Return the plan in a file; any YAML file with batch syntax is one.

    Raises:
        NotFound, Unreadable: when there is no such file, or it is no text.
    """
    try:
        return parse_plan(read_text(path))
    except FileNotFoundError:
        raise NotFound(f"There is no file {path}.") from None


def write_plan(path: Path, plan: PlanFile, count: int, *, overwrite: bool = False) -> None:
    """Write a plan into a file. A link stays, and leads to the new file; devices are written into.

    Raises:
        Conflict: when a file is there and `overwrite` is false, or it is no plan file (never replaced).
        InvalidInput, NotFound: when a folder is named, or there is none for the file.
        OSError: when the system does not allow it.
    """
    data = plan_text(plan, count).encode()
    if path.is_file():
        if not overwrite:
            raise Conflict(f"{path} is there already. Name another file, or ask to overwrite it.")
        with path.open("rb") as stream:
            if not stream.read(len(_TITLE) + 3).removeprefix(b"\xef\xbb\xbf").startswith(_TITLE.encode()):
                raise Conflict(f"{path} is no plan file, so it is not overwritten. Name another file.")
    with output_file(path, force=overwrite) as stream:
        stream.write(data)
