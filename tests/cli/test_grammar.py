"""The grammar of `jupyter pyruns` and of the magics: names, aliases, help and examples."""

from __future__ import annotations

import os
import shlex
from pathlib import Path

import pytest

from pyruns_jupyter.cli.cell_grammar import build_cell_parser
from pyruns_jupyter.cli.grammar import GROUPS, VIEWS, build_parser
from pyruns_jupyter.cli.parser import ALIASES, HelpShown, Parser
from pyruns_jupyter.cli.terminal import PROGRAM
from pyruns_jupyter.notebook.magics import CELL_PROGRAM, LINE_PROGRAM

# What `pyr --help` lists and `jupyter pyruns` has too.
PYR = "init exec add run ls status show log wait stop rm restore mv pin export config metrics doctor"


def line_parser() -> Parser:
    return build_parser(LINE_PROGRAM, views=True)


@pytest.mark.parametrize("parser", [build_parser(PROGRAM), line_parser(), build_cell_parser(CELL_PROGRAM)])
def test_every_command_has_examples_that_its_parser_accepts(parser: Parser) -> None:
    for name, command in parser.commands.items():
        assert command.examples, name
        assert "examples:" in command.format_help()
        for example in command.examples:
            assert example.startswith(f"{parser.prog} {name}")
            assert parser.parse_args(shlex.split(example.removeprefix(parser.prog))).command == name


def test_no_example_is_without_a_command() -> None:
    commands = [
        one for parser in (line_parser(), build_cell_parser(CELL_PROGRAM)) for one in _examples(parser)
    ]
    text = (Path(__file__).parents[2] / "pyruns_jupyter" / "cli" / "examples.txt").read_text(encoding="utf-8")
    assert len(commands) == len(text.splitlines())


def _examples(parser: Parser) -> list[str]:
    return [example for command in parser.commands.values() for example in command.examples]


def test_the_help_lists_every_command_once_in_a_group() -> None:
    grouped = [*VIEWS, *(name for names in GROUPS.values() for name in names)]
    assert sorted(grouped) == sorted(line_parser().commands)
    shown = line_parser().format_help()
    for name in grouped:
        assert shown.count(f"\n  {name} ") == 1


def test_descriptions_are_imperative_and_one_line() -> None:
    for parser in (line_parser(), build_cell_parser(CELL_PROGRAM)):
        for name, command in parser.commands.items():
            about = str(command.description)
            assert about[0].isupper() and not about.endswith(".") and "\n" not in about, name
            assert len(about) < 75, name


def test_every_alias_stands_for_something(capsys: pytest.CaptureFixture[str]) -> None:
    parser = line_parser()
    flags = {flag for one in parser.commands.values() for flag in one._option_string_actions}
    for alias, (name, _) in ALIASES.items():
        assert alias not in parser.commands
        assert name in (flags if name.startswith("--") else parser.commands)
        if not name.startswith("-"):
            with pytest.raises(HelpShown):
                parser.parse_args([alias, "--help"])
            assert f"usage: {LINE_PROGRAM} {name} " in capsys.readouterr().out


def test_only_deprecated_names_print_a_notice(capsys: pytest.CaptureFixture[str]) -> None:
    parser = build_parser(PROGRAM)
    for words, notice in (
        (["mv", "a", "b"], ""),
        (["run", "a", "--jobs=2"], ""),
        (["resume"], "resume is deprecated. Use unpause instead.\n"),
        (["run", "a", "--engine=slurm"], "--engine is deprecated. Use --executor instead.\n"),
        (["run", "a", "--no-resume"], "--no-resume is deprecated. Use --no-requeue instead.\n"),
        (["studies", "s", "--resume"], ""),
        (["exec", "--", "prog", "--engine"], ""),
    ):
        args = parser.parse_args(words)
        out, err = capsys.readouterr()
        assert (out, err) == ("", notice)
    assert args.argv == ["--", "prog", "--engine"]
    assert parser.parse_args(["run", "a", "--engine", "slurm"]).engine == "slurm"


def test_commands_of_pyr_work_without_a_notice() -> None:
    commands = build_parser(PROGRAM).commands
    for name in PYR.split():
        assert name in commands or (ALIASES[name].name in commands and not ALIASES[name].is_deprecated)


@pytest.mark.parametrize(
    ("variable", "terminal", "expected"), [("70", 100, 70), ("", 100, 100), ("0", 70, 70), ("", 0, 80)]
)
def test_the_help_is_as_wide_as_the_terminal(
    variable: str, terminal: int, expected: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", variable) if variable else monkeypatch.delenv("COLUMNS", raising=False)
    monkeypatch.setattr(os, "get_terminal_size", lambda descriptor: os.terminal_size((terminal, 24)))
    parser = build_parser(PROGRAM).find("run")
    assert parser is not None
    options, _, _ = parser.format_help().partition("\nexamples:")
    assert expected - 8 < max(map(len, options.splitlines())) <= expected - 2
