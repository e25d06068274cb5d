"""The processes of the operating system that this runs on: the same functions for all systems."""

import sys

# mypy checks for both systems that all names exist which other modules import from here.
if sys.platform == "win32":
    from .windows import *  # noqa: F403
else:
    from .posix import *  # noqa: F403
