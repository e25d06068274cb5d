"""From a text to tasks on disk: all or none, named, durable, in the format."""

from __future__ import annotations

import errno
import json
import os
import stat
import threading
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from pyruns_jupyter.core.common.errors import Busy, Conflict, InvalidInput
from pyruns_jupyter.core.common.host_identity import host_name
from pyruns_jupyter.core.create import create as generate
from pyruns_jupyter.core.create import preview, staging
from pyruns_jupyter.core.create.create import create_tasks
from pyruns_jupyter.core.create.preview import plan_tasks
from pyruns_jupyter.core.fs.locks import locked
from pyruns_jupyter.core.taskfile.lock import protocol
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
from tests.core.making import SCRIPT, one_task, script_workspace, shell_workspace, snapshot

KEYS = [
    "name", "status", "progress", "created_at", "pinned", "task_kind", "config_file", "start_times",
    "finish_times", "pids", "durations", "exit_codes", "source_states", "run_environments", "records",
    "tracks",
    "script", "pid_create_times", "run_statuses", "run_attempt_ids", "run_index", "pyruns_jupyter",
]  # fmt: skip


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_one_task(tmp_path: Path) -> None:
    workspace = script_workspace(tmp_path)
    text = "# mine\nlr: 1e-3  # rate\nseed: 3"
    assert create_tasks(workspace, text, "one") == ["one"]
    folder = workspace.tasks / "one"
    assert sorted(path.name for path in folder.iterdir()) == ["config.yaml", "run_logs", "task_info.json"]
    assert (folder / "config.yaml").read_text() == text + "\n"
    data = (folder / "task_info.json").read_text()
    info = json.loads(data)
    assert list(info) == KEYS
    assert data == json.dumps(info, indent=2, ensure_ascii=False)
    assert info["script"] == str(tmp_path / "train.py")
    assert (info["status"], info["progress"], info["run_index"], info["task_kind"]) == (
        "pending",
        0.0,
        0,
        "python",
    )
    assert info["pyruns_jupyter"]["swept"] == {}
    assert mode(folder / "task_info.json") == mode(folder / "config.yaml") == 0o600
    assert [path.name for path in workspace.tasks.iterdir() if path.name.startswith(".pyruns-task")] == []


def test_a_shell_task(tmp_path: Path) -> None:
    workspace = shell_workspace(tmp_path)
    create_tasks(workspace, "echo a | cat\r\necho b", "job")
    folder = workspace.tasks / "job"
    assert (folder / "config.sh").read_bytes() == b"echo a | cat\necho b\n"
    assert mode(folder / "config.sh") == 0o600  # it may hold secrets
    info = json.loads((folder / "task_info.json").read_bytes())
    place = KEYS.index("script")
    shell_keys = ["command_mode", "env", "workdir", "shell_executable", "shell_kind"]
    assert list(info) == [*KEYS[:place], *shell_keys, *KEYS[place + 1 :]]
    assert (info["task_kind"], info["workdir"], info["env"]) == ("shell", str(tmp_path), {})
    assert os.access(info["shell_executable"], os.X_OK)
    assert info["shell_kind"] == Path(info["shell_executable"]).name
    for empty in ("", " \n"):
        with pytest.raises(InvalidInput):
            create_tasks(workspace, empty, "none")
    assert workspace.task_names() == ["job"]


def test_a_sweep_keeps_comments_and_says_what_was_swept(tmp_path: Path) -> None:
    workspace = script_workspace(tmp_path)
    text = "lr: 0.1 | 0.01  # rate\nopt: (sgd | adam)\nseed: (1 | 2)\n"
    proposal = plan_tasks(workspace, text, "ab")
    assert not workspace.task_names()
    assert proposal.count == 4
    assert proposal.rows(1, 2) == [(name, proposal.row(i)) for i, name in enumerate(proposal.names)][1:3]
    names = generate.create(proposal)
    assert names == proposal.names
    assert len(set(names)) == 4
    assert (workspace.tasks / names[1] / "config.yaml").read_text() == "lr: 0.1  # rate\nopt: adam\nseed: 2\n"
    infos = [json.loads((workspace.tasks / name / "task_info.json").read_bytes()) for name in names]
    assert [info["pyruns_jupyter"]["swept"] for info in infos] == [
        {"lr": lr, "opt": opt, "seed": seed} for lr in (0.1, 0.01) for opt, seed in (("sgd", 1), ("adam", 2))
    ]
    assert {info["pyruns_jupyter"]["batch_name"] for info in infos} == {"ab"}


@pytest.mark.parametrize(
    ("text", "name", "field"),
    [
        ("lr: [1", "ok", "lr"),
        ("lr: (1 | 2)\nseed: (1 | 2 | 3)\n", "ok", "seed"),
        ("lr: 1", "a/b", "name"),
        ("lr: 1", "", "name"),
        ("lr: 1", "taken", "name"),
        ("rl: 1", "ok", "rl"),
        ("seed: 0:20000", "ok", "seed"),
    ],
)
def test_bad_input_writes_nothing(tmp_path: Path, text: str, name: str, field: str) -> None:
    workspace = script_workspace(tmp_path)
    one_task(workspace, "taken")
    before = snapshot(tmp_path)
    with pytest.raises(InvalidInput) as caught:
        create_tasks(workspace, text, name)
    assert caught.value.field == field
    assert snapshot(tmp_path) == before


def test_a_taken_name_is_a_conflict_too(tmp_path: Path) -> None:
    workspace = shell_workspace(tmp_path)
    one_task(workspace)
    with pytest.raises(Conflict) as caught:
        one_task(workspace)
    assert caught.value.to_dict()["field"] == "name"
    assert caught.value.to_dict()["code"] == "conflict"


def test_a_mistake_for_the_scripts_arguments_has_its_line(tmp_path: Path) -> None:
    workspace = script_workspace(tmp_path)
    with pytest.raises(InvalidInput) as caught:
        create_tasks(workspace, "lr: 1\nseed: true\n", "x")
    assert (caught.value.field, caught.value.line) == ("seed", 2)


def test_a_missing_or_broken_script(tmp_path: Path) -> None:
    workspace = script_workspace(tmp_path)
    (tmp_path / "train.py").write_text("def broken(:\n")
    with pytest.raises(InvalidInput) as caught:
        create_tasks(workspace, "lr: 1", "x")
    assert caught.value.field == "script"
    (tmp_path / "train.py").unlink()
    with pytest.raises(InvalidInput, match=r"train\.py"):
        create_tasks(workspace, "lr: 1", "x")
    with pytest.raises(InvalidInput, match=r"train\.py"):
        preview.check_runnable(workspace)
    assert workspace.task_names() == []


def test_what_cannot_run_is_told_with_its_field(tmp_path: Path) -> None:
    workspace = script_workspace(tmp_path)
    preview.check_runnable(workspace)
    (workspace.root / "_pyruns_settings.yaml").write_text("python_executable: /no/python\n")
    with pytest.raises(InvalidInput, match="/no/python") as caught:
        preview.check_runnable(workspace)
    assert caught.value.field == "python_executable"


def test_an_error_in_the_middle_takes_everything_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = script_workspace(tmp_path)
    one_task(workspace)
    before = snapshot(tmp_path)
    rename, calls = os.rename, 0

    def failing(source: Any, target: Any) -> None:
        nonlocal calls
        calls += 1
        if calls == 3:
            raise OSError(errno.ENOSPC, "No space left on device")
        rename(source, target)

    monkeypatch.setattr(os, "rename", failing)
    with pytest.raises(OSError, match="No space"):
        create_tasks(workspace, "lr: 1 | 2 | 3 | 4", "ab")
    monkeypatch.undo()
    assert workspace.task_names() == ["one"]
    assert snapshot(tmp_path) == {**before, "_pyruns_/train/tasks/.pyruns-create.lock.guard": b""}
    assert not [path for path in workspace.tasks.iterdir() if path.name.startswith(".pyruns-task")]


def test_a_name_that_appears_meanwhile_is_not_overwritten(tmp_path: Path) -> None:
    workspace = script_workspace(tmp_path)
    proposal = plan_tasks(workspace, "lr: 1 | 2", "ab")
    (workspace.tasks / proposal.names[1]).mkdir()  # by a program that knows no guard
    with pytest.raises(Conflict):
        generate.create(proposal)
    assert [path.name for path in workspace.tasks.iterdir() if path.name[0] != "."] == [proposal.names[1]]
    assert list((workspace.tasks / proposal.names[1]).iterdir()) == []


def test_reservations_of_the_other_program_are_respected(tmp_path: Path) -> None:
    workspace = script_workspace(tmp_path)
    entry = {
        "host": host_name(),
        "lock_protocol": protocol(),
        "pid": os.getpid(),
        "process_create_time": psutil.Process().create_time(),
        "token": "0" * 32,
    }
    file = workspace.tasks / ".pyruns-create-one.lock"
    file.write_text(json.dumps(entry))
    with pytest.raises(Conflict):
        one_task(workspace)
    file.write_text(json.dumps({**entry, "process_create_time": 1.0}))
    one_task(workspace)


def test_creators_at_once_give_each_name_once(tmp_path: Path) -> None:
    workspace = script_workspace(tmp_path)
    made: list[str] = []
    refused: list[Exception] = []

    def creator() -> None:
        for number in range(10):
            try:
                made.extend(create_tasks(workspace, "lr: 1", f"t{number}"))
            except Conflict as error:
                refused.append(error)

    threads = [threading.Thread(target=creator) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(made) == sorted(workspace.task_names()) == sorted(f"t{number}" for number in range(10))
    assert len(refused) == 30


def test_a_held_guard_is_waited_for_then_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = script_workspace(tmp_path)
    monkeypatch.setattr(staging, "_CREATE_TIMEOUT", 0.1)
    with locked(workspace.tasks / ".pyruns-create.lock.guard", timeout=1), pytest.raises(Busy):
        one_task(workspace)
    assert snapshot(workspace.tasks) == {".pyruns-create.lock.guard": b""}


def test_a_large_sweep(tmp_path: Path) -> None:
    workspace = script_workspace(tmp_path)
    names = create_tasks(workspace, "lr: 0.1 | 0.2\nseed: 0:250\n", "big")
    assert len(names) == 500
    assert sorted(workspace.task_names()) == sorted(names)
    assert names == sorted(names)


def test_a_partial_text_is_completed_with_the_defaults(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text("# mine\ntraining:\n  lr: 0.1  # rate\n  epochs: 3\nname: x\n")
    workspace = script_workspace(tmp_path, "main.py", "import pyruns\ncfg = pyruns.load()\n")
    merged = preview.complete_template(workspace, "training:\n  lr: 0.5 | 0.6\n")
    assert merged == "# mine\ntraining:\n  lr: 0.5 | 0.6  # rate\n  epochs: 3\nname: x\n"
    assert preview.complete_template(workspace, "extra: 1 | 2\nname: y").endswith("name: y\nextra: 1 | 2\n")
    assert preview.check_template(workspace, merged).count == 2
    assert preview.complete_template(workspace, "name: {a: 1}\n") == (
        "name: {a: 1}\ntraining: {lr: 0.1, epochs: 3}\n"
    )


def test_texts_to_start_from(tmp_path: Path) -> None:
    workspace = script_workspace(tmp_path)
    text, name = preview.starting_text(workspace)
    assert (text, name) == (workspace.template_text(), "train")
    one_task(workspace, "train")
    assert preview.starting_text(workspace)[1] == "train_2"
    assert preview.starting_text(workspace, "train") == ("lr: 0.5\n", "train_2")
    info = workspace.tasks / "train" / "task_info.json"
    info.write_text(json.dumps({"config_file": "../../config_default.yaml"}))
    assert workspace.task_text("train") == "lr: 0.5\n"


def test_the_exact_time_of_creation_is_kept(tmp_path: Path) -> None:
    workspace = script_workspace(tmp_path)
    before = time.time()
    folder = one_task(workspace)
    created = json.loads((folder / "task_info.json").read_bytes())["pyruns_jupyter"]["created_at"]
    assert before <= created <= time.time()


def test_nothing_is_written_through_a_link(tmp_path: Path) -> None:
    workspace = script_workspace(tmp_path)
    (tmp_path / "elsewhere").mkdir()
    workspace.tasks.rmdir()
    workspace.tasks.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(Conflict, match="symbolic link"):
        one_task(WorkspaceFolder(workspace.folder))
    assert list((tmp_path / "elsewhere").iterdir()) == []
    assert (tmp_path / "train.py").read_text() == SCRIPT


def test_a_sweep_is_checked_with_what_its_references_stand_for(tmp_path: Path) -> None:
    source = SCRIPT.replace("print", 'parser.add_argument("--warm", type=float)\nprint')
    workspace = script_workspace(tmp_path, source=source)
    assert plan_tasks(workspace, "lr: 0.1 | 0.2\nwarm: ${lr}\n", "t").count == 2
    assert plan_tasks(workspace, "warm: ${oc.env:PYRUNS_TEST_NO}\n", "t").count == 1  # it may be set there
    with pytest.raises(InvalidInput, match=r"At 'warm', it refers to 'rl', which does not exist"):
        plan_tasks(workspace, "lr: 0.1 | 0.2\nwarm: ${rl}\n", "t")
    with pytest.raises(InvalidInput, match=r"--seed expects an integer, got 0\.5") as refused:
        plan_tasks(workspace, "lr: 1.0 | 0.5\nseed: ${lr}\n", "t")  # 1.0 alone is a whole number
    assert refused.value.field == "seed"


@pytest.mark.parametrize("digits", [4000, 5000])
def test_a_number_with_thousands_of_digits_is_refused_in_a_short_sentence(
    tmp_path: Path, digits: int
) -> None:
    """Python cannot convert an integer with more than 4,300 digits to text."""
    workspace = script_workspace(tmp_path)
    with pytest.raises(InvalidInput, match=r"--seed expects an integer, got '0xf+…'") as refused:
        plan_tasks(workspace, f"seed: 0x{'f' * digits} | 1\n", "t")
    assert len(refused.value.message) < 300
