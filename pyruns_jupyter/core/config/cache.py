"""The configurations of all tasks of a workspace in memory, for queries. Never writes."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice

from pyruns_jupyter.core.common.errors import Unreadable
from pyruns_jupyter.core.fs.atomic import read_whole
from pyruns_jupyter.core.fs.change_stamp import UNKNOWN, Signature, settled_signature, signature_of
from pyruns_jupyter.core.taskfile.paths import SCRIPT_CONFIG

from .flatten import EMPTY, FlatConfig, FlatReader

MAX_BYTES = 256 * 1024  # of a file; a larger one is data, not a configuration
MAX_RECHECKS = 1000  # files per call that are checked without a known change


class ConfigCache:
    """Flat configurations by task name. Not thread-safe."""

    def __init__(self, folder: str) -> None:
        """Cache the configurations of the tasks in `folder` (`.../tasks`)."""
        self._folder = folder
        self._configs: dict[str, FlatConfig] = {}
        self._signatures: dict[str, Signature] = {}
        self._other_files: dict[str, str] = {}  # names of files that are not the usual one
        self._reader = FlatReader()
        self._next_checks: Iterator[str] = iter(())

    def update(self, changed: Iterable[tuple[str, str]], removed: Iterable[str]) -> Mapping[str, FlatConfig]:
        """Return all configurations after checking the files of `changed` (task and file name) and some of
        the others, in turn.

        Tasks in `removed` are dropped. Earlier results do not change.
        """
        dropped = [name for name in removed if self._signatures.pop(name, None) is not None]
        for name in dropped:
            self._other_files.pop(name, None)
        fresh: dict[str, FlatConfig] = {}
        for name, file in changed:
            if self._file_of(name) != file:
                self._signatures.pop(name, None)
                self._other_files[name] = file
            self._check(name, self._signatures.get(name, UNKNOWN), fresh)
        for name in self._due(len(fresh)):
            known = self._signatures.get(name)
            if known is not None:
                self._check(name, known, fresh)
        if dropped or fresh:
            configs = dict(self._configs)
            for name in dropped:
                configs.pop(name, None)
            configs.update(fresh)
            self._configs = configs
            self._reader.forget_layouts()
        return self._configs

    def _file_of(self, name: str) -> str:
        return self._other_files.get(name, SCRIPT_CONFIG)

    def _due(self, checked: int) -> list[str]:
        """Return the next names to check when `checked` files were read in this call."""
        wanted = max(0, min(MAX_RECHECKS, len(self._signatures)) - checked)
        names = list(islice(self._next_checks, wanted))
        if len(names) < wanted:
            self._next_checks = iter(list(self._signatures))
            names.extend(islice(self._next_checks, wanted - len(names)))
        return names

    def _check(self, name: str, known: Signature, fresh: dict[str, FlatConfig]) -> None:
        """Read a configuration unless its signature is `known`."""
        path = f"{self._folder}/{name}/{self._file_of(name)}"
        try:
            if known != UNKNOWN and signature_of(os.stat(path, follow_symlinks=False)) == known:
                return
            data, status = read_whole(path, most=MAX_BYTES)
            signature, text = settled_signature(status), data.decode()
        except (OSError, ValueError, Unreadable):  # missing, forbidden, not a file, too large or not text
            signature, text = UNKNOWN, ""
        config = self._reader.read(text) if text else EMPTY
        self._signatures[name] = signature
        if known != UNKNOWN or self._configs.get(name) != config:
            fresh[name] = config
