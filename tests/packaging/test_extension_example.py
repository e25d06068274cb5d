"""The example of an extension that uses Pyruns: it compiles against our types and uses our token."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.packaging.extension_example import NAME, SOURCES, build_extension, copy_sources
from tests.support import ROOT

# Without types, anything could be used, and the comment would be an error.
WRONG = """\
import type { IPyruns } from 'pyruns-jupyter';

// @ts-expect-error
export const wrong = (pyruns: IPyruns) => pyruns.nothing;
"""


# The compiler of TypeScript and the one of JupyterLab take ten seconds each when nothing else runs.
@pytest.mark.timeout(600)
def test_it_is_built_with_our_types_and_without_a_copy_of_our_code(tmp_path: Path) -> None:
    folder = tmp_path / "extension"
    copy_sources(folder)
    (folder / "src" / "wrong.ts").write_text(WRONG, encoding="utf-8")
    settings = json.loads((folder / "tsconfig.json").read_text(encoding="utf-8"))
    assert settings["compilerOptions"]["strict"] is True
    built = build_extension(folder)
    about = json.loads((built / "package.json").read_text(encoding="utf-8"))
    assert about["name"] == NAME and (built / about["jupyterlab"]["_build"]["load"]).is_file()
    code = "".join(file.read_text(encoding="utf-8") for file in (built / "static").glob("*.js"))
    assert "pyruns-example:plugin" in code
    # JupyterLab compares tokens by identity: a copy of ours would be another token.
    assert "pyruns-jupyter:IPyruns" not in code


def test_it_asks_for_this_version() -> None:
    ours = json.loads((ROOT / "package.json").read_text(encoding="utf-8"))
    example = json.loads((SOURCES / "package.json").read_text(encoding="utf-8"))
    major_and_minor = ".".join(ours["version"].split(".")[:2])
    assert example["dependencies"][ours["name"]].startswith(f"^{major_and_minor}.")
