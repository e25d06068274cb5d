"""A server as a process of its own, as users have it: it can be killed, and what it costs be measured."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tests.nodes import free_ports
from tests.support import ROOT, wait_until

TOKEN = "secret"
LAB = ("jupyterlab", "notebook", "notebook_shim", "jupyter_lsp")
WITHOUT_LAB = f"--ServerApp.jpserver_extensions={dict.fromkeys(LAB, False)}"


class ServerProcess:
    """A Jupyter server with the extension, its root at `root`; its own files lie in `home`.

    Without `lab`, it does not load JupyterLab and the like, which takes longer than all else.
    """

    def __init__(
        self,
        root: Path,
        home: Path,
        *options: str,
        port: int = 0,
        extensions: Sequence[str] = (),
        python: str = sys.executable,
        lab: bool = True,
    ) -> None:
        self.port = port or free_ports(1)[0]
        self.base = f"http://127.0.0.1:{self.port}/base/"
        home.mkdir(exist_ok=True)
        self.log = home / "server.log"
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("JUPYTER")},
            "HOME": str(home),
            "JUPYTER_CONFIG_DIR": str(home / "config"),
            "JUPYTER_DATA_DIR": str(home / "data"),
            "JUPYTER_RUNTIME_DIR": str(home / "runtime"),
            "PYTHONPATH": os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")])),
        }
        words = [python, "-m", "jupyter_server", "--no-browser", "--allow-root"]
        words += [f"--port={self.port}", "--ServerApp.port_retries=0", "--ServerApp.base_url=/base/"]
        words += [f"--IdentityProvider.token={TOKEN}", f"--ServerApp.root_dir={root}"]
        enabled = dict.fromkeys(("pyruns_jupyter", *extensions), True) | dict.fromkeys(
            () if lab else LAB, False
        )
        words += [f"--ServerApp.jpserver_extensions={enabled}", *options]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(words, env=environment, stdout=log, stderr=log, cwd=root)
        wait_until(self._answers, timeout=120.0, message=self.log.read_text)

    def _answers(self) -> bool:
        assert self.process.poll() is None, self.log.read_text()
        try:
            return bool(self.request("GET", "/status"))
        except OSError:
            return False

    def request(self, method: str, address: str, body: Any = None, **parts: str) -> Any:
        """Return the JSON that a request to the API brings.

        Raises:
            OSError: when the server refuses it, or goes meanwhile.
        """
        filled = address.format(**{key: quote(value, safe="") for key, value in parts.items()})
        request = urllib.request.Request(
            f"{self.base}pyruns/api{filled}",
            method=method,
            data=None if body is None else json.dumps(body).encode(),
            headers={"Authorization": f"token {TOKEN}", "Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.loads(answer.read())

    def kill(self) -> None:
        """Kill it with -9."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        """Let it end as by Ctrl+C pressed twice."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(120)
