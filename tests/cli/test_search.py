"""Searching from the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pyruns_jupyter.cli import main
from tests.cli.test_cli import SCRIPT


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "train.py").write_text(SCRIPT, encoding="utf-8")
    (tmp_path / "sweep.yaml").write_text("lr: 0.1 | 0.01 | 0.001\n", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert main(["open", "train.py"]) == 0
    assert main(["sweep", "sweep.yaml", "-n", "t"]) == 0
    return tmp_path


def found(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[list[float], str]:
    """Return the learning rates that a search finds, and what was said aside."""
    capsys.readouterr()
    assert main(["ls", "--json", *words]) == 0
    told = capsys.readouterr()
    return [row["swept"]["lr"] for row in json.loads(told.out)], told.err


def test_words_of_the_command(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert found(capsys)[0] == [0.1, 0.01, 0.001]
    assert found(capsys, "lr<0.05")[0] == [0.01, 0.001]
    assert found(capsys, "lr<0.05 -lr:1e-2")[0] == [0.001]
    assert found(capsys, "-lr:1e-2", "-status:failed")[0] == [0.1, 0.001]
    assert found(capsys, "lr:0.1", "OR", "lr:0.01")[0] == [0.1, 0.01]
    assert found(capsys, "lr:0.1 OR lr:0.01", "-lr:0.1")[0] == [0.01]  # each word is a line
    assert found(capsys, "-w", "train", "--sort", "-lr", "t")[0] == [0.1, 0.01, 0.001]
    assert found(capsys, "t", "--sort=lr", "--order", "desc")[0] == [0.1, 0.01, 0.001]
    assert found(capsys, "--sort", "seconds,lr", "--", "-nothing")[0] == [0.001, 0.01, 0.1]


def test_notices_are_no_part_of_the_output(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (project / "_pyruns_" / "train" / "tasks" / "t_1_lr=0.1" / "config.yaml").write_text("lr: 0.1\nmore: 3\n")
    rows, said = found(capsys, "more>2")
    assert rows == [0.1]
    assert said == "2 of 3 tasks have no `more`.\n"


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("lrr<1", "line 1, column 1: Unknown field `lrr`. Did you mean `lr`?"),
        ("-lrr<1", "line 1, column 2: Unknown field `lrr`"),
        ("lr<1 (a", "line 1, column 6: This parenthesis is never closed"),
        ("status:faild", "Did you mean failed?"),
    ],
)
def test_a_mistake_ends_the_command(
    project: Path, capsys: pytest.CaptureFixture[str], query: str, words: str
) -> None:
    capsys.readouterr()
    assert main(["ls", query]) == 1
    told = capsys.readouterr()
    assert words in told.err
    assert told.out == ""


def test_help_has_the_grammar(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["ls", "--help"]) == 0
    told = capsys.readouterr().out
    for word in ("lr:1e-4..1e-2", "log:", "OR", "started<2h"):
        assert word in told
    assert main(["ls", "--sideways"]) == 2
