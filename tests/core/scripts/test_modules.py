"""What is found in the modules that a script imports."""

from __future__ import annotations

import ast
import os
import textwrap
from pathlib import Path

import pytest

from pyruns_jupyter.core.scripts.model import ScriptParameters
from pyruns_jupyter.core.scripts.reading import read_parameters
from pyruns_jupyter.core.scripts.source.modules import Project


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "pyproject.toml").touch()
    return folder


def put(folder: Path, **files: str) -> None:
    for name, text in files.items():
        path = folder / f"{name.replace('__', '/').replace('INIT', '__init__')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))


def read(script: Path) -> ScriptParameters:
    return read_parameters(script.read_bytes(), filename=script.name, path=script)


MAIN = """
import argparse
{imports}
p = argparse.ArgumentParser()
p.add_argument("--x", default={value})
p.parse_args()
"""


@pytest.mark.parametrize(
    ("imports", "value"),
    [
        ("from conf import LR", "LR"),
        ("from conf import LR as rate", "rate * 1"),
        ("import conf", "conf.LR"),
        ("import conf as c", "c.LR"),
        ("from conf import *", "LR"),
        ("import pack.deep.values", "pack.deep.values.LR"),
        ("import pack.deep.values as v", "v.LR"),
        ("from pack import deep", "deep.values.LR"),
        ("from pack.deep import values", "values.LR"),
        ("from pack import LR", "LR"),
        ("from pack.relative import LR", "LR"),
        ("from plain.folder import LR", "LR"),
        ("import plain.folder", "plain.folder.LR"),
        ("from conf import Config", "Config.lr"),
        ("from conf import Config", "Config().inner"),
        ("from conf import rate", "rate(2) / 2"),
        ("from cycle import LR", "LR"),
        ("try:\n    from conf import LR\nexcept ImportError:\n    pass", "LR"),
        ("from below import LR", "LR"),
    ],
)
def test_constants_of_imported_modules(project: Path, imports: str, value: str) -> None:
    put(
        project,
        conf="""
            LR = 0.5
            class Base:
                inner = LR
            class Config(Base):
                lr: float = LR
            def rate(n):
                return LR * n
            """,
        pack__INIT="from .deep.values import LR\n",
        pack__deep__INIT="from . import values\n",
        pack__deep__values="from conf import LR\n",
        pack__relative="from ..conf import LR as no\nfrom .deep.values import LR\n",
        plain__folder="LR = 0.5\n",
        cycle="from cycle2 import LR\n",
        cycle2="import cycle\nLR = 0.5\n",
        src__below="LR = 0.5\n",
        train=MAIN.format(imports=imports, value=value),
    )
    found = read(project / "train.py")
    assert [one.default for one in found.parameters] == [0.5], found.problems


def test_a_parser_made_elsewhere(project: Path) -> None:
    put(
        project,
        options="""
            import argparse
            DEFAULT = 3
            def get_parser():
                p = argparse.ArgumentParser()
                p.add_argument("--n", type=int, default=DEFAULT)
                p.add_argument("--bad", default=unknown())
                return p
            """,
        model="""
            class Model:
                @staticmethod
                def add_model_args(parent):
                    group = parent.add_argument_group("Model")
                    group.add_argument("--width", type=int, default=8)
                    return parent
            """,
        module="import argparse\nparser = argparse.ArgumentParser()\nparser.add_argument('--m')\n",
        train="""
            from options import get_parser
            from model import Model
            def main():
                parser = get_parser()
                Model.add_model_args(parser)
                parser.add_argument("--own")
                return parser.parse_args()
            if __name__ == "__main__":
                main()
            """,
        other="from module import parser\nif __name__ == '__main__':\n    parser.parse_args()\n",
    )
    found = read(project / "train.py")
    assert [(one.name, one.file, one.line) for one in found.parameters] == [
        ("n", "options.py", 6),
        ("bad", "options.py", 7),
        ("width", "model.py", 6),
        ("own", "", 7),
    ]
    (problem,) = found.problems
    assert problem.message == (
        "options.py, line 7: The default of bad is computed (unknown()). Set null to use it."
    )
    assert (problem.file, problem.line) == ("options.py", 7)
    assert [one.name for one in read(project / "other.py").parameters] == ["m"]


def test_a_script_in_a_folder_of_its_project(project: Path) -> None:
    put(
        project,
        common__args="def add(p):\n    p.add_argument('--n', type=int)\n",
        scripts__local="WORD = 'w'\n",
        scripts__train="""
            import argparse
            from common.args import add
            from local import WORD
            p = argparse.ArgumentParser()
            add(p)
            p.add_argument("--x", default=WORD)
            p.parse_args()
            """,
    )
    found = read(project / "scripts" / "train.py")
    assert [(one.name, one.default) for one in found.parameters] == [("n", None), ("x", "w")]


def test_nothing_outside_the_project_is_read(project: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside.py"
    outside.write_text("LR = 1\n")
    (project / "link.py").symlink_to(outside)
    (project / "loop.py").symlink_to(project / "loop.py")
    (project / "up").symlink_to(tmp_path)
    for imports, value in (
        ("from link import LR", "LR"),
        ("import loop", "loop.LR"),
        ("from up.outside import LR", "LR"),
    ):
        put(project, train=MAIN.format(imports=imports, value=value))
        found = read(project / "train.py")
        assert [one.default for one in found.parameters] == [None]
    put(project, train=MAIN.format(imports="from ...outside import LR", value="LR"))
    assert read(project / "train.py").parameters[0].default is None


def test_what_cannot_be_read_is_harmless(project: Path) -> None:
    put(project, broken="def f(:\n", big="LR = 1\n" + "# " + "x" * (1 << 20) + "\n", good="LR = 2\n")
    (project / "binary.py").write_bytes(b"\xff\xfe\x00LR = 1\n")
    (project / "folder.py").mkdir()
    os.mkfifo(project / "pipe.py")
    names = ["broken", "big", "binary", "folder", "pipe", "good"]
    imports = "\n".join(f"import {name}" for name in names)
    put(project, train=MAIN.format(imports=imports, value="good.LR"))
    found = read(project / "train.py")
    assert found.parameters[0].default == 2
    messages = " ".join(one.message for one in found.problems)
    assert "broken.py cannot be read as Python, line 1" in messages
    assert "big.py is not read because it is larger than 1 MiB" in messages
    assert "binary.py cannot be read as Python" in messages


def test_a_chain_of_many_modules_ends(project: Path) -> None:
    for number in range(260):
        (project / f"m{number}.py").write_text(f"from m{number + 1} import LR\n")
    put(project, train=MAIN.format(imports="from m0 import LR", value="LR"))
    found = read(project / "train.py")
    assert found.parameters[0].default is None
    assert any("imports too many files" in one.message for one in found.problems)


def test_a_changed_module_is_seen_and_an_unchanged_one_is_parsed_once(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(project, conf="LR = 1\n", train=MAIN.format(imports="from conf import LR", value="LR"))
    assert read(project / "train.py").parameters[0].default == 1
    parsed: list[object] = []
    real = ast.parse

    def counted(text: str | bytes) -> ast.Module:
        parsed.append(text)
        return real(text)

    monkeypatch.setattr(ast, "parse", counted)
    assert read(project / "train.py").parameters[0].default == 1
    assert not parsed  # not even the script itself
    put(project, train=MAIN.format(imports="from conf import LR", value="LR + 1"))
    assert read(project / "train.py").parameters[0].default == 2
    assert len(parsed) == 1
    put(project, conf="LR = 10\n")
    assert read(project / "train.py").parameters[0].default == 11
    (project / "conf.py").unlink()
    assert read(project / "train.py").parameters[0].default is None


def test_names_are_resolved_to_their_definitions(project: Path) -> None:
    put(
        project,
        conf="class Config:\n    lr = 1\nSame = Config\n",
        pack__INIT="from .inner import Thing\n",
        pack__inner="class Thing:\n    pass\n",
        train="""
            import conf, pack, numpy
            from pack import Thing as T
            from conf import Same
            X = conf.Config
            """,
    )
    script = project / "train.py"
    main = Project(script, script.read_bytes(), "train.py").main
    for name, kind, file in (
        ("X", ast.ClassDef, "conf.py"),
        ("Same", ast.ClassDef, "conf.py"),
        ("conf.Config", ast.ClassDef, "conf.py"),
        ("conf.Config.lr", ast.Constant, "conf.py"),
        ("T", ast.ClassDef, "pack/inner.py"),
        ("pack.Thing", ast.ClassDef, "pack/inner.py"),
        ("pack.inner", ast.Module, "pack/inner.py"),
    ):
        found = main.resolve(name)
        assert found is not None, name
        module, node = found
        assert isinstance(node, kind) and module.name == file
    for name in ("numpy", "numpy.array", "nothing", "conf.nothing", "conf.Config.nothing", ""):
        assert main.resolve(name) is None
