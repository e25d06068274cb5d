"""Plan files: the YAML of a sweep after comment lines with the name of the tasks and the script.

# Pyruns plan of 6 tasks
# name: {lr}-{seed}
# script: train.py
# ----
lr: 0.1 | 0.01   # the text of the sweep, unchanged
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
_BREAK = re.compile(r"\r\n|\r|\n")
_FIELD = re.compile(r"# (name|script): ?([^\r\n]*)")
_HEADER = re.compile(
    rf"\ufeff?{_TITLE}[^\r\n]*(?:{_BREAK.pattern}|\Z)"
    rf"((?:{_FIELD.pattern}(?:{_BREAK.pattern}|\Z))*)"
    rf"(?:{_END}[^\S\r\n]*(?:{_BREAK.pattern}|\Z))?"  # without this line the sweep begins here
)


@dataclass(frozen=True)
class PlanFile:
    """The text of a sweep, and the name and the script from its first lines; "" when these have none."""

    text: str
    name: str = ""
    script: str = ""


def parse_plan(text: str) -> PlanFile:
    """Split a text into its first lines and the sweep; a text without such lines is a sweep."""
    header = _HEADER.match(text)
    if header is None:
        return PlanFile(text)
    fields = {key: value.strip() for key, value in reversed(_FIELD.findall(header[1]))}
    return PlanFile(text[header.end() :], fields.get("name", ""), fields.get("script", ""))


def plan_text(plan: PlanFile, count: int) -> str:
    """Return the content of the file of a plan with `count` tasks.

    Raises:
        InvalidInput: when the name contains a line break.
    """
    lines = [f"{_TITLE} of {count:,} {'task' if count == 1 else 'tasks'}"]
    for key, value in (("name", plan.name), ("script", plan.script)):
        if _BREAK.search(value):
            raise InvalidInput(f"The {key} {value!r} contains a line break.", field=key)
        if value:
            lines.append(f"# {key}: {value}")
    return "\n".join([*lines, _END, plan.text])


def read_plan(path: Path) -> PlanFile:
    """Return the plan in a file; it can be any YAML file with sweep syntax.

    Raises:
        NotFound, Unreadable: when the file does not exist or is not text.
    """
    try:
        return parse_plan(read_text(path))
    except FileNotFoundError:
        raise NotFound(f"The file {path} does not exist.") from None


def write_plan(path: Path, plan: PlanFile, count: int, *, overwrite: bool = False) -> None:
    """Write a plan to a file. A link is kept, and its target replaced; a device is written to.

    Raises:
        Conflict: when the file exists and `overwrite` is false, or it is not a plan file (never replaced).
        InvalidInput, NotFound: when the path is a folder, or its folder does not exist.
        OSError: when the file cannot be written.
    """
    data = plan_text(plan, count).encode()
    if path.is_file():
        if not overwrite:
            raise Conflict(
                f"{path} already exists. Choose another file, or overwrite it with overwrite=True."
            )
        with path.open("rb") as stream:
            if not stream.read(len(_TITLE) + 3).removeprefix(b"\xef\xbb\xbf").startswith(_TITLE.encode()):
                raise Conflict(f"{path} is not a plan file, so it is not overwritten. Choose another file.")
    with output_file(path, force=overwrite) as stream:
        stream.write(data)
