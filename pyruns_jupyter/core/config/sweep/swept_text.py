"""A YAML text whose values in sweep syntax are expanded one by one, as far as they are valid."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

from pyruns_jupyter.core.common.errors import InvalidInput, InvalidInputs
from pyruns_jupyter.core.common.time_limit import check_time
from pyruns_jupyter.core.config.yamltext.reader import SweptValue
from pyruns_jupyter.core.config.yamltext.template import Template
from pyruns_jupyter.core.config.yamltext.textscan import ScanError

from .batch import DEFAULT_LIMIT, Values, expand

if TYPE_CHECKING:
    from typing_extensions import Self

MAX_VALUES = 200_000  # of all keys of a text together, unless the limit of tasks is higher

P = TypeVar("P")


class SweptText(Generic[P]):
    """The base of `SweepPlan` and `SearchSpace`; `limit` is the maximum number of values of a key.

    `errors` has all errors of the text. `_pieces` are the parts of the text, with what `_read` returned
    instead of each value in sweep syntax.
    """

    def __init__(self, text: str, *, limit: int = DEFAULT_LIMIT) -> None:
        self.template = Template.examine(text)
        self.limit = limit
        self.errors: list[InvalidInput] = list(self.template.errors)
        self._pieces: list[str | P] = []
        self._max_values = max(limit, MAX_VALUES)
        self._value_count = 0
        position = 0
        for place in self.template.places:
            check_time()
            self._pieces.append(self.template.text[position : place.start])
            position = place.end
            if self._value_count > self._max_values:
                self._reject(place)
                continue
            try:
                self._pieces.append(self._read(place))
            except ScanError as error:
                self.errors.append(self.template.located(place, error))
                self._reject(place)
        self._pieces.append(self.template.text[position:])

    @classmethod
    def parse(cls, text: str, *, limit: int = DEFAULT_LIMIT) -> Self:
        """Read a YAML mapping with sweep syntax.

        Raises:
            InvalidInputs: all errors, each with a dotted key (or "yaml"), line and column.
        """
        found = cls(text, limit=limit)
        if found.errors:
            raise InvalidInputs(found.errors)
        return found

    def _read(self, place: SweptValue) -> str | P:
        """Read a value in sweep syntax; return its piece of the text.

        Raises:
            ScanError: with the offset within the value.
        """
        raise NotImplementedError

    def _reject(self, place: SweptValue) -> None:
        """Note that a value could not be read."""

    def _expanded(self, place: SweptValue) -> Values:
        """Return the candidates of a value.

        Raises:
            ScanError: when it is invalid, or all keys together have too many values: many ranges in a short
                text would fill the memory.
        """
        values = expand(place.source, key=place.key, limit=self.limit, in_flow=place.in_flow)
        self._value_count += values.count
        if self._value_count > self._max_values:
            raise ScanError(
                f"all keys up to this one have more than {self._max_values:,} values. Use fewer values"
            )
        return values
