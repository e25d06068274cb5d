"""Metrics in the text of a log, as it grows."""

from __future__ import annotations

from pathlib import Path

import pytest

from pyruns_jupyter.core.common.metric_patterns import LogPatterns
from pyruns_jupyter.core.metrics.sources.base import SourceError
from pyruns_jupyter.core.metrics.sources.log_text import LogText, preview

from .support import read_all


def values_of(path: Path, *patterns: str) -> list[dict[str, float]]:
    return [point.values for point in read_all(LogText(path, 0, LogPatterns(patterns)))]


def test_a_step_holds_for_the_lines_after_it(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text("Epoch 1/2\nstep 5 loss: 0.5\nloss: 0.25\nEpoch 2/2\nval_loss: 1\nsome words\n")
    assert values_of(path) == [
        {"epoch": 1, "step": 5, "loss": 0.5},
        {"epoch": 1, "step": 5, "loss": 0.25},
        {"epoch": 2, "val_loss": 1},
    ]


def test_only_complete_lines_count(tmp_path: Path) -> None:
    path = tmp_path / "log"
    data = b"loss: 0.5\r\n\x1b[32mepoch 1\x1b[0m acc: \x1b[1m0.25\x1b[0m\nloss: 0.12"
    source = LogText(path, 0, LogPatterns())
    values = []
    for end in range(len(data) + 1):
        path.write_bytes(data[:end])
        values += [point.values for point in source.read()]
    assert values == [{"loss": 0.5}, {"epoch": 1, "acc": 0.25}]
    assert source.offset == data.rfind(b"\n") + 1


def test_a_progress_bar_redraws_its_line(tmp_path: Path) -> None:
    path = tmp_path / "log"
    bars = [
        f"\r {n}%|#| {n}/9 [00:01<00:01, 5.00it/s, loss={value}]" for n, value in ((1, 1), (2, 1), (3, 2))
    ]
    path.write_text("".join(bars) + "\n" + bars[-1] + "\n")
    assert values_of(path) == [{"loss": 1}, {"loss": 2}, {"loss": 2}]


def test_lines_that_are_too_long_and_our_own_do_not_count(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text(
        f"loss: 0.5 {' ' * 5000}\n[PYRUNS] Exit code: 0\n{'x' * 100_000}\nloss: 1\n{'x' * 65536}, loss: 2\n"
    )
    assert values_of(path) == [{"loss": 1}]
    assert values_of(path, r"code: (?P<code>\d+)") == []


def test_an_expensive_pattern_ends_the_source(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text(("a" * 4000 + "!\n") * 10)
    with pytest.raises(SourceError, match="took more than 1 s"):
        values_of(path, r"(?P<loss>(?:a|aa)+)$")
    assert "took more than 1 s" in preview(path, LogPatterns([r"(?P<loss>(?:a|aa)+)$"]))["messages"][0]


def test_what_is_before_an_expensive_line_counts(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text("loss: 0.5\nloss: 0.25\n" + "a" * 4000 + "!\nloss: 1\n")
    source = LogText(path, 0, LogPatterns([r"loss: (?P<loss>[\d.]+)$", r"(?P<other>(?:a|aa)+)$"]))
    values = list[dict[str, float]]()
    while len(values) < 2:
        values += [point.values for point in source.read()]
    assert values == [{"loss": 0.5}, {"loss": 0.25}]
    assert source.has_more
    with pytest.raises(SourceError, match="took more than 1 s"):
        source.read()


def test_preview(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_text(
        "[PYRUNS] Task A: 1\n" + "".join(f"epoch {n} loss: {1 / (n + 1)}\nwords\n" for n in range(150))
    )
    found = preview(path, LogPatterns())
    assert found["metrics"] == [
        {"key": "epoch", "is_step": True, "count": 150, "first": 0, "last": 149},
        {"key": "loss", "is_step": False, "count": 150, "first": 1.0, "last": 1 / 150},
    ]
    assert found["matched"] == 150
    assert len(found["lines"]) == 100
    line = found["lines"][1]
    assert line["text"] == "epoch 1 loss: 0.5"
    assert path.read_bytes()[line["offset"] :].startswith(b"epoch 1 loss")
    assert found["searched"] == [0, path.stat().st_size]
    assert found["messages"] == []


def test_preview_of_the_end_of_a_large_log(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"loss: 1\n" * 1_000_000 + b"loss: 2\n")
    found = preview(path, LogPatterns())
    assert found["searched"][0] == path.stat().st_size - 4 * 1024 * 1024
    assert found["lines"][0]["offset"] % 8 == 0
    assert found["messages"][0] == "Only the last 4 MiB of the log were searched."
