"""The parts of a parsed query. `str` of each part is a query with the same meaning."""

from __future__ import annotations

from typing import Any, TypeAlias

from msgspec import Struct

from .scanner import QueryText, Span, quote, quoted, slashed, written

_PLACES = ("span", "spans", "end", "source")  # fields that are not a part of the meaning


class _Part(Struct, frozen=True, eq=False):
    def _meaning(self) -> list[Any]:
        return [getattr(self, name) for name in self.__struct_fields__ if name not in _PLACES]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Part) and type(self) is type(other) and self._meaning() == other._meaning()

    def __hash__(self) -> int:
        return hash((type(self), *self._meaning()))


class TextValue(_Part, frozen=True):
    """A value as written. In quotes, it is text even if it looks like a number."""

    text: str
    is_quoted: bool = False

    @property
    def is_glob(self) -> bool:
        """Whether a `*` in it matches anything."""
        return "*" in self.text and not self.is_quoted

    def __str__(self) -> str:
        return quoted(self.text) if self.is_quoted else self.text


class Regex(_Part, frozen=True):
    """A regular expression, which may match anywhere in a text."""

    pattern: str
    span: Span = Span()

    def __str__(self) -> str:
        return slashed(self.pattern)


class Range(_Part, frozen=True):
    """A range from `low` to `high`, both included; an empty end is open."""

    low: str
    high: str

    def __str__(self) -> str:
        return f"{self.low}..{self.high}"


Value: TypeAlias = "TextValue | Regex | Range"


class Text(_Part, frozen=True):
    """A text somewhere in a task's name, swept values, notes or tags.

    With `is_glob`, a `*` matches any text. `span` is its position if it is not in quotes.
    """

    text: str
    span: Span | None = None
    is_glob: bool = False

    def __str__(self) -> str:
        return self.text if self.is_glob else quote(self.text)


class FieldTest(_Part, frozen=True):
    """A comparison of a field with one or more values; `operator` is one of `< <= > >= = != :`."""

    key: str
    operator: str
    values: tuple[Value, ...]
    span: Span = Span()  # of the key
    end: int = 0

    def __str__(self) -> str:
        return f"{written(self.key)}{self.operator}{','.join(map(str, self.values))}"


class PresenceTest(_Part, frozen=True):
    """Whether a task has one of several fields (`has:`), or none of them (`no:`)."""

    wanted: bool
    keys: tuple[str, ...]
    spans: tuple[Span, ...] = ()

    def __str__(self) -> str:
        return f"{'has' if self.wanted else 'no'}:{','.join(map(quote, self.keys))}"


class StatusTest(_Part, frozen=True):
    """A property of a task: `is:pinned`, `is:failed`."""

    words: tuple[str, ...]

    def __str__(self) -> str:
        return f"is:{','.join(self.words)}"


class Not(_Part, frozen=True):
    """A term that must not match."""

    term: Term

    def __str__(self) -> str:
        return f"-{_inner(self.term, (And, Or))}"


class And(_Part, frozen=True):
    """Terms that must all match."""

    terms: tuple[Term, ...]

    def __str__(self) -> str:
        return " ".join(_inner(term, (Or,)) for term in self.terms)


class Or(_Part, frozen=True):
    """Terms of which at least one must match."""

    terms: tuple[Term, ...]

    def __str__(self) -> str:
        return " OR ".join(map(str, self.terms))


Term: TypeAlias = "Text | Regex | FieldTest | PresenceTest | StatusTest | Not | And | Or"


class Query(_Part, frozen=True):
    """A parsed query; without a term it matches all tasks."""

    term: Term | None = None
    source: QueryText = QueryText()

    def __str__(self) -> str:
        return "" if self.term is None else str(self.term)


def _inner(term: Term, kinds: tuple[type, ...]) -> str:
    return f"({term})" if isinstance(term, kinds) else str(term)
