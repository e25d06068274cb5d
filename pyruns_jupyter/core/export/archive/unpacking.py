"""Opening an archive: its tasks come into a workspace, all or none.

All of it is unpacked and checked in a folder of its own beside where it goes; only then is anything put into
place. Nothing that is there already is changed, and nothing is run.
"""

from __future__ import annotations

import os
import shutil
import zipfile
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

from pyruns_jupyter.core.common.errors import Conflict, InvalidInput, NotFound, Unreadable
from pyruns_jupyter.core.create.preview import free_name
from pyruns_jupyter.core.create.staging import put_into_place, staging_folder
from pyruns_jupyter.core.fs.atomic import dump_json, is_plain_file, parse_json, read_json, write_new
from pyruns_jupyter.core.fs.temp_names import maker_suffix, tidy
from pyruns_jupyter.core.taskfile import move_lock, runs
from pyruns_jupyter.core.taskfile.paths import (
    DEFAULT_CONFIG,
    MAX_RUNS,
    ROOT_NAME,
    RUN_LOGS,
    TASK_INFO,
    check_task_name,
    is_task_name,
)
from pyruns_jupyter.core.taskfile.task_file import TaskInfo, mark_imported, own
from pyruns_jupyter.core.workspace.workspace import (
    SHELL_TEMPLATE,
    WORKSPACE_STAGING,
    WorkspaceFolder,
    is_workspace,
    open_workspace,
    scan_tasks,
)

from .code import script_files
from .members import (
    CODE,
    DEFAULT,
    FORMAT,
    INDEX,
    MAX_INDEX,
    SNAPSHOTS,
    TASKS,
    VERSION,
    check_members,
    extract,
)
from .packing import archived_info
from .shadowing import why_left_out
from .stored import bring_snapshots

_STAGING = ".pyruns-import"
_MAX_LISTED = 50


@dataclass(frozen=True)
class Imported:
    """The workspace that tasks of an archive are in now, their names by those in the archive, and sentences
    about what is not as it was.

    `written` are the files of code that came into the project, relative to it; `left_out` maps the others to
    the reason.
    """

    workspace: WorkspaceFolder
    names: dict[str, str]
    created: bool
    notices: list[str] = field(default_factory=list)
    written: list[str] = field(default_factory=list)
    left_out: dict[str, str] = field(default_factory=dict)

    def warnings(self) -> list[str]:
        """Return what is not as it was, or was left out, as sentences."""
        return [
            *self.notices,
            *(f"{path} of the archive was left out: {why}." for path, why in self.left_out.items()),
        ]

    def written_text(self) -> str:
        """Return which files of code were written, empty if none was."""
        if not self.written:
            return ""
        listed = ", ".join(self.written[:_MAX_LISTED])
        more = len(self.written) - _MAX_LISTED
        listed += f" and {more} more files" if more > 0 else ""
        return f"Written to {self.workspace.project}: {listed}"


@dataclass(frozen=True)
class _Index:
    kind: str
    workspace: str
    script: str | None
    project: str
    tasks: tuple[str, ...]


def unpack(path: Path, target: Path, *, as_name: str | None = None) -> Imported:
    """Bring the tasks of an archive into a workspace.

    Args:
        path: the archive.
        target: a folder: the project, whose workspace of the archive's script (or shell) is created when
            there is none; or a script or workspace folder, that very workspace.
        as_name: the task's name here, when there is one task in the archive.

    A task whose name is taken gets a free one. The script and its modules are written when they are not
    there; a file that is there stays as it is.

    Raises:
        NotFound: when there is no such archive or target.
        InvalidInput: when it is no archive that can be opened, or belongs to another script; nothing is
            written.
        Conflict: when something is in the way on disk; nothing is left behind.
    """
    target = Path(os.path.abspath(target))
    if not target.exists():
        raise NotFound(f"There is no file or folder {target}.")
    try:
        size = path.stat().st_size
        archive = zipfile.ZipFile(path)
    except FileNotFoundError:
        raise NotFound(f"There is no archive {path}.") from None
    except IsADirectoryError:
        raise InvalidInput(f"{path} is a folder, not an archive.", field="archive") from None
    except (zipfile.BadZipFile, NotImplementedError, ValueError) as error:
        raise InvalidInput(f"{path} is no zip file, or it is damaged: {error}.", field="archive") from None
    with archive:
        members = check_members(archive, size, target)
        index = _read_index(archive)
        project = _project_of(target)
        if as_name is not None:
            check_task_name(as_name)
            if len(index.tasks) != 1:
                raise InvalidInput(
                    f"The archive holds {len(index.tasks)} tasks; a name can be given for one.", field="name"
                )
        _check_target(target, index)
        tidy(project, lambda name: name.startswith(_STAGING))
        unpacked = project / f"{_STAGING}{maker_suffix()}"
        unpacked.mkdir(mode=0o700)
        try:
            extract(archive, members, unpacked)
            infos = {name: _read_info(unpacked / TASKS / name) for name in index.tasks}
            return _bring_in(unpacked, target, project, index, infos, as_name)
        finally:
            shutil.rmtree(unpacked, ignore_errors=True)


def _read_index(archive: zipfile.ZipFile) -> _Index:
    try:
        member = archive.getinfo(INDEX)
        if member.file_size > MAX_INDEX:
            raise InvalidInput(f"{INDEX} in the archive is too large.", field="archive")
        value = parse_json(archive.read(member), Path(INDEX))
        if value.get("format") != FORMAT:
            raise KeyError("format")
        if not isinstance(value.get("version"), int) or value["version"] > VERSION:
            raise InvalidInput(
                f"The archive has version {value.get('version')!r}; this program reads up to {VERSION}.",
                field="archive",
            )
        names = tuple(str(name) for name in value["tasks"])
        script = value["script"]
        found = _Index(str(value["kind"]), str(value["workspace"]), script, str(value["project"]), names)
    except (KeyError, TypeError, Unreadable, zipfile.BadZipFile, RuntimeError) as error:
        raise InvalidInput(
            f"This is no archive of tasks: {INDEX} is missing or damaged ({error}).", field="archive"
        ) from None
    if found.kind not in ("script", "shell") or not names or len(set(names)) != len(names):
        raise InvalidInput(
            f"This is no archive of tasks: {INDEX} does not say what is in it.", field="archive"
        )
    for name in names:
        if not is_task_name(name):
            raise InvalidInput(f"The archive holds a task {name!r}, which is no legal name.", field="archive")
    held = {PurePosixPath(one.filename).parts[1] for one in archive.infolist() if _is_task_file(one.filename)}
    if held != set(names):
        raise InvalidInput("The tasks in the archive are not those that it says it holds.", field="archive")
    if script is not None and (not isinstance(script, str) or not _is_script_name(script)):
        raise InvalidInput(f"The archive names a script {script!r}, which is none.", field="archive")
    return found


def _is_task_file(name: str) -> bool:
    parts = PurePosixPath(name).parts
    return len(parts) > 1 and parts[0] == TASKS


def _is_script_name(name: str) -> bool:
    return name == os.path.basename(name) and name.endswith(".py") and is_task_name(name.removesuffix(".py"))


def _project_of(target: Path) -> Path:
    if target.is_file():
        return target.parent
    if target.parent.name == ROOT_NAME:
        return target.parent.parent
    return target.parent if target.name == ROOT_NAME else target


def _check_target(target: Path, index: _Index) -> None:
    """Check that the workspace a user named is one that the tasks belong to."""
    if target.is_file():
        fits = index.kind == "script" and target.suffix == ".py"
    elif target.parent.name == ROOT_NAME:
        fits = WorkspaceFolder.at(target).kind == index.kind
    else:
        fits = True
    if not fits:
        raise InvalidInput(
            f"The archive holds tasks of a {index.kind} workspace, which do not run in {target}.",
            field="path",
        )


def _read_info(folder: Path) -> TaskInfo:
    try:
        info = read_json(folder / TASK_INFO)
    except (FileNotFoundError, Unreadable) as error:
        raise InvalidInput(
            f"The task {folder.name!r} in the archive has no {TASK_INFO} that can be read: {error}.",
            field="archive",
        ) from None
    info = archived_info(info, set())  # it may have been made by anybody
    if runs.slot_count(info) > MAX_RUNS:
        raise InvalidInput(f"The task {folder.name!r} in the archive has too many runs.", field="archive")
    return info


def _bring_in(
    unpacked: Path,
    target: Path,
    project: Path,
    index: _Index,
    infos: dict[str, TaskInfo],
    as_name: str | None,
) -> Imported:
    notices: list[str] = []
    written: list[str] = []
    left_out: dict[str, str] = {}
    undo: list[Path] = []
    made: WorkspaceFolder | None = None
    try:
        left_out = _bring_code(unpacked / CODE, index.script, project, notices, undo)
        written = [path.relative_to(project).as_posix() for path in undo if not path.is_dir()]
        workspace, created = _workspace(target, project, index)
        if created:
            made = workspace
            _bring_default(unpacked / DEFAULT, workspace)
        bring_snapshots(unpacked / SNAPSHOTS, workspace.root, notices)
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
            with suppress(OSError):  # a folder in which somebody has put something stays
                if path.is_dir():
                    path.rmdir()
                else:
                    path.unlink()
        raise
    if as_name is None:
        notices += [f"{old!r} was taken, so it is {new!r} here." for old, new in names.items() if old != new]
    return Imported(workspace, names, created, notices, written, left_out)


def _bring_code(
    code: Path, script: str | None, project: Path, notices: list[str], undo: list[Path]
) -> dict[str, str]:
    """Write the script and its modules where there are none; return what was left out, with the reason.

    Nothing else goes into the project: a file of another kind may be one that some program there obeys, and
    so may a module with the name of another one. `notices` say which differ from those that are there.
    """
    left_out: dict[str, str] = {}
    needed = set() if script is None else set(script_files(code / script))
    for path in sorted(path for path in code.rglob("*") if path.is_file()):
        relative = path.relative_to(code)
        if relative.parts[0] == ROOT_NAME:
            raise InvalidInput(f"The archive holds code below {ROOT_NAME}.", field="archive")
        if path not in needed:
            left_out[relative.as_posix()] = "it is not a module of the script"
            continue
        place = project / relative
        if os.path.lexists(place):
            if not is_plain_file(place) or place.read_bytes() != path.read_bytes():
                notices.append(f"{place} is not what it was for these tasks; it was left as it is.")
            continue
        reason = why_left_out(relative, project, undo)
        if reason and relative.as_posix() == script:
            raise InvalidInput(
                f"The script {script} of the archive cannot be written: {reason}. "
                f"Put it into {project} yourself if you trust it.",
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
                raise Conflict(f"{folder} is in the way: a folder is needed there for a module.")
        _put(path, place)
        undo.append(place)
    return left_out


def _put(path: Path, place: Path) -> None:
    """Put an unpacked file where there is none, whole from the first moment on."""
    os.chmod(path, 0o644)
    try:
        os.link(path, place)
    except FileExistsError:
        raise Conflict(f"{place} was just created by another program. Try again.") from None
    except OSError:  # a file system without hard links
        os.rename(path, place)


def _remove_workspace(workspace: WorkspaceFolder) -> None:
    """Remove a workspace that was just created, unless somebody has created a task in it meanwhile."""
    aside = workspace.root / f"{WORKSPACE_STAGING}undone{maker_suffix()}"
    with suppress(OSError):
        os.rename(workspace.folder, aside)  # nobody can begin a task in it now
        if any(True for _ in scan_tasks(aside / TASKS)):
            os.rename(aside, workspace.folder)
        else:
            shutil.rmtree(aside)


def _workspace(target: Path, project: Path, index: _Index) -> tuple[WorkspaceFolder, bool]:
    if target.is_file() or (target.parent.name == ROOT_NAME and target.is_dir()):
        return open_workspace(target)
    if index.kind == "shell":
        return open_workspace(project)
    script = project / (index.script or f"{index.workspace}.py")
    if script.is_file():
        return open_workspace(script)
    existing = project / ROOT_NAME / index.workspace
    if is_workspace(existing):
        return WorkspaceFolder.at(existing), False
    raise InvalidInput(
        f"The archive does not hold the script {script.name}. Put it into {project} first.", field="script"
    )


def _bring_default(default: Path, workspace: WorkspaceFolder) -> None:
    """Use the archive's default configuration in a workspace that was just created."""
    name = SHELL_TEMPLATE if workspace.kind == "shell" else DEFAULT_CONFIG
    if default.is_file():
        os.replace(default, workspace.folder / name)


def _free(workspace: WorkspaceFolder, name: str, used: set[str]) -> str:
    candidate = free_name(workspace, name)
    number = 1
    while candidate in used:
        number += 1
        candidate = free_name(workspace, f"{name}_{number}")
    return check_task_name(candidate)


def _prepare(source: Path, target: Path, info: TaskInfo, workspace: WorkspaceFolder, index: _Index) -> None:
    """Make a task's folder what it should be here, in the staging folder."""
    os.rename(source, target)
    for path in target.iterdir():
        if path.name.startswith(".") and path.is_file():
            path.unlink()  # locks and private copies are of no use here
    logs = target / RUN_LOGS
    if not logs.is_dir():
        if logs.exists():
            raise InvalidInput(f"{RUN_LOGS} of {target.name!r} in the archive is no folder.", field="archive")
        logs.mkdir()
    for path in logs.glob(".*"):
        if path.is_file():
            path.unlink()
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
    info.pop(move_lock.KEY, None)
    (target / TASK_INFO).unlink()
    write_new(target / TASK_INFO, dump_json(info), durable=False)


def _moved(path: Any, former: str, project: Path) -> Path:
    if isinstance(path, str) and path and "\0" not in path:
        with suppress(ValueError):
            return project / Path(path).relative_to(former)
        if Path(path).is_dir():
            return Path(path)
    return project
