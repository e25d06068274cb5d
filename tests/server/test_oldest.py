"""What a run has written runs nothing in a browser, with the oldest Jupyter Server and with this one."""

from __future__ import annotations

import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from urllib.parse import quote

import pytest

from pyruns_jupyter.core.create.create import create_tasks
from pyruns_jupyter.core.workspace.opening import open_workspace
from tests.recorder import Recorder
from tests.server.process import TOKEN, ServerProcess
from tests.support import ROOT

OLDEST = ROOT / ".venv-oldest"  # see tests/packaging/installed.py
ACTIVE = "<script>parent.document.title='run'</script>"
# What browsers, or JupyterLab, may take for a document that runs something.
DOCUMENTS = (
    *("a.svg", "a.SVG", "a.html", "a.htm", "a.xhtml", "a.xht", "a.xml", "a.xsl", "a.mathml", "a.rss"),
    *("a.mhtml", "a.shtml", "a.pdf", "a.swf", "a.js", "a.mjs", "a.css", "a.ipynb", "a.wasm", "a.svgz", "a"),
    *("a.png.svg", "a.html ", "a\r\nContent-Type: text~html", 'a".html', "a;.html", "ä.html"),
)
SHOWN = {"a.png": "image/png", "a.svg.png": "image/png", "a.txt": "text/plain", "a.md": "text/plain"}


@pytest.fixture(scope="module", params=["oldest", "this"])
def server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ServerProcess]:
    """A server with a task that has left such files."""
    if request.param == "oldest" and not (OLDEST / ".needs").exists():
        pytest.skip(f"{OLDEST} is not there: make env-installed")
    folder = tmp_path_factory.mktemp("server")
    root = folder / "root"
    root.mkdir()
    workspace = open_workspace(root)[0]
    create_tasks(workspace, "true\n", "one")
    task = Recorder(workspace, "one")
    task.start().write_text(ACTIVE)
    task.finish()
    artifacts = task.paths.artifact_dir(1)
    artifacts.mkdir(parents=True)
    for name in (*DOCUMENTS, *SHOWN):
        (artifacts / name).write_text(ACTIVE)
    python = str(OLDEST / "bin" / "python") if request.param == "oldest" else sys.executable
    running = ServerProcess(root, folder / "home", python=python, lab=False)
    yield running
    running.stop()


def fetch(server: ServerProcess, address: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
    """Status, headers (in lower case) and body of an answer."""
    request = urllib.request.Request(
        f"{server.base}pyruns/api/workspaces/_pyruns_%2F_shell_/tasks/one/{address}",
        headers={"Authorization": f"token {TOKEN}", **headers},
    )
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            found = answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        found = error.code, error.headers, error.read()
    return found[0], {name.lower(): value for name, value in found[1].items()}, found[2]


def check_inert(headers: dict[str, str], disposition: str) -> None:
    assert headers["content-disposition"].startswith(f"{disposition}; filename*=UTF-8''")
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-security-policy"] == "sandbox; default-src 'none'"


@pytest.mark.parametrize("name", DOCUMENTS)
def test_documents_are_only_saved(server: ServerProcess, name: str) -> None:
    address = f"runs/1/artifacts/{quote(name, safe='')}"
    status, headers, body = fetch(server, address)
    assert (status, body) == (200, ACTIVE.encode())
    assert headers["content-type"] == "application/octet-stream"
    check_inert(headers, "attachment")
    status, headers, body = fetch(server, address, Range="bytes=0-7")
    assert (status, body) == (206, b"<script>")
    assert headers["content-type"] == "application/octet-stream"
    check_inert(headers, "attachment")


@pytest.mark.parametrize("name", SHOWN)
def test_what_is_shown_is_of_the_type_that_its_name_says(server: ServerProcess, name: str) -> None:
    status, headers, body = fetch(server, f"runs/1/artifacts/{name}")
    assert (status, body) == (200, ACTIVE.encode())
    assert headers["content-type"].startswith(SHOWN[name])
    check_inert(headers, "inline")


def test_a_log_is_only_saved(server: ServerProcess) -> None:
    status, headers, body = fetch(server, "logs/download")
    assert (status, body) == (200, ACTIVE.encode())
    assert headers["content-type"].startswith("text/plain")
    check_inert(headers, "attachment")


def test_what_is_not_there_is_told_as_json(server: ServerProcess) -> None:
    status, headers, body = fetch(server, f"runs/1/artifacts/{quote(ACTIVE, safe='')}")
    assert status == 404
    assert headers["content-type"].startswith("application/json")
    assert headers["x-content-type-options"] == "nosniff"
    assert b"has no artifact" in body
