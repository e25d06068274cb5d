"""Building task folders out of sight, and putting them into place, all or none.

All folders are built inside one staging folder and made durable there, with one synchronisation of the file
system when they are many. Then, under the guard of the names, they are renamed into place, which is fast and
makes each one whole; the names are free or nothing was done. Last, the folder of the tasks is made durable.
An error on the way takes back what was renamed.
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
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder, keep_out_of_git

_CREATE_TIMEOUT = 30.0  # seconds to wait while somebody else creates


@contextmanager
def staging_folder(workspace: WorkspaceFolder) -> Iterator[Path]:
    """Give a `with` block an empty folder beside the tasks, which goes at the end with all that is in it.

    Raises:
        Conflict: when a link is in the way.
        OSError: when the workspace may not be written to.
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

    When they hold few files and are few, these are synchronised one by one.

    Raises:
        NameTaken: when one of the names is taken; nothing was done.
        Busy, OSError: when that is not possible; nothing was done.
    """
    one_by_one = are_small and len(names) < MANY_FILES
    if one_by_one or not sync_filesystem(staging):
        _sync_all(staging)
    with create_guard(workspace, _CREATE_TIMEOUT):
        _place(workspace, staging, names)
    sync_folder(workspace.tasks)


def _is_temporary(name: str) -> bool:
    """Return whether a name is that of something half made: a staging folder, or a file being written."""
    return name.startswith(STAGING_PREFIX) or is_temporary_file(name)


def _place(workspace: WorkspaceFolder, staging: Path, names: Sequence[str]) -> None:
    """Rename the staged folders into place, all or none (call under the guard)."""
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
