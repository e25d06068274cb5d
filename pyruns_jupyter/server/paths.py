"""Confining the paths of clients to the server's root folder."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from msgspec.structs import replace

from pyruns_jupyter.core.common.errors import InvalidInput, NotFound
from pyruns_jupyter.core.taskfile.paths import ROOT_NAME, SCRIPT_INFO
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder, is_workspace


class Confinement:
    """Translates between the paths of clients (relative to the root, with `/`) and paths on disk."""

    def __init__(self, root: Path, roots: Sequence[str] = ()) -> None:
        """`roots`, relative to `root`, are the folders that may contain projects; if empty, all of them."""
        self.root = Path(os.path.realpath(root))
        self.roots = [Path(os.path.realpath(self.root / one.strip("/"))) for one in roots] or [self.root]

    def workspace(self, identifier: str) -> WorkspaceFolder:
        """Return the workspace whose folder has the path `identifier`.

        Raises:
            NotFound: if there is no such workspace below the root, or only through a symbolic link.
        """
        missing = NotFound(
            f"The workspace {identifier!r} does not exist below the root folder of the server."
        )
        parts = _parts(identifier)
        if parts is None or len(parts) < 2 or parts[-2] != ROOT_NAME:
            raise missing
        named = self.root.joinpath(*parts)
        try:
            real = Path(os.path.realpath(named))
            project = Path(os.path.realpath(named.parent.parent))
            if real != project / ROOT_NAME / named.name or not self._allows(real):
                raise missing
            if (real / SCRIPT_INFO).is_symlink() or not is_workspace(real):
                raise missing
        except (OSError, ValueError):
            raise missing from None
        return self.confined(WorkspaceFolder(real))

    def confined(self, workspace: WorkspaceFolder) -> WorkspaceFolder:
        """Return a workspace that reads nothing outside the root."""
        return replace(workspace, within=self.root)

    def at(self, folder: Path) -> WorkspaceFolder:
        """Return the workspace in a folder, given by its path on this host.

        Raises:
            NotFound: if there is no such workspace below the root.
        """
        missing = NotFound(
            f"The workspace {str(folder)!r} does not exist below the root folder of the server."
        )
        try:
            relative = self.relative(Path(os.path.realpath(folder)))
        except (OSError, ValueError):
            raise missing from None
        if not folder.is_absolute() or not relative:
            raise missing
        return self.workspace(relative)

    def target(self, path: str) -> Path:
        """Return the file or folder that a client wants to open as a workspace, or to import runs from.

        Raises:
            InvalidInput: if the path is not below the root.
            NotFound: if it does not exist.
        """
        parts = _parts(path.strip("/"))
        if parts is None:
            raise InvalidInput(
                f"{path!r} is not a valid path. Use a path relative to the root folder of the server.",
                field="path",
            )
        try:
            real = Path(os.path.realpath(self.root.joinpath(*parts)))
            if not real.is_relative_to(self.root):
                raise InvalidInput(f"{path!r} is outside the root folder of the server.", field="path")
            if not self._allows(real):
                raise InvalidInput(f"The administrator does not allow Pyruns to open {path!r}.", field="path")
            exists = real.exists()
        except (OSError, ValueError):
            exists = False
        if not exists:
            raise NotFound(f"There is no file or folder {path!r}.")
        return real

    def _allows(self, real: Path) -> bool:
        return real.is_relative_to(self.root) and any(map(real.is_relative_to, self.roots))

    def identifier(self, workspace: WorkspaceFolder) -> str:
        """Return the id (`{ws}`) of a workspace below the root."""
        return workspace.folder.relative_to(self.root).as_posix()

    def relative(self, path: Path) -> str | None:
        """Return the path that clients use (empty for the root itself), None outside the root."""
        try:
            relative = path.relative_to(self.root)
        except ValueError:
            return None
        return "" if relative == Path() else relative.as_posix()


def _parts(path: str) -> list[str] | None:
    """Split a path of a client; return None if it may lead out of the root."""
    if not path:
        return []
    parts = path.split("/")
    for part in parts:
        if part in ("", ".", "..") or "\0" in part or (os.name == "nt" and (":" in part or "\\" in part)):
            return None
    return parts
