"""One run: what it is started with, what its log and its task file say afterwards."""

from __future__ import annotations

import hashlib
import json
import re
import stat
import sys
from typing import TYPE_CHECKING

import pytest

from pyruns_jupyter.core.metrics.read import run_metrics
from pyruns_jupyter.core.taskfile import runs
from tests.engine.support import Project, python
from tests.support import wait_until

if TYPE_CHECKING:
    from tests.engine.conftest import MakeProject

ARGPARSE = """\
import argparse, json, os, sys
parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.1)
parser.add_argument("--code", type=int, default=0)
parser.add_argument("--verbose", action="store_true")
args = parser.parse_args()
print(json.dumps({"argv": sys.argv, "cwd": os.getcwd(), "env": dict(os.environ), "stdin": sys.stdin.read()}))
sys.exit(args.code)
"""


def test_a_script_task_from_queueing_to_the_end(make_project: MakeProject) -> None:
    project = make_project(ARGPARSE)
    project.settings("global_env: {FROM_SETTINGS: '1', BOTH: settings}\n")
    project.task("A", "lr: 1e-3\nverbose: true\n", env={"BOTH": "task"})
    submission = project.submit("A")
    assert (submission.queued, submission.refused) == (["A"], {})
    assert project.wait("A") == ["completed"]

    info = project.info("A")
    paths = project.paths("A")
    assert info["run_index"] == 1
    assert info["exit_codes"] == [0]
    assert info["run_statuses"] == ["completed"]
    assert info["run_attempt_ids"] == [info["_attempt_id"]]
    assert info["progress"] == 1.0
    assert info["pids"][0] > 0
    assert info["pid_create_times"][0] > 1e9
    assert not {"runner_id", "runner_host", "lease_until", "lease_heartbeat", "queued_at"} & set(info)
    script = hashlib.sha256(project.script.read_bytes()).hexdigest()[:12]
    assert info["source_states"] == [f"git none | unknown | script {script}"]

    start, started, rule, source, _output, *end = project.log("A").decode().splitlines()
    assert start == "[PYRUNS] ==================== START ===================="
    assert started == f"[PYRUNS] Task A started at {info['start_times'][0]}"
    assert rule == "[PYRUNS] ==============================================="
    assert source == f"[PYRUNS] Source git none | unknown | script {script}"
    assert end[:4] == [
        "[PYRUNS] ==================== FINISH ====================",
        f"[PYRUNS] Task A finished at {info['finish_times'][0]}",
        "[PYRUNS] ================================================",
        "[PYRUNS] Exit code: 0",
    ]
    assert re.fullmatch(r"\[PYRUNS\] Duration: \d+\.\d{3}s", end[4])
    assert len(end) == 5

    seen = json.loads(project.output("A"))
    assert seen["argv"] == [str(project.script), "--lr", "0.001", "--verbose"]
    assert seen["cwd"] == str(project.folder)
    assert seen["stdin"] == ""
    environment = seen["env"]
    assert environment["FROM_SETTINGS"] == "1"
    assert environment["BOTH"] == "task"
    assert environment["PYTHONUNBUFFERED"] == "1"
    assert environment["PYTHONIOENCODING"] == "utf-8"
    assert environment["PYTHONUTF8"] == "1"
    assert environment["PYRUNS_RUN_INDEX"] == "1"
    assert environment["PYRUNS_RUN_ATTEMPT_ID"] == info["_attempt_id"]
    assert environment["PYRUNS_TASK_DIR"] == str(paths.folder)
    assert environment["__PYRUNS_ROOT__"] == str(project.workspace.folder)
    copy = environment["__PYRUNS_CONFIG__"]
    assert copy.startswith(f"{paths.folder}/.pyruns-input-")
    assert copy.endswith(".yaml")

    record = json.loads(paths.input(1).read_bytes())
    assert record["launch_argv"] == [sys.executable, *seen["argv"]]
    assert record["payload_text"] == "lr: 1e-3\nverbose: true\n"
    assert record["environment"] == {"BOTH": "task"}
    assert stat.S_IMODE(paths.input(1).stat().st_mode) == 0o600
    project.wait_for_exit()
    # Nothing else is left: no private copy, no owner, no lock.
    assert {path.name for path in paths.folder.iterdir()} == {
        "task_info.json",
        "config.yaml",
        "run_logs",
        ".task_info.json.lock.guard",
    }
    # A run that takes some time also has marks of it, and system metrics.
    files = {path.name for path in paths.run_logs.iterdir()} - {"run1.times", "run1.system.jsonl"}
    assert files == {"run1.log", "run1.input.json", "queue.log"}
    assert list(project.engine.batches.iterdir()) == []


def test_a_failed_run_and_a_second_one(make_project: MakeProject) -> None:
    project = make_project(ARGPARSE)
    project.task("A", "code: 3\n")
    project.submit("A")
    assert project.wait("A") == ["failed"]
    assert project.info("A")["exit_codes"] == [3]
    errors = (project.paths("A").run_logs / "error.log").read_text()
    assert "[PYRUNS] Run #1 failed at " in errors
    assert "reason=exit_code 3\n" in errors

    (project.paths("A").folder / "config.yaml").write_text("code: 0\n")
    project.submit("A")
    assert project.wait("A") == ["completed"]
    info = project.info("A")
    assert info["exit_codes"] == [3, 0]
    assert info["run_index"] == 2
    assert json.loads(project.output("A", 2))["env"]["PYRUNS_RUN_INDEX"] == "2"


def test_a_shell_task(shell: Project) -> None:
    shell.task("S", 'echo "in $PWD as $0"; echo $MINE; tty; exit 7\n', env={"MINE": "yes"})
    shell.submit("S")
    assert shell.wait("S") == ["failed"]
    assert shell.info("S")["exit_codes"] == [7]
    first, mine, terminal = shell.output("S").decode().splitlines()
    assert first.startswith(f"in {shell.folder} as {shell.paths('S').folder}/.pyruns-input-")
    assert mine == "yes"
    assert terminal == "not a tty"  # stdin is the null device, as the format says


def test_the_output_is_a_terminal_and_its_bytes_stay_as_they_are(shell: Project) -> None:
    program = """
import os, sys
size = os.get_terminal_size(1)
data = b"\\x1b[31mred\\x1b[0m \\xff\\xfe\\n50%\\r100%\\n" + "é漢".encode() + b"\\x00\\x07 no end"
os.write(1, f"{sys.stdout.isatty()} {sys.stderr.isatty()} {size.columns}x{size.lines}\\n".encode() + data)
"""
    shell.task("T", python(program))
    shell.submit("T")
    shell.wait("T")
    text = b"\x1b[31mred\x1b[0m " + b"\xff\xfe\n50%\r100%\n" + "é漢".encode() + b"\x00\x07 no end"
    expected = b"True True 120x30\n" + text
    assert expected + b"[PYRUNS] =====" in shell.log("T")


def test_every_byte_of_a_large_output_is_in_the_log(shell: Project) -> None:
    program = """
import os, random
data = random.Random(1).randbytes(5_000_000).replace(b"\\n[PYRUNS]", b"")
view = memoryview(data)
while view:
    view = view[os.write(1, view[:70_001]):]
"""
    shell.task("B", python(program))
    shell.submit("B")
    assert shell.wait("B") == ["completed"]
    import random

    data = random.Random(1).randbytes(5_000_000)
    log = shell.log("B")
    begin = log.index(b"script none\n") + len(b"script none\n")
    assert log[begin : begin + len(data)] == data
    assert log[begin + len(data) :].startswith(b"[PYRUNS] ==================== FINISH")


def test_a_program_that_closes_its_output_and_goes_on(shell: Project) -> None:
    shell.task("C", "echo before; exec >&- 2>&-; sleep 0.5; exit 4\n")
    shell.submit("C")
    shell.wait("C")
    assert shell.info("C")["exit_codes"] == [4]
    assert shell.output("C") == b"before\n"


def test_a_process_in_the_background_does_not_hold_the_end_up(shell: Project) -> None:
    left = "setsid sh -c 'touch up; exec sleep 54321' & echo $!"
    shell.task("D", f"{left}; while [ ! -e up ]; do sleep 0.1; done; echo done\n")
    shell.submit("D")
    assert shell.wait("D") == ["completed"]
    pid, done = shell.output("D").decode().split()
    assert done == "done"
    import psutil

    psutil.Process(int(pid)).kill()  # it was left alone


@pytest.mark.parametrize(
    ("settings", "text", "said"),
    [
        ("python_executable: /no/such/python\n", "", "The Python interpreter /no/such/python does not exist"),
        ("", "lr: [1\n", "config.yaml is not valid YAML, line"),
        ("", "nothing: 1\n", "nothing"),
    ],
)
def test_what_cannot_be_started_says_so(
    make_project: MakeProject, settings: str, text: str, said: str
) -> None:
    project = make_project(ARGPARSE)
    project.settings(settings)
    project.task("A", text)
    project.submit("A")
    assert project.wait("A") == ["failed"]
    info = project.info("A")
    assert info["exit_codes"] == [None]
    assert info["pids"] == [None]
    assert said in info["pyruns_jupyter"]["messages"]["1"]
    assert said in project.output("A").decode() or said in project.log("A").decode()
    assert "Traceback" not in project.log("A").decode()
    assert said in (project.paths("A").run_logs / "error.log").read_text()
    assert not list(project.paths("A").folder.glob(".pyruns-input-*"))


def test_a_missing_script_and_an_interpreter_that_cannot_be_executed(make_project: MakeProject) -> None:
    project = make_project(ARGPARSE)
    project.task("A", "")
    broken = project.folder / "python"
    broken.write_text("#!/no/such/interpreter\n")
    broken.chmod(0o755)
    project.settings(f"python_executable: {broken}\n")
    project.submit("A")
    assert project.wait("A") == ["failed"]
    message = project.info("A")["pyruns_jupyter"]["messages"]["1"]
    assert message == f"{broken} cannot be executed: No such file or directory."

    project.script.unlink()
    project.submit("A")
    assert project.wait("A") == ["failed"]
    assert "does not exist" in project.info("A")["pyruns_jupyter"]["messages"]["2"]


def test_records_and_tracks_come_from_the_journal_and_from_the_script_itself(shell: Project) -> None:
    program = """
import json, os, time
from pathlib import Path
folder = Path(os.environ["PYRUNS_TASK_DIR"])
while not (info := json.loads((folder / "task_info.json").read_bytes()))["pids"][0]:
    time.sleep(0.05)  # the supervisor changes the file at this moment, and then not for half a minute
info["records"][0]["theirs"] = 1
info["tracks"][0] = {"loss": [3.0], "other": [1]}
(folder / "new").write_text(json.dumps(info))
(folder / "new").replace(folder / "task_info.json")
journal = folder / "run_logs" / f"run{os.environ['PYRUNS_RUN_INDEX']}.journal.jsonl"
lines = [
    {"t": 1, "track": {"loss": 2.0}},
    {"t": 2, "track": {"loss": 1.0, "acc": 0.5}},
    {"t": 3, "record": {"best": 9}},
]
journal.write_text("".join(json.dumps(line) + "\\n" for line in lines) + '{"t": 4, "rec')
"""
    shell.task("J", python(program))
    shell.submit("J")
    assert shell.wait("J") == ["completed"]
    info = shell.info("J")
    assert info["records"] == [{"theirs": 1, "best": 9}]
    assert info["tracks"] == [{"loss": [3.0, 2.0, 1.0], "other": [1], "acc": [0.5]}]
    wait_until(
        lambda: not shell.paths("J").journal(1).exists(),
        message="the journal goes once it is in the task file",
    )


def test_numbers_that_no_float_can_hold_do_not_prevent_the_end(shell: Project) -> None:
    program = """
import os
from pathlib import Path
journal = Path(os.environ["PYRUNS_TASK_DIR"], "run_logs", "run1.journal.jsonl")
huge = 10**400
with journal.open("w") as stream:
    for time in ("1e308", "-1e308", huge, -huge, "NaN", 1):
        stream.write(f'{{"t": {time}, "track": {{"loss": 0.5, "n": {huge}, "epoch": {huge}}}}}\\n')
        stream.write(f'{{"t": {time}, "alert": {{"title": "a"}}}}\\n')
    stream.write(f'{{"t": 1, "record": {{"n": {huge}}}}}\\n')
"""
    shell.task("J", python(program))
    shell.submit("J")
    assert shell.wait("J") == ["completed"]
    assert shell.info("J")["tracks"][0]["loss"] == [0.5] * 6


def test_a_million_points_stay_out_of_the_task_file(shell: Project) -> None:
    """A task file of that size could not be read any more."""
    program = """
import os
from pathlib import Path
journal = Path(os.environ["PYRUNS_TASK_DIR"], "run_logs", "run1.journal.jsonl")
with journal.open("w") as stream:
    for step in range(100_000):
        stream.write('{"t": 1, "track": {"step": %d}}\\n' % step)
"""
    shell.task("J", python(program))
    shell.submit("J")
    assert shell.wait("J") == ["completed"]
    points = shell.info("J")["tracks"][0]["step"]
    assert len(points) <= 1000
    assert points[-1] == 99_999
    info = shell.info("J")
    run = runs.runs(info)[0]
    assert run_metrics(info, run, shell.paths("J")).tracks["step"] == list(range(100_000))


SUBCOMMANDS = """\
import argparse, json, sys
from options import add_common
parser = argparse.ArgumentParser()
parser.add_argument("--seed", type=int, default=1)
commands = parser.add_subparsers(dest="cmd", required=True)
train = commands.add_parser("train")
add_common(train)
train.add_argument("--lr", type=float, default=0.1)
commands.add_parser("eval").add_argument("--ckpt")
print(json.dumps({"argv": sys.argv[1:], **vars(parser.parse_args())}))
"""


def test_a_script_with_subcommands_and_a_module_of_its_own(make_project: MakeProject) -> None:
    project = make_project(SUBCOMMANDS)
    module = "def add_common(parser):\n    parser.add_argument('data')\n"
    (project.folder / "options.py").write_text(module)
    project.task("A", "seed: 3\ncmd: train\ntrain:\n  data: '-d'\n  lr: 0.5\neval:\n  ckpt: none\n")
    project.task("B", "cmd: train\ntrain: {lr: 0.5}\n")
    project.submit("A", "B")
    assert project.wait("A", "B") == ["completed", "failed"]
    seen = json.loads(project.output("A"))
    assert seen.pop("argv") == ["--seed", "3", "train", "--lr", "0.5", "--", "-d"]
    assert seen == {"seed": 3, "cmd": "train", "data": "-d", "lr": 0.5}
    assert "train.data is required" in project.log("B").decode()


def test_a_free_command_line(make_project: MakeProject) -> None:
    project = make_project("import json, sys\nprint(json.dumps(sys.argv[1:]))\n")
    line = "command_line: \"run --lr {lr} --layers {layers} --name={name} --off {off} '{{}}'\"\n"
    project.task("A", f'{line}lr: 1e-3\nlayers: [1, 2]\nname: "a b; $(id)"\noff: null\n')
    project.task("B", "lr: 1e-3\n")
    project.task("C", "")
    project.submit("A", "B", "C")
    assert project.wait("A", "B", "C") == ["completed", "failed", "completed"]
    assert json.loads(project.output("A")) == [
        "run", "--lr", "0.001", "--layers", "1", "2", "--name=a b; $(id)", "{}",
    ]  # fmt: skip
    assert "lr is not used" in project.log("B").decode()
    assert json.loads(project.output("C")) == []
