"""The ways in which scripts declare arguments with argparse."""

from __future__ import annotations

import textwrap

import pytest

from pyruns_jupyter.core.common.errors import InvalidInputs
from pyruns_jupyter.core.scripts.argv import build_argv
from pyruns_jupyter.core.scripts.model import Parameter, ScriptParameters
from pyruns_jupyter.core.scripts.reading import read_parameters

ENUM = "import enum\nclass M(enum.Enum):\n    A = 'a'\n    B = 'b'\n"
NUMBERED = ENUM.replace("'a'", "1").replace("'b'", "2")


def read(text: str) -> ScriptParameters:
    return read_parameters("import argparse\n" + textwrap.dedent(text))


def only(text: str) -> Parameter:
    """The one parameter of a script, understood without a word."""
    found = read("p = argparse.ArgumentParser()\n" + textwrap.dedent(text) + "\np.parse_args()\n")
    assert not found.problems, found.problems
    (parameter,) = found.parameters
    return parameter


def names(text: str) -> list[str]:
    found = read(text)
    assert found.kind == "argparse" and not found.problems, (found.kind, found.problems)
    return [one.name for one in found.parameters]


@pytest.mark.parametrize(
    ("line", "default"),
    [
        ("p.add_argument('--x', type=int, default=2 ** 10 // 3)", 341),
        ("N = 3\np.add_argument('--x', default=f'run-{N:03d}')", "run-003"),
        ("import os\np.add_argument('--x', default=os.path.join('a', 'b'))", "a/b"),
        ("from os import path as osp\np.add_argument('--x', default=osp.join('a', 'b'))", "a/b"),
        ("import os\np.add_argument('--x', default=os.environ.get('HOME_OF', 'here'))", "here"),
        ("L = [1, 2, 3]\np.add_argument('--x', type=int, default=len(L) + max(L) - min(L))", 5),
        ("p.add_argument('--x', default='a' if 3 > 2 else 'b')", "a"),
        ("class C:\n    lr = 0.5\np.add_argument('--x', type=float, default=C.lr)", 0.5),
        ("class C:\n    def __init__(self):\n        self.lr = 7\np.add_argument('--x', default=C().lr)", 7),
        ("D = dict(a=1, b=[2])\np.add_argument('--x', default=D['b'][0])", 2),
        ("p.add_argument('--x', default=','.join(str(n) for n in range(3)))", "0,1,2"),
        ("def f(n):\n    return n * 2\np.add_argument('--x', default=f(4))", 8),
        ("import math\np.add_argument('--x', type=float, default=math.sqrt(16))", 4.0),
        ("p.add_argument('--x', type=int, default='5')", 5),
        ("p.add_argument('--x', default='{}-{}'.format('a', 1))", "a-1"),
        ("p.add_argument('--x', default='%s/%d' % ('a', 1))", "a/1"),
        ("A, B = 1, 2\np.add_argument('--x', default=B)", 2),
        ("p.add_argument('--x', default=0)\np.set_defaults(x=9)", 9),
        ("p.add_argument('--x', default=argparse.SUPPRESS)", None),
        ("p.add_argument('--x', default=(1, 2))", [1, 2]),
        ("NAMES = []\nfor n in 'ab':\n    NAMES.append(n)\np.add_argument('--x', default=NAMES)", ["a", "b"]),
        ("v = 1\nv += 2\np.add_argument('--x', default=v)", 3),
    ],
)  # fmt: skip
def test_defaults_are_computed(line: str, default: object) -> None:
    if isinstance(default, int):
        line = line.replace("'--x', ", "'--x', type=int, ").replace("type=int, type=int", "type=int")
    assert only(line).default == default


@pytest.mark.parametrize(
    ("line", "choices"),
    [
        ("MODELS = {'mlp': object(), 'cnn': int}\np.add_argument('--x', choices=MODELS)", ("mlp", "cnn")),
        ("MODELS = {'b': f(), 'a': int}\np.add_argument('--x', choices=sorted(MODELS.keys()))", ("a", "b")),
        ("p.add_argument('--x', type=int, choices=range(2, 5))", (2, 3, 4)),
        ("p.add_argument('--x', choices=['a'] + ['b'])", ("a", "b")),
        (ENUM + "p.add_argument('--x', type=M)", ("a", "b")),
        (ENUM + "p.add_argument('--x', choices=[m.value for m in M])", ("a", "b")),
        (NUMBERED + "p.add_argument('--x', type=lambda s: M[s], choices=list(M))", ("A", "B")),
        ("from enum import Enum\nclass M(str, Enum):\n    A = 'a'\np.add_argument('--x', choices=M)", ("a",)),
    ],
)  # fmt: skip
def test_choices_are_computed(line: str, choices: tuple[object, ...]) -> None:
    assert only(line).choices == choices


@pytest.mark.parametrize(
    ("kind", "value", "word"),
    [
        ("lambda s: s.lower() == 'true'", True, "true"),
        ("lambda s: s.lower() in ('yes', 'y')", False, "no"),
        ("lambda s: [float(v) for v in s.split(',')]", [0.1, 2], "0.1,2"),
        ("lambda s: tuple(map(int, s.split('x')))", [3, 4], "3x4"),
        ("json.loads", {"a": [1]}, '{"a": [1]}'),
        ("ast.literal_eval", {"a": (1, None)}, "{'a': (1, None)}"),
        ("Path", "a/b", "a/b"),
        ("positive", 3, "3"),
    ],
)
def test_types_are_known_by_what_they_return(kind: str, value: object, word: str) -> None:
    parameter = read(
        f"""
        import ast, json
        from pathlib import Path
        def positive(text):
            number = int(text)
            if number <= 0:
                raise argparse.ArgumentTypeError("too small")
            return number
        p = argparse.ArgumentParser()
        p.add_argument("--x", type={kind})
        p.parse_args()
        """
    )
    assert build_argv(parameter, {"x": value}) == ["--x", word]


def test_truth_words_follow_the_function() -> None:
    parameter = only(
        """
        def str2bool(v):
            if isinstance(v, bool):
                return v
            if v.lower() in ('yes', 'true', 't', 'y', '1'):
                return True
            elif v.lower() in ('no', 'false', 'f', 'n', '0'):
                return False
            else:
                raise argparse.ArgumentTypeError('Boolean value expected.')
        p.add_argument('--x', type=str2bool, nargs='?', const=True, default=False)
        """
    )
    assert (parameter.type, parameter.item_type, parameter.default, parameter.const) == (
        "bool",
        "truth",
        False,
        True,
    )
    assert parameter.spelling == ((True, "true"), (False, "false"))


def test_a_helper_in_a_loop() -> None:
    text = """
        from argparse import ArgumentParser as AP
        def add_model_args(parser, prefix="model"):
            group = parser.add_argument_group(prefix.title())
            for name, default in (("width", 8), ("depth", 2)):
                group.add_argument(f"--{prefix}-{name}", type=int, default=default)
            return parser
        class Trainer:
            @staticmethod
            def add_args(parent):
                parser = AP(parents=[parent], add_help=False)
                parser.add_argument("--gpus", type=int)
                return parser
        def main():
            parser = AP()
            parser.add_argument("data")
            parser = add_model_args(parser)
            add_model_args(parser, "head")
            parser = Trainer.add_args(parser)
            args = parser.parse_args()
        if __name__ == "__main__":
            main()
        """
    found = read(text)
    assert [(one.name, one.group, one.default) for one in found.parameters] == [
        ("data", "", None),
        ("model_width", "Model", 8),
        ("model_depth", "Model", 2),
        ("head_width", "Head", 8),
        ("head_depth", "Head", 2),
        ("gpus", "", None),
    ]
    assert not found.problems


def test_subclasses_of_the_parser() -> None:
    assert names(
        """
        class Base(argparse.ArgumentParser):
            def __init__(self, **more):
                super().__init__(description="x", **more)
                self.add_argument("--lr", type=float)
                self.build()
            def build(self):
                pass
        class Mine(Base):
            def build(self):
                self.add_argument("--depth", type=int)
            def parse_args(self, args=None):
                found = super().parse_args(args)
                return found
        args = Mine().parse_args()
        """
    ) == ["lr", "depth"]


def test_options_objects() -> None:
    assert names(
        """
        class BaseOptions:
            def initialize(self, parser):
                parser.add_argument("--dataroot", required=True)
                return parser
            def gather(self):
                parser = argparse.ArgumentParser()
                parser = self.initialize(parser)
                opt, _ = parser.parse_known_args()
                return parser
            def parse(self):
                return self.gather().parse_args()
        class TrainOptions(BaseOptions):
            def initialize(self, parser):
                parser = BaseOptions.initialize(self, parser)
                parser.add_argument("--epochs", type=int)
                return parser
        opt = TrainOptions().parse()
        """
    ) == ["dataroot", "epochs"]


def test_parsers_one_after_the_other_read_one_command_line() -> None:
    found = read(
        """
        first = argparse.ArgumentParser(add_help=False)
        first.add_argument("--config")
        second = argparse.ArgumentParser()
        second.add_argument("--lr", type=float)
        args, rest = first.parse_known_args()
        args = second.parse_args(rest)
        """
    )
    assert [one.name for one in found.parameters] == ["config", "lr"] and not found.open


def test_a_first_parser_may_take_too_much() -> None:
    text = """
        first = argparse.ArgumentParser()
        first.add_argument("--lr-decay")
        second = argparse.ArgumentParser()
        second.add_argument("--lr")
        args, rest = first.parse_known_args()
        args = second.parse_args({rest})
        """
    found = read(text.format(rest="rest"))
    assert "reads --lr as an abbreviation of --lr-decay" in found.problems[0].message
    assert names(text.format(rest="")) == ["lr"]
    assert names(text.format(rest="sys.argv[1:]")) == ["lr"]


def test_a_parser_that_does_not_read_the_command_line() -> None:
    found = read("p = argparse.ArgumentParser()\np.add_argument('--x')\np.parse_args([])\n")
    assert "p.parse_args gets its own list of arguments. It does not read" in found.problems[0].message


def test_attributes_and_methods() -> None:
    assert names(
        """
        import asyncio, os
        class Options:
            def __init__(self):
                self.parser = argparse.ArgumentParser()
                self.add = self.parser.add_argument
            def build(self):
                for one, kind in {"lr": float, "name": str}.items():
                    self.add(f"--{one}", type=kind)
                with open("x") as stream:
                    self.parser.add_argument("--more")
                return self
        async def main():
            try:
                options = Options().build().parser.parse_args()
            except Exception:
                raise
        if os.environ.get("RANK") != "1":
            asyncio.run(main())
        """
    ) == ["lr", "name", "more"]


def test_only_the_parser_that_parses_counts() -> None:
    assert names(
        """
        def test():
            p = argparse.ArgumentParser()
            p.add_argument("--other")
            p.parse_args()
        def main():
            unused = argparse.ArgumentParser()
            unused.add_argument("--unused")
            p = argparse.ArgumentParser()
            p.add_argument("--mine")
            return p.parse_args()
        main()
        """
    ) == ["mine"]


def test_several_parsers_are_told_with_their_lines() -> None:
    found = read(
        """
        a = argparse.ArgumentParser()
        a.add_argument("--one")
        b = argparse.ArgumentParser()
        b.add_argument("--two")
        b.add_argument("--three")
        """
    )
    assert [one.name for one in found.parameters] == ["two", "three"]
    assert "line 3; line 5" in found.problems[0].message


def test_groups_of_which_one_may_be_given() -> None:
    found = read(
        """
        p = argparse.ArgumentParser()
        g = p.add_mutually_exclusive_group(required=True)
        g.add_argument("--gpu", type=int)
        g.add_argument("--cpu", action="store_true")
        q = p.add_mutually_exclusive_group()
        q.add_argument("--lr", type=float, default=0.1)
        q.add_argument("--schedule")
        p.parse_args()
        """
    )
    assert build_argv(found, {"gpu": 0, "cpu": False, "lr": 0.1, "schedule": "cos"}) == [
        "--gpu", "0", "--schedule", "cos",
    ]  # fmt: skip
    for config, words in (
        ({"gpu": 0, "cpu": True}, "gpu and cpu are mutually exclusive"),
        ({"gpu": None, "cpu": False}, "One of gpu, cpu is required"),
        ({"cpu": True, "lr": 0.2, "schedule": "cos"}, "lr and schedule are mutually exclusive"),
    ):
        with pytest.raises(InvalidInputs, match=words):
            build_argv(found, config)


@pytest.mark.parametrize(
    ("line", "words", "parameters"),
    [
        ("p.add_argument('--x', default=make())", "The default of x is computed (make())", ["x"]),
        ("p.add_argument('--x', choices=find())", "The choices of x are computed (find())", ["x"]),
        ("p.add_argument('--x', nargs=many())", "The nargs of x is computed", ["x"]),
        ("deepspeed.add_config_arguments(p)", "may declare arguments that are not listed", []),
        ("import deepspeed\np = deepspeed.add_config_arguments(p)", "may declare arguments", []),
        ("import os\np.add_argument('--x', default=os.getenv('X'))", "computed (os.getenv('X'))", ["x"]),
        ("if flag():\n    p.add_argument('--x')", "under a condition that could not be evaluated", ["x"]),
        (
            "class A(argparse.Action):\n    pass\np.add_argument('--x', action=A)",
            "has a custom action",
            ["x"],
        ),
        ("p.set_defaults(**load())\np.add_argument('--x')", "Defaults are set from values", ["x"]),
        ("for n in find():\n    p.add_argument('--' + n)", "name of an argument is computed", []),
    ],
)
def test_the_rest_stays_usable_when_something_is_not_understood(
    line: str, words: str, parameters: list[str]
) -> None:
    found = read(f"p = argparse.ArgumentParser()\n{line}\np.add_argument('--y')\np.parse_args()\n")
    assert found.kind == "argparse"
    assert [one.name for one in found.parameters] == [*parameters, "y"]
    assert any(words in one.message and one.message.startswith("Line ") for one in found.problems), (
        found.problems
    )


def test_custom_actions() -> None:
    found = read(
        """
        class Flag(argparse.Action):
            def __init__(self, option_strings, dest, **more):
                super().__init__(option_strings, dest, nargs=0, **more)
        class Pairs(argparse.Action):
            def __call__(self, parser, namespace, values, option_string=None):
                pass
        class On(argparse._StoreTrueAction):
            pass
        p = argparse.ArgumentParser()
        p.add_argument("--flag", action=Flag)
        p.add_argument("--set", action=Pairs, nargs="*")
        p.add_argument("--on", action=On)
        p.parse_args()
        """
    )
    assert build_argv(found, {"flag": True, "set": ["a=1", "b=2"], "on": True}) == [
        "--flag", "--set", "a=1", "b=2", "--on",
    ]  # fmt: skip


def test_two_switches_for_one_value() -> None:
    found = read(
        """
        p = argparse.ArgumentParser()
        p.add_argument("--cache", dest="cache", action="store_true")
        p.add_argument("--no-cache", dest="cache", action="store_false")
        p.set_defaults(cache=True)
        p.parse_args()
        """
    )
    (cache,) = found.parameters
    assert (cache.type, cache.default) == ("bool", True) and not found.problems
    assert build_argv(found, {"cache": False}) == ["--no-cache"]
    assert build_argv(found, {"cache": True}) == []


def test_words_that_a_parser_would_misread() -> None:
    found = read(
        """
        p = argparse.ArgumentParser(fromfile_prefix_chars="@", prefix_chars="-+")
        p.add_argument("name")
        p.add_argument("++lr", "+l", type=float)
        p.add_argument("--user")
        p.add_argument("--many", nargs="*")
        p.parse_args()
        """
    )
    assert build_argv(found, {"name": "n", "lr": 1, "user": "@me", "many": ["@x"]}) == [
        "n", "++lr", "1", "--user=@me", "--many=@x",
    ]  # fmt: skip
    with pytest.raises(InvalidInputs, match="name of an argument file"):
        build_argv(found, {"name": "@n"})
    with pytest.raises(InvalidInputs, match="name of an argument file"):
        build_argv(found, {"name": "n", "many": ["@x", "y"]})


def test_classes_of_options_that_ask_for_the_type_of_a_value() -> None:
    found = read(
        """
        class Group:
            def __init__(self, parser, name):
                group = parser.add_argument_group(name)
                for key, value in vars(self).items():
                    short = key.startswith("_")
                    key = key[1:] if short else key
                    kind = type(value)
                    if kind == bool:
                        group.add_argument("--" + key, default=value, action="store_true")
                    elif type(None) is kind or kind in (list, dict):
                        group.add_argument("--" + key, default=value)
                    else:
                        group.add_argument("--" + key, default=value, type=kind)
        class Model(Group):
            def __init__(self, parser):
                self.degree = 3
                self._path = ""
                self.rate = 0.5
                self.fast = False
                self.other = None
                super().__init__(parser, "Model")
        p = argparse.ArgumentParser()
        Model(p)
        p.parse_args()
        """
    )
    assert not found.problems
    assert [(one.name, one.item_type, one.action) for one in found.parameters] == [
        ("degree", "int", "store"),
        ("path", "str", "store"),
        ("rate", "float", "store"),
        ("fast", "str", "store_true"),
        ("other", "str", "store"),
    ]


def test_an_action_that_parses_pairs_takes_a_mapping() -> None:
    found = read(
        """
        class Pairs(argparse.Action): pass
        p = argparse.ArgumentParser()
        p.add_argument("--model-kwargs", nargs="*", default={}, action=Pairs)
        p.parse_args()
        """
    )
    assert build_argv(found, {"model_kwargs": {}}) == []
    assert build_argv(found, {"model_kwargs": {"drop": 0.1, "fast": True}}) == [
        "--model-kwargs", "drop=0.1", "fast=true",
    ]  # fmt: skip


def test_parsers_of_configargparse() -> None:
    found = read(
        """
        import configargparse
        p = configargparse.ArgParser(default_config_files=["~/.rc"])
        p.add("-c", "--config", is_config_file=True, help="file")
        p.add_argument("--data", required=True, env_var="DATA")
        p.add_arg("--lr", type=float, default=0.1)
        options, rest = p.parse_known()
        """
    )
    assert not found.problems and not found.open
    assert build_argv(found, {"config": "c.ini", "data": None, "lr": 0.1}) == ["--config", "c.ini"]
    strict = read("import configargparse\np = configargparse.ArgParser()\np.add('--lr')\np.parse()\n")
    assert not strict.open
    with pytest.raises(InvalidInputs):
        build_argv(strict, {"x": 1})
