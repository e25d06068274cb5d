"""Opening a script, a shell script or a folder: its workspace is created where there is none."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from pyruns_jupyter.core.common.errors import Conflict, InvalidInput, NotFound
from pyruns_jupyter.core.fs.atomic import dump_json, put_new, sync_folder, write_atomic, write_new
from pyruns_jupyter.core.fs.temp_names import is_temporary_file, maker_suffix, tidy
from pyruns_jupyter.core.fs.text_files import read_source, read_text
from pyruns_jupyter.core.taskfile.paths import (
    DEFAULT_CONFIG,
    NOTEBOOK_SUFFIX,
    ROOT_NAME,
    SCRIPT_INFO,
    SETTINGS_NAME,
    SHELL_WORKSPACE,
    TASKS,
    check_task_name,
)

from .default_settings import DEFAULT_TEXT
from .settings import Settings
from .workspace import SCRIPT, SHELL, SHELL_TEMPLATE, WorkspaceFolder, is_workspace

WORKSPACE_STAGING = ".pyruns-workspace-"


def open_workspace(target: Path, *, within: Path | None = None) -> tuple[WorkspaceFolder, bool]:
    """Open the workspace of a script, a shell script or a folder; return whether it was created.

    Nothing outside of `within` is read if that is given, see `WorkspaceFolder`.

    The workspace of a `.py` file or a notebook is next to it. A folder has a shell workspace; a `.sh` file
    opens that of its folder and becomes the text that new tasks start from. The folder of a workspace opens
    that workspace.

    Raises:
        NotFound: if there is no such file or folder.
        InvalidInput: if the file cannot be opened as a workspace, like a script with a syntax error; nothing
            is written.
        Conflict: if something else has a name that is needed.
    """
    target = Path(os.path.abspath(target))
    if not target.exists():
        raise NotFound(f"The file or folder {target} does not exist.")
    if target.is_dir():
        if target.parent.name == ROOT_NAME and is_workspace(target):
            return WorkspaceFolder(target, within), False
        return _open_shell(target.parent if target.name == ROOT_NAME else target, within)
    suffix = target.suffix.lower()
    if suffix in (".py", NOTEBOOK_SUFFIX):
        return _open_script(target, within)
    if suffix == ".sh":
        text = read_text(target)
        workspace, created = _open_shell(target.parent, within)
        if workspace.template_text() != text:
            workspace.check_writable()
            write_atomic(workspace.folder / SHELL_TEMPLATE, text.encode())
        return workspace, created
    if suffix in (".yaml", ".yml"):
        raise InvalidInput(
            f"{target.name} is a configuration file. Open its script instead, and use the "
            "configuration there.",
            field="path",
        )
    raise InvalidInput(
        f"{target.name} cannot be opened. Choose a .py, .ipynb or .sh file, or a folder.", field="path"
    )


def _open_script(script: Path, within: Path | None) -> tuple[WorkspaceFolder, bool]:
    name = script.name if script.suffix.lower() == NOTEBOOK_SUFFIX else script.stem
    try:
        check_task_name(name)
    except InvalidInput as error:
        raise InvalidInput(
            f"{script.name} cannot be opened as a workspace. {error.message}", field="path"
        ) from None
    if name == SHELL_WORKSPACE:
        raise InvalidInput(
            f"The name of {script.name} is reserved for the workspace of the folder. Rename the script.",
            field="path",
        )
    workspace = WorkspaceFolder(script.parent / ROOT_NAME / name, within)
    if is_workspace(workspace.folder):
        return workspace, False
    if not workspace.may_read(script):
        raise InvalidInput(
            f"{script} is a link to a file outside the project and is not opened. Copy the script to "
            "the project.",
            field="path",
        )
    text, source = _script_template(script, workspace)
    info = {
        "workspace_kind": SCRIPT,
        "script_name": name,
        "script_path": str(script),
        "created_at": time.strftime("%Y-%m-%d %H:%M:%S"),
    }
    if source is not None:
        info["config_default_source"] = str(source)
        info["config_default_source_name"] = source.name
    return workspace, _create(workspace, info, {DEFAULT_CONFIG: text})


def _script_template(script: Path, workspace: WorkspaceFolder) -> tuple[str, Path | None]:
    """Return the default configuration of a script, and the file it was read from, if any."""
    from pyruns_jupyter.core.scripts.defaults import config_default_text
    from pyruns_jupyter.core.scripts.reading import read_parameters

    parameters = read_parameters(
        read_source(script),
        filename=script.name,
        path=script,
        within=workspace.within,
        python=Settings.load(workspace.root).known_python,
    )
    if parameters.kind != "load":
        return config_default_text(parameters.parameters, script.name), None
    for name in (parameters.config_file, DEFAULT_CONFIG, "config.yaml", f"{script.stem}.yaml"):
        path = script.parent / name if name else None
        if path is not None and path.is_file() and workspace.may_read(path):
            return read_text(path), path
    return f"# Configuration of {script.name}, read by load(). One `key: value` per line.\n", None


def _open_shell(project: Path, within: Path | None) -> tuple[WorkspaceFolder, bool]:
    workspace = WorkspaceFolder(project / ROOT_NAME / SHELL_WORKSPACE, within)
    if is_workspace(workspace.folder):
        return workspace, False
    info = {
        "workspace_kind": SHELL,
        "script_name": SHELL_WORKSPACE,
        "script_path": "",
        "project_root": str(project),
        "last_used_template": "",
        "created_at": time.strftime("%Y-%m-%d %H:%M:%S"),
    }
    return workspace, _create(workspace, info, {})


def _create(workspace: WorkspaceFolder, info: dict[str, Any], files: dict[str, str]) -> bool:
    """Create the workspace unless another process does so meanwhile; return whether it was created here."""
    workspace.check_writable()
    root = workspace.root
    try:
        root.mkdir(exist_ok=True)
    except FileExistsError:
        raise Conflict(f"{root} is a file, but must be a folder. Move it to another place.") from None
    tidy(root, lambda name: name.startswith(WORKSPACE_STAGING) or is_temporary_file(name))
    keep_out_of_git(root)
    _write_once(root / SETTINGS_NAME, DEFAULT_TEXT.encode())
    staging = root / f"{WORKSPACE_STAGING}new{maker_suffix()}"
    staging.mkdir()
    try:
        (staging / TASKS).mkdir()
        for name, text in files.items():
            write_new(staging / name, text.encode())
        write_new(staging / SCRIPT_INFO, dump_json(info))
        sync_folder(staging)
        try:
            os.rename(staging, workspace.folder)  # fails on a folder with content
            sync_folder(root)
            return True
        except OSError:
            return _complete(workspace, staging)
    finally:
        import shutil  # slow to import

        shutil.rmtree(staging, ignore_errors=True)


def _complete(workspace: WorkspaceFolder, staging: Path) -> bool:
    """Add the staged files to an existing folder; last `script_info.json`, which makes it a workspace."""
    if not workspace.folder.is_dir():
        raise Conflict(f"{workspace.folder} is not a folder, but must be one. Move it to another place.")
    (workspace.folder / TASKS).mkdir(exist_ok=True)
    created = False
    for path in sorted(staging.iterdir(), key=lambda path: path.name == SCRIPT_INFO):
        if path.is_file():
            created = _write_once(workspace.folder / path.name, path.read_bytes())
    return created


def keep_out_of_git(root: Path) -> None:
    """Add a `.gitignore` to the `_pyruns_` folder, so that it does not make a repository dirty.

    Other programs create the folder without one. An existing one is never changed. Nothing is raised if the
    folder is not writable.
    """
    with suppress(OSError):
        _write_once(root / ".gitignore", b"*\n")


def _write_once(path: Path, data: bytes) -> bool:
    """Write `path` as a whole unless it exists; return whether it was written."""
    if os.path.lexists(path):
        return False
    temporary = path.with_name(f".{path.name}{maker_suffix()}.tmp")
    write_new(temporary, data)
    try:
        put_new(temporary, path)
    except FileExistsError:
        return False
    finally:
        temporary.unlink(missing_ok=True)
    sync_folder(path.parent)
    return True
