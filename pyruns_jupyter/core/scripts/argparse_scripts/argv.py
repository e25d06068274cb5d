"""The command-line arguments of an argparse script for one configuration.

Rules: positionals come first, in source order, then the other keys in configuration order, by their first
long flag. A key is omitted when it is null or, unless defaults are passed, has the script's default;
only trailing positionals can be omitted. Booleans are passed through their actions, lists by nargs or by
repeating the flag. Options come first when there is a subcommand or an argument that looks like an option.
Values that the parser would reject or misread are refused here, before the run starts.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from pyruns_jupyter.core.common.errors import InvalidInput, InvalidInputs
from pyruns_jupyter.core.scripts.bind_values import MismatchError, is_default, is_left_out, plain_word, same
from pyruns_jupyter.core.scripts.key_values import dotlist_words, pair_words
from pyruns_jupyter.core.scripts.model import Parameter, Parser, ScriptParameters

from .argv_words import (
    VARIABLE,
    abbreviated,
    changes_default,
    check_positional,
    looks_like_option,
    name_of,
    option,
    words_of,
)
from .misread import misread

_PATTERNS = {None: "A", "?": "A?", "*": "A*", "+": "A+", "...": "[AO]*", "A...": "A[AO]*"}


def build(script: ScriptParameters, config: Mapping[str, object], pass_defaults: bool) -> list[str]:
    """Return the command-line arguments after the script's path for `config`; see `..argv`.

    Raises:
        InvalidInputs: one error for each invalid key, with the key as its field.
    """
    parser = script.parser or Parser(script.parameters, open=script.open)
    errors: list[InvalidInput] = []
    words = _Line(parser, errors, pass_defaults, library=script.library).words(config)
    if errors:
        raise InvalidInputs(errors)
    return words


@dataclass
class _Given:
    parameter: Parameter | None
    key: str
    words: list[str]

    @property
    def variable(self) -> bool:
        """Whether the option also consumes the arguments that follow."""
        return any(one.nargs in VARIABLE for one in self._every()) and not any(
            self.words[-1].startswith(f"{flag}=") for one in self._every() for flag in one.flags
        )

    def _every(self) -> tuple[Parameter, ...]:
        return () if self.parameter is None else (self.parameter, *self.parameter.also)

    def closed(self) -> _Given | None:
        """Return a copy whose last value is joined to the flag, so that it ends there; None if impossible."""
        flags = {flag for one in self._every() for flag in one.flags}
        last = max(number for number, word in enumerate(self.words) if word in flags)
        start, flag, values = self.words[:last], self.words[last], self.words[last + 1 :]
        if len(values) == 1:
            return _Given(self.parameter, self.key, [*start, f"{flag}={values[0]}"])
        if values and self.parameter is not None and self.parameter.action == "extend":
            words = [*start, flag, *values[:-1], f"{flag}={values[-1]}"]
            return _Given(self.parameter, self.key, words)
        return None

    @property
    def rest(self) -> bool:
        """Whether it consumes all arguments that follow, including options."""
        return self.parameter is not None and self.parameter.nargs == "..."


@dataclass
class _Line:
    """The arguments for one parser."""

    parser: Parser
    errors: list[InvalidInput]
    pass_defaults: bool
    prefix: str = ""
    given: dict[str, object] = field(default_factory=dict)
    library: str = ""

    def refuse(self, key: str, message: str) -> None:
        full = f"{self.prefix}{key}"
        self.errors.append(
            InvalidInput(message if message.endswith((".", "?")) else f"{full}: {message}.", field=full)
        )

    def words(self, config: Mapping[str, object]) -> list[str]:
        parser = self.parser
        below: dict[str, dict[str, object]] = {}
        order: list[tuple[Parameter | None, str, object]] = []
        extra: list[str] = []
        for key, value in self._flattened(config, below):
            parameter = parser.by_key.get(key)
            if parameter is None and parser.extra_style:
                if value is not None:
                    extra += self._merged(key, value)
                continue
            if parameter is None and not parser.open:
                self.refuse(key, self._unknown(key))
                continue
            if parameter is not None:
                if parameter.key in self.given:
                    self.refuse(key, f"{parameter.key} is set twice")
                    continue
                self.given[parameter.key] = value
            order.append((parameter, key, value))
        before = len(self.errors)
        if extra and parser.extra_key:
            collector, given = parser.by_key[parser.extra_key], self.given.get(parser.extra_key)
            several = given if isinstance(given, list) else [] if given is None else [given]
            self.given[collector.key] = [*several, *extra]
            order = [item for item in order if item[0] is not collector]
            order.append((collector, collector.key, self.given[collector.key]))
        positionals = self._positionals()
        options = [one for one in (self._option(*item) for item in order) if one is not None]
        self._exclusive({one.parameter.key: one for one in [*options, *positionals] if one.parameter})
        command = self._command(below)
        if len(self.errors) > before:
            return []
        words = self._laid_out(positionals, options, command)
        if extra and not parser.extra_key:
            values = [word for one in positionals for word in one.words]
            if command is not None or any(
                one.positional and one.nargs in _PATTERNS and one.nargs for one in parser.parameters
            ):
                self.refuse(
                    next(iter(config)),
                    "with this argument, the script would assign other values to its positional arguments",
                )
            # Before the options, whose number of values may be variable.
            at = len(values) if words[: len(values)] == values else len(words)
            words[at:at] = extra
        return words

    def _merged(self, key: str, value: object) -> list[str]:
        """Return the arguments of a key that the script merges into its configuration."""
        try:
            return (dotlist_words if self.parser.extra_style == "dotlist" else pair_words)(key, value)
        except MismatchError as error:
            self.refuse(key, str(error))
            return []

    def _flattened(
        self, config: Mapping[str, object], below: dict[str, dict[str, object]], prefix: str = ""
    ) -> Iterator[tuple[str, object]]:
        commands = self.parser.subcommands
        keys = set(commands.keys.values()) if commands is not None else ()
        for name, value in config.items():
            key = f"{prefix}{name}"
            if key in self.parser.by_key:
                yield key, value
            elif key in keys:
                inner = below.setdefault(key, {})
                if isinstance(value, Mapping):
                    inner.update(value)
                elif value is not None:
                    self.refuse(key, f"expected a mapping with the arguments of the subcommand {key}")
            elif "." in key and key.partition(".")[0] in keys:
                first, _, rest = key.partition(".")
                below.setdefault(first, {})[rest] = value
            elif isinstance(value, Mapping) and value:
                yield from self._flattened(value, below, f"{key}.")
            elif value in (None, {}) and any(one.startswith(f"{key}.") for one in self.parser.by_key):
                continue  # a section without values
            else:
                yield key, value

    def _unknown(self, key: str) -> str:
        near = difflib.get_close_matches(key, [one.key for one in self.parser.parameters], n=1)
        hint = (
            f"Did you mean {self.prefix}{near[0]}?"
            if near
            else "Remove the key, or add the argument to the script."
        )
        return f"The script has no argument {self.prefix}{key}. {hint}"

    def _positionals(self) -> list[_Given]:
        found: list[_Given] = []
        for parameter in self.parser.parameters:
            value = self.given.get(parameter.key)
            if parameter.required and value is None:
                self.refuse(parameter.key, f"{self.prefix}{parameter.key} is required. Set a value.")
            elif parameter.positional and parameter.action != "subcommand":
                words: list[str] = []
                if value is not None and not self._left_out(parameter, value):
                    try:
                        words = self._words_of(parameter, value)
                        for word in words:
                            check_positional(word, self.parser)
                        if not words and value != [] and not same(value, parameter.default):
                            raise MismatchError("this value cannot be expressed on the command line")
                        if not words and not same(value, parameter.default) and parameter.default is not None:
                            raise MismatchError(
                                f"argparse would use its default {parameter.default!r}, not an empty list"
                            )
                    except MismatchError as error:
                        self.refuse(parameter.key, str(error))
                found.append(_Given(parameter, parameter.key, words))
        if self.parser.subcommands is None:
            self._leave_out_last(found)
        return found

    def _leave_out_last(self, positionals: list[_Given]) -> None:
        """Omit the trailing positionals that have their defaults: no positional after them
        depends on their position."""
        for one in reversed(positionals):
            parameter = one.parameter
            if parameter is None or parameter.required:
                break
            passed = self.pass_defaults and not changes_default(parameter)
            if one.words and (passed or not is_default(parameter, self.given.get(parameter.key))):
                break
            one.words = []

    def _option(self, parameter: Parameter | None, key: str, value: object) -> _Given | None:
        if value is None or (parameter is not None and parameter.positional):
            return None
        if parameter is not None and self._left_out(parameter, value):
            return None
        try:
            words = (
                _unlisted(key, value, self.parser) if parameter is None else self._words_of(parameter, value)
            )
            if not words and parameter is not None and parameter.required:
                raise MismatchError("it is required, and this value cannot be expressed on the command line")
        except MismatchError as error:
            self.refuse(key, str(error))
            return None
        return _Given(parameter, key, words) if words else None

    def _words_of(self, parameter: Parameter, value: object) -> list[str]:
        library, has_file = self.library.partition(".")[0], self.given.get("config_path") is not None
        problem = misread(library, parameter, value, has_file)
        if problem and not is_default(parameter, value):
            raise MismatchError(problem)
        return [] if problem else words_of(parameter, value, self.parser)

    def _left_out(self, parameter: Parameter, value: object) -> bool:
        """Return whether a value is omitted because it is the default; always in exclusive groups."""
        if parameter.key in self.parser.exclusive_keys:
            return is_default(parameter, value)
        return not parameter.positional and is_left_out(parameter, value, self.pass_defaults)

    def _exclusive(self, given: Mapping[str, _Given]) -> None:
        for group in self.parser.exclusive:
            present = [key for key in group.keys if key in given and given[key].words]
            names = [f"{self.prefix}{key}" for key in present]
            if len(present) > 1:
                self.refuse(
                    present[1],
                    f"{' and '.join(names)} are mutually exclusive. Set all but one of them to null.",
                )
            elif group.required and not present:
                every = ", ".join(f"{self.prefix}{key}" for key in group.keys)
                self.refuse(
                    group.keys[0], f"One of {every} is required, with a value other than its default."
                )

    def _command(self, below: dict[str, dict[str, object]]) -> list[str] | None:
        """Return the arguments of the chosen subcommand, None when there is none."""
        commands = self.parser.subcommands
        if commands is None:
            return None
        choice = commands.choice.key
        value = self.given.get(choice)
        name = value if isinstance(value, str) else None if value is None else plain_word(value)
        if name is not None and name not in commands.parsers:
            allowed = ", ".join(commands.parsers)
            self.refuse(choice, f"expected one of {allowed}, got {name!r}")
            name = None
        words: list[str] | None = None
        for command, parser in commands.parsers.items():
            key = commands.keys[command]
            if command == name:
                words = [
                    command,
                    *_Line(
                        parser, self.errors, self.pass_defaults, f"{self.prefix}{key}.", library=self.library
                    ).words(below.get(key, {})),
                ]
        chosen = commands.keys.get(name) if name is not None else None
        for key, inner in below.items():
            if key != chosen:
                other = next(
                    one for command, one in commands.parsers.items() if commands.keys[command] == key
                )
                self._check_names(other, inner, f"{self.prefix}{key}.")
        return words

    def _check_names(self, parser: Parser, config: Mapping[str, object], prefix: str) -> None:
        """Report unknown keys below a subcommand that is not chosen."""
        line = _Line(parser, self.errors, self.pass_defaults, prefix)
        below: dict[str, dict[str, object]] = {}
        for key, _ in line._flattened(config, below):
            if key not in parser.by_key and not parser.open:
                line.refuse(key, line._unknown(key))
        for key, inner in below.items():
            if parser.subcommands is not None:
                names = parser.subcommands.keys.items()
                other = next(parser.subcommands.parsers[name] for name, one in names if one == key)
                self._check_names(other, inner, f"{prefix}{key}.")

    # The order of the arguments

    def _laid_out(
        self, positionals: list[_Given], options: list[_Given], command: list[str] | None
    ) -> list[str]:
        values = [word for one in positionals for word in one.words]
        # A remainder positional would consume the options even when it gets no value itself.
        rest = next((one for one in positionals if one.rest), None) if values else None
        protected = [one for one in positionals if not one.rest]
        dashes = any(looks_like_option(word, self.parser) for one in protected for word in one.words)
        self._check_positionals(positionals, command, dashes)
        if rest is not None and values and looks_like_option(values[0], self.parser):
            self.refuse(rest.key, f"the script would parse {values[0]!r} as an option")
        if command is not None:
            self._check_command(command)
        last = [one for one in options if one.rest]
        options = [one for one in options if not one.rest]
        tail = command is not None or rest is not None
        if last and (tail or len(last) > 1 or dashes):
            self.refuse(last[-1].key, f"{name_of_given(last[-1])} consumes all arguments that follow it")
        if dashes and (rest is not None or (command is not None and not values)):
            self.refuse(positionals[0].key, "the script would parse one of its values as an option")
        if not tail and not dashes:
            return values + [word for one in [*options, *last] for word in one.words]
        if tail and not dashes:
            options = self._closed(options)
        words = [word for one in options for word in one.words]
        return [*words, *(["--"] if dashes else []), *values, *(command or [])]

    def _closed(self, options: list[_Given]) -> list[_Given]:
        """Return the options in an order whose last one does not consume the arguments that follow."""
        ordered = sorted(options, key=lambda one: not one.variable)
        if not ordered or not ordered[-1].variable:
            return ordered
        last = ordered[-1]
        closed = last.closed()
        if closed is not None:
            return [*ordered[:-1], closed]
        closing = self._neutral({one.parameter.key for one in ordered if one.parameter is not None})
        if closing is None:
            self.refuse(
                last.key,
                f"{name_of_given(last)} would also consume the arguments after it. Set another option",
            )
            return ordered
        return [*ordered, closing]

    def _neutral(self, passed: set[str]) -> _Given | None:
        """Return an option that is not `passed`, with its default as value: it has no effect on the
        script, but ends the values before it."""
        for one in self.parser.parameters:
            if one.positional or one.action != "store" or one.nargs is not None or one.default is None:
                continue
            if one.computed or one.also or one.key in self.parser.exclusive_keys:
                continue
            if one.key in passed or self.given.get(one.key, one.default) is None:
                continue
            try:
                words = words_of(one, one.default, self.parser)
            except MismatchError:
                continue
            if words:
                return _Given(one, one.key, words)
        return None

    def _check_positionals(self, positionals: list[_Given], command: list[str] | None, dashes: bool) -> None:
        """Check that the parser assigns each positional its own values."""
        every = [one for one in self.parser.parameters if one.positional]
        if len(every) < 2 or not all(one.nargs in _PATTERNS or isinstance(one.nargs, int) for one in every):
            return
        counts: list[int] = []
        pattern = line = ""
        by_key = {one.key: one for one in positionals}
        for one in every:
            words = (command or []) if one.action == "subcommand" else by_key[one.key].words
            nargs = one.nargs
            if one.action == "subcommand" and command is None:
                continue
            pattern += f"({'A' * nargs if isinstance(nargs, int) else _PATTERNS[nargs]})"
            line += "".join(
                "O" if not dashes and looks_like_option(word, self.parser) else "A" for word in words
            )
            counts.append(len(words))
        found = re.match(pattern, line)
        if found is None:
            return  # a required value is missing, which is reported elsewhere
        for one, group, count in zip(every, found.groups(), counts, strict=False):
            if len(group) != count:
                self.refuse(
                    one.key,
                    "the script would assign other values to it: a positional argument before it is omitted "
                    "or consumes more values",
                )
                return

    def _check_command(self, command: Sequence[str]) -> None:
        """Refuse arguments of a subcommand that the parent parser would consume or reject."""
        parser = self.parser
        assert parser.subcommands is not None
        protected = False  # after `--` nothing is an option, but it may still name an argument file
        for word in command:
            protected = protected or word == "--"
            if word[:1] in parser.fromfile_chars and word:
                message = f"the script would parse {word!r} as the name of an argument file"
                self.refuse(parser.subcommands.choice.key, message)
            if (
                not protected
                and word[:1] in parser.prefix_chars
                and len(word) > 1
                and word.partition("=")[0] not in parser.flags
                and len(set(abbreviated(word, parser))) > 1
            ):
                message = f"the script would parse {word!r} as an ambiguous option abbreviation"
                self.refuse(parser.subcommands.choice.key, message)


def name_of_given(given: _Given) -> str:
    """Return the name of an argument for messages."""
    return name_of(given.parameter) if given.parameter is not None else given.key


def _unlisted(key: str, value: object, parser: Parser) -> list[str]:
    """Return the arguments of a key that is not listed, in the usual spelling."""
    flag = f"--{key}"
    if isinstance(value, bool):
        return [flag] if value else []
    items = value if isinstance(value, list) else [value]
    return [word for item in items for word in option(flag, [plain_word(item)], parser)]
