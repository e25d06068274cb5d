"""Whether there are trees of stored code; a scheduler of a project without any needs no more of `trees`."""

from __future__ import annotations

import os

from pyruns_jupyter.core.trust.engine_key import EngineKey

TREES = "trees"  # the folder, in the state folder of an engine


def has_trees(key: EngineKey) -> bool:
    """Return whether there may be a tree that could be removed; cheap."""
    try:
        return any(not name.endswith(".lock") for name in os.listdir(key.state / TREES))
    except OSError:
        return False
