"""What `show` says about the runs of a task."""

from __future__ import annotations

from tests.cli.test_cli import SCRIPT, Terminal, terminal

__all__ = ["terminal"]

FAILS_ONCE = SCRIPT.replace(
    "sys.exit(args.code)\n",
    "import pathlib\n"
    "if not pathlib.Path('fixed').exists():\n"
    "    pyruns.record(acc=-1)\n"
    "    raise ValueError('too early')\n",
)


def test_an_earlier_run_as_data(terminal: Terminal) -> None:
    (terminal.folder / "train.py").write_text(FAILS_ONCE, encoding="utf-8")
    terminal("sweep", "-", "-n", "t", "--run", given="lr: 0.5\n")
    terminal("wait", "t", code=1)
    terminal("pause")
    terminal("run", "t")
    assert terminal.json("show", "t")["status"] == "queued"
    first = terminal.json("show", "t@1")
    assert (first["run"], first["status"], first["exit_code"]) == (1, "failed", 1)
    assert (first["figures"], first["message"]) == ({"acc": -1}, "ValueError: too early")
    (terminal.folder / "fixed").touch()
    terminal("unpause")
    terminal("wait", "t")
    assert terminal.json("show", "t@1") == {**first, "runs": 2}
    latest = terminal.json("show", "t@2")
    assert latest == terminal.json("show", "t")
    assert (latest["run"], latest["status"], latest["exit_code"]) == (2, "completed", 0)
    assert (latest["figures"], latest["message"]) == ({"acc": 1.0}, None)
    assert first["finished_at"] <= latest["started_at"]
