"""The settings file: typed, tolerant, never rewritten."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from pyruns_jupyter.core.workspace.default_settings import DEFAULT_TEXT
from pyruns_jupyter.core.workspace.settings import Settings

NAME = "_pyruns_settings.yaml"


def test_no_file_and_the_default_text_mean_the_defaults(tmp_path: Path) -> None:
    missing = Settings.load(tmp_path)
    (tmp_path / NAME).write_text(DEFAULT_TEXT)
    written = Settings.load(tmp_path)
    assert missing.problem is None
    assert written.problem is None
    assert written.values["gpu_scheduler_min_free_memory_gb"] == 8.0
    for key in ("python", "conda_executable", "shell_mode", "header_refresh_interval", "monitor_scrollback"):
        assert getattr(written, key) == getattr(missing, key)
    assert written.python == sys.executable
    assert written.interpreter_problem() is None
    assert written.shell_problem() is None
    (tmp_path / NAME).write_text(DEFAULT_TEXT + "# changed\n")
    assert Settings.load(tmp_path) == written, "the text of a new project is not parsed as YAML"


def test_values_and_unknown_keys(tmp_path: Path) -> None:
    (tmp_path / NAME).write_text(
        "python_executable: /opt/py\nglobal_env: {A: 1, B: true, C: x}\nshell_mode: custom\n"
        "shell_executable: /no/shell\nmine: [1, 2]\nsweep_limit: 20000\n"
    )
    loaded = Settings.load(tmp_path)
    assert loaded.python == "/opt/py"
    assert loaded.global_env == {"A": "1", "B": "true", "C": "x"}
    assert loaded.values["mine"] == [1, 2]
    assert loaded.sweep_limit == 20000
    assert loaded.shell() is None
    assert "/no/shell" in (loaded.shell_problem() or "")
    assert "/opt/py" in (loaded.interpreter_problem() or "")


def test_whether_a_workspace_passes_defaults(tmp_path: Path) -> None:
    (tmp_path / NAME).write_text("workspaces: {a: {pass_defaults: true}, b: {engine: local}}\n")
    loaded = Settings.load(tmp_path)
    assert loaded.problem is None
    assert [loaded.passes_defaults(name) for name in "abc"] == [True, False, False]
    (tmp_path / NAME).write_text("pass_defaults: true\nworkspaces: {a: {pass_defaults: false}, b: {}}\n")
    loaded = Settings.load(tmp_path)
    assert [loaded.passes_defaults(name) for name in "abc"] == [False, True, True]
    (tmp_path / NAME).write_text("pass_defaults: 1\nworkspaces: {a: {pass_defaults: often}}\n")
    loaded = Settings.load(tmp_path)
    assert not loaded.passes_defaults("a")
    assert "pass_defaults in" in (loaded.problem or "")
    assert "workspaces.a.pass_defaults" in (loaded.problem or "")


@pytest.mark.parametrize(
    "text",
    [
        "a: [1",
        "- 1\n",
        "\t x",
        "python_executable: [1]",
        "global_env: {A=B: 1}",
        "\0",
        "header_refresh_interval: -1",
    ],
)
def test_a_damaged_file_is_told_and_left(tmp_path: Path, text: str) -> None:
    (tmp_path / NAME).write_text(text)
    loaded = Settings.load(tmp_path)
    assert NAME in (loaded.problem or "")
    assert loaded.python == sys.executable
    assert (tmp_path / NAME).read_text() == text


HUGE = "0x" + "f" * 6000  # more digits than Python writes down
LAUGHS = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{chr(98 + number)}: &{chr(98 + number)} [{', '.join(['*' + chr(97 + number)] * 10)}]\n"
    for number in range(9)
)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"sweep_limit: {HUGE}", "more than 20 digits"),
        (f"global_env: {{A: {HUGE}}}", "global_env"),
        (f"stop_grace_seconds: -{HUGE}", "0 or more"),
        (f"{LAUGHS}python_executable: *i", "not a list"),
        ("x: " + ":".join(["1"] * 200) + ".5", "does not match"),
        ("x: !!bool foo", "does not match"),
        ('x: !!int ""', "does not match"),
        ("x: !!timestamp foo", "does not match"),
        ("x: 2001-13-45", "month"),
        ("snapshot_code: 1\nshell_mode: other", "shell_mode"),
        ("snapshot_code: 1\nshell_mode: other", "snapshot_code"),
        ("scheduler_linger_seconds: soon", "'soon'"),
        ("a: \0", "is not allowed"),
    ],
)
def test_yaml_that_means_trouble_is_told(text: str, said: str) -> None:
    problem = Settings.parse(text.encode(), Path(NAME)).problem or ""
    assert NAME in problem
    assert said in problem
    assert problem.endswith(".")
    assert "\n" not in problem


def test_something_else_of_that_name_is_told_and_not_waited_for(tmp_path: Path) -> None:
    path = tmp_path / NAME
    os.mkfifo(path)
    assert "FIFO" in (Settings.load(tmp_path).problem or "")
    path.unlink()
    path.symlink_to("/dev/zero")
    assert "symbolic link" in (Settings.load(tmp_path).problem or "")
    path.unlink()
    path.mkdir()
    assert "folder" in (Settings.load(tmp_path).problem or "")
    path.rmdir()
    path.write_bytes(b"a: 1 #" + b"x" * 2**20)
    assert "larger than 1 MiB" in (Settings.load(tmp_path).problem or "")


WORDS = (
    *(
        ": ",
        "- ",
        "[",
        "]",
        "{",
        "}",
        ", ",
        "\n",
        "\n  ",
        "# ",
        "| ",
        "> ",
        "? ",
        "& ",
        "&a ",
        "*a ",
        "<<: ",
        "~",
    ),
    *(
        "!!int ",
        "!!float ",
        "!!bool ",
        "!!binary ",
        "!!set ",
        "!!omap ",
        "!!timestamp ",
        "!x ",
        "%TAG ",
        "---\n",
    ),
    *(
        "1",
        "-0x1f",
        "1:2:3",
        ".5",
        "1e999",
        ".nan",
        "yes",
        "null",
        "2001-02-30",
        "''",
        '"\\x"',
        "\t",
        "\0",
        "é",
    ),
    *("python_executable", "global_env", "shell_mode", "custom", "sweep_limit", "snapshot_code", "conda_env"),
    *("stop_grace_seconds", "header_refresh_interval", "scheduler_linger_seconds", "shell_executable"),
)
DATA = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.binary(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def check_settings(data: bytes) -> Settings:
    """Whatever a file holds, its settings are of their types, and a sentence tells what is not."""
    loaded = Settings.parse(data, Path(NAME))
    assert loaded.problem is None or (NAME in loaded.problem and loaded.problem.endswith("."))
    assert 0 < loaded.header_refresh_interval < 1e9
    assert 0 <= loaded.stop_grace_seconds < 1e9
    assert 0 <= loaded.scheduler_linger_seconds < 1e9
    assert type(loaded.snapshot_code) is bool
    assert loaded.sweep_limit > 0
    assert all(isinstance(word, str) for pair in loaded.global_env.items() for word in pair)
    for said in (loaded.interpreter_problem(), loaded.shell_problem()):
        assert said is None or said.endswith(".")
    return loaded


@given(st.binary(max_size=200))
def test_no_bytes_crash(data: bytes) -> None:
    check_settings(data)


@given(st.lists(st.sampled_from(WORDS), max_size=25))
def test_no_yaml_crashes(words: list[str]) -> None:
    check_settings("".join(words).encode())


@given(st.dictionaries(st.sampled_from(sorted(Settings.__struct_fields__)), DATA))
def test_no_value_crashes(values: dict[str, object]) -> None:
    check_settings(yaml.safe_dump(values, allow_unicode=True).encode("utf-8", "replace"))


@pytest.mark.parametrize(
    ("text", "patterns", "problem"),
    [
        ("", None, None),
        ("log_metrics: false", None, None),
        ("log_metrics: auto", (), None),
        ("log_metrics: ['(?P<loss>x)']", ("(?P<loss>x)",), None),
        ("log_metrics: auto\nworkspaces: {train: {log_metrics: false}}", None, None),
        (
            "log_metrics: auto\nworkspaces: {train: {log_metrics: 7}}",
            (),
            "workspaces.train.log_metrics must be",
        ),
        ("log_metrics: true", None, "log_metrics must be false, auto or a list"),
        ("log_metrics: []", None, "log_metrics must be"),
        ("log_metrics: ['(']", None, "log_metrics: the pattern '(' is not a regular expression"),
        ("log_metrics: [1]", None, "must be a text of 1 to 1000 characters"),
    ],
)
def test_patterns_for_metrics_in_logs(
    tmp_path: Path, text: str, patterns: tuple[str, ...] | None, problem: str | None
) -> None:
    (tmp_path / NAME).write_text(text)
    loaded = Settings.load(tmp_path)
    assert loaded.log_patterns.of("train") == patterns
    assert (problem in (loaded.problem or "")) if problem else loaded.problem is None
