"""A notebook with widgets, executed by nbclient, saved, and turned into a page by nbconvert."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient

MOST_SAVED = 20_000  # bytes for each widget

SETUP = """
import pyruns_jupyter as pr
%load_ext pyruns_jupyter
%pyruns open train.py
ws = pr.Workspace.open("train.py")
tasks = ws.run(ws.create("lr: 0.1 | 0.2", name="kept"), jobs=2).wait(progress=False)
"""
WIDGETS = (
    "%pyruns",
    "%pyruns manager",
    "pr.Generator(ws)",
    "pr.Log(tasks[0])",
    "pr.Plot(tasks)",
    "ws",
    "pr.Gpus(ws)",
)


def test_a_saved_notebook_shows_what_was_there(project: Path) -> None:
    script = (project / "train.py").read_text()
    (project / "train.py").write_text(script + "\nfor n in range(100): pyruns.track(loss=1 / (n + 1))\n")
    notebook: Any = nbformat.v4.new_notebook()  # type: ignore[no-untyped-call]
    for text in (SETUP, *WIDGETS):
        notebook.cells.append(nbformat.v4.new_code_cell(text))  # type: ignore[no-untyped-call]
    resources = {"metadata": {"path": str(project)}}
    # A kernel that has to wait for a core may take long to start, and to send its output.
    NotebookClient(notebook, resources=resources, startup_timeout=120, iopub_timeout=120).execute()

    saved = nbformat.writes(notebook)  # type: ignore[no-untyped-call]
    bare = len(json.dumps(notebook.cells[0]))
    assert (len(saved) - bare) / len(WIDGETS) < MOST_SAVED
    for cell in notebook.cells[1:]:
        data = cell.outputs[-1]["data"]
        assert data["text/plain"]
        assert "text/html" in data or "image/svg+xml" in data

    # The state of widgets goes along, for pages that can show them; each knows what it looked like.
    states = notebook.metadata["widgets"]["application/vnd.jupyter.widget-state+json"]["state"]
    pictures = [one["state"]["_picture_then"] for one in states.values() if "_picture_then" in one["state"]]
    assert len(pictures) == len(WIDGETS)
    assert all(pictures)

    # JupyterLab saves no state unless asked to: then a page shows the pictures.
    del notebook.metadata["widgets"]
    from nbconvert import HTMLExporter  # takes long, and all workers of pytest import this file

    page, _ = HTMLExporter().from_notebook_node(notebook)  # type: ignore[no-untyped-call]
    assert page.count("kept_2_lr=0.2") >= 3
    assert "data:image/svg+xml" in page or "<polyline" in page  # inline or not, by nbconvert's version
    assert "lr is 0.1" in page  # the end of the log
    assert "CPU and memory" in page
