"""Running a script up to its parser."""

from __future__ import annotations

import builtins
import importlib
import io
import json
import os
import sys
import traceback
import types
from typing import Any

from . import imports, parsers
from .confine import confine
from .session import CommandLine, Session

_MAX_FILE_BYTES = 256 << 20


def run(request: str) -> None:
    """Run the script of a request; the answer is in the file that it names."""
    with open(request, encoding="utf-8") as file:
        session = Session(json.load(file))
    _limit()
    confine(session)
    parsers.install(session)
    imports.install(session)
    script = session.script
    sys.argv = CommandLine([script])
    sys.path.insert(0, os.path.dirname(os.path.abspath(script)))
    try:
        with io.open_code(script) as source:
            code = compile(source.read(), script, "exec", dont_inherit=True)
        try:
            _execute(script, code, None)
        except ImportError as error:
            if "no known parent package" not in str(error):
                raise
            _execute(script, code, _package(session))
    except SystemExit as error:
        session.stopped("exit", "" if error.code is None else str(error.code), _line(session, error))
    except BaseException as error:
        text = type(error).__name__ + (": " + str(error) if str(error) else "")
        if isinstance(error, ModuleNotFoundError) and error.name:
            session.missing = error.name
        session.stopped("exception", text, _line(session, error))
    session.stopped("ended", "")


def _execute(script: str, code: Any, package: str | None) -> None:
    main = types.ModuleType("__main__")
    main.__dict__.update(__file__=script, __builtins__=builtins, __cached__=None, __package__=package)
    sys.modules["__main__"] = main
    exec(code, main.__dict__)


def _package(session: Session) -> str:
    """Return the package of a script with relative imports, and import from the folder of the package."""
    folder, name = os.path.split(os.path.dirname(os.path.realpath(session.script)))
    names = [name]
    while os.path.isfile(os.path.join(folder, "__init__.py")):
        folder, name = os.path.split(folder)
        names.insert(0, name)
    sys.path[0] = folder
    package = ".".join(names)
    importlib.import_module(package)
    return package


def _limit() -> None:
    """Limit what the script can use without asking for it."""
    if sys.platform == "win32":
        return
    import resource

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    if soft == resource.RLIM_INFINITY or soft > _MAX_FILE_BYTES:
        resource.setrlimit(resource.RLIMIT_FSIZE, (_MAX_FILE_BYTES, hard))


def _line(session: Session, error: Any) -> int:
    """Return the line of the script where an exception left it, 0 if there is none."""
    script = os.path.realpath(session.script)
    if isinstance(error, SyntaxError) and error.filename and os.path.realpath(error.filename) == script:
        return error.lineno or 0
    lines = [
        number
        for frame, number in traceback.walk_tb(error.__traceback__)
        if os.path.realpath(frame.f_code.co_filename) == script
    ]
    return lines[-1] if lines else 0
