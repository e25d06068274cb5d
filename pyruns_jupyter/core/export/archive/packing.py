"""Putting tasks into an archive."""

from __future__ import annotations

import copy
import os
import re
import stat
import time
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

from pyruns_jupyter.core.common.errors import InvalidInput, PyrunsError, Unreadable
from pyruns_jupyter.core.common.host_identity import host_name
from pyruns_jupyter.core.common.secret_names import is_secret
from pyruns_jupyter.core.fs.atomic import dump_json, read_json
from pyruns_jupyter.core.provenance import snapshots
from pyruns_jupyter.core.provenance.snapshots.store import read_object
from pyruns_jupyter.core.taskfile import move_lock, runs
from pyruns_jupyter.core.taskfile.metadata import env_of
from pyruns_jupyter.core.taskfile.paths import ARTIFACTS, DEFAULT_CONFIG, RUN_LOGS, TASK_INFO, TaskPaths
from pyruns_jupyter.core.taskfile.task_file import TaskInfo, own, own_facts, read_task
from pyruns_jupyter.core.workspace.workspace import SHELL_TEMPLATE, WorkspaceFolder

from .code import script_files
from .members import CODE, DEFAULT, FORMAT, INDEX, SNAPSHOTS, TASKS, VERSION

INTERRUPTED = "The task was archived while this run went on: how the run ended is not known here."
_OWNER_KEYS = ("runner_id", "runner_host", "lease_heartbeat", "lease_until", "queued_at")
_DIGEST = re.compile(r"[0-9a-f]{64}")
_EARLIEST = 315532800.0  # 1980, the first year that zip knows


@dataclass(frozen=True)
class Packed:
    """What went into an archive, and sentences about what did not."""

    tasks: list[str]
    files: int = 0
    size: int = 0
    notices: list[str] = field(default_factory=list)


def pack(
    workspace: WorkspaceFolder,
    names: Sequence[str],
    stream: BinaryIO,
    *,
    artifacts: bool = True,
    secrets: bool = False,
) -> Packed:
    """Write an archive of tasks to `stream`, which need not be seekable.

    Values of environment variables that are secrets by their names are left out unless `secrets`. Tasks that
    wait or run are archived as they are at this moment: in the archive they do neither.

    Raises:
        InvalidInput: when no task is named.
        NotFound, Unreadable: when a task is not there or its file is damaged.
        OSError: when something cannot be read or written.
    """
    names = list(dict.fromkeys(names))
    if not names:
        raise InvalidInput("Name the tasks to archive.", field="names")
    infos = {name: read_task(workspace.existing(name).folder) for name in names}
    packer = _Packer(stream, artifacts=artifacts, secrets=secrets)
    with packer.archive:
        packer.add_data(INDEX, dump_json(_index(workspace, names)))
        packer.add_workspace(workspace)
        for name, info in infos.items():
            packer.add_task(workspace.paths(name), info)
        for digest in sorted({one for info in infos.values() for one in stored_code(info)}):
            packer.add_snapshot(workspace.root, digest)
    return Packed(names, packer.files, packer.size, packer.notices)


def _index(workspace: WorkspaceFolder, names: Sequence[str]) -> dict[str, Any]:
    script = workspace.script
    return {
        "format": FORMAT,
        "version": VERSION,
        "created_at": time.time(),
        "host": host_name(),
        "workspace": workspace.name,
        "kind": workspace.kind,
        "script": None if script is None else script.name,
        "project": str(workspace.project),
        "tasks": list(names),
    }


class _Packer:
    def __init__(self, stream: BinaryIO, *, artifacts: bool, secrets: bool) -> None:
        self.archive = zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, allowZip64=True)
        self.files = 0
        self.size = 0
        self.notices: list[str] = []
        self._artifacts = artifacts
        self._secrets = secrets
        self._contents: set[str] = set()

    def add_data(self, name: str, data: bytes, mode: int = 0o600) -> None:
        """Add a file with this content."""
        self.archive.writestr(_member(name, time.time(), mode), data)
        self.files += 1
        self.size += len(data)

    def add_file(self, name: str, path: Path) -> None:
        """Add a regular file as it is now; one that grows meanwhile is cut where it ended."""
        flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
        with os.fdopen(os.open(path, flags | getattr(os, "O_BINARY", 0)), "rb") as source:
            status = os.fstat(source.fileno())
            if not stat.S_ISREG(status.st_mode):
                self.notices.append(f"{path} is no plain file and was left out.")
                return
            left = status.st_size
            member = _member(name, status.st_mtime, status.st_mode)
            with self.archive.open(member, "w", force_zip64=True) as target:
                while left and (data := source.read(min(1024 * 1024, left))):
                    target.write(data)
                    left -= len(data)
        self.files += 1
        self.size += status.st_size - left

    def add_workspace(self, workspace: WorkspaceFolder) -> None:
        """Add the script with its modules, and the default configuration."""
        default = workspace.folder / (SHELL_TEMPLATE if workspace.kind == "shell" else DEFAULT_CONFIG)
        if default.is_symlink():
            self.notices.append(f"{default} is a link and was left out.")
        else:
            with suppress(FileNotFoundError):
                self.add_file(DEFAULT, default)
        script = workspace.script
        if script is None:
            if workspace.kind != "shell":
                self.notices.append(f"The script of {workspace.name} is missing and not in the archive.")
            return
        for path in script_files(script):
            try:
                self.add_file(f"{CODE}/{path.relative_to(script.parent).as_posix()}", path.resolve())
            except OSError as error:
                self.notices.append(f"{path} could not be read and is not in the archive: {error.strerror}.")

    def add_task(self, paths: TaskPaths, info: TaskInfo) -> None:
        """Add a task with its files."""
        here = f"{TASKS}/{paths.name}"
        env = env_of(info)
        hidden = set() if self._secrets else {name for name in env if is_secret(name)}
        self.add_data(f"{here}/{TASK_INFO}", dump_json(archived_info(info, hidden)))
        if hidden:
            self.notices.append(
                f"{paths.name}: the values of {', '.join(sorted(hidden))} are not in the archive."
            )
        for path in self._files(paths.folder):
            relative = path.relative_to(paths.folder)
            name = f"{here}/{relative.as_posix()}"
            try:
                if hidden and relative.parent.name == RUN_LOGS and path.name.endswith(".input.json"):
                    self.add_data(name, _without(path, hidden))
                else:
                    self.add_file(name, path)
            except FileNotFoundError:
                continue  # a file of a run that just ended
            except Unreadable as error:
                self.notices.append(f"{error.message} It is not in the archive.")

    def add_snapshot(self, root: Path, digest: str) -> None:
        """Add stored code that a run used; contents that several snapshots share go in once."""
        try:
            manifest = snapshots.load(root, digest)
        except PyrunsError as error:
            self.notices.append(f"{error.message} It is not in the archive.")
            return
        for path, (content, _, _) in manifest.files.items():
            if content in self._contents:
                continue
            self._contents.add(content)
            try:
                data = read_object(root, content, path)
            except (Unreadable, OSError) as error:
                self.notices.append(f"{getattr(error, 'message', error)} It is not in the archive.")
            else:
                self.add_data(f"{SNAPSHOTS}/objects/{content[:2]}/{content[2:]}", data)
        self.add_data(f"{SNAPSHOTS}/manifests/{digest}.json", manifest.dump())

    def _files(self, folder: Path) -> Iterator[Path]:
        """Yield the task's files, without locks, what is private to living runs, and links."""
        for place, folders, files in os.walk(folder):
            where = Path(place)
            at_top = where == folder
            kept = []
            for name in sorted(folders):
                if (where / name).is_symlink():
                    self.notices.append(f"{where / name} is a link and was left out.")
                elif not (at_top and (name.startswith(".") or (name == ARTIFACTS and not self._artifacts))):
                    kept.append(name)
            folders[:] = kept
            for name in sorted(files):
                path = where / name
                if at_top and (name.startswith(".") or name == TASK_INFO):
                    continue
                if where.name == RUN_LOGS and where.parent == folder and name.startswith("."):
                    continue
                if path.is_symlink():
                    self.notices.append(f"{path} is a link and was left out.")
                    continue
                yield path


def stored_code(info: TaskInfo) -> set[str]:
    """Return the ids of stored code that our facts about a task's runs name."""
    found: set[str] = set()
    waiting: list[Any] = [value for key, value in own_facts(info).items() if key not in ("swept", "tags")]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)
        elif isinstance(value, str) and _DIGEST.fullmatch(value):
            found.add(value)
    return found


def archived_info(info: TaskInfo, hidden: set[str]) -> TaskInfo:
    """Return a task file's content as it goes into an archive: nobody owns it, nothing waits or runs.

    The values of the environment variables `hidden` are left out.
    """
    made = copy.deepcopy(info)
    status = runs.status_of(made)
    if status == runs.QUEUED:
        queue = own_facts(made).get("queue")
        previous = queue.get("previous") if isinstance(queue, dict) else None
        latest = runs.latest(made)
        former = previous.get("status") if isinstance(previous, dict) else None
        ended = latest.status if latest is not None and latest.status in runs.ENDED else runs.PENDING
        made["status"] = former if former in (*runs.ENDED, runs.PENDING) else ended
    elif status == runs.RUNNING:
        made["status"] = runs.FAILED
        made["progress"] = 0.0
        count = runs.slot_count(made)
        statuses = made.get("run_statuses")
        if isinstance(statuses, list) and 0 < count == len(statuses):
            statuses[-1] = runs.FAILED
        own(made).setdefault("messages", {})[str(count)] = INTERRUPTED
    for key in (*_OWNER_KEYS, move_lock.KEY, "cancel_requested_at"):
        made.pop(key, None)
    if "queue" in own_facts(made):
        del own(made)["queue"]
    env = made.get("env")
    if hidden and isinstance(env, dict):
        made["env"] = {name: text for name, text in env.items() if name not in hidden}
    return made


def _without(path: Path, hidden: set[str]) -> bytes:
    """Return what a run was given, without the values of hidden variables."""
    record = read_json(path)
    environment = record.get("environment")
    if isinstance(environment, Mapping):
        record["environment"] = {name: text for name, text in environment.items() if name not in hidden}
    return dump_json(record)


def _member(name: str, changed: float, mode: int) -> zipfile.ZipInfo:
    member = zipfile.ZipInfo(name, time.localtime(max(changed, _EARLIEST))[:6])
    member.external_attr = (stat.S_IFREG | (mode & 0o777)) << 16
    member.compress_type = zipfile.ZIP_DEFLATED
    return member
