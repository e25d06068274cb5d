"""What one look at the GPUs costs through the sampler, against `nvidia-smi` in the same run.

Run on a machine with an NVIDIA GPU: `python bench/gpu_sampling.py`. With PyTorch installed a process that
holds and uses GPU memory runs beside it, so that the process list is not empty.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from pyruns_jupyter.system.gpu import GpuReader

LOOKS = 200
LOAD = """
import torch, time
kept = torch.zeros(1 << 28, device="cuda")
print("ready", flush=True)
end = time.time() + 120
while time.time() < end:
    (kept * 2).sum().item()
"""


def median_ms(call: Callable[[], object], looks: int) -> tuple[float, float]:
    """Return the median and the longest duration of `looks` calls, in milliseconds."""
    taken = []
    for _ in range(looks):
        begun = time.perf_counter()
        call()
        taken.append(1e3 * (time.perf_counter() - begun))
    return statistics.median(taken), max(taken)


@contextmanager
def busy_gpu() -> Iterator[int | None]:
    """Keep the first GPU busy with one process and give its pid; None where PyTorch is missing."""
    process = subprocess.Popen(
        [sys.executable, "-c", LOAD], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    assert process.stdout is not None
    try:
        yield process.pid if process.stdout.readline() else None
    finally:
        process.kill()
        process.wait()


def main() -> int:
    """Print the figures; return 1 where there is no GPU."""
    reader = GpuReader()
    begun = time.perf_counter()
    reading = reader.read()
    first = 1e3 * (time.perf_counter() - begun)
    if reading.state != "ok":
        print(reading.message)
        return 1
    print(
        f"first look, driver opened: {first:.1f} ms; GPUs: {', '.join(gpu['name'] for gpu in reading.gpus)}"
    )
    print(f"idle: median {median_ms(reader.read, LOOKS)[0]:.2f} ms")
    with busy_gpu() as pid:
        if pid is not None:
            time.sleep(3)
        look, longest = median_ms(reader.read, LOOKS)
        query = ["nvidia-smi", "--query-gpu=index,utilization.gpu,memory.used", "--format=csv,noheader"]
        smi, _ = median_ms(lambda: subprocess.run(query, check=True, capture_output=True), 10)
        print(
            f"busy: median {look:.2f} ms, longest {longest:.2f} ms; "
            f"nvidia-smi {smi:.0f} ms; ratio {smi / look:.0f}"
        )
        for gpu in reader.read().gpus:
            print(gpu)
        print(f"the process beside: {pid}")
    reader.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
