"""The configurations of all tasks of a workspace in memory, for searching. Never writes."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from types import MappingProxyType

from pyruns_jupyter.core.common.errors import Unreadable
from pyruns_jupyter.core.fs.atomic import read_whole
from pyruns_jupyter.core.fs.change_stamp import UNKNOWN, Signature, settled_signature, signature_of

from .flatten import EMPTY, FlatConfig, FlatReader

MAX_BYTES = 256 * 1024  # bytes; a larger file is data, not a configuration to search
LOOKS = 1000  # files that one call looks at again although nothing is known to have changed


class ConfigCache:
    """Flat configurations by task name. Not for several threads at once."""

    def __init__(self, folder: str) -> None:
        """Keep the configurations of the tasks in `folder` (`.../tasks`)."""
        self._folder = folder
        self._configs: dict[str, FlatConfig] = {}
        self._files: dict[str, tuple[str, Signature]] = {}
        self._reader = FlatReader()
        self._turn: Iterator[str] = iter(())

    def update(self, changed: Iterable[tuple[str, str]], removed: Iterable[str]) -> Mapping[str, FlatConfig]:
        """Return all configurations after a look at the files of `changed` (task and file name), and at some
        of the others, the next ones with each call.

        Tasks `removed` are forgotten. What was returned earlier stays as it was.
        """
        gone = [name for name in removed if self._files.pop(name, None) is not None]
        fresh: dict[str, FlatConfig] = {}
        for name, file in changed:
            known = self._files.get(name)
            self._look(name, file, known[1] if known and known[0] == file else UNKNOWN, fresh)
        for name in self._some(len(fresh)):
            known = self._files.get(name)
            if known is not None:
                self._look(name, *known, fresh)
        if gone or fresh:
            configs = dict(self._configs)
            for name in gone:
                configs.pop(name, None)
            configs.update(fresh)
            self._configs = configs
            self._reader.forget_lines()
        return MappingProxyType(self._configs)

    def _some(self, looked: int) -> list[str]:
        """Return the names whose turn it is to be looked at again."""
        wanted = max(0, min(LOOKS, len(self._files)) - looked)
        names = list(islice(self._turn, wanted))
        if len(names) < wanted:
            self._turn = iter(list(self._files))
            names.extend(islice(self._turn, wanted - len(names)))
        return names

    def _look(self, name: str, file: str, known: Signature, fresh: dict[str, FlatConfig]) -> None:
        """Read a configuration unless it is the one that is `known`."""
        path = f"{self._folder}/{name}/{file}"
        try:
            if known != UNKNOWN and signature_of(os.stat(path, follow_symlinks=False)) == known:
                return
            data, status = read_whole(path, most=MAX_BYTES)
            signature, text = settled_signature(status), data.decode()
        except (OSError, ValueError, Unreadable):  # gone, forbidden, no file, too large or no text
            signature, text = UNKNOWN, ""
        config = self._reader.read(text) if text else EMPTY
        self._files[name] = (file, signature)
        if known != UNKNOWN or self._configs.get(name) != config:
            fresh[name] = config
