"""The server of the UI tests: Galata's settings, but with authentication and the XSRF check on.

PYRUNS_UI_PORT is its port; PYRUNS_UI_ROOT the folder that Lab opens, which gets a copy of examples/. With
PYRUNS_UI_READ_ONLY users may only look at tasks, with PYRUNS_UI_WITHOUT the server extension is off.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from jupyter_server.auth import Authorizer
from jupyterlab import commands
from jupyterlab.galata import configure_jupyter_server

configure_jupyter_server(c)

# Else each server starts Node.js to ask for an address of packages, for as long as all else of its start.
commands._yarn_config = lambda logger: {"yarn config": {}, "npm config": {}}

root = Path(os.environ.get("PYRUNS_UI_ROOT") or tempfile.mkdtemp(prefix="pyruns-ui-"))
examples = Path(__file__).resolve().parent.parent / "examples"
left_out = shutil.ignore_patterns("_pyruns_", "__pycache__", ".*", "own-*")
shutil.copytree(examples, root, dirs_exist_ok=True, ignore=left_out)

c.ServerApp.port = int(os.environ.get("PYRUNS_UI_PORT", "8895"))
c.ServerApp.port_retries = 0
c.ServerApp.root_dir = str(root)
# Lab's layout belongs to the folder, so that a server that is started again finds it.
c.LabApp.workspaces_dir = str(root / ".lab-workspaces")
# Only for this throw-away server; the browser sends it in a header (see playwright.config.js).
c.IdentityProvider.token = "ui-tests"
c.ServerApp.disable_check_xsrf = False
c.ServerApp.allow_unauthenticated_access = False


class OnlyReading(Authorizer):
    """Lets everybody look at tasks, and nobody change them."""

    def is_authorized(self, handler, user, action, resource):
        """Tell whether something may be done."""
        return resource != "pyruns" or action == "read"


if os.environ.get("PYRUNS_UI_READ_ONLY"):
    c.ServerApp.authorizer_class = OnlyReading
if os.environ.get("PYRUNS_UI_WITHOUT"):
    c.ServerApp.jpserver_extensions = {"pyruns_jupyter": False}
