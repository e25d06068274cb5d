"""Importing the tasks of an archive into a workspace, all or none.

The archive is unpacked and checked in a folder of its own in the project; only then are its files moved to
their places. Existing files are never changed, and nothing is run.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import zipfile
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pyruns_jupyter.core.common.errors import Conflict, InvalidInput, NotFound, PyrunsError, Unreadable
from pyruns_jupyter.core.create.preview import free_name
from pyruns_jupyter.core.create.staging import put_into_place, staging_folder
from pyruns_jupyter.core.fs.atomic import dump_json, is_plain_file, put_new, read_json, write_new
from pyruns_jupyter.core.fs.temp_names import maker_suffix, tidy
from pyruns_jupyter.core.provenance.snapshots import store
from pyruns_jupyter.core.taskfile import runs
from pyruns_jupyter.core.taskfile.paths import MAX_RUNS, ROOT_NAME, RUN_LOGS, TASK_INFO, check_task_name
from pyruns_jupyter.core.taskfile.task_file import TaskInfo, mark_imported, own
from pyruns_jupyter.core.workspace.opening import WORKSPACE_STAGING, open_workspace
from pyruns_jupyter.core.workspace.workspace import SHELL, WorkspaceFolder, is_workspace, scan_tasks

from .code import script_files
from .members import CODE, DEFAULT, SNAPSHOTS, TASKS, Index, check_members, extract, read_index
from .packing import archived_info
from .shadowing import why_left_out

_STAGING = ".pyruns-import"
_MAX_LISTED = 50


@dataclass(frozen=True)
class Imported:
    """The workspace of imported tasks, their names by those in the archive, and sentences about differences.

    `written` are the files of code that were added to the project, relative to it; `left_out` maps the others
    to the reason.
    """

    workspace: WorkspaceFolder
    names: dict[str, str]
    created: bool
    notices: list[str] = field(default_factory=list)
    written: list[str] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)

    def warnings(self) -> list[str]:
        """Return what differs from the archive, or was left out, as sentences."""
        return [
            *self.notices,
            *(
                f"{path} in the archive was not imported because {why}."
                for path, why in self.left_out.items()
            ),
        ]

    def written_text(self) -> str:
        """Return which files of code were written, "" if none were."""
        if not self.written:
            return ""
        listed = ", ".join(self.written[:_MAX_LISTED])
        more = len(self.written) - _MAX_LISTED
        listed += f" and {more} more files" if more > 0 else ""
        return f"Written to {self.workspace.project}: {listed}"


def unpack(path: Path, target: Path, *, as_name: str | None = None) -> Imported:
    """Import the tasks of an archive into a workspace.

    Args:
        path: the archive.
        target: the folder of a project, in which the workspace of the archive's script (or shell) is created
            if it is missing; or a script or the folder of a workspace, for that workspace.
        as_name: the new name of the task, if there is one task in the archive.

    A task whose name is taken gets a free one. The script and its modules are written if they are missing;
    existing files are not changed.

    Raises:
        NotFound: if there is no such archive or target.
        InvalidInput: if it is not a valid archive, or belongs to another script; nothing is written.
        Conflict: if something else has a name that is needed; nothing is left behind.
    """
    target = Path(os.path.abspath(target))
    if not target.exists():
        raise NotFound(f"The file or folder {target} does not exist.")
    try:
        size = path.stat().st_size
        archive = zipfile.ZipFile(path)
    except FileNotFoundError:
        raise NotFound(f"The archive {path} does not exist.") from None
    except IsADirectoryError:
        raise InvalidInput(f"{path} is a folder, not an archive.", field="archive") from None
    except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
        raise InvalidInput(f"{path} is not a zip file, or is damaged: {error}.", field="archive") from None
    with archive:
        members = check_members(archive, size, target)
        index = read_index(archive)
        project = _project_of(target)
        if as_name is not None:
            check_task_name(as_name)
            if len(index.tasks) != 1:
                raise InvalidInput(
                    f"The archive contains {len(index.tasks)} tasks, but only a single task can be renamed.",
                    field="name",
                )
        _check_target(target, index)
        tidy(project, lambda name: name.startswith(_STAGING))
        unpacked = project / f"{_STAGING}{maker_suffix()}"
        unpacked.mkdir(mode=0o700)
        try:
            extract(archive, members, unpacked)
            infos = {name: _read_info(unpacked / TASKS / name) for name in index.tasks}
            return _import(unpacked, target, project, index, infos, as_name)
        finally:
            shutil.rmtree(unpacked, ignore_errors=True)


def _project_of(target: Path) -> Path:
    if target.is_file():
        return target.parent
    if target.parent.name == ROOT_NAME:
        return target.parent.parent
    return target.parent if target.name == ROOT_NAME else target


def _check_target(target: Path, index: Index) -> None:
    """Check that the tasks can run in the target."""
    if target.is_file():
        matches = index.kind == "script" and target.suffix == ".py"
    else:
        matches = target.parent.name != ROOT_NAME or WorkspaceFolder.at(target).kind == index.kind
    if not matches:
        raise InvalidInput(
            f"The archive contains tasks of a {index.kind} workspace, which cannot run in {target}.",
            field="path",
        )


def _read_info(folder: Path) -> TaskInfo:
    try:
        info = read_json(folder / TASK_INFO)
    except (FileNotFoundError, Unreadable) as error:
        raise InvalidInput(
            f"{TASK_INFO} of the task {folder.name!r} in the archive cannot be read: {error}.",
            field="archive",
        ) from None
    info = archived_info(info, set())  # the archive may come from anywhere
    if runs.slot_count(info) > MAX_RUNS:
        raise InvalidInput(f"The task {folder.name!r} in the archive has too many runs.", field="archive")
    return info


def _import(
    unpacked: Path, target: Path, project: Path, index: Index, infos: dict[str, TaskInfo], as_name: str | None
) -> Imported:
    notices: list[str] = []
    undo: list[Path] = []
    made: WorkspaceFolder | None = None
    try:
        left_out = _add_code(unpacked / CODE, index.script, project, notices, undo)
        written = [path.relative_to(project).as_posix() for path in undo if not path.is_dir()]
        workspace, created = _workspace(target, project, index)
        if created:
            made = workspace
            if (unpacked / DEFAULT).is_file():
                os.replace(unpacked / DEFAULT, workspace.default)
        _add_snapshots(unpacked / SNAPSHOTS, workspace.root, notices)
        with staging_folder(workspace) as staging:
            names: dict[str, str] = {}
            for name, info in infos.items():
                names[name] = as_name or _free(workspace, name, set(names.values()))
                _prepare(unpacked / TASKS / name, staging / names[name], info, workspace, index)
            put_into_place(workspace, staging, list(names.values()))
    except BaseException:
        if made is not None:
            _remove_workspace(made)
        for path in reversed(undo):
            with suppress(OSError):  # a folder is kept if something was added to it meanwhile
                if path.is_dir():
                    path.rmdir()
                else:
                    path.unlink()
        raise
    if as_name is None:
        notices += [
            f"The name {old!r} is in use, so the task was imported as {new!r}."
            for old, new in names.items()
            if old != new
        ]
    return Imported(workspace, names, created, notices, written, left_out)


def _add_code(
    code: Path, script: str | None, project: Path, notices: list[str], undo: list[Path]
) -> dict[str, str]:
    """Write the script and its modules unless they exist; return what was left out, with the reason.

    Nothing else is added to the project: other files may configure programs there, and a module with the name
    of another one may run instead of it. `notices` get the existing files that differ.
    """
    left_out: dict[str, str] = {}
    needed = set() if script is None else set(script_files(code / script))
    for path in _files(code):
        relative = path.relative_to(code)
        if relative.parts[0] == ROOT_NAME:
            raise InvalidInput(f"The archive contains code below {ROOT_NAME}.", field="archive")
        if path not in needed:
            left_out[relative.as_posix()] = "it is not a module of the script"
            continue
        place = project / relative
        if os.path.lexists(place):
            if not is_plain_file(place) or place.read_bytes() != path.read_bytes():
                notices.append(f"{place} differs from the file in the archive and was not changed.")
            continue
        reason = why_left_out(relative, project, undo)
        if reason and relative.as_posix() == script:
            raise InvalidInput(
                f"The script {script} of the archive cannot be written: {reason}. "
                f"Copy it to {project} yourself if you trust it.",
                field="script",
            )
        if reason:
            left_out[relative.as_posix()] = reason
            continue
        above = [one for one in place.parents if project in one.parents]
        if any(one.is_symlink() for one in above):
            raise Conflict(f"{place} would be written through a symbolic link.")
        for folder in reversed(above):
            if not folder.exists():
                folder.mkdir()
                undo.append(folder)
            elif not folder.is_dir():
                raise Conflict(
                    f"{folder} is not a folder, but must be one for a module. Move it to another place."
                )
        os.chmod(path, 0o644)
        try:
            put_new(path, place)
        except FileExistsError:
            raise Conflict(f"{place} was just created by another program. Try again.") from None
        undo.append(place)
    return left_out


def _add_snapshots(stored: Path, root: Path, notices: list[str]) -> None:
    """Add stored code with valid hashes to a project, unless it is stored there already.

    Raises:
        Conflict: if one of its folders is a link.
        Busy, OSError: if it cannot be written.
    """
    if not stored.is_dir():
        return
    folder = root / store.CODE
    _make_real_folder(folder)
    damaged = 0
    with store.changing(root):
        # Contents first: a snapshot is complete once its manifest exists.
        for path in (*_files(stored / "objects"), *_files(stored / "manifests")):
            relative, data = path.relative_to(stored), path.read_bytes()
            if not _is_stored_code(relative, data):
                damaged += 1
                continue
            place = folder / relative
            for above in (folder / relative.parts[0], place.parent):
                _make_real_folder(above)
            if place.exists():
                os.utime(place, follow_symlinks=False)  # so that it is not pruned soon
            else:
                os.replace(path, place)
    if damaged:
        notices.append(f"{damaged} damaged files of stored code in the archive were not imported.")


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _is_stored_code(relative: Path, data: bytes) -> bool:
    """Return whether the name of a file of stored code matches its content."""
    digest = hashlib.sha256(data).hexdigest()
    if relative == Path("objects", digest[:2], digest[2:]):
        return True
    with suppress(PyrunsError):
        return relative == Path("manifests", f"{digest}.json") and bool(store.Manifest.parse(data, relative))
    return False


def _make_real_folder(folder: Path) -> None:
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    if folder.is_symlink():
        raise Conflict(f"{folder} is a symbolic link. Nothing is written through links below {ROOT_NAME}.")


def _remove_workspace(workspace: WorkspaceFolder) -> None:
    """Remove a workspace that was just created, unless another process has created a task in it."""
    aside = workspace.root / f"{WORKSPACE_STAGING}undone{maker_suffix()}"
    with suppress(OSError):
        os.rename(workspace.folder, aside)  # now no task can be created in it
        if any(True for _ in scan_tasks(aside / TASKS)):
            os.rename(aside, workspace.folder)
        else:
            shutil.rmtree(aside)


def _workspace(target: Path, project: Path, index: Index) -> tuple[WorkspaceFolder, bool]:
    if target.is_file() or (target.parent.name == ROOT_NAME and target.is_dir()):
        return open_workspace(target)
    if index.kind == SHELL:
        return open_workspace(project)
    script = project / (index.script or f"{index.workspace}.py")
    if script.is_file():
        return open_workspace(script)
    existing = project / ROOT_NAME / index.workspace
    if is_workspace(existing):
        return WorkspaceFolder.at(existing), False
    raise InvalidInput(
        f"The archive does not contain the script {script.name}. Copy it to {project} first.", field="script"
    )


def _free(workspace: WorkspaceFolder, name: str, used: set[str]) -> str:
    candidate = free_name(workspace, name)
    number = 1
    while candidate in used:
        number += 1
        candidate = free_name(workspace, f"{name}_{number}")
    return check_task_name(candidate)


def _prepare(source: Path, target: Path, info: TaskInfo, workspace: WorkspaceFolder, index: Index) -> None:
    """Move a task's folder to the staging folder, and adapt it to this project."""
    os.rename(source, target)
    logs = target / RUN_LOGS
    if not logs.is_dir():
        if logs.exists():
            raise InvalidInput(
                f"{RUN_LOGS} of {target.name!r} in the archive is not a folder.", field="archive"
            )
        logs.mkdir()
    for path in (*target.glob(".*"), *logs.glob(".*")):
        if path.is_file():
            path.unlink()  # locks and private copies are useless here
    info["name"] = target.name
    mark_imported(info)
    if info.get("task_kind") == "shell":
        own(info)["project"] = str(workspace.project)
        workdir = info.get("workdir")
        info["workdir"] = str(_moved(workdir, index.project, workspace.project))
        shell = info.get("shell_executable")
        if isinstance(shell, str) and "\0" not in shell and shutil.which(shell) is None:
            found = shutil.which(os.path.basename(shell))
            if found:
                info["shell_executable"] = found
    elif workspace.script is not None:
        info["script"] = str(workspace.script)
    (target / TASK_INFO).unlink()
    write_new(target / TASK_INFO, dump_json(info), durable=False)


def _moved(path: Any, former: str, project: Path) -> Path:
    if isinstance(path, str) and path and "\0" not in path:
        with suppress(ValueError):
            return project / Path(path).relative_to(former)
        if Path(path).is_dir():
            return Path(path)
    return project
