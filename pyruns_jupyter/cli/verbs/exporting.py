"""Taking results and tasks elsewhere: tables, archives."""

from __future__ import annotations

import argparse
from pathlib import Path

from pyruns_jupyter.api import Workspace
from pyruns_jupyter.api.tables import count_text
from pyruns_jupyter.core.export.table import SUFFIXES, collected, format_of, table_chunks, write_table
from pyruns_jupyter.core.taskfile.output_file import output_file
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder

from ..context import Context
from ..parser import AddVerb, explain_query
from .shared import some


def _export(context: Context, args: argparse.Namespace) -> int:
    workspace = context.workspace(args.workspace)
    target = None if args.output in (None, "-") else context.folder / Path(args.output).expanduser()
    form = args.format or ("csv" if target is None else format_of(target))
    found = workspace.tasks("\n".join(args.query), sort=args.sort, order=args.order)
    for said in found.notices:
        context.aside(said)
    which = "latest" if args.latest else "all"
    with collected(workspace.folder, found.names, which) as table:
        if target is None:
            for chunk in table_chunks(table, form, bom=args.bom, raw=args.raw):
                context.write(chunk.decode())
            return 0
        with output_file(target, force=args.force, replaceable=SUFFIXES) as stream:
            write_table(table, stream, form, bom=args.bom, raw=args.raw)
        context.aside(f"{count_text(table.count, 'run')} written to {args.output}")
    return 0


def _archive(context: Context, args: argparse.Namespace) -> int:
    from pyruns_jupyter.core.export.archive import pack  # rarely needed, and slow to import

    workspace = context.workspace(args.workspace)
    name = args.output or (f"{args.names[0]}.zip" if len(args.names) == 1 else f"{workspace.name}.zip")
    target = context.folder / Path(name).expanduser()
    for one in args.names:
        workspace.folder.existing(one)
    with output_file(target, force=args.force, replaceable=() if args.output is None else {".zip"}) as stream:
        packed = pack(
            workspace.folder, args.names, stream, artifacts=not args.no_artifacts, secrets=args.with_secrets
        )
    for notice in packed.notices:
        context.aside(notice)
    if args.json:
        context.json({"archive": name, "tasks": packed.tasks, "notices": packed.notices})
    else:
        context.aside(f"{some(packed.tasks)}: {packed.size / 2**20:.1f} MiB archived in {name}")
    return 0


def _import(context: Context, args: argparse.Namespace) -> int:
    from pyruns_jupyter.core.export.archive import unpack  # rarely needed, and slow to import

    into = context.folder / Path(args.into).expanduser() if args.into else _here(context, args)
    found = unpack(context.folder / Path(args.file).expanduser(), into, as_name=args.as_name)
    for notice in found.warnings():
        context.aside(notice)
    if args.json:
        context.json(
            {
                "workspace": found.workspace.name,
                "folder": found.workspace.folder,
                "names": found.names,
                "written": found.written,
                "left_out": found.left_out,
            }
        )
    else:
        names = list(found.names.values())
        context.line(f"{some(names)}: imported into {found.workspace.folder}")
        if found.written:
            context.line(found.written_text())
    return 0


def _here(context: Context, args: argparse.Namespace) -> Path:
    if args.workspace is None:
        return context.folder
    workspace: Workspace = context.workspace(args.workspace)
    folder: WorkspaceFolder = workspace.folder
    return folder.folder


def add_verbs(verb: AddVerb) -> None:
    """Add the verbs that take results and tasks elsewhere."""
    made = verb(
        "export", "Write results as a table: a row a run, with configuration and figures", _export, json=False
    )
    made.add_argument("query", nargs="*", help="which tasks, such as 'status:completed lr<0.05'; see below")
    made.add_argument("-f", "--format", choices=("csv", "json", "jsonl"), help="by default what FILE says")
    made.add_argument("-o", "--output", metavar="FILE", help="by default (and with '-') standard output")
    made.add_argument("--latest", action="store_true", help="one row a task: its latest run")
    made.add_argument("--sort", default="created", help="as in ls (default: %(default)s)")
    made.add_argument("--order", choices=("asc", "desc"), default="asc", help="the direction")
    made.add_argument("--bom", action="store_true", help="begin with the mark by which Excel knows UTF-8")
    made.add_argument(
        "--raw",
        action="store_true",
        help="leave texts as they are that a spreadsheet would take for formulas",
    )
    made.add_argument(
        "--force", action="store_true", help="replace FILE also when it is no table by its name"
    )
    explain_query(made)

    made = verb("archive", "Put tasks, with all their files and the script, into a zip file", _archive)
    made.add_argument("names", nargs="+", metavar="NAME", help="tasks, by their names")
    made.add_argument("-o", "--output", metavar="FILE", help="by default NAME.zip, or WORKSPACE.zip")
    made.add_argument("--no-artifacts", action="store_true", help="without what runs left in artifacts/")
    made.add_argument(
        "--with-secrets", action="store_true", help="with the values of variables that hold secrets"
    )
    made.add_argument("--force", action="store_true", help="replace FILE also when it is no .zip by its name")

    made = verb("import", "Bring the tasks of an archive into a project", _import)
    made.add_argument("file", help="the archive")
    made.add_argument("--into", metavar="TARGET", help="a folder or script (default: the current folder)")
    made.add_argument("--as", dest="as_name", metavar="NAME", help="the name of its only task here")
