"""The magics in a real interactive shell."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from IPython.core.completer import provisionalcompleter

from pyruns_jupyter import Workspace
from tests.notebook.shell import Shell
from tests.support import wait_until


def test_open_makes_the_workspace_current(shell: Shell, project: Path) -> None:
    assert shell.cell("%pyruns open train.py") == "train: no tasks yet\n"
    assert (project / "_pyruns_" / "train" / "config_default.yaml").is_file()
    shell.cell("%pyruns open .")
    assert json.loads(shell.cell("%pyruns status --json"))["workspace"] == "_shell_"


def test_a_sweep_is_made_run_and_read(shell: Shell) -> None:
    shell.cell("%pyruns open train.py")
    made = shell.cell("%%pyruns sweep -n lr\nlr: 0.1 | 0.2\n")
    assert "Created 2 tasks: lr_1_lr=0.1, lr_2_lr=0.2" in made
    assert "queued" in shell.cell("%pyruns run lr_1_lr=0.1")
    shell.cell("%pyruns wait --timeout 120 lr_1_lr=0.1")
    assert "lr is 0.1" in shell.cell("%pyruns log lr_1_lr=0.1")
    rows = {row["name"]: row for row in json.loads(shell.cell("%pyruns ls --json"))}
    assert rows["lr_1_lr=0.1"]["status"] == "completed"
    assert rows["lr_1_lr=0.1"]["figures"] == {"acc": 0.2}
    assert rows["lr_2_lr=0.2"]["status"] == "pending"
    listed = shell.cell("%pyruns ls status:completed")
    assert "lr_1_lr=0.1" in listed
    assert "lr_2_lr=0.2" not in listed


def test_a_sweep_opens_its_script_and_runs(shell: Shell) -> None:
    made = shell.cell("%%pyruns sweep train.py -n go --run -j 2\nlr: 1 | 2\n")
    assert "queued them" in made
    shell.cell("%pyruns wait --timeout 120")
    counts = json.loads(shell.cell("%pyruns status --json"))["counts"]
    assert counts["completed"] == 2


def test_stop(shell: Shell) -> None:
    shell.cell("%%pyruns sweep train.py -n long --run\nseconds: 600\n")
    workspace = Workspace.open("train.py")
    wait_until(lambda: "lr is" in workspace["long"].log(), message="the task to speak")
    assert "long" in shell.cell("%pyruns stop long")
    wait_until(lambda: workspace["long"].status == "cancelled", message="the task to stop")
    assert "lr is" in shell.cell("%pyruns log --tail 1000 long")


def test_a_shell_script(shell: Shell) -> None:
    made = json.loads(shell.cell("%%pyruns shell -n hello --run --json\necho hello from a cell\n"))
    assert (made["workspace"], made["names"], made["queued"]) == ("_shell_", ["hello"], True)
    shell.cell("%pyruns open .")
    shell.cell("%pyruns wait --timeout 120 hello")
    assert "hello from a cell" in shell.cell("%pyruns log hello")


@pytest.mark.parametrize(
    ("cell", "words"),
    [
        ("%pyruns run", ["NAME", "usage: %pyruns run"]),
        ("%pyruns explode", ["explode"]),
        ("%pyruns open nowhere.py", ["nowhere.py"]),
        ("%pyruns log nix", ["nix"]),
        ("%pyruns run nix", ["nix"]),
        ('%pyruns ls "x', ["quotation"]),
        ("%pyruns ls '\"a'", ["quote"]),
        ("%pyruns sweep -", ["%%pyruns sweep"]),
        ("%%pyruns sweep -n bad\nlr: [1,\n", ["line 2"]),
        ("%%pyruns sweep -n bad\nlr: 1\nlr: 2\n", ["line 2", "lr"]),
        ("%%pyruns sweep -n bad\nlr: (1 | 2)\nseconds: (1 | 2 | 3)\n", ["line 2", "seconds"]),
        ("%%pyruns sweep -n bad\nseconds: fast\n", ["line 1", "fast"]),
        ("%%pyruns sweep -n bad\nrate: 1 | 2\n", ["rate"]),
        ("%%pyruns sweep -n a/b\nlr: 1\n", ["a/b"]),
        ("%%pyruns sweep train.py -w train\nlr: 1\n", ["either TARGET or --workspace", "usage:"]),
        ("%%pyruns optimize train.py -w train --objective acc\nlr: uniform(0, 1)\n", ["TARGET"]),
        ("%%pyruns shell\n", ["empty"]),
        ("%%pyruns shell -w train\necho\n", ["-w"]),
        ("%%pyruns shell --check\necho\n", ["--check"]),
    ],
)
def test_mistakes_are_sentences_and_write_nothing(
    shell: Shell, project: Path, cell: str, words: list[str]
) -> None:
    shell.cell("%pyruns open train.py")
    told = shell.failing(cell)
    for word in words:
        assert word in told
    assert [*(project / "_pyruns_" / "train" / "tasks").iterdir()] == []


STRICT = """\
import argparse

def rate(text):
    if float(text) > 1:
        raise argparse.ArgumentTypeError("too high")
    return float(text)

parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=rate, default=0.1)
args = parser.parse_args()
"""


def test_the_parser_of_the_script_checks_a_sweep(shell: Shell, project: Path) -> None:
    (project / "strict.py").write_text(STRICT, encoding="utf-8")
    told = shell.failing("%%pyruns sweep strict.py -n a --check\nlr: 1 | 2\n")
    assert "The script rejects the command line of task 2 (lr: 2)" in told and "too high" in told
    assert json.loads(shell.cell("%pyruns ls --json")) == []
    assert "Created 1 task: a" in shell.cell("%%pyruns sweep -n a --check\nlr: 1\n")


def test_a_script_with_a_mistake(shell: Shell, project: Path) -> None:
    (project / "broken.py").write_text("def f(:\n", encoding="utf-8")
    assert "broken.py" in shell.failing("%pyruns open broken.py")
    assert not (project / "_pyruns_" / "broken").exists()


def test_help(shell: Shell) -> None:
    assert "sweep" in shell.cell("%pyruns --help")
    assert "--jobs" in shell.cell("%pyruns run --help")


def test_the_table_and_the_workspace_show_themselves_live(shell: Shell) -> None:
    shell.cell("%%pyruns sweep train.py -n lr\nlr: 0.1 | 0.2\n")
    assert shell.cell("%pyruns") == "train: 2 pending\n"
    assert "lr_2_lr=0.2" in shell.cell("%pyruns tasks")
    assert "lr_2_lr=0.2" not in shell.cell("%pyruns tasks lr<0.15")
    assert "lr_2_lr=0.2" in shell.cell("%pyruns compare lr>0.15")
    assert "Plan of 1 task" in shell.cell("%pyruns new")
    assert "CPU and memory" in shell.cell("%pyruns gpus --height 200")
    assert shell.cell("%pyruns plot") == "no curves yet\n"
    assert "has run yet" in shell.failing("%pyruns logs")
    assert "No task of train matches" in shell.failing("%pyruns compare lr>7")
    assert "quote" in shell.failing("%pyruns tasks '\"a'")
    formatter = shell.shell.display_formatter
    assert formatter is not None
    bundle: Any = formatter.format(Workspace.open("train.py"))  # type: ignore[no-untyped-call]
    data = bundle[0]
    assert "application/vnd.jupyter.widget-view+json" in data
    assert "lr_1_lr=0.1" in data["text/html"]
    task: Any = formatter.format(Workspace.open("train.py")["lr_1_lr=0.1"])  # type: ignore[no-untyped-call]
    assert "application/vnd.jupyter.widget-view+json" in task[0]


def test_a_search(shell: Shell) -> None:
    shell.cell("%pyruns open train.py")
    shell.cell("%%pyruns sweep -n t\nlr: 0.1 | 0.01 | 0.001\n")
    shell.shell.user_ns["limit"] = 0.05

    def found(line: str) -> list[float]:
        return [row["swept"]["lr"] for row in json.loads(shell.cell(f"%pyruns ls --json {line}"))]

    assert found("lr<0.05") == [0.01, 0.001]
    assert found("lr<{limit} -lr:0.001") == [0.01]
    assert found("lr:0.1 OR lr:0.01") == [0.1, 0.01]
    assert found("'lr:0.1 OR lr:0.01' -lr:0.1") == [0.01]
    folder = Workspace.open("train.py").folder.folder / "tasks" / "t_1_lr=0.1"
    info = json.loads((folder / "task_info.json").read_text())
    (folder / "task_info.json").write_text(json.dumps({**info, "notes": "two  words"}))
    assert found('note:"two  words"') == [0.1]  # the quotes are the search's own
    assert found('note:"two words"') == []
    assert "Did you mean `lr`?" in shell.failing("%pyruns ls lrr<3")
    assert "lr:1e-4..1e-2" in shell.cell("%pyruns ls --help")


def test_braces_in_a_name_are_not_pythons(shell: Shell) -> None:
    shell.cell("lr, n, script = 'wrong', 7, 'train.py'")
    made = json.loads(shell.cell("%%pyruns sweep {script} -n {lr}-{n:03} --json\nlr: 0.1 | 0.2\n"))
    assert made["names"] == ["0.1-001", "0.2-002"]
    shown = shell.cell("%%pyruns plan -n '{lr}' -o plan.yaml\nlr: 0.3 | 0.4\n")
    assert "0.3" in shown
    assert json.loads(shell.cell("%pyruns sweep plan.yaml --json"))["names"] == ["0.3", "0.4"]


def test_all_that_can_be_done_to_tasks(shell: Shell) -> None:
    shell.cell("%pyruns open train.py")
    first, second = json.loads(shell.cell("%%pyruns sweep -n t --json\nlr: 0.1 | 0.2\n"))["names"]

    def listed(line: str = "") -> list[str]:
        return [row["name"] for row in json.loads(shell.cell(f"%pyruns ls --json {line}"))]

    shell.cell(f"%pyruns tag best,odd {first}")
    shell.cell(f"%pyruns tag --off odd {first}")
    assert (listed("tag:best"), listed("tag:odd")) == ([first], [])
    shell.cell(f'%pyruns note {second} "slow one"')
    assert listed('note:"slow one"') == [second]
    shell.cell(f"%pyruns env {first} DEPTH=3 API_TOKEN=hidden")
    shown = shell.cell(f"%pyruns env {first}")
    assert "DEPTH" in shown and "hidden" not in shown
    shell.cell(f"%pyruns pin {second}")
    assert listed() == [second, first]
    shell.cell(f"%pyruns pin --off {second}")
    shell.cell(f"%pyruns reorder {second} before {first}")
    assert listed("--sort order") == [second, first]
    shell.cell(f"%pyruns copy {first} copy")
    shell.cell("%pyruns rename copy copied")
    assert listed("name:copied") == ["copied"]
    shell.cell("%pyruns archive copied -o copied.zip")
    shell.cell("%pyruns delete copied")
    assert "copied" in shell.cell("%pyruns trash")
    shell.cell("%pyruns restore copied --as back")
    assert listed("back") == ["back"]
    shell.cell("%pyruns import copied.zip --as again")
    assert listed("again") == ["again"]
    shell.cell("%pyruns delete again")
    shell.cell("%pyruns purge again")
    assert json.loads(shell.cell("%pyruns trash --json")) == []
    assert shell.cell("%pyruns export lr<0.15 --latest").count("\n") == 3  # head, first, copy
    assert second in shell.cell('%pyruns export note:"slow one" --latest')
    assert "needs a field before it and a value after it" in shell.failing("%pyruns ls lr < 3")


def completed(shell: Shell, text: str) -> list[str]:
    """Return what a notebook offers at the end of a text, as whole words."""
    shell.shell.Completer.use_jedi = False  # which takes any line for Python
    with provisionalcompleter():
        found = list(shell.shell.Completer.completions(text, len(text)))
    return [(text[: one.start] + one.text).split(" ")[-1] for one in found]


def test_a_search_is_begun_by_a_cell(shell: Shell) -> None:
    cell = "%%pyruns optimize train.py -n s --objective acc --trials 3 --seed 1\nlr: uniform(0, 1)\n"
    assert "Started study s of train: maximize acc." in shell.cell(cell)
    study = Workspace.open("train.py").studies["s"]
    study.wait(timeout=120, progress=False)
    assert study.state == "finished"
    assert study.best_value == max(trial.value for trial in study.trials if trial.value is not None)
    assert "finished, 3 of 3 trials" in shell.cell("%pyruns studies")
    assert completed(shell, "%pyruns studies ") == ["s"]
    assert completed(shell, "%%pyruns optimize --objective a") == ["acc"]
    assert "Zipped values" in shell.failing("%%pyruns optimize -n t --objective acc\nlr: (1 | 2)\n")


def test_words_are_completed(shell: Shell) -> None:
    shell.cell("%pyruns open train.py")
    shell.cell("%%pyruns sweep -n lr\nlr: 0.1 | 0.2\n")
    assert {"sweep", "status", "stop", "show"} <= set(completed(shell, "%pyruns s"))
    assert "task" in completed(shell, "%%pyruns ta")
    assert completed(shell, "%pyruns run --gpu-mem") == ["--gpu-memory"]
    assert completed(shell, "%pyruns log lr_") == ["lr_1_lr=0.1", "lr_2_lr=0.2"]
    assert completed(shell, "%pyruns log lr_1_lr=0") == ["lr_1_lr=0.1"]
    assert completed(shell, "%pyruns run lr_1_lr=0.1 lr_2") == ["lr_2_lr=0.2"]
    assert completed(shell, "%pyruns ls --order d") == ["desc"]
    assert completed(shell, "%pyruns ls status:fa") == ["status:failed"]
    assert completed(shell, "%pyruns tasks lr:0.2") == ["lr:0.2"]
    assert completed(shell, "%pyruns ls -w tr") == ["train"]
    assert completed(shell, "%pyruns log -w nothing lr_") == []
    assert "lr_1_lr=0.1" not in completed(shell, "%%pyruns sweep -n lr_")


def test_help_is_the_grammar(shell: Shell) -> None:
    told = shell.cell("%pyruns --help")
    assert all(verb in told for verb in ("dashboard", "tasks", "plot", "sweep", "doctor"))
    assert "--metrics" in shell.cell("%pyruns plot --help")
    assert "--with" in shell.cell("%%pyruns task --help\n1")
