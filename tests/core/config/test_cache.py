"""The configurations of all tasks: flattened, and cheap to ask for again."""

from __future__ import annotations

import os
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pyruns_jupyter.core.common.errors import InvalidInput
from pyruns_jupyter.core.config import cache as configs_module
from pyruns_jupyter.core.config import flatten as flatten_module
from pyruns_jupyter.core.config.document import parse_config
from pyruns_jupyter.core.config.flatten import FlatReader, flatten
from pyruns_jupyter.core.create.create import create_tasks
from pyruns_jupyter.core.fs.atomic import read_whole
from pyruns_jupyter.core.taskfile.task_file import edit_task
from pyruns_jupyter.core.tasks import trash
from pyruns_jupyter.core.tasks.index import TaskIndex
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder
from tests.core.making import one_task, script_workspace, shell_workspace, snapshot

LOADS = "import pyruns_jupyter\n\nprint(pyruns_jupyter.load())\n"
LINES = st.lists(
    st.sampled_from(
        [
            "a: 1",
            "b: 1e-3",
            "c:",
            "  d: x",
            "  e:",
            "    f: [1, 2]",
            "  - 5",
            "- 6",
            "- a: 1",
            "g: {h: 1, i: {}}",
            "j: 'it''s'",
            'k: "a # b"',
            "l: x # y",
            "# only",
            "",
            "   ",
            "m: |",
            "  text",
            "n: - 1",
            "o: 12:30",
            "p: yes",
            "q: a: b",
            "c.d: 3",
            "  d.e: 4",
            "<<: {z: 1}",
            "r: &x 1",
            "s: *x",
            "t: !!str 1",
            "'y': 1",
            "---",
            "...",
            "? x",
            "u: ~",
            "v: -1",
            "w: - ",
            "x: 0x1F",
            "y: .inf",
            "z: a b  c",
            "a:1",
            "é: 1",
            "b: ü # ö",
            "\td: 1",
            "c: 1\t# x",
            "aa: [",
            "bb: ]",
            "cc: 1_000",
            "dd: http://x:80/y",
            "ee: a,b=c",
            "ff: [a, [b, {c: d}]]",
            "gg: '",
            "%TAG x",
            "hh: @x",
            "ii: %x",
            "jj: x#y",
            "kk: null",
            "ll: 1e400",
            "g: {h: 2}",
            "  h: 1",
            "mm:   ",
            "nn: a:",
            "oo: a: ",
            "pp: --x",
            "qq: -",
            "rr: -x y",
            "ss: <<",
            "tt: {",
            "  uu: 1, vv: x",
            "}",
            "ww: >-  # x: 1",
            "xx: x - 1",
            "yy: &n- 1",
            "zz: *n-",
            "? - 1",
            "ab: !t- 1",
            "# x: 1\u2028c: x",
        ]
    ),
    max_size=7,
)
TEXTS = LINES.map("\n".join) | st.text(alphabet="ab:-# \n\"'[]{},|>&*!%1.~\t\r", max_size=30)


def by_parser(text: str) -> dict[str, Any]:
    try:
        return flatten(parse_config(text))
    except InvalidInput:
        return {}


@given(TEXTS)
@example("a: 1\n" * 2)
@example("a:\n  b: 1\na:\n  c: 2\n")
@example("a: {b: 1}\na.b: 2\n")
@example("a:\n- 1\n- x\nb: 2\n")
@example("a:\n  b:\n  - 1\n  c: 2\nd:\n")
@example("\ufeffa: 1\r\nb: x\r\n")
@example("a: [1, 2]\n  b: 3\n")
@example("a: x\n  y\n")
def test_shared_and_separate_parsing_give_the_same(text: str) -> None:
    reader = FlatReader()
    for version in (text, text, text.replace("1", "x"), text.replace("x", "2")):
        assert repr(dict(reader.read(version))) == repr(by_parser(version))


def test_configurations_share_equal_lists() -> None:
    reader = FlatReader()
    one, other = (reader.read(f"a: {number}\nb: [1, 2]\nc: [{{x: y}}]\n") for number in (1, 2))
    assert dict(one) == {"a": 1, "b": [1, 2], "c": [{"x": "y"}]}
    assert dict(other) == {**one, "a": 2}
    assert one["b"] is other["b"]
    assert one["c"] is other["c"]


def test_texts_that_differ_in_values_are_parsed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    parsed: list[str] = []

    def counted(text: str) -> dict[str, object]:
        parsed.append(text)
        return parse_config(text)

    monkeypatch.setattr(flatten_module, "parse_config", counted)
    text = (
        "# a sweep\nlr: 1e-3  # rate\nopt:\n  name: adam\n  betas: [0.9, 0.999]\nlayers:\n- 64\n- width: 32\n"
        "note: 'x: y'\ntime: 12:30\nempty:\n"
    )
    reader = FlatReader()
    config = reader.read(text)
    assert config == {
        "lr": 0.001, "opt.name": "adam", "opt.betas": [0.9, 0.999], "layers": [64, {"width": 32}],
        "note": "x: y", "time": "12:30", "empty": None,
    }  # fmt: skip
    assert config.get("lr") == 0.001
    assert config.get("none", 5) == 5
    assert "opt.name" in config
    assert len(config) == 7
    other = reader.read(text.replace("1e-3", "yes").replace("32", "~"))
    assert other == {**config, "lr": True, "layers": [64, {"width": None}]}
    assert len(parsed) == 1
    assert other._places is config._places  # keys are kept once
    reader.read(text.replace("betas", "beta"))
    assert len(parsed) == 2


def test_configurations_of_a_workspace(tmp_path: Path) -> None:
    workspace = script_workspace(tmp_path, source=LOADS)
    names = create_tasks(workspace, "lr: 0.1 | 0.01\nmodel:\n  depth: 3\n", "ab")
    index = TaskIndex(workspace)
    assert index.configs() == {}  # of the rows there are
    index.refresh()
    found = index.configs()
    assert found == {
        names[0]: {"lr": 0.1, "model.depth": 3},
        names[1]: {"lr": 0.01, "model.depth": 3},
    }
    path = workspace.tasks / names[0] / "config.yaml"
    path.write_text("lr: 7\n")
    again = index.configs()
    assert again[names[0]] == {"lr": 7}
    assert found[names[0]]["lr"] == 0.1  # what somebody holds does not change under them
    trash.trash(workspace, names[1])
    [more] = create_tasks(workspace, "lr: 5\n", "more")
    index.refresh()
    assert index.configs() == {names[0]: {"lr": 7}, more: {"lr": 5}}
    with edit_task(workspace.tasks / more) as info:
        info["config_file"] = "old.yaml"
    (workspace.tasks / more / "old.yaml").write_text("lr: 6\n")
    index.refresh()
    assert index.configs()[more] == {"lr": 6}


def test_shell_tasks_have_none(tmp_path: Path) -> None:
    workspace = shell_workspace(tmp_path)
    one_task(workspace)
    index = TaskIndex(workspace)
    index.refresh()
    assert index.configs() == {}


@pytest.mark.parametrize("kind", ["missing", "damaged", "binary", "huge", "list", "fifo", "folder", "link"])
def test_a_configuration_that_is_none_is_empty(tmp_path: Path, kind: str) -> None:
    workspace = script_workspace(tmp_path)
    bad, good = create_tasks(workspace, "lr: 1 | 2", "ab")
    path = workspace.tasks / bad / "config.yaml"
    path.unlink()
    contents = {
        "damaged": b"a: [1\n",
        "binary": b"a: \xff\x00\n",
        "huge": b"a: 1\n" + b"#" * 5_000_000,
        "list": b"- 1\n",
    }
    if kind in contents:
        path.write_bytes(contents[kind])
    elif kind == "fifo":
        os.mkfifo(path)
    elif kind == "folder":
        path.mkdir()
    elif kind == "link":
        (tmp_path / "secret.yaml").write_text("secret: 1\n")
        path.symlink_to(tmp_path / "secret.yaml")
    before = snapshot(workspace.folder)
    index = TaskIndex(workspace)
    index.refresh()
    for _ in range(2):
        assert index.configs() == {bad: {}, good: {"lr": 2}}
    assert snapshot(workspace.folder) == before
    if kind == "fifo":
        path.unlink()
        path.write_text("lr: 3\n")
        assert index.configs()[bad] == {"lr": 3}


def test_a_file_name_does_not_lead_out_of_the_task(tmp_path: Path) -> None:
    workspace = script_workspace(tmp_path)
    folder = one_task(workspace)
    (workspace.folder / "secret.yaml").write_text("secret: 1\n")
    for file in ("../../secret.yaml", "..", "", "a\0b"):
        with edit_task(folder) as info:
            info["config_file"] = file
        index = TaskIndex(workspace)
        index.refresh()
        assert "secret" not in index.configs()["one"]


def test_edited_configurations_are_noticed_in_turn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(configs_module, "MAX_RECHECKS", 2)
    workspace = script_workspace(tmp_path)
    names = create_tasks(workspace, "seed: 0:7", "ab")
    index = TaskIndex(workspace)
    index.refresh()
    index.configs()
    for name in names:
        (workspace.tasks / name / "config.yaml").write_text("seed: 100\n")
    for _ in range(4):
        found = index.configs()
    assert {config["seed"] for config in found.values()} == {100}


def test_a_workspace_that_is_gone(tmp_path: Path) -> None:
    index = TaskIndex(WorkspaceFolder(tmp_path / "_pyruns_" / "none"))
    index.refresh()
    assert index.configs() == {}


def test_long_keys_within_each_other_do_not_fill_the_memory() -> None:
    """A configuration of 200 kB used to take a gigabyte: every value has the names of all that it is in."""
    values = "{" + ", ".join(f"v{number}: 1" for number in range(10_000)) + "}"
    for opening, closing in (("{" + "k" * 700 + ": ", "}"), ("{k: ", "}")):
        text = f"a: {opening * 140}{values}{closing * 140}\n"
        assert len(FlatReader().read(text)) == (0 if len(opening) > 100 else 10_000)
    line = (
        "a: "
        + ("{" + "k" * 300 + ": ") * 100
        + "{"
        + ", ".join(f"v{n}: 1" for n in range(2_500))
        + "}"
        + "}" * 100
    )
    assert len(line) < 64 * 1024
    assert len(FlatReader().read(line + "\n")) == 0


def test_reading_configurations_keeps_no_look_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first search by a parameter reads all files, on a slow disk for seconds."""
    workspace = script_workspace(tmp_path, source=LOADS)
    create_tasks(workspace, "lr: 1\n", "one")
    index = TaskIndex(workspace)
    index.refresh()
    reads, go_on = threading.Event(), threading.Event()

    def slow(path: str, **options: Any) -> Any:
        reads.set()
        go_on.wait(60)
        return read_whole(path, **options)

    monkeypatch.setattr(configs_module, "read_whole", slow)
    with ThreadPoolExecutor(2) as threads:
        try:
            found = threads.submit(index.configs)
            assert reads.wait(60)
            create_tasks(workspace, "lr: 2\n", "two")
            assert [row.name for row in threads.submit(index.refresh).result(30).changed] == ["two"]
        finally:
            go_on.set()
        assert set(found.result(60)) == {"one"}
    assert set(index.configs()) == {"one", "two"}
