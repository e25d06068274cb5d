"""The reading tools through the extension `jupyter_server_mcp`, with the proxy that agents start."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest

from pyruns_jupyter.agents.tools import READING
from pyruns_jupyter.core.common.host_identity import STATE_VARIABLE
from tests.engine.support import stop_everything
from tests.server.process import ServerProcess
from tests.support import ROOT

EXTENSION = Path(sys.prefix) / "jupyter-server-mcp"  # not among the packages: all servers would load it


@pytest.mark.skipif(not EXTENSION.exists(), reason="jupyter-server-mcp is not installed; `make test` does it")
def test_reading_a_project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mcp = pytest.importorskip("mcp")  # takes long, and all workers of pytest import this file
    from mcp.client.stdio import StdioServerParameters

    project = tmp_path / "project"
    project.mkdir()
    (project / "train.py").write_text(
        "import argparse\np = argparse.ArgumentParser()\np.add_argument('--lr')\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(EXTENSION))
    port = "--MCPExtensionApp.mcp_port=0"
    server = ServerProcess(project, tmp_path / "home", port, extensions=["jupyter_server_mcp"])
    workspace = server.request("POST", "/workspaces", {"path": "train.py"})
    server.request("POST", "/workspaces/{ws}/tasks", {"text": "lr: 1 | 2", "name": "a"}, ws=workspace["id"])
    parameters = StdioServerParameters(
        command=sys.executable,
        args=["-m", "jupyter_server_mcp.proxy"],
        env={
            "HOME": str(tmp_path / "home"),
            "JUPYTER_RUNTIME_DIR": str(tmp_path / "home" / "runtime"),
            "PYTHONPATH": os.pathsep.join((str(EXTENSION), str(ROOT))),
            STATE_VARIABLE: os.environ[STATE_VARIABLE],
        },
        cwd=project,
    )

    async def main() -> None:
        async with mcp.Client(parameters) as client:
            tools = {tool.name: tool for tool in (await client.list_tools()).tools}
            assert set(tools) >= set(READING)
            assert "run_tasks" not in tools
            assert "status:failed" in json.dumps(tools["list_tasks"].model_dump())
            result = await client.call_tool("list_tasks", {"query": "lr:2"})
            assert not result.is_error, result.content
            (one,) = json.loads(result.content[0].text)["tasks"]
            assert (one["status"], one["swept"]) == ("pending", {"lr": 2})
            result = await client.call_tool("get_task", {"task": "missing"})
            assert result.is_error
            assert "missing" in result.content[0].text

    import anyio

    try:
        anyio.run(main)
    finally:
        server.stop()
        stop_everything(project)
