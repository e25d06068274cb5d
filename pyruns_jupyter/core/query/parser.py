"""Parse the text of a query.

lines   = line { newline line }           all lines must match
line    = either                          (a newline in parentheses or next to OR is white space)
either  = all { "OR" all }
all     = term { ["AND"] term }
term    = ("-" | "NOT ") term | "(" either ")" | comparison | "exact words" | /regex/ | word
comparison = field ("<" | "<=" | ">" | ">=") measure | field (":" | "=" | "!=") value { "," value }
field   = key | aggregate
aggregate = ("last" | "best" | "min" | "max" | "mean" | "at") "(" key [ "," number ] ")"
"""

from __future__ import annotations

from collections.abc import Sequence

from pyruns_jupyter.core.common.errors import InvalidInput
from pyruns_jupyter.core.metrics.expressions import parse_aggregate
from pyruns_jupyter.core.tasks.row import SHOWN_STATUSES

from .ast import (
    And,
    FieldTest,
    Not,
    Or,
    PresenceTest,
    Query,
    Range,
    Regex,
    StatusTest,
    Term,
    Text,
    TextValue,
    Value,
)
from .pattern import compile_pattern
from .scanner import (
    OPERATOR_WITHIN,
    OPERATORS,
    QueryText,
    Span,
    bare_word,
    bracket_end,
    check_word,
    has_open_bracket,
    key_at,
    quoted_text,
    skip_space,
    slashed_text,
)
from .values import is_measure, measure

MAX_CHARACTERS = 20_000
MAX_DEPTH = 60  # of parentheses and exclusions
KINDS = ("python", "shell")
STATES = ("pinned", "damaged", "active", *SHOWN_STATUSES, *KINDS)
_KINDS_OF = {"status": SHOWN_STATUSES, "kind": KINDS, "is": STATES}
_ORDERED = ("<", "<=", ">", ">=")


def parse(text: str) -> Query:
    """Parse a query; its language is described in `docs/query.md`.

    Raises:
        InvalidInput: with `field` "query", line and column.
    """
    if len(text) > MAX_CHARACTERS:
        raise InvalidInput(f"A query can have at most {MAX_CHARACTERS:,} characters.", field="query")
    return Query(_Parser(QueryText(text)).lines(), QueryText(text))


class _Parser:
    def __init__(self, source: QueryText) -> None:
        self.source = source
        self.text = source.text
        self.at = skip_space(source.text, 0)
        self.depth = 0

    def lines(self) -> Term | None:
        """Parse the whole text."""
        found: list[Term] = []
        while self.at < len(self.text):
            found.append(self.either())
            if self.text[self.at : self.at + 1] == ")":
                raise self.source.wrong("Unmatched ')'.", self.at)
        return _joined(And, found) if found else None

    def either(self) -> Term:
        """Parse a line, or the inside of parentheses."""
        found = [self.all()]
        while self.keyword("OR"):
            start = self.at
            self.take("OR")
            if self.ends():
                raise self.source.wrong("The term after OR is missing.", start)
            found.append(self.all())
        return _joined(Or, found)

    def all(self) -> Term:
        """Parse terms up to an OR, a closing parenthesis or the end of the line."""
        found: list[Term] = []
        while not self.ends() and not self.keyword("OR"):
            if self.keyword("AND"):
                start = self.at
                self.take("AND")
                if not found or self.ends() or self.keyword("OR") or self.keyword("AND"):
                    raise self.source.wrong("A term before or after AND is missing.", start)
            elif found and self.new_line():
                break
            found.append(self.term())
        if not found:
            what = "The term before OR is missing."
            raise self.source.wrong(what if self.keyword("OR") else "A term is missing here.", self.at)
        return _joined(And, found)

    def term(self) -> Term:
        """Parse a term and the white space after it."""
        start = self.at
        character = self.text[start]
        if character in "-(" or self.keyword("NOT"):
            self.depth += 1
            if self.depth > MAX_DEPTH:
                raise self.source.wrong("Parentheses and exclusions are nested too deeply.", start)
            term = self.group() if character == "(" else self.excluded()
            self.depth -= 1
            return term
        found = key_at(self.source, start)
        if found is not None:
            term = self.comparison(*found)
        elif character == '"':
            text, self.at = quoted_text(self.source, start)
            term = Text(text)
        elif character == "/":
            term = self.regex()
        else:
            end = bare_word(self.text, start)
            if end == start:
                raise self.source.wrong("Unmatched ')'.", start)
            check_word(self.source, start, end)
            word = self.text[start:end]
            is_glob = "*" in word and not has_open_bracket(word)
            term, self.at = Text(word, Span(start, end), is_glob), end
        self.at = skip_space(self.text, self.at)
        return term

    def group(self) -> Term:
        start = self.at
        self.at = skip_space(self.text, start + 1)
        if self.text[self.at : self.at + 1] == ")":
            raise self.source.wrong("These parentheses are empty.", start)
        found: list[Term] = []
        while self.at < len(self.text) and self.text[self.at] != ")":
            found.append(self.either())
        if self.at >= len(self.text):
            raise self.source.wrong("This parenthesis is never closed.", start)
        self.at = skip_space(self.text, self.at + 1)
        return _joined(And, found)

    def excluded(self) -> Term:
        start = self.at
        word = "-" if self.text[start] == "-" else "NOT"
        self.at += len(word)
        if word == "NOT":
            self.at = skip_space(self.text, self.at)
        elif self.text[self.at : self.at + 1].isspace():
            raise self.source.wrong(
                "There must be no space between '-' and the term that it excludes.", start
            )
        if self.ends() or self.keyword("OR") or self.keyword("AND"):
            raise self.source.wrong(f"The term after {word!r} is missing.", start)
        return Not(self.term())

    def regex(self) -> Regex:
        start = self.at
        found, self.at = slashed_text(self.source, start)
        try:
            compile_pattern(found)
        except InvalidInput as error:
            raise self.source.wrong(error.message, start) from None
        return Regex(found, Span(start, self.at))

    def comparison(self, key: str, span: Span, operator: str, start: int) -> Term:
        first = start
        try:
            aggregate = parse_aggregate(key)
        except InvalidInput as error:
            raise self.source.wrong(error.message, span.start) from None
        key = key if aggregate is None else str(aggregate)
        lower = key.lower()
        values = [self.value(start, operator)]
        while self.text[self.at : self.at + 1] == ",":
            if operator in _ORDERED:
                raise self.source.wrong(f"{operator!r} compares with a single value only.", self.at)
            start = skip_space(self.text, self.at + 1, within_line=True)
            values.append(self.value(start if start < len(self.text) else self.at + 1, operator))
        if operator in _ORDERED:
            self.ordered(key, span, operator, values[0], first)
        if operator in (":", "=", "!="):
            if lower in ("has", "no", "is") and operator == ":":
                return self.scope(lower, values, first)
            if lower in ("status", "kind"):
                values = [self.choice(lower, value, first) for value in values]
        return FieldTest(key, operator, tuple(values), span, self.at)

    def value(self, start: int, operator: str) -> Value:
        text = self.text
        self.at = start
        character = text[start : start + 1]
        if character == '"':
            found, self.at = quoted_text(self.source, start)
            following = text[self.at : self.at + 1]
            if following and not following.isspace() and following not in "),":
                raise self.source.wrong("A space or a comma is missing after the quoted value.", self.at)
            return TextValue(found, True)
        if character == "/":
            return self.regex()
        end = bracket_end(text, start) if character == "[" else None
        self.at = bare_word(text, start if end is None else end, ",")
        found = text[start : self.at]
        if not found:
            shown = text[max(0, start - 40) : start].split()[-1:] or [operator]
            raise self.source.wrong(f"The value after {shown[0]!r} is missing.", start)
        if found[0] in "<>=!" and operator != ":":
            raise self.source.wrong(
                f"Unknown operator {operator + found[0]!r}. Use one of {', '.join(OPERATORS)}.", start
            )
        low, dots, high = found.partition("..")
        if dots and (low or high) and all(not end or is_measure(end) for end in (low, high)):
            first, last = measure(low), measure(high)
            if operator != ":":
                raise self.source.wrong("A range needs ':', as in lr:1e-4..1e-2.", start)
            if first is not None and last is not None and first > last:
                raise self.source.wrong(
                    f"The range {found} is empty. Write the smaller value first.",
                    start,
                    [self.source.replaced(Span(start, self.at), f"{high}..{low}")],
                )
            return Range(low, high)
        return TextValue(found, has_open_bracket(found))

    def ordered(self, key: str, span: Span, operator: str, value: Value, start: int) -> None:
        if isinstance(value, TextValue) and is_measure(value.text):
            return
        shown = value.text if isinstance(value, TextValue) else str(value)
        if is_measure(key) and isinstance(value, TextValue) and not value.is_quoted:
            # 0.1>lr and 0.01<lr<0.1
            field, sign, limit = OPERATOR_WITHIN.match(shown).groups()  # type: ignore[union-attr]
            meant = f"{field}{operator.translate(str.maketrans('<>', '><'))}{key}"
            meant += f" {field}{sign}{limit}" if sign else ""
            raise self.source.wrong(
                f"Write the field first: {meant}.",
                start,
                [self.source.replaced(Span(span.start, self.at), meant)],
            )
        raise self.source.wrong(
            f"{key + operator!r} needs a number, a duration (10m) or a time (2026-11-01), not {shown!r}.",
            start,
        )

    def choice(self, key: str, value: Value, start: int) -> Value:
        if isinstance(value, Regex):
            return value
        word = str(value) if isinstance(value, Range) else value.text
        return TextValue(self.one_of(key, word, _KINDS_OF[key], start))

    def one_of(self, key: str, word: str, known: Sequence[str], start: int) -> str:
        if word.lower() in known:
            return word.lower()
        start = max(start, self.text.find(word, start, self.at))
        several = word.lower().replace("|", ",").split(",")
        whole = ",".join(several) if len(several) > 1 and set(several) <= set(known) else None
        close, hint = ([whole], f"Did you mean {whole}?") if whole else close_to(word.lower(), known)
        span = Span(start, start + len(word))
        raise self.source.wrong(
            f"Unknown {'status' if key == 'is' else key} {word!r}. {hint}",
            start,
            [self.source.replaced(span, one) for one in close],
        )

    def scope(self, key: str, values: list[Value], start: int) -> Term:
        words: list[str] = []
        for value in values:
            if isinstance(value, Regex):
                raise self.source.wrong(f"'{key}:' needs a name, not a regular expression.", start)
            words.append(value.text if isinstance(value, TextValue) else str(value))
        if key == "is":
            return StatusTest(tuple(self.one_of(key, word, STATES, start) for word in words))
        spans = []
        position = start
        for word in words:
            position = max(position, self.text.find(word, position, self.at))
            spans.append(Span(position, position + len(word)))
            position += len(word)
        return PresenceTest(key == "has", tuple(words), tuple(spans))

    # -- position -----------------------------------------------------------

    def ends(self) -> bool:
        return self.at >= len(self.text) or self.text[self.at] == ")"

    def keyword(self, word: str) -> bool:
        end = self.at + len(word)
        if not self.text.startswith(word, self.at):
            return False
        return end >= len(self.text) or self.text[end].isspace() or self.text[end] in "()"

    def take(self, word: str) -> None:
        self.at = skip_space(self.text, self.at + len(word))

    def new_line(self) -> bool:
        """Return whether a line begins here, outside parentheses."""
        back = self.at
        while back > 0 and self.text[back - 1].isspace():
            if self.text[back - 1] == "\n":
                return self.depth == 0
            back -= 1
        return False


def close_to(word: str, known: Sequence[str]) -> tuple[list[str], str]:
    """Return the known word that is most similar to a word, if any, and the end of an error message."""
    import difflib  # slow to import, and most words are known

    close = difflib.get_close_matches(word, known, 1)
    return close, f"Did you mean {close[0]}?" if close else f"Use one of {', '.join(known)}."


def _joined(kind: type[And] | type[Or], terms: Sequence[Term]) -> Term:
    """Return several terms as one; nested terms of the same kind are flattened."""
    flat: list[Term] = []
    for term in terms:
        flat.extend(term.terms if isinstance(term, kind) else (term,))
    return flat[0] if len(flat) == 1 else kind(tuple(flat))
