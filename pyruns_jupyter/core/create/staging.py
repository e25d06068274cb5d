"""Create task folders in a staging folder and move them into place, all or none.

All folders are written into one staging folder and made durable there, with a single sync of the file system
when there are many. Then they are renamed into place while the names are guarded: each folder appears
complete, and no name is used twice. Last, the folder of the tasks is made durable. An error undoes the
renames.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from pyruns_jupyter.core.config.sweep.naming import NameTaken
from pyruns_jupyter.core.fs.atomic import MANY_FILES, sync_files, sync_filesystem, sync_folder
from pyruns_jupyter.core.fs.temp_names import is_temporary_file, maker_suffix, tidy
from pyruns_jupyter.core.taskfile.paths import STAGING_PREFIX
from pyruns_jupyter.core.tasks.name_guard import create_guard, reservation_name, reserved, tidy_reservations
from pyruns_jupyter.core.workspace.opening import keep_out_of_git
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder

_CREATE_TIMEOUT = 30.0  # seconds to wait while another process creates tasks


@contextmanager
def staging_folder(workspace: WorkspaceFolder) -> Iterator[Path]:
    """Create an empty folder next to the tasks, which is removed with its content after the `with` block.

    Raises:
        Conflict: when a folder of the workspace is a link.
        OSError: when the workspace is not writable.
    """
    workspace.check_writable()
    workspace.tasks.mkdir(exist_ok=True)
    keep_out_of_git(workspace.root)
    for place in (workspace.root, workspace.folder, workspace.tasks):
        tidy(place, _is_temporary)
    staging = workspace.tasks / f"{STAGING_PREFIX}new{maker_suffix()}"
    staging.mkdir()
    try:
        yield staging
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def put_into_place(
    workspace: WorkspaceFolder, staging: Path, names: Sequence[str], *, are_small: bool = False
) -> None:
    """Make the folders `names` in `staging` durable and rename them into place, all or none.

    A few small folders are synced file by file.

    Raises:
        NameTaken: when one of the names is taken; nothing is changed.
        Busy, OSError: when the folders cannot be renamed; nothing is changed.
    """
    one_by_one = are_small and len(names) < MANY_FILES
    if one_by_one or not sync_filesystem(staging):
        _sync_all(staging)
    with create_guard(workspace, _CREATE_TIMEOUT):
        _place(workspace, staging, names)
    sync_folder(workspace.tasks)


def _is_temporary(name: str) -> bool:
    """Return whether a name is that of a staging folder or of a temporary file."""
    return name.startswith(STAGING_PREFIX) or is_temporary_file(name)


def _place(workspace: WorkspaceFolder, staging: Path, names: Sequence[str]) -> None:
    """Rename the staged folders into place, all or none (call while the names are guarded)."""
    present = set(os.listdir(workspace.tasks))
    tidy_reservations(workspace, present)
    for name in names:
        if name in present or (reservation_name(name) in present and reserved(workspace, name)):
            raise NameTaken(name)
    placed: list[str] = []
    try:
        for name in names:
            try:
                os.rename(staging / name, workspace.tasks / name)
            except OSError as error:
                if os.path.lexists(workspace.tasks / name):
                    raise NameTaken(name) from error
                raise
            placed.append(name)
    except BaseException:
        for name in placed:
            with suppress(OSError):
                os.rename(workspace.tasks / name, staging / name)
        raise


def _sync_all(staging: Path) -> None:
    for folder, _, files in os.walk(staging):
        sync_files(Path(folder), files)
        sync_folder(Path(folder))
