"""What one probe was asked for, what it has observed, and the file that it answers in."""

from __future__ import annotations

import json
import os
import sys
import time
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from collections.abc import Iterator

VERSION = 1
_MAX_LISTED = 500  # files and modules
_MAX_TEXT = 2000
_READ_TOO = (".yaml", ".yml", ".json", ".toml", ".ini", ".cfg", ".gin")
_MAX_FRAMES = 60


class CommandLine(list):  # type: ignore[type-arg]  # it cannot be subscripted in Python 3.8
    """The words of the command line: slices and copies of `sys.argv` keep this type."""

    def __getitem__(self, index: Any) -> Any:
        found = super().__getitem__(index)
        return CommandLine(found) if isinstance(index, slice) else found

    def copy(self) -> CommandLine:
        return CommandLine(self)


def callers() -> Iterator[Any]:
    """Yield the frames of the callers of the function that calls this, the innermost one first."""
    frame: Any = sys._getframe(1).f_back
    for _ in range(_MAX_FRAMES):
        if frame is None:
            return
        yield frame
        frame = frame.f_back


class Session:
    """One probe. `finish` writes its answer and ends the process."""

    def __init__(self, request: dict[str, Any]) -> None:
        self.script: str = request["script"]
        self.root: str = os.path.join(os.path.realpath(request["root"]), "")
        prefix = os.path.join(os.path.realpath(sys.prefix), "")
        # An environment inside the project.
        self.excluded: str = prefix if prefix.startswith(self.root) else ""
        self.result: str = request["result"]
        self.scratch: str = request["scratch"]
        self.stub_missing: bool = request["stub_missing"]
        self.checks: list[list[str]] = request["checks"]
        self.started = time.monotonic()
        self.process = os.getpid()
        self.stubbed: dict[str, None] = {}
        self.files: dict[str, None] = {}
        self.written: dict[str, None] = {}
        self.confined = False
        self.missing = ""  # the module that could not be imported
        # A parser that may not be the last one: the answer if the script reaches no other.
        self.candidate: dict[str, Any] | None = None
        self.places: dict[int, tuple[str, int]] = {}
        self.inside = 0  # while the probe itself calls a framework, nothing is intercepted

    def note_place(self, thing: Any) -> None:
        """Note where the project declares an argument."""
        for frame in callers():
            name = frame.f_code.co_filename
            if self.owns(name):
                self.places[id(thing)] = (self.relative(name), frame.f_lineno)
                return

    def place_of(self, thing: Any) -> tuple[str, int]:
        """Return the file, relative to the project, and the line of a declaration."""
        return self.places.get(id(thing), ("", 0))

    def owns(self, name: str) -> bool:
        """Return whether a file belongs to the project."""
        if not name or name.startswith("<"):
            return False
        path = os.path.realpath(name)
        if not path.startswith(self.root) or (self.excluded and path.startswith(self.excluded)):
            return False
        return "site-packages" not in path[len(self.root) :]

    def relative(self, name: str) -> str:
        """Return the path of a file of the project within it."""
        return os.path.realpath(name)[len(self.root) :]

    def note_read(self, path: str) -> None:
        """Note a configuration file of the project that the script opens."""
        if path.endswith(_READ_TOO) and len(self.files) < _MAX_LISTED and self.owns(path):
            self.files[self.relative(path)] = None

    def finish(self, answer: dict[str, Any]) -> NoReturn:
        """Write the answer and end the process, without running anything else of the script."""
        if os.getpid() != self.process:
            os._exit(0)  # a process that the script forked
        self.inside += 1
        for module in list(sys.modules.values()):
            name = getattr(module, "__file__", None)
            if isinstance(name, str) and len(self.files) < _MAX_LISTED and self.owns(name):
                self.files[self.relative(name)] = None
        whole = {
            "version": VERSION,
            "python": ".".join(str(part) for part in sys.version_info[:3]),
            "seconds": round(time.monotonic() - self.started, 3),
            "confined": self.confined,
            "stubbed": list(self.stubbed)[:_MAX_LISTED],
            "written": list(self.written)[:_MAX_LISTED],
            "files": list(self.files),
        }
        whole.update(answer)
        data = json.dumps(whole, allow_nan=False).encode("ascii")
        descriptor = os.open(self.result, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        while data:
            data = data[os.write(descriptor, data) :]
        os._exit(0)

    def reached(self, framework: str, command: dict[str, Any], **more: Any) -> NoReturn:
        """Answer with the parser of the script."""
        answer: dict[str, Any] = {"framework": framework, "command": command}
        answer.update(more)
        self.finish(answer)

    def stopped(self, reason: str, message: str, line: int = 0) -> NoReturn:
        """Answer that no parser was reached, or with the one that was a candidate."""
        if self.candidate is not None:
            self.finish(self.candidate)
        message = message[:_MAX_TEXT].encode("utf-8", "replace").decode("utf-8")
        stop = {"reason": reason, "message": message, "line": line, "missing": self.missing}
        self.finish({"framework": "", "stop": stop})
