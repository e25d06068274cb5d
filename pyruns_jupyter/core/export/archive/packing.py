"""Writing archives of tasks."""

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
from typing import IO, Any

import msgspec

from pyruns_jupyter.core.common.errors import InvalidInput, PyrunsError, Unreadable
from pyruns_jupyter.core.common.host_identity import host_name
from pyruns_jupyter.core.common.secret_names import is_secret
from pyruns_jupyter.core.fs.atomic import dump_json, read_json
from pyruns_jupyter.core.fs.regular_files import open_to_read
from pyruns_jupyter.core.provenance.snapshots import store
from pyruns_jupyter.core.taskfile import move_lock, runs
from pyruns_jupyter.core.taskfile.metadata import env_of
from pyruns_jupyter.core.taskfile.paths import ARTIFACTS, CHECKPOINTS, RUN_LOGS, TASK_INFO, TaskPaths
from pyruns_jupyter.core.taskfile.task_file import TaskInfo, own, own_facts, read_task
from pyruns_jupyter.core.workspace.workspace import SHELL, WorkspaceFolder

from .code import script_files
from .members import CODE, DEFAULT, INDEX, SNAPSHOTS, TASKS, VERSION, Index, name_problem

INTERRUPTED = "The task was archived during this run, so the outcome of the run is unknown."
_LARGE = (ARTIFACTS, CHECKPOINTS)
_DIGEST = re.compile(r"[0-9a-f]{64}")
_EARLIEST, _LATEST = 315619200.0, 4291747200.0  # 1980 and 2105 in all time zones: zip supports no others


@dataclass
class Packed:
    """The content of an archive: tasks, number and size of files, and sentences about what is missing."""

    tasks: list[str]
    files: int = 0
    size: int = 0
    notices: list[str] = field(default_factory=list)


def pack(
    workspace: WorkspaceFolder,
    names: Sequence[str],
    stream: IO[bytes],
    *,
    artifacts: bool = True,
    secrets: bool = False,
) -> Packed:
    """Write an archive of tasks to `stream`, which need not be seekable.

    The values of environment variables with names of secrets are omitted unless `secrets`. Queued and running
    tasks are archived in their current state, but are neither queued nor running in the archive.

    Raises:
        InvalidInput: if no task is named.
        NotFound, Unreadable: if a task does not exist or its file is damaged.
        OSError: if something cannot be read or written.
    """
    names = list(dict.fromkeys(names))
    if not names:
        raise InvalidInput("No tasks were given. Specify the tasks to archive.", field="names")
    infos = {name: read_task(workspace.existing(name).folder) for name in names}
    packer = _Packer(stream, Packed(names), artifacts=artifacts, secrets=secrets)
    with packer.archive:
        packer.add_data(INDEX, dump_json(msgspec.to_builtins(_index(workspace, names))))
        packer.add_workspace(workspace)
        for name, info in infos.items():
            packer.add_task(workspace.paths(name), info)
        for digest in sorted({one for info in infos.values() for one in stored_code(info)}):
            packer.add_snapshot(workspace.root, digest)
    return packer.packed


def _index(workspace: WorkspaceFolder, names: Sequence[str]) -> Index:
    script = workspace.script
    return Index(
        format="pyruns_jupyter archive",
        version=VERSION,
        created_at=time.time(),
        host=host_name(),
        workspace=workspace.name,
        kind="shell" if workspace.kind == SHELL else "script",
        script=None if script is None else script.name,
        project=str(workspace.project),
        tasks=tuple(names),
    )


class _Packer:
    def __init__(self, stream: IO[bytes], packed: Packed, *, artifacts: bool, secrets: bool) -> None:
        self.archive = zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, allowZip64=True)
        self.packed = packed
        self._notices = packed.notices
        self._artifacts = artifacts
        self._secrets = secrets
        self._contents: set[str] = set()

    def add_data(self, name: str, data: bytes) -> None:
        """Add a file with this content."""
        self.archive.writestr(_member(name, time.time(), 0o600), data)
        self.packed.files += 1
        self.packed.size += len(data)

    def add_file(self, name: str, path: Path) -> None:
        """Add a regular file with its current size, even if it grows meanwhile."""
        try:
            descriptor = open_to_read(path)
        except Unreadable as error:
            self._notices.append(f"{error.message} It was omitted.")
            return
        with os.fdopen(descriptor, "rb") as source:
            status = os.fstat(descriptor)
            left = status.st_size
            member = _member(name, status.st_mtime, status.st_mode)
            with self.archive.open(member, "w", force_zip64=True) as target:
                while left and (data := source.read(min(1024 * 1024, left))):
                    target.write(data)
                    left -= len(data)
        self.packed.files += 1
        self.packed.size += status.st_size - left

    def add_workspace(self, workspace: WorkspaceFolder) -> None:
        """Add the script with its modules, and the default configuration."""
        with suppress(FileNotFoundError):
            self.add_file(DEFAULT, workspace.default)
        script = workspace.script
        if script is None:
            if workspace.kind != SHELL:
                self._notices.append(f"The script of {workspace.name} is missing and was not archived.")
            return
        for path in script_files(script):
            try:
                self.add_file(f"{CODE}/{path.relative_to(script.parent).as_posix()}", path.resolve())
            except OSError as error:
                self._notices.append(f"{path} could not be read and was omitted: {error.strerror}.")

    def add_task(self, paths: TaskPaths, info: TaskInfo) -> None:
        """Add a task with its files."""
        here = f"{TASKS}/{paths.name}"
        env = env_of(info)
        hidden = set() if self._secrets else {name for name in env if is_secret(name)}
        self.add_data(f"{here}/{TASK_INFO}", dump_json(archived_info(info, hidden)))
        if hidden:
            self._notices.append(
                f"The values of the secrets {', '.join(sorted(hidden))} of {paths.name} were omitted."
            )
        for path in self._files(paths.folder):
            relative = path.relative_to(paths.folder)
            name = f"{here}/{relative.as_posix()}"
            if problem := name_problem(name):
                self._notices.append(f"The name {name[:200]!r} {problem}. The file was omitted.")
                continue
            try:
                if hidden and relative.parent.name == RUN_LOGS and path.name.endswith(".input.json"):
                    self.add_data(name, _without(path, hidden))
                else:
                    self.add_file(name, path)
            except FileNotFoundError:
                continue  # of a run that has just ended
            except Unreadable as error:
                self._notices.append(f"{error.message} It was omitted.")

    def add_snapshot(self, root: Path, digest: str) -> None:
        """Add stored code that a run used; file contents that several snapshots share are added once."""
        try:
            manifest = store.load(root, digest)
        except PyrunsError as error:
            self._notices.append(f"{error.message} It was omitted.")
            return
        for path, (content, _, _) in manifest.files.items():
            if content in self._contents:
                continue
            self._contents.add(content)
            try:
                data = store.read_object(root, content, path)
            except (Unreadable, OSError) as error:
                self._notices.append(f"{getattr(error, 'message', error)} It was omitted.")
            else:
                self.add_data(f"{SNAPSHOTS}/objects/{content[:2]}/{content[2:]}", data)
        self.add_data(f"{SNAPSHOTS}/manifests/{digest}.json", manifest.dump())

    def _files(self, folder: Path) -> Iterator[Path]:
        """Yield the task's files except locks, private files of running runs, and links."""
        for place, folders, files in os.walk(folder):
            where = Path(place)
            at_top = where == folder
            kept = []
            for name in sorted(folders):
                if (where / name).is_symlink():
                    self._notices.append(f"{where / name} is a link and was omitted.")
                elif not (at_top and (name.startswith(".") or (name in _LARGE and not self._artifacts))):
                    kept.append(name)
            folders[:] = kept
            for name in sorted(files):
                path = where / name
                if at_top and (name.startswith(".") or name == TASK_INFO):
                    continue
                if where.name == RUN_LOGS and where.parent == folder and name.startswith("."):
                    continue
                if path.is_symlink():
                    self._notices.append(f"{path} is a link and was omitted.")
                    continue
                yield path


def stored_code(info: TaskInfo) -> set[str]:
    """Return the ids of stored code in our own data of a task file."""
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
    """Return a task file's content for an archive: without an owner, neither queued nor running.

    The values of the environment variables `hidden` are omitted.
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
    runs.remove_owner(made)
    for key in (move_lock.KEY, "cancel_requested_at"):
        made.pop(key, None)
    if "queue" in own_facts(made):
        del own(made)["queue"]
    env = made.get("env")
    if hidden and isinstance(env, dict):
        made["env"] = {name: text for name, text in env.items() if name not in hidden}
    return made


def _without(path: Path, hidden: set[str]) -> bytes:
    """Return the inputs of a run without the values of hidden variables."""
    record = read_json(path)
    environment = record.get("environment")
    if isinstance(environment, Mapping):
        record["environment"] = {name: text for name, text in environment.items() if name not in hidden}
    return dump_json(record)


def _member(name: str, changed: float, mode: int) -> zipfile.ZipInfo:
    member = zipfile.ZipInfo(name, time.localtime(min(max(changed, _EARLIEST), _LATEST))[:6])
    member.external_attr = (stat.S_IFREG | (mode & 0o777)) << 16
    member.compress_type = zipfile.ZIP_DEFLATED
    return member
