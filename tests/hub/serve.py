"""A hub for the tests in a browser: `python -m tests.hub.serve FOLDER` until standard input ends.

Writes one line of JSON once it answers: `url` and the `password` of every user.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from tests.engine.support import stop_everything
from tests.hub.hub import Hub


def main() -> None:
    """Serve until nobody needs it any more."""
    folder = Path(sys.argv[1])
    try:
        hub = Hub(folder, options=("--LabApp.expose_app_in_browser=True",), lab=True)
        print(json.dumps({"url": hub.url, "password": hub.password}), flush=True)
        sys.stdin.read()
        hub.close()
    finally:
        stop_everything(folder)


if __name__ == "__main__":
    main()
