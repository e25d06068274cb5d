"""A real hub: JupyterHub, its proxy, and servers of several users as processes of their own."""

from __future__ import annotations

import json
import os
import secrets
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psutil

from tests.nodes import free_ports
from tests.server.process import WITHOUT_LAB
from tests.support import ROOT, wait_until

# Seconds until a hub or a server of a user has started or stopped: Python imports for some seconds, and
# several times as long on a busy machine.
PATIENCE = 150

PROXY = ROOT / "node_modules" / ".bin" / "configurable-http-proxy"

CONFIG = """
c = get_config()  # noqa
c.JupyterHub.bind_url = "http://127.0.0.1:{ports[0]}/base/"
c.JupyterHub.hub_bind_url = "http://127.0.0.1:{ports[1]}"
c.JupyterHub.db_url = "sqlite:///{folder}/hub.sqlite"
c.JupyterHub.cookie_secret_file = "{folder}/cookie_secret"
c.JupyterHub.allow_named_servers = True
c.JupyterHub.last_activity_interval = 2
c.ConfigurableHTTPProxy.command = [{proxy!r}]
c.ConfigurableHTTPProxy.api_url = "http://127.0.0.1:{ports[2]}"
c.ConfigurableHTTPProxy.pid_file = "{folder}/proxy.pid"
c.JupyterHub.authenticator_class = "shared-password"
c.SharedPasswordAuthenticator.user_password = {password!r}
c.Authenticator.allow_all = True
c.JupyterHub.spawner_class = "simple"
c.SimpleLocalProcessSpawner.home_dir_template = "{folder}/home/{{username}}"
c.Spawner.cmd = {command!r}
c.Spawner.start_timeout = c.Spawner.http_timeout = {start}
c.LocalProcessSpawner.interrupt_timeout = 2
c.LocalProcessSpawner.term_timeout = 2
c.Spawner.args = ["--allow-root", *{options!r}]
c.Spawner.default_url = "/lab"
c.Spawner.environment = {{
    "JUPYTERHUB_ACTIVITY_INTERVAL": "1",
    "JUPYTERHUB_SINGLEUSER_APP": {app!r},
    # Users of a real hub have processes of their own; here all are one.
    "PYRUNS_RUNTIME_DIR": lambda spawner: "{folder}/runtime-" + spawner.user.name,
}}
c.JupyterHub.services = [{{"name": "tests", "api_token": {token!r}}}, *{services!r}]
c.JupyterHub.load_roles = [
    {{
        "name": "tests",
        "scopes": ["admin:users", "admin:servers", "tokens", "access:servers", "shares"],
        "services": ["tests"],
    }},
    {{"name": "user", "scopes": ["self", "shares!user", "read:users:name"]}},
    *{roles!r},
]
"""


@dataclass
class Answer:
    """What a request brought."""

    status: int
    body: Any


class Hub:
    """A hub below `folder`; homes of users are in `home/<user>`.

    `command` is what each user's server is started by, `options` go to it, `services` and `roles` into the
    hub's configuration. Without `lab`, servers do not load JupyterLab and the like, which takes longer than
    all else.
    """

    def __init__(
        self,
        folder: Path,
        *,
        command: tuple[str, ...] = (),
        options: tuple[str, ...] = (),
        services: tuple[dict[str, Any], ...] = (),
        roles: tuple[dict[str, Any], ...] = (),
        lab: bool = False,
    ) -> None:
        self.folder = folder
        self.password = secrets.token_hex(16)
        self._token = secrets.token_hex(16)
        ports = free_ports(3)
        self.url = f"http://127.0.0.1:{ports[0]}/base"
        config = folder / "jupyterhub_config.py"
        (folder / "home").mkdir(parents=True)
        config.write_text(
            CONFIG.format(
                ports=ports,
                start=PATIENCE,
                folder=folder,
                proxy=str(PROXY),
                password=self.password,
                token=self._token,
                command=[*command, "jupyterhub-singleuser"],
                app="" if lab else "jupyter-server",
                options=[*([] if lab else [WITHOUT_LAB]), *options],
                services=[*services],
                roles=[*roles],
            ),
            encoding="utf-8",
        )
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith(("JUPYTER", "PYRUNS"))
        }
        environment["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), environment["PATH"]])
        environment["HOME"] = str(folder)
        self.log = folder / "hub.log"
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "jupyterhub", "-f", str(config)],
                cwd=folder,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        wait_until(self._is_up, PATIENCE, self.log.read_text, interval=0.25)

    def _is_up(self) -> bool:
        assert self._process.poll() is None, self.log.read_text()
        try:
            return self.ask("get", "/hub/api/").status == 200
        except OSError:
            return False

    def ask(self, method: str, path: str, body: Any = None, token: str | None = None) -> Answer:
        """Ask the hub, or a server behind it; as the tests' service unless another token is given."""
        headers = {"Authorization": f"token {self._token if token is None else token}"}
        if token == "":
            headers = {}
        request = urllib.request.Request(
            self.url + path,
            method=method.upper(),
            data=None if body is None else json.dumps(body).encode(),
            headers={**headers, "Content-Type": "application/json"},
        )
        try:
            with _OPENER.open(request, timeout=60) as response:
                return Answer(response.status, _read(response.read()))
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, _read(error.read()))

    def user(self, name: str) -> str:
        """Make a user, and return a token of theirs."""
        answer = self.ask("post", f"/hub/api/users/{quote(name)}")
        assert answer.status in (201, 409), answer
        (self.folder / "home" / name).mkdir(exist_ok=True)
        return str(self.ask("post", f"/hub/api/users/{quote(name)}/tokens", {}).body["token"])

    def start(self, name: str, server: str = "") -> None:
        """Start a server of a user, and wait until it is ready."""
        path = f"/hub/api/users/{quote(name)}/server" + (f"s/{server}" if server else "")
        answer = self.ask("post", path)
        assert answer.status in (201, 202), answer
        wait_until(lambda: self.is_ready(name, server), PATIENCE, self.log.read_text, interval=0.25)

    def is_ready(self, name: str, server: str = "") -> bool:
        """Tell whether a server of a user runs."""
        servers = self.ask("get", f"/hub/api/users/{quote(name)}").body["servers"]
        return bool(server in servers and servers[server]["ready"])

    def stop(self, name: str, server: str = "") -> None:
        """Have the hub stop a server, as a user or a culler does."""
        path = f"/hub/api/users/{quote(name)}/server" + (f"s/{server}" if server else "")
        answer = self.ask("delete", path)
        assert answer.status in (202, 204), answer
        wait_until(
            lambda: server not in self.ask("get", f"/hub/api/users/{quote(name)}").body["servers"],
            PATIENCE,
            self.log.read_text,
            interval=0.25,  # each look is work for the hub, its database and the proxy
        )

    def close(self) -> None:
        """End the hub, its proxy and all servers."""
        children = psutil.Process(self._process.pid).children(recursive=True)
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(PATIENCE)
        for child in children:
            try:
                child.kill()
            except psutil.NoSuchProcess:
                continue


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *unused: Any) -> None:
        return None


_OPENER = urllib.request.build_opener(_NoRedirects)


def _read(data: bytes) -> Any:
    try:
        return json.loads(data)
    except ValueError:
        return data.decode("utf-8", "replace")
