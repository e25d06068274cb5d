"""The code of a project as it was when tasks were queued, stored once by content below `_pyruns_/.code/`."""

from .store import Manifest, export, load, take
from .trees import Tree, has_trees, tidy_trees, use

__all__ = ["Manifest", "Tree", "export", "has_trees", "load", "take", "tidy_trees", "use"]
