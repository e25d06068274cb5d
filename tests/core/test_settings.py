"""The settings file: typed, tolerant, never rewritten."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pyruns_jupyter.core.settings import DEFAULT_TEXT, Settings

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


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_no_content_crashes(data: bytes) -> None:
    loaded = Settings.parse(data, Path(NAME))
    assert loaded.header_refresh_interval > 0
