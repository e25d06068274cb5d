"""A cluster for the tests in a browser: `python -m tests.slurm.serve FOLDER` until standard input ends.

Writes one line of JSON once it answers: the `conf` of the cluster, or what is `missing` for one here.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from tests.slurm.cluster import Cluster


def main() -> None:
    """Serve until nobody needs it any more."""
    missing = Cluster.missing()
    if missing:
        print(json.dumps({"missing": missing}), flush=True)
        return
    cluster = Cluster(Path(sys.argv[1]))
    try:
        cluster.start()
        print(json.dumps({"conf": cluster.environment["SLURM_CONF"]}), flush=True)
        sys.stdin.read()
    finally:
        cluster.run("scancel", "--me", "--signal=KILL")
        cluster.stop()


if __name__ == "__main__":
    main()
