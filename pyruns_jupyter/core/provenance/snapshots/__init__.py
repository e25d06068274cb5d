"""The code of a project as it was when tasks were queued, stored once by content below `_pyruns_/.code/`."""

from .pruning import Unneeded, find_unneeded, prune
from .store import Manifest, export, load, take
from .trees import Tree, has_trees, tidy_trees, use

__all__ = [
    "Manifest",
    "Tree",
    "Unneeded",
    "export",
    "find_unneeded",
    "has_trees",
    "load",
    "prune",
    "take",
    "tidy_trees",
    "use",
]
