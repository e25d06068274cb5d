"""Patching the libraries that a script imports, and stubs for those that are not installed."""

from __future__ import annotations

import ast
import contextlib
import dis
import importlib.machinery
import sys
import types
from typing import TYPE_CHECKING, Any

from . import commands, frameworks
from .session import Session, callers
from .values import NOT_INSTALLED

if TYPE_CHECKING:
    from collections.abc import Callable

    _Patch = Callable[[Session, Any], None]
_PATCHES: dict[str, _Patch] = {
    "click.core": commands.patch_click,
    "typer.core": commands.patch_typer,
    "fire.core": commands.patch_fire,
    "hydra.main": frameworks.patch_hydra,
    "omegaconf.omegaconf": frameworks.patch_omegaconf,
    "absl.flags._flagvalues": frameworks.patch_absl,
    "tyro._cli": frameworks.patch_tyro,
    "jsonargparse._core": frameworks.patch_jsonargparse,
    "jsonargparse.core": frameworks.patch_jsonargparse,
}
# A parser cannot be described by a stub of its library.
_NEVER_STUBBED = {name.split(".")[0] for name in _PATCHES} | {
    "configargparse",
    "draccus",
    "pyrallis",
    "simple_parsing",
}
_OPTIONAL = {"ImportError", "ModuleNotFoundError", "Exception", "BaseException"}


def install(session: Session) -> None:
    """Patch libraries as soon as the script imports them."""
    sys.meta_path.insert(0, _PatchingFinder(session))
    if session.stub_missing:
        sys.meta_path.append(_StubFinder(session))


class _PatchingFinder:
    """Finds the modules to patch with the other finders, and patches them after their code has run."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.busy: set[str] = set()

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        if name not in _PATCHES or name in self.busy:
            return None
        self.busy.add(name)
        for finder in sys.meta_path:
            find = getattr(finder, "find_spec", None)
            spec = find(name, path, target) if finder is not self and find is not None else None
            if spec is not None and spec.loader is not None:
                spec.loader = _PatchingLoader(self.session, spec.loader, _PATCHES[name])
                return spec
        return None


class _PatchingLoader:
    def __init__(self, session: Session, loader: Any, patch: _Patch) -> None:
        self.session = session
        self.loader = loader
        self.patch = patch

    def __getattr__(self, name: str) -> Any:
        return getattr(self.loader, name)

    def create_module(self, spec: Any) -> Any:
        return self.loader.create_module(spec)

    def exec_module(self, module: Any) -> None:
        self.loader.exec_module(module)
        # In another version of the library nothing may be intercepted.
        with contextlib.suppress(AttributeError, TypeError):
            self.patch(self.session, module)


class _StubFinder:
    """Finds the modules that are not installed: the last finder, so nothing else has found them."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.trees: dict[str, ast.Module | None] = {}

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        top = name.split(".")[0]
        stubbed = isinstance(sys.modules.get(top), StubModule)
        if ("." in name and not stubbed) or top in _NEVER_STUBBED:
            return None  # the first: a module that an installed package lacks
        if top in getattr(sys, "stdlib_module_names", ()):
            return None
        if not stubbed and self._is_optional():
            return None
        self.session.stubbed[top] = None
        return importlib.machinery.ModuleSpec(name, _StubLoader(), is_package=True)  # type: ignore[arg-type]

    def _is_optional(self) -> bool:
        """Return whether the script handles that the import fails."""
        for frame in callers():
            name = frame.f_code.co_filename
            if not name.startswith("<frozen importlib") and name not in (
                importlib.machinery.__file__,
                __file__,
            ):
                return self._handles(name, frame.f_lineno)
        return False

    def _handles(self, name: str, line: int) -> bool:
        if name not in self.trees:
            try:
                with open(name, "rb") as file:
                    self.trees[name] = ast.parse(file.read())
            except (OSError, ValueError, SyntaxError, RecursionError):
                self.trees[name] = None
        tree = self.trees[name]
        for node in ast.walk(tree) if tree is not None else ():
            if not isinstance(node, ast.Try) or not node.handlers:
                continue
            inside = node.lineno < line < node.handlers[0].lineno
            if inside and any(one.type is None or _names(one.type) & _OPTIONAL for one in node.handlers):
                return True
        return False


def _names(node: ast.AST) -> set[str]:
    return {getattr(one, "id", getattr(one, "attr", "")) for one in ast.walk(node)}


class _StubLoader:
    def create_module(self, spec: Any) -> Any:
        return StubModule(spec.name)

    def exec_module(self, module: Any) -> None:
        module.__path__ = []


class Stub:
    """Stands for anything of a library that is not installed."""

    def __init__(self, name: str) -> None:
        self.__dict__["_name"] = name

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)
        return Stub(self._name + "." + name)

    def __call__(self, *words: Any, **given: Any) -> Any:
        # a decorator returns what it decorates
        if len(words) == 1 and not given and isinstance(words[0], (types.FunctionType, type)):
            return words[0]
        return Stub(self._name + "()")

    def __mro_entries__(self, bases: tuple[Any, ...]) -> tuple[Any, ...]:
        first = next(one for one in bases if isinstance(one, Stub))
        known = any(isinstance(one, type) and issubclass(one, _StubBase) for one in bases)
        return (_StubBase,) if self is first and not known else ()

    def __setattr__(self, name: str, value: Any) -> None:
        self.__dict__[name] = value

    def __getitem__(self, key: Any) -> Any:
        return Stub(self._name + "[]")

    def __setitem__(self, key: Any, value: Any) -> None:
        pass

    def __iter__(self) -> Any:
        frame = sys._getframe(1)
        step = frame.f_code.co_code[frame.f_lasti : frame.f_lasti + 2]
        # `a, b = stub` needs as many items; a loop has no turns
        return iter([self] * step[1] if step[0] == dis.opmap["UNPACK_SEQUENCE"] else [])

    def __len__(self) -> int:
        return 0

    def __bool__(self) -> bool:
        return False

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_: Any) -> None:
        return None

    def _is_false(self, _: Any) -> bool:
        return False

    __contains__ = __instancecheck__ = __subclasscheck__ = _is_false
    __lt__ = __le__ = __gt__ = __ge__ = _is_false

    def __index__(self) -> int:  # of a range
        return 0

    def __int__(self) -> int:  # otherwise `__index__` would make up a default
        raise TypeError(repr(self) + " is not a known number")

    __float__ = __int__

    def __fspath__(self) -> str:
        return ""

    def __repr__(self) -> str:
        return "<" + str(self._name) + NOT_INSTALLED

    def _self(self, _: Any) -> Any:
        return self

    __or__ = __add__ = __sub__ = __mul__ = __truediv__ = __floordiv__ = __mod__ = __pow__ = _self
    __ror__ = __radd__ = __rsub__ = __rmul__ = __rtruediv__ = __rfloordiv__ = __rmod__ = __rpow__ = _self


class _StubBase:
    """Stands for the classes among the bases of a class that are not installed."""

    apply = Stub("apply")  # of a function of torch.autograd, which modules keep under another name

    def __init__(self, *_: Any, **__: Any) -> None:
        pass

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)
        return Stub(name)


class StubModule(types.ModuleType):
    """Stands for a module that is not installed."""

    __version__ = "99.0.0"  # scripts assert that it is new enough

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name.endswith("__"):
            raise AttributeError(name)
        found = Stub(self.__name__ + "." + name)
        setattr(self, name, found)
        return found
