"""Configurations for scripts: dictionaries whose keys are also attributes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any


class MissingKeyError(KeyError, AttributeError):
    """The error for a key that the configuration does not have."""

    def __str__(self) -> str:
        return str(self.args[0]) if self.args else ""


class Config(dict[str, Any]):
    """A dictionary whose keys are also attributes, as in `config.training.lr`.

    Nested dictionaries are also of this type, even if they are in lists or are added later. Use
    `config["items"]` for a key that is the name of a dictionary method or not a valid Python name.
    """

    __module__ = "pyruns_jupyter"  # where pickles look for it, wherever it is defined

    def __init__(self, values: Mapping[str, Any] | Iterable[tuple[str, Any]] = (), /, **more: Any) -> None:
        super().__init__()
        self.update(values, **more)

    def __getattr__(self, name: str) -> Any:
        return self[name]

    def __missing__(self, key: Any) -> Any:
        if isinstance(key, int) and str(key) in self:
            return self[str(key)]  # `1: a` in YAML is the key "1"
        raise MissingKeyError(_no_key(key, self))

    def __setitem__(self, key: str, value: Any) -> None:
        super().__setitem__(key, _wrap(value))

    def __setattr__(self, name: str, value: Any) -> None:
        self[name] = value

    def __delattr__(self, name: str) -> None:
        if name not in self:
            raise MissingKeyError(_no_key(name, self))
        del self[name]

    def __ior__(self, other: Any) -> Config:  # type: ignore[override]  # dict has overloads
        self.update(other)
        return self

    def __or__(self, other: Any) -> Config:  # type: ignore[override]  # dict has overloads
        if not isinstance(other, Mapping):
            return NotImplemented
        return Config({**self, **other})

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *filter(str.isidentifier, map(str, self))]

    def __repr__(self) -> str:
        return f"Config({dict.__repr__(self)})"

    def __reduce__(self) -> tuple[Any, ...]:
        return Config, (self.to_dict(),)

    def copy(self) -> Config:
        """Return a copy whose mappings and lists are copies too."""
        return Config(self.to_dict())

    def setdefault(self, key: str, default: Any = None, /) -> Any:
        """Return the value of `key`, which is first set to `default` if it is missing."""
        if key not in self:
            self[key] = default
        return self[key]

    def update(  # type: ignore[override]  # dict has overloads
        self, values: Mapping[str, Any] | Iterable[tuple[str, Any]] = (), /, **more: Any
    ) -> None:
        """Set the keys of a mapping or of pairs, and the keyword arguments."""
        for key, value in dict(values, **more).items():
            self[key] = value

    def to_dict(self) -> dict[str, Any]:
        """Return a copy as plain dictionaries and lists."""
        return {key: _unwrap(value) for key, value in self.items()}


def _wrap(value: Any) -> Any:
    if isinstance(value, Mapping) and type(value) is not Config:
        return Config(value)
    if type(value) is list:
        return [_wrap(item) for item in value]
    return value


def _unwrap(value: Any) -> Any:
    if isinstance(value, Config):
        return value.to_dict()
    if isinstance(value, list):
        return [_unwrap(item) for item in value]
    return value


def _no_key(name: Any, config: Config) -> str:
    close: list[str] = []
    if isinstance(name, str) and not name.startswith("_"):  # many programs probe objects for names with _
        import difflib

        close = difflib.get_close_matches(name, list(map(str, config)), 1)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    return f"The configuration has no key {name!r}.{hint}"
