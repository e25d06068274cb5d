"""Print what pyproject.toml requires, one requirement a line, for `pip install -r`.

usage: requirements.py [EXTRA ...]

The requirements of the build, of the package and of each EXTRA, so that an environment can be filled before
the package itself is built (its build needs the tools that the environment brings).
"""

from __future__ import annotations

import sys
from pathlib import Path

if sys.version_info >= (3, 11):
    import tomllib
else:
    from pip._vendor import tomli as tomllib


def main(extras: list[str]) -> None:
    manifest = Path(__file__).resolve().parent.parent / "pyproject.toml"
    data = tomllib.loads(manifest.read_text(encoding="utf-8"))
    project = data["project"]
    lines = [*data["build-system"]["requires"], *project["dependencies"]]
    for extra in extras:
        try:
            lines += project["optional-dependencies"][extra]
        except KeyError:
            sys.exit(f"requirements.py: {manifest.name} has no extra called {extra}")
    print("\n".join(dict.fromkeys(lines)))


if __name__ == "__main__":
    main(sys.argv[1:])
