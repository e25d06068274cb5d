"""Random argparse parsers as source text, with random configurations that fit them."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

HEAD = """
import argparse, enum, json
from pathlib import Path
CHOICES = {"one": 1, "two words": 2, "-three": 3}
class Mode(enum.Enum):
    FAST = "fast"
    SLOW = "slow"
def str2bool(text):
    if text.lower() in ("yes", "true", "1"):
        return True
    if text.lower() in ("no", "false", "0"):
        return False
    raise argparse.ArgumentTypeError("a truth value is wanted")
def numbers(text):
    return [int(part) for part in text.split(",")]
"""

TEXTS = st.text(alphabet="ab1 -=@+.,\n世", max_size=5).filter(lambda text: text != "--")
PLAIN = st.text(alphabet="ab1 =.,世", max_size=4).filter(lambda text: text != "")
INTS = st.integers(-(10**6), 10**6)
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
KEYS = st.sampled_from(["one", "two words", "-three"])
NAMES = [
    "lr",
    "lr-decay",
    "lr-decay-rate",
    "epochs",
    "ep",
    "seed",
    "data.dir",
    "model_name",
    "x",
    "out",
    "no-cache",
    "verbose",
    "opt",
    "width",
    "tags",
    "mode",
    "n",
]


@dataclass
class Argument:
    """One argument: its call without the receiver, the key, and values that can be given."""

    call: str
    key: str
    values: st.SearchStrategy[Any]
    required: bool = False
    positional: bool = False


@dataclass
class Made:
    """A parser's source text and a configuration for it."""

    source: str
    config: dict[str, Any] = field(default_factory=dict)
    commands: tuple[str, ...] = ()


def _some(items: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.lists(items, min_size=1, max_size=3)


def _json() -> st.SearchStrategy[Any]:
    leaf = st.integers(-5, 5) | st.booleans() | PLAIN
    return st.lists(leaf, min_size=1, max_size=3) | st.dictionaries(PLAIN, leaf, min_size=1, max_size=2)


@st.composite
def option(draw: st.DrawFn, name: str, dash: str = "-") -> Argument:
    """An option of any kind."""
    key = name.replace("-", "_")
    short = draw(st.sampled_from(["", f"'{dash}{name[0].upper()}', "])) if len(name) > 3 else ""
    flags = f"{short}{dash * 2 + name!r}"
    kinds: list[tuple[str, st.SearchStrategy[Any]]] = [
        ("", TEXTS),
        (", default='d'", TEXTS),
        (", type=int", INTS),
        (", type=int, default='7'", INTS),
        (", type=float, default=0.5", FLOATS | INTS),
        (", type=Path", PLAIN.filter(lambda text: text.strip("./") != "")),
        (", nargs='?', const='c', default='d'", TEXTS),
        (", nargs='?', type=int, const=5", INTS),
        (", nargs='*'", st.lists(TEXTS, max_size=3)),
        (", nargs='*', type=int, default=[1, 2]", st.lists(INTS, max_size=3)),
        (", nargs='+'", st.lists(TEXTS, min_size=1, max_size=3)),
        (", nargs='+', choices=list(CHOICES)", st.lists(KEYS, min_size=1, max_size=3)),
        (", nargs=2, type=float", st.lists(FLOATS, min_size=2, max_size=2)),
        (", nargs=1", st.lists(TEXTS, min_size=1, max_size=1)),
        (", action='store_true'", st.booleans()),
        (", action='store_true', default=None", st.just(True)),
        (", action='store_false'", st.booleans()),
        (", action=argparse.BooleanOptionalAction", st.booleans()),
        (", action=argparse.BooleanOptionalAction, default=True", st.booleans()),
        (", action='count'", st.integers(1, 4)),
        (", action='count', default=2", st.integers(2, 5)),
        (", action='append'", st.lists(TEXTS, min_size=1, max_size=3)),
        (", action='append', type=int, default=[4]", st.lists(INTS, max_size=3).map(lambda more: [4, *more])),
        (", action='append', nargs=2", _some(st.lists(PLAIN, min_size=2, max_size=2))),
        (", action='append', nargs='+'", _some(st.lists(TEXTS, min_size=1, max_size=3))),
        (", action='append_const', const='k'", st.integers(1, 3).map(lambda times: ["k"] * times)),
        (", action='extend', nargs='+'", st.lists(TEXTS, min_size=1, max_size=4)),
        (", action='extend', nargs='*', type=int, default=[9]", st.lists(INTS).map(lambda more: [9, *more])),
        (", action='store_const', const=5, default=1", st.sampled_from([1, 5])),
        (", action='store_const', const='on'", st.just("on")),
        (", choices=['a', 'b c', '-d']", st.sampled_from(["a", "b c", "-d"])),
        (", choices=CHOICES, default='one'", KEYS),
        (", type=int, choices=range(-2, 4)", st.integers(-2, 3)),
        (", type=Mode", st.sampled_from(["fast", "slow"])),
        (", type=Mode, choices=list(Mode), default=Mode.FAST", st.sampled_from(["fast", "slow"])),
        (", type=lambda s: Mode[s.upper()]", st.sampled_from(["FAST", "SLOW"]).map(str)),
        (", type=str2bool, default=False", st.booleans()),
        (", type=str2bool, default='yes'", st.booleans()),
        (", type=json.loads", _json()),
        (", type=json.loads, default='{\"a\": 1}'", _json()),
        (", type=numbers", st.lists(INTS, min_size=1, max_size=3)),
        (", type=lambda s: s.split(':'), default=['q']", _some(st.text("ab-", max_size=2))),
        (", type=bool, default=True", st.booleans()),
        (", default=argparse.SUPPRESS", TEXTS),
    ]  # fmt: skip
    text, values = draw(st.sampled_from(kinds))
    required = "default" not in text and "store" not in text and draw(st.integers(0, 7)) == 0
    if required:
        text += ", required=True"
    return Argument(f"add_argument({flags}{text})", key, values, required)


@st.composite
def pair(draw: st.DrawFn, name: str) -> list[Argument]:
    """Several arguments that set one value."""
    key = name.replace("-", "_")
    kind = draw(st.integers(0, 2))
    if kind == 0:
        default = draw(st.sampled_from(["", ", default=True"]))
        return [
            Argument(f"add_argument('--{name}', action='store_true'{default})", key, st.booleans()),
            Argument(
                f"add_argument('--without-{name}', dest={key!r}, action='store_false')", key, st.nothing()
            ),
        ]
    if kind == 1:
        return [
            Argument(
                f"add_argument('--{name}', action='store_const', const='a', default='z')",
                key,
                st.sampled_from("abz"),
            ),
            Argument(
                f"add_argument('--{name}-b', dest={key!r}, action='store_const', const='b')",
                key,
                st.nothing(),
            ),
        ]
    return [
        Argument(
            f"add_argument('--{name}', action='append_const', const=1)",
            key,
            st.lists(st.sampled_from([1, "b"]), min_size=1, max_size=4),
        ),
        Argument(
            f"add_argument('--{name}-b', dest={key!r}, action='append_const', const='b')", key, st.nothing()
        ),
    ]


@st.composite
def positionals(draw: st.DrawFn, suffix: str) -> list[Argument]:
    """Positionals in an order that makes sense: those with a fixed number first."""
    found: list[Argument] = []
    fixed: list[tuple[str, st.SearchStrategy[Any]]] = [
        ("", TEXTS),
        (", type=int", INTS),
        (", nargs=2", st.lists(TEXTS, min_size=2, max_size=2)),
        (", choices=['a', '-b']", st.sampled_from(["a", "-b"])),
        (", type=Mode", st.sampled_from(["fast", "slow"])),
    ]
    for number in range(draw(st.integers(0, 2))):
        text, values = draw(st.sampled_from(fixed))
        found.append(
            Argument(f"add_argument('src{number}{suffix}'{text})", f"src{number}{suffix}", values, True, True)
        )
    ending: list[tuple[str, st.SearchStrategy[Any]]] = [
        (", nargs='?', default='dd'", TEXTS),
        (", nargs='?', type=int", INTS),
        (", nargs='*'", st.lists(TEXTS, max_size=3)),
        (", nargs='+'", st.lists(TEXTS, min_size=1, max_size=3)),
        (", nargs=argparse.REMAINDER", st.lists(TEXTS, max_size=4)),
    ]
    if draw(st.booleans()):
        text, values = draw(st.sampled_from(ending))
        found.append(
            Argument(f"add_argument('rest{suffix}'{text})", f"rest{suffix}", values, "+" in text, True)
        )
    return found


def _given(draw: st.DrawFn, arguments: list[Argument], most: int | None = None) -> dict[str, Any]:
    config: dict[str, Any] = {}
    for argument in arguments:
        if argument.values.is_empty:
            continue
        if argument.required or draw(st.integers(0, 2)) > 0:
            config[argument.key] = draw(argument.values)
        elif draw(st.booleans()):
            config[argument.key] = None
    return config


@st.composite
def parser(
    draw: st.DrawFn, variable: str = "p", suffix: str = "", depth: int = 0
) -> tuple[list[str], dict[str, Any], tuple[str, ...]]:
    """The statements that fill a parser, a configuration, and the chosen subcommands."""
    lines: list[str] = []
    config: dict[str, Any] = {}
    names = draw(st.lists(st.sampled_from(NAMES), unique=True, max_size=6 if not depth else 3))
    receivers = [variable]
    for number in range(draw(st.integers(0, 2))):
        lines.append(f"{variable}g{number} = {variable}.add_argument_group('Group {number}', 'about')")
        receivers.append(f"{variable}g{number}")
    arguments: list[tuple[str, Argument]] = []
    for name in names:
        receiver = draw(st.sampled_from(receivers))
        full = f"{name}{suffix}"
        found = draw(pair(full)) if draw(st.integers(0, 6)) == 0 else [draw(option(full))]
        # One short letter is declared once in a parser.
        for argument in found:
            letter = argument.call.partition("('")[2][:2]
            declared = any(other.call.startswith(f"add_argument('{letter}'") for _, other in arguments)
            if declared and letter[:1] == "-" and letter != "--":
                argument.call = argument.call.replace(f"'{letter}', ", "", 1)
            arguments.append((receiver, argument))
    before = draw(positionals(suffix))
    with_commands = depth < 2 and draw(st.integers(0, 2)) == 0
    if with_commands:
        before = [one for one in before if one.required and "+" not in one.call]
    every = [*arguments, *((variable, one) for one in before)]
    every = draw(st.permutations(every)) if not with_commands else every
    order = [one.key for one in before]
    turn = {id(argument): number for number, (_, argument) in enumerate(arguments)}
    places = {argument.key: place for place, (_, argument) in reversed(list(enumerate(every)))}
    every = sorted(every, key=lambda item: (places[item[1].key], turn.get(id(item[1]), 0)))
    every.sort(key=lambda item: order.index(item[1].key) if item[1].key in order else -1)
    lines += [f"{receiver}.{argument.call}" for receiver, argument in every]
    config.update(_given(draw, [argument for _, argument in every]))
    _exclusive(draw, lines, config, variable, suffix)
    commands: tuple[str, ...] = ()
    if with_commands:
        commands = _commands(draw, lines, config, variable, suffix, depth)
    keys = draw(st.permutations(list(config)))
    return lines, {key: config[key] for key in keys}, commands


def _exclusive(draw: st.DrawFn, lines: list[str], config: dict[str, Any], variable: str, suffix: str) -> None:
    if draw(st.integers(0, 2)):
        return
    required = draw(st.booleans())
    lines.append(f"{variable}e = {variable}.add_mutually_exclusive_group(required={required})")
    kinds: list[tuple[str, st.SearchStrategy[Any]]] = [
        (", type=float", FLOATS),
        (", action='store_true'", st.just(True)),
        (", nargs='+'", st.lists(PLAIN, min_size=1, max_size=2)),
        (", default='dflt'", PLAIN.filter(lambda text: text != "dflt")),
    ]
    members = []
    for name in ("exa", "exb", "exc")[: draw(st.integers(1, 3))]:
        text, values = draw(st.sampled_from(kinds))
        lines.append(f"{variable}e.add_argument('--{name}{suffix}'{text})")
        members.append((f"{name}{suffix}", text, values))
    if required or draw(st.booleans()):
        key, _, values = draw(st.sampled_from(members))
        config[key] = draw(values)
    for key, text, _ in members:
        if key not in config and draw(st.booleans()):
            config[key] = False if "store_true" in text else "dflt" if "dflt" in text else None


def _commands(
    draw: st.DrawFn, lines: list[str], config: dict[str, Any], variable: str, suffix: str, depth: int
) -> tuple[str, ...]:
    dest = f"cmd{suffix}"
    required = draw(st.booleans())
    lines.append(f"{variable}s = {variable}.add_subparsers(dest={dest!r}, required={required})")
    names = [f"train{depth}", f"eval{depth}"][: draw(st.integers(1, 2))]
    chosen = draw(st.sampled_from(names)) if required or draw(st.integers(0, 3)) else None
    path: tuple[str, ...] = ()
    for number, name in enumerate(names):
        inner = f"{variable}{number}"
        alias = draw(st.sampled_from(["", f", aliases=['{name}-alias']"]))
        lines.append(f"{inner} = {variable}s.add_parser({name!r}{alias}, help='does {name}')")
        more, below, further = draw(parser(inner, f"{suffix}_{depth}{number}", depth + 1))
        lines += more
        if name == chosen or draw(st.booleans()):
            config[name] = below
        if name == chosen:
            path = (name, *further)
    if chosen is not None:
        config[dest] = chosen
    return path


@st.composite
def made(draw: st.DrawFn) -> Made:
    """A whole script with a configuration that its parser can take."""
    words = draw(
        st.sampled_from(["", "allow_abbrev=False", "fromfile_prefix_chars='@'", "argument_default=None"])
    )
    lines, config, commands = draw(parser())
    body = "\n".join([f"p = argparse.ArgumentParser({words})", *lines])
    if draw(st.booleans()):
        body = "def build():\n" + textwrap.indent(body, "    ") + "\n    return p\np = build()"
    return Made(f"{HEAD}{body}\n", config, commands)
