"""`jupyter pyruns` as programs of their own, as a user's terminal runs them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from pyruns_jupyter import Workspace
from pyruns_jupyter.cli.terminal import TerminalContext, main
from tests.engine.support import stop_everything
from tests.forks import run
from tests.support import ROOT, wait_until

SCRIPT = """\
import argparse, sys, time
import pyruns_jupyter as pyruns

parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.1)
parser.add_argument("--seconds", type=float, default=0.0)
parser.add_argument("--code", type=int, default=0)
args = parser.parse_args()
print("lr is", args.lr, flush=True)
time.sleep(args.seconds)
print("done", flush=True)
pyruns.record(acc=args.lr * 2)
sys.exit(args.code)
"""


class Terminal:
    """A terminal in a project folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {**os.environ, "PYTHONPATH": str(ROOT), "HOME": str(folder)}
        self.program = [sys.executable, "-W", "error", "-m", "pyruns_jupyter.cli"]

    def start(self, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*self.program, *words],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def __call__(self, *words: str, code: int = 0, given: str = "") -> str:
        """Run a command; return what it wrote, to standard error when it fails."""
        done = run(self.program, words, self.folder, self.environment, given)
        out, err = done.stdout, done.stderr
        assert done.returncode == code, f"{words}: {done.returncode}\n{out}\n{err}"
        assert "Traceback" not in err
        if code == 0:
            assert err == ""
        return out if code == 0 or not err else err

    def json(self, *words: str, code: int = 0) -> Any:
        return json.loads(self(*words, "--json", code=code))


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    (tmp_path / "train.py").write_text(SCRIPT, encoding="utf-8")
    made = Terminal(tmp_path)
    assert made("open", "train.py") == "train: no tasks yet\n"
    yield made
    stop_everything(tmp_path)  # a paused queue keeps its scheduler


def printed(log: str) -> list[str]:
    """What the task itself wrote: the runner frames it with lines of its own."""
    return [line for line in log.splitlines() if line and not line.startswith("[PYRUNS]")]


def statuses(terminal: Terminal) -> dict[str, str]:
    return {row["name"]: row["status"] for row in terminal.json("ls")}


def test_from_a_sweep_to_its_figures(terminal: Terminal) -> None:
    (terminal.folder / "sweep.yaml").write_text("lr: 0.1 | 0.2 | 0.3\n", encoding="utf-8")
    made = terminal.json("sweep", "sweep.yaml", "-n", "lr", "--run", "-j", "2")
    assert made == {
        "workspace": "train",
        "names": ["lr_1_lr=0.1", "lr_2_lr=0.2", "lr_3_lr=0.3"],
        "queued": True,
        "duplicates": 0,
        "notices": [],
    }
    waited = terminal.json("wait", "--timeout", "100")
    assert waited == dict.fromkeys(made["names"], "completed")
    rows = {row["name"]: row for row in terminal.json("ls", "lr>0.15")}
    assert {name: row["figures"] for name, row in rows.items()} == {
        "lr_2_lr=0.2": {"acc": 0.4},
        "lr_3_lr=0.3": {"acc": 0.6},
    }
    assert printed(terminal("log", "lr_1_lr=0.1@1")) == ["lr is 0.1", "done"]
    shown = terminal("show", "lr_1_lr=0.1")
    assert "run 1: completed, exit code 0" in shown
    assert "acc=0.2" in shown
    table = terminal("ls").splitlines()
    assert table[0].split() == ["status", "name", "lr", "acc", "time"]
    assert len(table) == 4


def test_what_a_program_reads_from_standard_input(terminal: Terminal) -> None:
    assert "Created 2 tasks" in terminal("sweep", "-", given="lr: 1 | 2\n")
    assert terminal.json("status")["counts"]["pending"] == 2


def test_a_failing_task_fails_wait(terminal: Terminal) -> None:
    terminal("sweep", "-", "-n", "bad", "--run", given="code: 3\n")
    assert "failed" in terminal("wait", "--timeout", "100", code=1)
    assert terminal.json("ls")[0]["exit_code"] == 3


def test_wait_gives_up(terminal: Terminal) -> None:
    terminal("sweep", "-", "-n", "long", "--run", given="seconds: 600\n")
    assert "within 0.5 s" in terminal("wait", "long", "--timeout", "0.5", code=1)
    terminal("stop", "long")
    terminal("wait", "long", "--timeout", "100", code=1)
    assert statuses(terminal) == {"long": "cancelled"}


def test_following_a_log_to_its_end(terminal: Terminal) -> None:
    terminal("sweep", "-", "-n", "one", "--run", given="seconds: 1\n")
    assert printed(terminal("log", "-f", "one")) == ["lr is 0.1", "done"]
    assert statuses(terminal) == {"one": "completed"}


def test_the_metrics_in_a_log(terminal: Terminal) -> None:
    terminal("sweep", "-", "-n", "one", "--run", given="lr: 0.5\n")
    terminal("wait", "one")
    assert "No metrics found" in terminal("log", "one", "--metrics")
    shown = terminal("log", "one", "--pattern", r"lr is (?P<lr>\S+)")
    assert "lr: 1 line, first 0.5, last 0.5" in shown
    assert "1 matching line:\nlr is 0.5\n" in shown
    assert "log_metrics" in shown
    assert "is not a regular expression" in terminal("log", "one", "--pattern", "(", code=1)
    for shows in (["--metrics"], ["--pattern", "x"]):
        for other in (["--follow"], ["--tail", "9"]):
            told = terminal("log", "one", *shows, *other, code=2)
            assert f"{other[0]} cannot be used with {shows[0]}." in told


def test_an_interrupt_ends_following_with_130(terminal: Terminal) -> None:
    terminal("sweep", "-", "-n", "long", "--run", given="seconds: 600\n")
    signal.signal(signal.SIGINT, signal.default_int_handler)  # which a suite in the background is deaf to
    process = terminal.start("log", "-f", "long")
    assert process.stdout is not None
    while not printed(process.stdout.readline()):
        continue
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=120)
    assert (process.returncode, printed(out), err) == (130, [], "")
    assert statuses(terminal) == {"long": "running"}
    terminal("stop", "long")
    wait_until(lambda: statuses(terminal) == {"long": "cancelled"}, message="the task to stop")


def test_the_trash_and_names(terminal: Terminal) -> None:
    terminal("sweep", "-", "-n", "a", given="lr: 1 | 2\n")
    assert terminal("delete", "a_1_lr=1") == "a_1_lr=1: moved to the trash\n"
    assert [*statuses(terminal)] == ["a_2_lr=2"]
    terminal("restore", "a_1_lr=1")
    terminal("rename", "a_1_lr=1", "first")
    terminal("pin", "first")
    terminal("note", "first", "much", "better")
    assert [row["name"] for row in terminal.json("ls", "--order", "desc")] == ["first", "a_2_lr=2"]
    assert terminal.json("show", "first")["notes"] == "much better"
    done = terminal.json("delete", "first", "nix", code=1)
    assert done["done"] == ["first"]
    assert "nix" in done["refused"]["nix"]


def test_a_shell_task(terminal: Terminal) -> None:
    terminal("exec", "-n", "greet", "--time-limit", "60", "--", "echo", "two  words", "--json")
    terminal("open", ".")
    terminal("wait", "greet", "--timeout", "100")
    assert printed(terminal("log", "greet")) == ["two  words --json"]
    assert terminal.json("status", "-w", "train")["workspace"] == "train"


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        (["explode"], 2, "explode"),
        (["run"], 2, "NAME"),
        (["run", "-j", "0", "x"], 2, "1 or more"),
        (["ls", "--order", "up"], 2, "--order"),
        (["open", "nowhere.py"], 1, "nowhere.py"),
        (["log", "nix"], 1, "nix"),
        (["log", "x@y"], 1, "@"),
        (["sweep", "nowhere.yaml"], 1, "nowhere.yaml"),
        (["run", "nix"], 1, "nix"),
        (["stop", "nix"], 1, "nix"),
        (["ls", 'x "y'], 1, "quote"),
        (["status", "-w", "other"], 1, "other"),
        (["statsu"], 2, "Did you mean 'status'?"),
        (["sweep", "bad.yaml"], 1, "line 2"),
        (["sweep", "fast.yaml"], 1, "line 1"),
        (["sweep", "two.yaml", "-n", "a/b"], 1, "a/b"),
    ],
)
def test_mistakes(terminal: Terminal, words: list[str], code: int, told: str) -> None:
    (terminal.folder / "two.yaml").write_text("lr: 1 | 2\n", encoding="utf-8")
    (terminal.folder / "bad.yaml").write_text("lr: 1\n  seconds: 2\n", encoding="utf-8")
    (terminal.folder / "fast.yaml").write_text("seconds: fast\n", encoding="utf-8")
    assert told in terminal(*words, code=code)
    assert len(Workspace.open(terminal.folder / "train.py")) == 0


def test_opening_says_what_of_the_script_is_not_understood(terminal: Terminal) -> None:
    text = SCRIPT.replace("default=0.1)", "default=float(time.time()))")
    (terminal.folder / "odd.py").write_text(text, encoding="utf-8")
    process = terminal.start("open", "odd.py")
    out, err = process.communicate(timeout=120)
    assert (process.returncode, out) == (0, "odd: no tasks yet\n")
    assert "lr" in err
    assert f"Line {text[: text.index('time.time')].count(chr(10)) + 1}" in err


def test_where_there_is_no_project(tmp_path: Path) -> None:
    assert "open" in Terminal(tmp_path)("ls", code=1).lower()


def test_help(terminal: Terminal) -> None:
    assert "sweep" in terminal("--help")
    assert "sweep" in terminal(code=2)
    assert "--timeout" in terminal("wait", "--help")


def test_the_machine(terminal: Terminal) -> None:
    sample = terminal.json("system")
    assert sample["memory"]["total"] > 0
    assert sample["gpu_state"] in ("ok", "none", "error")


def test_a_reader_that_had_enough(terminal: Terminal) -> None:
    terminal("sweep", "-", "-n", "a", given="lr: 1 | 2 | 3\n")
    with terminal.start("ls", "--json") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        assert process.stderr.read() == ""


def test_a_plan_file_names_and_creates_its_tasks(terminal: Terminal) -> None:
    terminal("open", "train.py")
    (terminal.folder / "sweep.yaml").write_text("lr: 0.1 | 0.2 | 0.1\n", encoding="utf-8")
    shown = terminal.json("plan", "sweep.yaml", "-n", "{lr:.2f}-{n}", "-o", "plan.yaml")
    assert shown["names"] == ["0.10-1", "0.20-2"]
    assert (shown["count"], shown["duplicates"], shown["folded"]) == (2, 1, [{"lr": "0.1", "times": 2}])
    assert "lr=0.1 occurs twice" in shown["notices"][0]
    refused = terminal("plan", "sweep.yaml", "-o", "plan.yaml", code=1)
    assert "already exists" in refused
    terminal.json("plan", "sweep.yaml", "-n", "{lr}", "-o", "plan.yaml", "--force")
    refused = terminal("plan", "sweep.yaml", "-o", "sweep.yaml", "--force", code=1)
    assert "is not a plan file" in refused
    assert terminal.json("sweep", "plan.yaml")["names"] == ["0.1", "0.2"]
    assert terminal.json("sweep", "plan.yaml", "-n", "again")["names"] == ["again_1_lr=0.1", "again_2_lr=0.2"]
    told = terminal("sweep", "-", "-n", "a/b", given="lr: x | 1 |\nlr: [2\n", code=1)
    assert told.count("line ") >= 2
    assert "a/b" in told


def test_a_plan_shows_the_command_of_each_task(terminal: Terminal) -> None:
    terminal("open", "train.py")
    (terminal.folder / "sweep.yaml").write_text("lr: 0.2 | 0.3\n", encoding="utf-8")
    commands = terminal.json("plan", "sweep.yaml", "--commands")["commands"]
    assert [one.split()[:4] for one in commands] == [
        ["python", "train.py", "--lr", "0.2"],
        ["python", "train.py", "--lr", "0.3"],
    ]
    assert terminal("plan", "sweep.yaml", "--commands").splitlines() == commands


def test_a_log_is_written_in_pieces(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It may be larger than the memory; a character may lie across two pieces."""
    (tmp_path / "train.py").write_text(SCRIPT)
    workspace = Workspace.open(tmp_path / "train.py")
    [task] = workspace.create("lr: 1", name="one")
    text = "é" * 1_000_001 + "\n"
    task.log_path(1).write_bytes(b"x" + text.encode() + b"\xff")
    pieces: list[str] = []
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(TerminalContext, "write", lambda self, piece: pieces.append(piece))
    assert main(["log", "one"]) == 0
    assert "".join(pieces) == f"x{text}\ufffd"
    assert max(map(len, pieces)) <= 2**19
    pieces.clear()
    assert main(["log", "one", "--tail", "1"]) == 0
    assert "".join(pieces) == "\ufffd"
