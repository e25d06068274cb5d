"""The parameters of a script as its own parser describes them, if the user asked it."""

from __future__ import annotations

import threading
from collections import OrderedDict
from pathlib import Path
from typing import TYPE_CHECKING

from pyruns_jupyter.core.taskfile.paths import EnginePaths
from pyruns_jupyter.core.trust.engine_key import trusted_engine

if TYPE_CHECKING:
    from pyruns_jupyter.core.scripts.model import ScriptParameters
    from pyruns_jupyter.core.scripts.probe.store import StoredAnswer


_CACHED = 16
# By identity: an entry holds what it is made from.
_cache: OrderedDict[tuple[int, int, str], tuple[ScriptParameters, StoredAnswer, ScriptParameters]]
_cache = OrderedDict()
_lock = threading.Lock()


def stored_answer(
    root: Path, script: Path, *, interpreter: str = "", project: Path | None = None
) -> StoredAnswer | None:
    """Return the stored answer of a script, None if it was not asked; see `probe.store.find`.

    `root` is the `_pyruns_` folder. Answers in a folder that this user did not create here are not used.
    """
    folder = EnginePaths(root).asked
    if not folder.is_dir() or trusted_engine(root) is None:
        return None
    from pyruns_jupyter.core.scripts.probe.store import find  # few projects have answers

    return find(folder, script, interpreter, project)


def with_answer(read: ScriptParameters, stored: StoredAnswer | None) -> ScriptParameters:
    """Return the parameters in the source of a script, completed by a stored answer.

    An answer that may be outdated is only used where the source does not show everything.
    """
    if stored is None:
        return read
    key = (id(read), id(stored.record), stored.changed)
    with _lock:
        known = _cache.get(key)
    if known is None:
        known = read, stored, _completed(read, stored)
        with _lock:
            _cache[key] = known
            while len(_cache) > _CACHED:
                _cache.popitem(last=False)
    return known[2]


def _completed(read: ScriptParameters, stored: StoredAnswer) -> ScriptParameters:
    from pyruns_jupyter.core.scripts.probe.mapping import combined, is_complete, parameters_of

    asked = parameters_of(stored.answer, stored.record.script)
    if asked is None or (stored.changed and is_complete(read)):
        return read
    return combined(read, asked)
