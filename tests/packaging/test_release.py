"""What other ways to publish say of the package agrees with `pyproject.toml` and `package.json`."""

from __future__ import annotations

import json
import os
import re
import subprocess
import tarfile
from importlib.metadata import requires
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support import ROOT

MANIFEST = json.loads((ROOT / "package.json").read_text(encoding="utf-8"))
RECIPE: dict[str, Any] = yaml.safe_load((ROOT / "conda" / "recipe.yaml").read_text(encoding="utf-8"))


def plain(need: str) -> str:
    """A requirement without what pip and conda write differently."""
    name, bounds = re.fullmatch(r"([\w.-]+)\s*(.*)", need).groups()  # type: ignore[union-attr]
    return f"{name.lower().replace('-', '_')} {','.join(sorted(bounds.replace(' ', '').split(',')))}"


def test_conda_installs_what_pip_installs() -> None:
    assert RECIPE["context"]["version"] == MANIFEST["version"]
    ours = [need.partition(";") for need in requires("pyruns_jupyter") or ()]
    needed = {plain(need) for need, _, condition in ours if not condition}
    listed = {plain(need) for need in RECIPE["requirements"]["run"]}
    assert listed == needed | {"python >=3.10"}
    extras = {
        plain(need)
        for need, _, condition in ours
        if any(name in condition for name in ("optimize", "dask", "lab"))
    }
    assert extras == {plain(need) for need in RECIPE["requirements"]["run_constraints"]}


def test_conda_builds_with_what_the_build_needs() -> None:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    required = re.search(r"^requires = \[(.*)\]$", text, re.MULTILINE)
    hook = re.search(r'^dependencies = \["(hatch-jupyter-builder[^"]*)"\]$', text, re.MULTILINE)
    assert required and hook
    needed = {plain(need) for need in [*re.findall(r'"([^"]+)"', required[1]), hook[1]]}
    assert needed | {"python >=3.10", "pip "} == {plain(need) for need in RECIPE["requirements"]["host"]}
    name, function = RECIPE["build"]["python"]["entry_points"][0].split(" = ")
    assert f'{name} = "{function}"' in text


@pytest.mark.timeout(600)  # npm takes half a minute beside other tests
def test_the_npm_package_holds_the_compiled_sources(tmp_path: Path) -> None:
    if not (ROOT / "lib" / "index.js").is_file():
        pytest.skip("`make build` was not called")
    subprocess.run(
        ["npm", "pack", "--silent", "--pack-destination", str(tmp_path)],
        cwd=ROOT,
        check=True,
        capture_output=True,
        env={**os.environ, "HOME": str(tmp_path)},
    )
    [archive] = tmp_path.glob("*.tgz")
    with tarfile.open(archive) as packed:
        names = {name.removeprefix("package/") for name in packed.getnames()}
    told = {"package.json", "LICENSE", "README.md"}
    assert told | {MANIFEST["main"], MANIFEST["types"], MANIFEST["style"]} <= names
    assert {name.split("/")[0] for name in names} == told | {"lib", "style", "src", "schema"}
    assert not [name for name in names if "__tests__" in name]
