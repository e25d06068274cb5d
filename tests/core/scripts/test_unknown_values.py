"""What cannot be told about a script stays unknown: no default, no argument is made up of it."""

from __future__ import annotations

import textwrap
from typing import TYPE_CHECKING

import pytest

from pyruns_jupyter.core.scripts.argv import build_argv
from pyruns_jupyter.core.scripts.model import ScriptParameters
from pyruns_jupyter.core.scripts.reading import read_parameters

if TYPE_CHECKING:
    from pyruns_jupyter.core.scripts.source.modules import Project


def read(text: str) -> ScriptParameters:
    return read_parameters(textwrap.dedent(text))


FORMATS = """\
import argparse, os, torch
from pathlib import Path
from elsewhere import now
class Thing: pass
p = argparse.ArgumentParser()
p.add_argument("--x", default={expression})
p.parse_args()
"""


@pytest.mark.parametrize(
    "expression",
    [
        '"sft_%s" % now()',
        '"sft_%s" % (now(),)',
        '"%(a)s" % {"a": now()}',
        '"%s %s" % ("a", [now()])',
        '"%s" % now',
        '"%s" % torch.float32',
        '"%s" % Thing()',
        'f"sft_{now()}"',
        'f"{[now()]}"',
        '"sft_{}".format(now())',
        '"{}".format([now()])',
        '"-".join(["a", now()])',
        '"-".join([*now(), "a"])',
        '"sft_" + now()',
        "str([now()])",
        "str(torch.float32)",
        "repr([now()])",
        "str(now)",
        'os.path.join("a", now)',
        'Path("a") / now()',
        'Path("a").stem',
        "sorted(['b', 'a'], key=str)",
        "len({n for n in 'ab'})",
        "len([*now()])",
        "any([now()])",
        '{"b": 1, **now()}.get("a", 2)',
        '{"b": 1, **now()}["b"]',
    ],
)
def test_a_text_made_of_what_is_unknown_is_unknown(expression: str) -> None:
    found = read(FORMATS.replace("{expression}", expression))
    (one,) = found.parameters
    assert (one.default, one.computed) == (None, True)
    assert [problem.line for problem in found.problems] == [6]
    assert build_argv(found, {"x": None}) == []


@pytest.mark.parametrize(
    ("expression", "default"),
    [
        ('"%s-%d" % ("a", 3)', "a-3"),
        ('"%s" % None', "None"),
        ('"%s" % [1]', "[1]"),
        ('f"{3:02d}"', "03"),
        ("str([1, None])", "[1, None]"),
        ('os.path.join("a", Path("b"))', "a/b"),
        ('{**now(), "b": 1}.get("b", 2)', 1),
    ],
)
def test_a_text_made_of_what_is_known_is_known(expression: str, default: object) -> None:
    assert read(FORMATS.replace("{expression}", expression)).parameters[0].default == default


EACH = "for k, v in d.items():\n    p.add_argument('--' + k, default=v)"
DOUBT = """\
import argparse
from elsewhere import unsure, names
class Options: pass
p = argparse.ArgumentParser()
{body}
p.parse_args()
"""


@pytest.mark.parametrize(
    ("body", "known"),
    [
        ("p.add_argument('--x', default=1)\nif unsure():\n    p.set_defaults(x=2)", {"x": None}),
        ("a = p.add_argument('--x', default=1)\nif unsure():\n    a.default = 2", {"x": None}),
        (
            "d = {'a': 1, 'b': 2}\nif unsure():\n    d['a'] = 3\n    d['c'] = 4\n" + EACH,
            {"a": None, "b": None},
        ),
        (
            "d = {'a': 1, 'b': 2}\nif unsure():\n    d.pop('a')\n" + EACH,
            {},
        ),
        (
            "d = {'a': 1, 'b': 2}\ndel d['a']\n" + EACH,
            {"b": 2},
        ),
        (
            "d = {'a': 1, 'b': 2}\nfor n in names:\n    del d[n]\n" + EACH,
            {},
        ),
        (
            "d = {'a': 1}\nif unsure():\n    d.update(a=2)\n" + EACH,
            {"a": None},
        ),
        (
            "o = Options()\no.a = 1\nif unsure():\n    o.a = 2\np.add_argument('--x', default=o.a)",
            {"x": None},
        ),
        ("d = [1]\nif unsure():\n    d[0] = 2\np.add_argument('--x', default=d)", {"x": None}),
        ("d = [1]\nif unsure():\n    d.append(2)\np.add_argument('--x', default=d)", {"x": None}),
        ("d = [1]\nif unsure():\n    d.append(2)\np.add_argument('--x', default=len(d))", {"x": None}),
        # What is made under the condition itself is certain there.
        ("if unsure():\n    d = []\n    d.append(1)\n    p.add_argument('--x', default=d)", {"x": [1]}),
        ("if unsure():\n    q = 1\nelse:\n    q = 1\np.add_argument('--x', default=q)", {"x": 1}),
    ],
)
def test_what_happens_under_an_unknown_condition(body: str, known: dict[str, object]) -> None:
    found = read(DOUBT.replace("{body}", body))
    assert {one.name: one.default for one in found.parameters} == known
    assert found.problems or body.startswith(("d = {'a': 1, 'b': 2}\ndel", "if unsure():\n    q"))


def test_names_made_under_an_unknown_condition_are_no_arguments() -> None:
    found = read(
        DOUBT.replace(
            "{body}",
            "def add(name):\n    if unsure():\n        p.add_argument('--no-' + name)\n"
            "    p.add_argument('--' + name)\nadd('fast')\n"
            "def declare(flag):\n    if unsure():\n        p.add_argument(flag)\ndeclare('--slow')",
        )
    )
    assert [one.name for one in found.parameters] == ["fast", "slow"]
    assert found.open
    assert [one.line for one in found.problems] == [7, 12]


def test_an_argument_that_may_be_missing_is_not_required() -> None:
    found = read(
        DOUBT.replace("{body}", "if unsure():\n    p.add_argument('--local_rank', type=int, required=True)")
    )
    assert build_argv(found, {"local_rank": None}) == []
    assert build_argv(found, {"local_rank": 1}) == ["--local_rank", "1"]


LONG = """\
def f(n):
    if n > 0:
        g(n - 1)
def g(n):
    for m in range(1500):
        f(n)
p.add_argument('--x1')
g(20)"""


@pytest.mark.parametrize(
    "body",
    [
        "for n in range(9000):\n    p.add_argument(f'--x{n}')",
        LONG,
    ],
    ids=["loop", "script"],
)
def test_what_is_too_long_may_take_more(body: str) -> None:
    found = read(DOUBT.replace("{body}", body))
    assert any("too long" in one.message for one in found.problems)
    assert build_argv(found, {"x1": 3, "x8999": 4}) == ["--x1", "3", "--x8999", "4"]


def test_two_functions_that_nothing_calls() -> None:
    found = read(
        """
        def add_a(parser):
            parser.add_argument("--a", type=int, default=1)
        def add_b(parser):
            parser.add_argument("--b", type=int, default=2)
        """
    )
    assert [one.name for one in found.parameters] == ["a", "b"]


@pytest.mark.parametrize(
    "body",
    [
        "p = library.default_parser()\np.add_argument('--a', type=int, default=1)\np.parse_args()",
        "def more(parser):\n    parser.add_argument('--a', type=int, default=1)\nlibrary.train(more)",
    ],
)
def test_a_parser_that_a_package_makes_may_have_other_arguments(body: str) -> None:
    found = read(f"import library\n{body}\n")
    assert [one.name for one in found.parameters] == ["a"] and found.open
    (problem,) = found.problems
    assert "The parser is made elsewhere. It may have arguments that are not listed." in problem.message
    assert build_argv(found, {"a": 2, "num_gpus": 8}) == ["--a", "2", "--num_gpus", "8"]


def test_a_parser_of_which_nothing_is_known_is_told() -> None:
    found = read("import library\nargs = library.default_parser().parse_args()\n")
    (problem,) = found.problems
    assert found.kind == "command" and "The script uses parse_args, but no parameters" in problem.message


def test_an_error_in_a_reader_leaves_a_command_line(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from pyruns_jupyter.core.scripts.argparse_scripts import reading

    def broken(project: Project) -> ScriptParameters | None:
        raise AssertionError("what nobody thought of")

    monkeypatch.setattr(reading, "read", broken)
    found = read("import argparse\np = argparse.ArgumentParser()\np.parse_args()\n")
    assert (found.kind, [one.name for one in found.parameters]) == ("command", ["command_line"])
    (problem,) = found.problems
    assert "could not be read" in problem.message and "command_line" in problem.message
    assert "what nobody thought of" in problem.message
    assert caplog.records[0].exc_info is not None


UNCALLED = """\
import argparse, logging
logger = logging.getLogger(__name__)
try:
    import yaml
except ImportError:
    yaml = None

def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--lr", type=float, default=0.1)
    args = parser.parse_args()
"""


def test_a_script_that_calls_nothing_says_so() -> None:
    found = read(UNCALLED)
    assert [one.name for one in found.parameters] == ["lr"]
    assert found.idle is not None and found.idle in found.problems
    assert "Line 8: Nothing in this file calls main(), so running it has no effect." in found.idle.message
    assert found.idle.line == 8


@pytest.mark.parametrize(
    "more",
    [
        "main()",
        "if __name__ == '__main__':\n    main()",
        "result = main()",
        "import fire\nfire.Fire(main)",
        "with open('x'):\n    main()",
        "try:\n    main()\nexcept KeyboardInterrupt:\n    pass",
        "@run_it\ndef other(): ...",
        "from elsewhere import launch\nlaunch()",
        "for _ in range(2):\n    main()",
        "logging.shutdown(main())",
        "from elsewhere import train\nresult = train()",
        "import os\nos.system('python other.py')",
        "parser = make_parser()\nparser.parse_args()",
        "import argparse\nparser = argparse.ArgumentParser()\nmode = parser.add_subparsers()",
    ],
)
def test_a_script_that_calls_something_is_not_accused(more: str) -> None:
    assert read(UNCALLED + more + "\n").idle is None


def test_a_file_without_functions_is_not_accused() -> None:
    assert read("lr = 0.1\n").idle is None
