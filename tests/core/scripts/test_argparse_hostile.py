"""Sources that would make a careless reader work or store without end."""

from __future__ import annotations

import ast
import contextlib
import gc
import sys
import tracemalloc

import pytest

from pyruns_jupyter.core.common.errors import InvalidInput
from pyruns_jupyter.core.scripts.defaults import config_default_text
from tests.core.scripts.test_argparse_source import read

HOSTILE = [
    (
        "import enum\nclass E(enum.Enum):\n    A = [0] * 10000\nclass F(enum.Enum):\n    B = [E.A] * 10000\n"
        "p.add_argument('--x', default=[F.B] * 10000)\np.add_argument('--z', default={'a': [F.B] * 9})"
    ),
    "q = p.add_argument('--x')\nq.add_argument('--z')\nq.parse_args()",
    "x = [0] * 10000\n" + "x = [x] * 10000\n" * 9 + "p.add_argument('--x', default=x)",
    "x = 'a'\nfor i in range(1000):\n    x = x + x\np.add_argument('--x', default=x)",
    "def f(n):\n    return f(n) + f(n)\np.add_argument('--x', default=f(3))",
    "while True:\n    p.add_argument('--x')",
    "for a in range(10000):\n    for b in range(10000):\n        for c in range(10000):\n            pass",
    "p.add_argument('--x', default='%10000000000d' % 3)",
    "p.add_argument('--x', default=f'{3:10000000000}')",
    "p.add_argument('--x', default='a'.zfill(10**9))",
    "p.add_argument('--x', default=9 ** 9 ** 9 ** 9)",
    "p.add_argument('--x', default=1 << 10 ** 10)",
    "p.add_argument('--x', choices=range(10 ** 12))",
    "p.add_argument('--x', default=list(range(10 ** 9)))",
    "x = []\nx.append(x)\np.add_argument('--x', default=x)\np.add_argument('--y', default=x == x)",
    "x = (1, 2)\n" + "x = (x, x)\n" * 60 + "y = {x: 1}\nz = {x}\nw = x in [x]\nv = {}\nv[x] = 2",
    "x = {}\nx['x'] = x\np.add_argument('--x', default=str(x))",
    "p.add_argument('--x', type=lambda s: [s for a in range(9**5) for b in range(9**5)])",
    "class A(A):\n    pass\np.add_argument('--x', default=A().b)",
    "p = argparse.ArgumentParser(parents=[p])\n" * 300,
    "a = p.add_subparsers()\n" + "p = a.add_parser('x')\na = p.add_subparsers()\n" * 60,
    "x = " + "(" * 150 + "1" + ")" * 150,
    "x = 1" + " + 1" * 3000,
    "import a.b.c.d\nfrom . import x\nfrom .. import y\nfrom ...z import *",
    "x = [1]\nfor i in range(100):\n    x.extend(x)\np.add_argument('--x', default=x)",
    "x = [1]\nfor i in range(100):\n    x[0:0] = x\np.add_argument('--x', default=x)",
    "s = 'a' * 10000\nx = [''] * 9000\nfor i in range(2000):\n    s.join(x)",
    "s, t = 'a' * 10000, 'b' * 1000\nfor i in range(2000):\n    s.replace('a', t)",
    "x = list(range(10000))\nfor i in range(2000):\n    sorted(x)",
    "x = [[1]] * 9000\nfor i in range(2000):\n    sum(x, [])",
    "x = []\nfor i in range(2000):\n    for j in range(9):\n        x.append(list(range(10000)))",
    "for i in range(2000):\n    math.prod(range(1, 10000))",
    "p.add_argument('--x', default=math.prod(range(1, 10000)))",
    "s = '%999d' * 2000\nfor i in range(2000):\n    s % tuple([1] * 2000)",
    "s = '{:999}' * 1000\nfor i in range(2000):\n    s.format(*([1] * 1000))",
    "p.add_argument('--x', type=int, default=0x" + "f" * 9000 + ")",
    "p.add_argument('--x', type=int, choices=[0x" + "f" * 9000 + "], help='%(choices)s')",
    "p.add_argument('--x', default=json.loads('[' * 4500 + ']' * 4500))",
    "def f(s):\n    while s:\n        sorted(range(9999))\n"
    + "".join(f"p.add_argument('--x{i}', type=f)\n" for i in range(100)),
    "".join(f"x{i} = 1\n" for i in range(2000)) + "if u:\n    y = 1\n" * 2000,
    "if u == 0:\n    pass\n" + "".join(f"elif u == {i}:\n    pass\n" for i in range(900)),
]


@pytest.mark.parametrize("text", HOSTILE)
def test_no_source_makes_it_work_or_store_much(text: str) -> None:
    tracemalloc.start()
    try:
        with contextlib.suppress(InvalidInput):
            start = "import json, math\np = argparse.ArgumentParser()\n"
            found = read(f"{start}{text}\np.add_argument('--y')\np.parse_args()\n")
            config_default_text(found.parameters)
        assert tracemalloc.get_traced_memory()[1] < 64 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "loop",
    [
        "for i in range(10000):",
        "for i in range(1999):\n  for j in range(999):",
        "for i in range(400):\n  for j in range(400):",
    ],
)
def test_a_loop_that_is_too_long_is_said_and_the_rest_is_read(loop: str) -> None:
    source = (
        f"x = []\nn = 0\n{loop}\n    x.append(1)\n    n += 1\np = argparse.ArgumentParser()\n"
        "p.add_argument('--n', type=int, default=n)\np.add_argument('--lr', type=float, default=0.1)\n"
        "p.parse_args()\n"
    )
    found = read(source)
    assert [(one.name, one.default, one.computed) for one in found.parameters] == [
        ("n", None, True),
        ("lr", 0.1, False),
    ]
    assert "too long" in found.problems[0].message and found.problems[0].line > 0


def test_a_source_that_is_nested_deeply_is_read_as_far_as_possible() -> None:
    with contextlib.suppress(InvalidInput):
        read("x = u" + ".a" * 600 + "\n@x" + ".b" * 600 + "\ndef f(): pass\np = argparse.ArgumentParser()\n")


ENUM_OF_TYPER = """
import typer, enum
class Mode(str, enum.Enum):
    A = "a"
def main(mode: Mode = Mode.A, x{0}: int = 1):
    pass
typer.run(main)
"""


@pytest.mark.parametrize(
    "text", ["p = argparse.ArgumentParser()\np.add_argument('--x{0}')\np.parse_args()\n", ENUM_OF_TYPER]
)
def test_trees_are_forgotten(text: str) -> None:
    def trees() -> int:
        gc.collect()
        return sum(isinstance(one, ast.Module) and bool(one.body) for one in gc.get_objects())

    before = trees()
    for number in range(8):
        assert read(text.replace("{0}", str(number))).parameters
    assert trees() <= before


def test_a_script_of_many_megabytes_is_not_looked_at() -> None:
    found = read("x = 1\n" * 400_000)
    assert found.kind == "command" and "larger than 1 MiB" in found.problems[0].message


@pytest.mark.skipif(sys.version_info < (3, 11), reason="the parser of Python 3.10 has no such limit")
def test_what_is_nested_too_deeply_is_said_in_words() -> None:
    with pytest.raises(InvalidInput, match="nested too deeply"):
        read("x = a" + ".b" * 20_000)
