"""Runs of Weights & Biases: the folders `run-*` and `offline-run-*` of a folder `wandb`.

The log `run-ID.wandb` has all of a run: records with its facts (17: 1 ID, 3 project, 4 configuration, 8 name,
9 notes, 10 tags, 17 start time), changes of the configuration (5), the history (2), the summary (3) and the
end (18: 1 exit code, 2 seconds). A configuration has items (1): 1 key, 2 nested key, 16 value as JSON.
"""

from __future__ import annotations

import os
import re
import time
from pathlib import Path
from typing import Any

from pyruns_jupyter.core.common.errors import Unreadable
from pyruns_jupyter.core.fs.text_files import read_text
from pyruns_jupyter.core.metrics.sources.base import NotMetrics, Point, SourceError
from pyruns_jupyter.core.metrics.sources.formats import format_of
from pyruns_jupyter.core.metrics.sources.protobuf import BYTES, VARINT, fields, signed
from pyruns_jupyter.core.metrics.sources.wandb import RunFile
from pyruns_jupyter.core.taskfile.runs import COMPLETED, FAILED

from .found_run import FoundRun, RunSource, json_value

PROGRAM = "W&B"
_FOLDER = re.compile(r"(?:offline-)?run-(\d{8}_\d{6})-([^/\\#?%:]+)")
_SUMMARY, _CONFIG, _RUN, _EXIT = 3, 5, 17, 18
_UPDATE, _KEY, _NESTED_KEY, _JSON = 1, 1, 2, 16
_PROJECT, _RUN_CONFIG, _NAME, _NOTES, _TAGS, _STARTED = 3, 4, 8, 9, 10, 17
_CODE, _SECONDS, _NANOSECONDS, _EXIT_SECONDS = 1, 1, 2, 2
_OWN = "_wandb"
_MAX_KEYS, _MAX_VALUE = 10_000, 64 * 1024  # of a configuration or summary; bytes of a value
_HEAD_SLICES = 20  # that are read for the facts of a run
_ACTIVE_SECONDS = 600.0  # since the last change, in which a run without an end may still be running


def is_run(name: str) -> bool:
    """Return whether a folder has the name of a run."""
    return _FOLDER.fullmatch(name) is not None


def found_run(folder: Path) -> FoundRun:
    """Return the run in a folder."""
    named = _FOLDER.fullmatch(folder.name)
    assert named is not None
    logs = sorted(folder.glob("run-*.wandb"))[:1]
    files = folder / "files"
    run = FoundRun(PROGRAM, f"wandb:{named[1]}-{named[2]}", folder, named[2], list)
    run.started = _started(named[1])
    summary: dict[str, Any] = {}
    if not files.is_symlink():
        output = files / "output.log"
        run.log = output if output.is_file() else None
        run.artifacts = files if files.is_dir() else None
        stored = run.config(files / "config.yaml")
        run.set_parameters({key: _unwrapped(value) for key, value in stored.items() if key != _OWN})
        summary = _summary(files / "wandb-summary.json")
    if not logs:
        run.records = summary
        run.finished = run.started
        run.add_notice(f"It has no file run-{named[2]}.wandb, so only its summary is imported.")
        return run
    file_format = format_of(str(logs[0]))
    assert file_format is not None
    log = _RunLog(logs[0], run)

    def opened() -> list[RunSource]:
        log.restart()
        return [RunSource(str(logs[0]), file_format, log)]

    run.open, run.complete = opened, log.complete
    try:
        for _ in range(_HEAD_SLICES):  # the facts of the run are at the beginning
            log.read()
            if log.has_facts or not log.has_more:
                break
    except (NotMetrics, SourceError, OSError):
        run.skipped = f"{logs[0].name} is empty or damaged."
    return run


class _RunLog(RunFile):
    """The log of a run, which also sets the facts of the run."""

    def __init__(self, path: Path, run: FoundRun) -> None:
        super().__init__(path)
        self._run = run
        self._stored = dict(run.parameters)
        self._config: dict[str, bytes] = {}  # values as JSON
        self._summary: dict[str, bytes] = {}
        self._end: tuple[int, float] | None = None
        self._records = self._skipped = 0  # records, and bytes that are not valid
        self.has_facts = False

    def restart(self) -> None:
        """Read the file from its beginning."""
        super().__init__(self.path)
        self._records = self._skipped = 0

    def read(self) -> list[Point]:
        """See `Source`. Data that is not valid is skipped, and `complete` says so."""
        try:
            return super().read()
        except SourceError:
            self._skipped += self.skip_invalid()
            return []

    def complete(self, is_whole: bool) -> None:
        """Set the facts at the end of the file."""
        run = self._run
        self._set_parameters()
        run.records = {key: json_value(data) for key, data in self._summary.items() if key[:1] != "_"}
        if self._skipped and not self._records:
            run.skipped = f"{self.path.name} is empty or damaged."
        elif self._skipped:
            run.add_notice(f"{self.path.name} is damaged: {self._skipped:,} bytes of it are left out.")
        if self._end is not None:
            run.exit_code, seconds = self._end
            run.status = FAILED if run.exit_code else COMPLETED
            if run.started is not None and seconds:
                run.finished = run.started + seconds
        elif self._skipped:
            run.add_notice("Its status is not known and is set to completed.")
        elif time.time() - os.lstat(self.path).st_mtime < _ACTIVE_SECONDS:
            run.skipped = "It has not ended: it may still be running."
        elif not is_whole:
            run.add_notice(
                "Its log was not read to the end. Its status is not known and is set to completed."
            )
        else:
            run.status, run.message = FAILED, "W&B did not record the end of this run."

    def points_of(self, record: bytes) -> list[Point]:
        """See `RunFile`."""
        self._records += 1
        for one in fields(record):
            if one.wire != BYTES:
                continue
            content = record[one.start : one.end]
            if one.number == _RUN:
                self._take_run(content)
            elif one.number == _CONFIG:
                _update(self._config, content)
            elif one.number == _SUMMARY:
                _update(self._summary, content)
            elif one.number == _EXIT:
                numbers = {part.number: part.value for part in fields(content) if part.wire == VARINT}
                code = signed(numbers.get(_CODE, 0))
                self._end = (code if abs(code) < 1 << 31 else 1, float(numbers.get(_EXIT_SECONDS, 0)))
        return super().points_of(record)

    def _set_parameters(self) -> None:
        logged = {key: json_value(data) for key, data in self._config.items()}
        self._run.set_parameters({**self._stored, **logged})

    def _take_run(self, content: bytes) -> None:
        run = self._run
        self.has_facts = True
        for one in fields(content):
            if one.wire != BYTES:
                continue
            part = content[one.start : one.end]
            if one.number == _RUN_CONFIG:
                _update(self._config, part)
                self._set_parameters()
            elif one.number == _STARTED:
                seconds = {sub.number: sub.value for sub in fields(part) if sub.wire == VARINT}
                if 0 < seconds.get(_SECONDS, 0) < 1 << 36:
                    run.started = seconds[_SECONDS] + min(seconds.get(_NANOSECONDS, 0), 10**9) / 1e9
            elif one.number in (_PROJECT, _NAME, _NOTES, _TAGS):
                text = part.decode("utf-8", "replace")
                if one.number == _NAME and text:
                    run.name = text
                elif one.number == _NOTES:
                    run.set_notes(text)
                elif text and text != "uncategorized":
                    run.add_tag(text)


def _update(values: dict[str, bytes], content: bytes) -> None:
    """Add the items in a configuration or summary to values, which are JSON.

    Raises:
        ValueError: when it is not valid.
    """
    for one in fields(content):
        if one.number != _UPDATE or one.wire != BYTES:
            continue
        names, data = [], b""
        for part in fields(content, one.start, one.end):
            if part.wire == BYTES and part.number in (_KEY, _NESTED_KEY):
                names.append(content[part.start : part.end].decode("utf-8", "replace"))
            elif part.wire == BYTES and part.number == _JSON:
                data = content[part.start : part.end]
        key = ".".join(name for name in names if name)
        if key and key != _OWN and len(data) <= _MAX_VALUE and (key in values or len(values) < _MAX_KEYS):
            values[key] = data


def _unwrapped(value: Any) -> Any:
    """Return the value of an entry of `config.yaml`: `{value: 0.1, desc: null}`."""
    return value["value"] if isinstance(value, dict) and "value" in value else value


def _summary(path: Path) -> dict[str, Any]:
    try:
        values = json_value(read_text(path, follow=False))
    except (FileNotFoundError, Unreadable):
        return {}
    return {key: value for key, value in values.items() if key[:1] != "_"} if isinstance(values, dict) else {}


def _started(text: str) -> float | None:
    """Return the time in the name of a folder, in epoch seconds."""
    try:
        return time.mktime(time.strptime(text, "%Y%m%d_%H%M%S"))
    except (ValueError, OverflowError):
        return None
