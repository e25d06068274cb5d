"""Asking a script for its parameters."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from pyruns_jupyter.core.common.errors import InvalidInput

if TYPE_CHECKING:
    from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder


class AskedParser(NamedTuple):
    """The description of a script's parser.

    Attributes:
        library: the library or class that parses the command line.
        parameters: the names of the parameters.
        interpreter: the path of the Python interpreter that ran the script.
        notices: what was replaced by stubs, and what the script wanted to write.
    """

    library: str
    parameters: list[str]
    interpreter: str
    notices: list[str]


class Asking:
    """The part of `Workspace` that asks its script."""

    _folder: WorkspaceFolder

    def ask(self, *, stub_missing: bool = False, timeout: float = 60.0) -> AskedParser:
        """Ask the script for its parameters: run it up to its command-line parser, which describes itself.

        The workspace then has the parameters of the parser, until the script, a file that it imports or the
        interpreter changes. The script runs in the interpreter of its tasks, without GPUs and input.
        Otherwise parameters are only read from the source, and nothing runs.

        Args:
            stub_missing: replace modules that are not installed by stubs. What the script takes from them,
                such as choices, may be wrong.
            timeout: the time limit in seconds.

        Returns:
            The description of the parser.

        Raises:
            InvalidInput: if there is no script, or it reaches no parser.
        """
        # Most scripts are not asked, and without these imports the command line starts faster.
        from pyruns_jupyter.core.create.preview import script_parameters
        from pyruns_jupyter.engine.run.ask_script import ask_script

        asked = ask_script(self._folder, stub_missing=stub_missing, seconds=timeout)
        if asked.problem:
            raise InvalidInput(asked.problem, field="script")
        answer = asked.answer
        notices = []
        if answer.stubbed:
            stubbed = ", ".join(answer.stubbed)
            notices.append(f"Not installed, so replaced by stubs: {stubbed}. Values from these may be wrong.")
        if answer.written:
            written = ", ".join(answer.written)
            notices.append(f"The script wanted to write {written}; nothing was changed there.")
        names = [one.name for one in script_parameters(self._folder).parameters]
        return AskedParser(answer.library or answer.framework, names, asked.interpreter, notices)
