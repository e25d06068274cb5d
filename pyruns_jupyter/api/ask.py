"""Ask a script for its parameters."""

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
        notices: the modules that were replaced by stubs, and the files that the script tried to write.
    """

    library: str
    parameters: list[str]
    interpreter: str
    notices: list[str]


class Asking:
    """The method of `Workspace` that asks a script for its parameters."""

    _folder: WorkspaceFolder

    def ask(self, *, stub_missing: bool = False, timeout: float = 60.0) -> AskedParser:
        """Ask the script for its parameters: run it up to its command-line parser, and read the parser.

        The script runs in the interpreter of its tasks, without GPUs and without input. The workspace uses
        the parameters of the parser until the script, a file that it imports, or the interpreter changes. The
        parameters of other scripts are read from the source code, without running it.

        Args:
            stub_missing: whether to replace modules that are not installed by stubs. Values that the script
                takes from them, such as choices, may be wrong.
            timeout: the time limit in seconds.

        Returns:
            The description of the parser.

        Raises:
            InvalidInput: if the workspace has no script, or the script does not reach a parser.
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
            notices.append(
                f"These modules are not installed and were replaced by stubs: {stubbed}. Values that the "
                "script takes from them may be wrong."
            )
        if answer.written:
            written = ", ".join(answer.written)
            notices.append(f"The script tried to write these files, which were not changed: {written}.")
        names = [one.name for one in script_parameters(self._folder).parameters]
        return AskedParser(answer.library or answer.framework, names, asked.interpreter, notices)
