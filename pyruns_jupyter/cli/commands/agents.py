"""Commands for AI agents: the MCP server and the skill."""

from __future__ import annotations

import argparse
import sys

from pyruns_jupyter.core.taskfile.metadata import check_tags

from ..context import Context
from ..parser import AddCommand


def _mcp(context: Context, args: argparse.Namespace) -> int:
    from pyruns_jupyter.agents.mcp_server import serve  # slow to import

    if "ipykernel" in sys.modules:
        args.parser.error("Start it in a terminal, or let an agent start it")

    (tag,) = check_tags([args.tag])
    if sys.stdin.isatty():
        context.aside("Waiting for an MCP client on standard input. Agents start this command themselves.")
    serve(context.folder, args.allow, tag)
    return 0


def _skills(context: Context, args: argparse.Namespace) -> int:
    from pyruns_jupyter.agents.skills import add_skill, skill_text

    if args.action == "show":
        context.line(skill_text())
        return 0
    written = [str(path) for path in add_skill(context.folder)]
    return context.result(args, {"written": written}, "Added the skill:\n" + "\n".join(written))


def add_commands(command: AddCommand) -> None:
    """Add the commands for agents."""
    parser = command("mcp", _mcp, workspace=False, json=False)
    add = parser.add_mutually_exclusive_group().add_argument
    add(
        "--allow-changes",
        dest="allow",
        action="store_const",
        const="write",
        help="let the agent create tasks, and change tags and notes (default: it can only read)",
    )
    add(
        "--allow-execution",
        dest="allow",
        action="store_const",
        const="execute",
        help="also let the agent run and stop tasks; they run with your permissions",
    )
    about = "tag of the tasks that the agent creates or runs (default: %(default)s)"
    parser.add_argument("--tag", default="agent", metavar="TAG", help=about)

    parser = command("skills", _skills, workspace=False)
    parser.add_argument("action", choices=("add", "show"), help="add the skill to this folder, or print it")
