"""A run of another program, and what is read of its small files."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from pyruns_jupyter.core.common.errors import InvalidInput, Unreadable
from pyruns_jupyter.core.common.printable import printable
from pyruns_jupyter.core.config.document import parse_config
from pyruns_jupyter.core.config.flatten import flatten
from pyruns_jupyter.core.config.yamltext.values import value_text
from pyruns_jupyter.core.fs.text_files import read_text
from pyruns_jupyter.core.metrics.sources.base import Source
from pyruns_jupyter.core.metrics.sources.formats import Format
from pyruns_jupyter.core.taskfile.metadata import MAX_NOTES, MAX_TAGS, check_tags
from pyruns_jupyter.core.taskfile.paths import is_task_name
from pyruns_jupyter.core.taskfile.runs import COMPLETED

MAX_PARAMETERS = 2000
STALE_SECONDS = 7 * 86400.0  # after which a run without an end is not running any more
_MAX_TEXT, _MAX_TEXTS = 64 * 1024, 1024 * 1024  # characters of a parameter, and of all
_MAX_DEPTH = 20
_MAX_NAME = 200  # bytes, which leaves room for a number
_NOT_IN_NAMES = re.compile(r'[@<>:"/\\|?*\x00-\x1f\x7f\ud800-\udfff]+')


class RunSource(NamedTuple):
    """A file with metrics of a run. `path` is its path for names and messages."""

    path: str
    format: Format
    source: Source


@dataclass
class FoundRun:
    """A run of another program.

    Attributes:
        program: its name for users.
        key: identifies the run, so that it is not imported twice.
        path: the folder or file of the run.
        name: the wanted name of the task; `legal_name` makes it valid.
        open: opens the files with metrics, to be read from the beginning.
        complete: called after the metrics were read, with whether that was all of them; it may set facts that
            only the end of the file contains.
        started, finished: epoch seconds, None if unknown.
        records: summary values that are not metrics with steps.
        log, artifacts: the file and the folder to copy.
        skipped: why the run is not imported, empty if it is.
        notices: what is left out of it, as sentences.
    """

    program: str
    key: str
    path: Path
    name: str
    open: Callable[[], list[RunSource]]
    complete: Callable[[bool], None] = lambda is_whole: None
    parameters: dict[str, Any] = field(default_factory=dict)
    status: str = COMPLETED
    message: str = ""
    exit_code: int | None = None
    started: float | None = None
    finished: float | None = None
    records: dict[str, Any] = field(default_factory=dict)
    tags: list[str] = field(default_factory=list)
    notes: str = ""
    log: Path | None = None
    artifacts: Path | None = None
    skipped: str = ""
    notices: list[str] = field(default_factory=list)

    def add_tag(self, text: str) -> None:
        """Add a tag, in the form that a tag may have."""
        tag = printable(text).replace(",", " ").replace('"', "'").strip()[:50].strip()
        try:
            if len(self.tags) < MAX_TAGS:
                self.tags = list(check_tags([*self.tags, tag]))
        except InvalidInput:
            return

    def set_notes(self, text: str) -> None:
        """Set the notes, cut to the maximum length."""
        self.notes = _clean(text)[:MAX_NOTES]

    def set_parameters(self, parameters: Mapping[str, Any]) -> None:
        """Set the parameters: plain data that YAML can store. Others are left out, with a notice."""
        kept: dict[str, Any] = {}
        size = 0
        for key, value in parameters.items():
            name = _clean(str(key))
            if len(kept) >= MAX_PARAMETERS or size > _MAX_TEXTS:
                self.add_notice(f"Only the first {len(kept):,} parameters are imported.")
                break
            try:
                value = _plain(value, 0)
                length = len(name) + len(value_text(value))
                if length > _MAX_TEXT:
                    raise ValueError("it is too long")
                flatten({name: value})
            except (TypeError, ValueError, InvalidInput, RecursionError):
                self.add_notice(f"The parameter {name[:100]!r} is too large and is left out.")
                continue
            kept[name] = value
            size += length
        self.parameters = kept

    def add_notice(self, text: str) -> None:
        """Add a sentence about what is left out."""
        if text not in self.notices and len(self.notices) < 20:
            self.notices.append(text)

    def config(self, path: Path) -> dict[str, Any]:
        """Return the mapping in a YAML file of the run; empty, with a notice, if it cannot be read."""
        try:
            return dict(parse_config(read_text(path, follow=False), str(path)))
        except FileNotFoundError:
            return {}
        except (InvalidInput, Unreadable) as error:
            self.add_notice(f"{error.message} Its values are left out.")
            return {}


def json_value(data: bytes | str) -> Any:
    """Return the value of a JSON text, None if it is not valid."""
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None


def legal_name(text: str) -> str:
    """Return a text as the name of a task."""
    name = _NOT_IN_NAMES.sub("_", text).strip().lstrip(".-").strip()
    name = name.encode("utf-8", "replace")[:_MAX_NAME].decode("utf-8", "ignore").rstrip(". ")
    if not name:
        return "run"
    return name if is_task_name(name) else f"run_{name}"


def _plain(value: Any, depth: int) -> Any:
    """Return plain data with texts that UTF-8 can encode."""
    if depth > _MAX_DEPTH:
        raise ValueError("too many levels")
    if isinstance(value, str):
        return _clean(value)
    if isinstance(value, dict):
        return {_clean(str(key)): _plain(item, depth + 1) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item, depth + 1) for item in value]
    return value


def _clean(text: str) -> str:
    return text.encode("utf-8", "replace").decode()
