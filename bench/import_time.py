"""What a script pays for our package: importing it, its first `track()`, its first `load()`.

`python bench/import_time.py`. Each figure is the median of processes of their own, less a Python that does
nothing, taken in turn with it.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROUNDS = 15
NOTHING = "pass"
CASES = {
    "import pyruns_jupyter": "import pyruns_jupyter",
    "from pyruns_jupyter import load": "from pyruns_jupyter import load",
    "import and first track()": "import pyruns_jupyter as p; p.track(a=1)",
    "import and load()": "import pyruns_jupyter as p; p.load()",
    "for comparison: import yaml": "import yaml",
    "for comparison: import json": "import json",
}


def seconds(code: str, environment: dict[str, str]) -> float:
    """Return how long a Python process takes for `code`."""
    begun = time.perf_counter()
    subprocess.run([sys.executable, "-c", code], env=environment, check=True)
    return time.perf_counter() - begun


def main() -> int:
    """Print the figures."""
    with tempfile.TemporaryDirectory() as name:
        config = Path(name, "config.yaml")
        config.write_text("lr: 0.1\ntraining: {layers: [64, 32]}\n", encoding="utf-8")
        environment = {**os.environ, "PYRUNS_TASK_DIR": name, "__PYRUNS_CONFIG__": str(config)}
        taken: dict[str, list[float]] = {case: [] for case in CASES}
        nothing = []
        for _ in range(ROUNDS):
            nothing.append(seconds(NOTHING, environment))
            for case, code in CASES.items():
                taken[case].append(seconds(code, environment))
        base = statistics.median(nothing)
        print(f"a Python that does nothing: {1e3 * base:.1f} ms")
        for case, values in taken.items():
            more = statistics.median(values) - base
            print(f"{case}: {1e3 * more:.1f} ms more ({more / base:.2f} of it)")
    return 0


if __name__ == "__main__":
    sys.exit(main())
