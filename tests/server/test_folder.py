"""Does the server see the very folder that a notebook's kernel sees?"""

from __future__ import annotations

from pathlib import Path

from pyruns_jupyter.core.workspace.opening import open_workspace
from tests.server.client import Api
from tests.server.conftest import WS


def identity_of(folder: Path) -> str:
    found = folder.stat()
    return f"{found.st_dev}:{found.st_ino}"


async def seen(api: Api, folder: Path | str, identity: str) -> list[str]:
    answer = await api.get("/workspaces", {"folder": str(folder), "identity": identity})
    return [item["id"] for item in answer["items"]]


async def test_the_very_folder_is_found(api: Api, jp_root_dir: Path, tmp_path: Path) -> None:
    folder = open_workspace(jp_root_dir / "train.py")[0].folder
    open_workspace(jp_root_dir / "sub folder" / "nested.py")
    assert await seen(api, folder, identity_of(folder)) == [WS]
    link = tmp_path / "link"
    link.symlink_to(jp_root_dir, target_is_directory=True)
    assert await seen(api, link / WS, identity_of(folder)) == [WS]


async def test_another_folder_is_not(api: Api, jp_root_dir: Path, tmp_path: Path) -> None:
    folder = open_workspace(jp_root_dir / "train.py")[0].folder
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "train.py").write_text("print(1)\n")
    other = open_workspace(outside / "train.py")[0].folder
    assert await seen(api, folder, identity_of(other)) == []
    assert await seen(api, folder, "") == []
    assert await seen(api, other, identity_of(other)) == []
    assert await seen(api, jp_root_dir, identity_of(jp_root_dir)) == []
    assert await seen(api, jp_root_dir / "no\0thing", "1:2") == []
    assert await seen(api, "_pyruns_/train", identity_of(folder)) == []
