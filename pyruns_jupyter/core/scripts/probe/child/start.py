"""Entry point: `python start.py REQUEST`, where REQUEST is a JSON file; see `session`."""

from __future__ import annotations

import importlib.util
import os
import sys


def main() -> None:
    """Load the package from its folder, under a name that no project uses, and run the script."""
    here = os.path.dirname(os.path.abspath(__file__))
    spec = importlib.util.spec_from_file_location(
        "_pyruns_probe", os.path.join(here, "__init__.py"), submodule_search_locations=[here]
    )
    assert spec is not None and spec.loader is not None
    package = importlib.util.module_from_spec(spec)
    sys.modules["_pyruns_probe"] = package
    spec.loader.exec_module(package)
    sys.path[:] = [entry for entry in sys.path if os.path.abspath(entry or ".") != here]
    runner = importlib.import_module("_pyruns_probe.runner")
    runner.run(sys.argv[1])


if __name__ == "__main__":
    main()
