"""The parts of a parsed query. `str` of each part is a query with the same meaning."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

from .scanner import QueryText, Span, quote, quoted, slashed, written


@dataclass(frozen=True)
class TextValue:
    """A value as written. In quotes, it is text even if it looks like a number."""

    text: str
    is_quoted: bool = False

    @property
    def is_glob(self) -> bool:
        """Whether a `*` in it matches anything."""
        return "*" in self.text and not self.is_quoted

    def __str__(self) -> str:
        return quoted(self.text) if self.is_quoted else self.text


@dataclass(frozen=True)
class Regex:
    """A regular expression, which may match anywhere in a text."""

    pattern: str
    span: Span = field(default=Span(), compare=False)

    def __str__(self) -> str:
        return slashed(self.pattern)


@dataclass(frozen=True)
class Range:
    """A range from `low` to `high`, both included; an empty end is open."""

    low: str
    high: str

    def __str__(self) -> str:
        return f"{self.low}..{self.high}"


Value: TypeAlias = "TextValue | Regex | Range"


@dataclass(frozen=True)
class Text:
    """A text somewhere in a task's name, swept values, notes or tags.

    With `is_glob`, a `*` matches any text. `span` is its position if it is not in quotes.
    """

    text: str
    span: Span | None = field(default=None, compare=False)
    is_glob: bool = False

    def __str__(self) -> str:
        return self.text if self.is_glob else quote(self.text)


@dataclass(frozen=True)
class FieldTest:
    """A comparison of a field with one or more values; `operator` is one of `< <= > >= = != :`."""

    key: str
    operator: str
    values: tuple[Value, ...]
    span: Span = field(default=Span(), compare=False)  # of the key
    end: int = field(default=0, compare=False)

    def __str__(self) -> str:
        return f"{written(self.key)}{self.operator}{','.join(map(str, self.values))}"


@dataclass(frozen=True)
class PresenceTest:
    """Whether a task has one of several fields (`has:`), or none of them (`no:`)."""

    wanted: bool
    keys: tuple[str, ...]
    spans: tuple[Span, ...] = field(default=(), compare=False)

    def __str__(self) -> str:
        return f"{'has' if self.wanted else 'no'}:{','.join(map(quote, self.keys))}"


@dataclass(frozen=True)
class StatusTest:
    """A property of a task: `is:pinned`, `is:failed`."""

    words: tuple[str, ...]

    def __str__(self) -> str:
        return f"is:{','.join(self.words)}"


@dataclass(frozen=True)
class Not:
    """A term that must not match."""

    term: Term

    def __str__(self) -> str:
        return f"-{_inner(self.term, (And, Or))}"


@dataclass(frozen=True)
class And:
    """Terms that must all match."""

    terms: tuple[Term, ...]

    def __str__(self) -> str:
        return " ".join(_inner(term, (Or,)) for term in self.terms)


@dataclass(frozen=True)
class Or:
    """Terms of which at least one must match."""

    terms: tuple[Term, ...]

    def __str__(self) -> str:
        return " OR ".join(map(str, self.terms))


Term: TypeAlias = "Text | Regex | FieldTest | PresenceTest | StatusTest | Not | And | Or"


@dataclass(frozen=True)
class Query:
    """A parsed query; without a term it matches all tasks."""

    term: Term | None = None
    source: QueryText = field(default=QueryText(), repr=False)

    def __str__(self) -> str:
        return "" if self.term is None else str(self.term)


def _inner(term: Term, kinds: tuple[type, ...]) -> str:
    return f"({term})" if isinstance(term, kinds) else str(term)
