"""Write the reference pages that are generated from Python; `--check` fails if they are outdated."""

from __future__ import annotations

import sys
from importlib.util import find_spec
from types import ModuleType

from tools.generated import main

VERSION = "pyruns_jupyter._version"


def without_build() -> None:
    """Let the server extension be imported where nothing was built: its version is written by a build."""
    if find_spec(VERSION) is None:
        stand_in = ModuleType(VERSION)
        stand_in.__dict__["__version__"] = "0"
        sys.modules[VERSION] = stand_in


if __name__ == "__main__":
    without_build()
    from tools.grammar_docs import cli_pages, magics_page
    from tools.settings_docs import settings_page

    pages = {**cli_pages(), "magics.md": magics_page(), "settings.md": settings_page()}
    raise SystemExit(main(pages, "the program"))
