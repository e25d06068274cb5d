"""The same sweep text makes the same configurations, in the same order."""

from __future__ import annotations

import json
import random
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from pyruns_jupyter.core.config.sweep.plan import SweepPlan

from .shared import Shared

pytestmark = pytest.mark.reference

SWEEPS = 30
FAST = yaml.CSafeLoader

# One process for all of them: each start of the program takes longer than reading a sweep.
DRIVER = """\
import contextlib, importlib.metadata, io, json, sys
scripts = importlib.metadata.entry_points(group="console_scripts")
main = next(one for one in scripts if one.name == "pyr").load()
answers, workspace = [], sys.argv[1]
for name, path in json.loads(sys.stdin.read()):
    sys.argv = ["pyr", "-w", workspace, "add", path, "-n", name]
    said = io.StringIO()
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        try:
            code = main()
        except SystemExit as end:
            code = end.code
    answers.append([code, said.getvalue()])
print(json.dumps(answers))
"""
WORDS = [
    "adam",
    "sgd",
    "v1",
    "a b",
    "x-y",
    "/data/a",
    "true",
    "false",
    "null",
    "0.5",
    "-3",
    "12",
    "1e-3",
    "2.",
    "é",
]
FIXED = [
    "3",
    "text",
    "[1, 2]",
    "{k: v}",
    "'quoted text'",
    "",
    "0.1",
    "true",
    "- 1\n  - 2",
    "|\n  two\n  lines",
]
RANGES = ["0:3", "2:10:3", "5:1:-2", "-2:1", "(1, 4)", "(0, 9, 4)"]


def sweep_text(generator: random.Random) -> str:
    """A text in the grammar that both have; candidates differ, since only we fold equal configurations."""
    length = generator.randint(2, 3)

    def value() -> str:
        kind = generator.randrange(5)
        if kind == 0:
            return " | ".join(generator.sample(WORDS, generator.randint(2, 3)))
        if kind == 1:
            return f"({' | '.join(generator.sample(WORDS, length))})"
        if kind == 2:
            return generator.choice(RANGES)
        return generator.choice(FIXED)

    lines = ["# a sweep"]
    for number in range(generator.randint(1, 4)):
        if generator.random() < 0.3:
            lines += [f"p{number}:", f"  inner: {inner(value())}  # c", f"  other: {inner(value())}"]
        else:
            text = value()
            lines.append(f"k{number}:\n  {text}" if text.startswith("- ") else f"k{number}: {text}")
    return "\n".join(lines) + "\n"


def inner(text: str) -> str:
    return text if "\n" not in text else "plain"


def test_both_make_the_same_configurations_in_the_same_order(shared: Shared, tmp_path: Path) -> None:
    workspace = shared.script()
    generator = random.Random(20260101)
    texts = [sweep_text(generator) for _ in range(SWEEPS)]
    jobs = []
    for number, text in enumerate(texts):
        path = tmp_path / f"s{number}.yaml"
        path.write_text(text, encoding="utf-8")
        jobs.append([f"S{number}", str(path)])
    done = subprocess.run(
        [str(shared.python), "-c", DRIVER, str(workspace.folder)],
        input=json.dumps(jobs),
        cwd=shared.project,
        env=shared.environment,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    answers = json.loads(done.stdout.splitlines()[-1])
    made: dict[str, dict[int, Any]] = {}
    for folder in workspace.tasks.iterdir():
        found = re.fullmatch(r"(S\d+)(?:_(\d+)-of-\d+)?", folder.name)
        if found:
            config = yaml.load((folder / "config.yaml").read_text("utf-8"), FAST)
            made.setdefault(found.group(1), {})[int(found.group(2) or 1)] = config
    for number, text in enumerate(texts):
        assert answers[number][0] in (0, None), (text, answers[number])
        theirs = [config for _, config in sorted(made[f"S{number}"].items())]
        plan = SweepPlan.parse(text)
        assert plan.duplicates == 0
        assert [plan.config(index) for index in range(plan.count)] == theirs, text
        ours = [yaml.load(plan.config_text(index), FAST) for index in range(plan.count)]
        assert ours == theirs, text


def test_both_refuse_zips_of_unequal_length(shared: Shared) -> None:
    workspace = shared.script()
    text = "a: (1 | 2)\nb: (1 | 2 | 3)\n"
    (shared.project / "f.yaml").write_text(text, encoding="utf-8")
    assert shared.pyr("add", "f.yaml", "-n", "z", workspace=workspace, check=False).returncode != 0
    assert len(SweepPlan(text).errors) == 1
