"""The same runs opened here and in MLflow, trackio and Aim: a table, a filtered table, and curves.

`python bench/peers.py [--runs 3000] [--points 100] [--aim PYTHON] [--folder DIR]`, from a checkout. Each
program has a server of its own that has just started, and is asked what its page asks for. Programs that are
not installed are left out. Aim needs other versions of shared packages than the others: give a Python that
has it. Writing the runs takes half an hour; with `--folder` they are kept and used again.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote, urlencode

sys.path.insert(0, str(Path(__file__).parents[1]))

from bench.index import SCRIPT, SWEEP, add_run
from pyruns_jupyter.api import Workspace
from pyruns_jupyter.core.create.create import create_tasks
from tests.nodes import free_ports
from tests.server.process import TOKEN, ServerProcess

PAGE = 50  # runs in a table, and runs whose curves are read
SETTLED_SECONDS = 65.0  # rows of files that are younger are not kept for the next process
WS = quote("_pyruns_/train", safe="")


class Run(NamedTuple):
    """A run as the other programs get it: parameters, last values, and curves."""

    name: str
    parameters: dict[str, Any]
    values: dict[str, float]
    curves: dict[str, list[float]]


Ask = Callable[[str, Any], Any]  # an address, and a body (None: GET); it returns the answer (JSON: parsed)


class Peer(NamedTuple):
    """A program: its package, and what writes the runs, starts its server and asks it.

    `filtered` is None where the server cannot filter by values.
    """

    package: str
    python: str
    fill: Callable[[Path, list[Run]], Any]
    serve: Callable[[Path, int], list[str]]
    first: Callable[[Ask, Any], Any]
    filtered: Callable[[Ask, Any], Any] | None
    curves: Callable[[Ask, Any], Any]


def make(project: Path, count: int, points: int) -> list[Run]:
    """Make a project whose tasks have one run each, and return these runs."""
    project.mkdir()
    (project / "train.py").write_text(SCRIPT, encoding="utf-8")
    workspace = Workspace.open(project / "train.py")
    names = create_tasks(workspace.folder, SWEEP.format(seeds=count // 8), "sweep")
    chance = random.Random(1)
    for name in names:
        add_run(workspace.folder.tasks / name, chance, points)
    found = []
    for name in names:
        task = workspace[name]
        run = task.runs[-1]
        curves = {"loss": [float(value) for value in run.tracks["loss"]]}
        found.append(Run(name, dict(task.config), {"acc": float(run.records["acc"])}, curves))
    return found


def fill_mlflow(folder: Path, runs: list[Run]) -> list[str]:
    """Write runs with MLflow's client; return the experiment and the IDs of the runs."""
    from mlflow import MlflowClient
    from mlflow.entities import Metric, Param

    client = MlflowClient(f"sqlite:///{folder / 'mlflow.db'}")
    experiment = client.create_experiment("train", artifact_location=str(folder / "artifacts"))
    ids = []
    for run in runs:
        made = client.create_run(experiment, run_name=run.name).info.run_id
        metrics = [Metric(key, value, 1, 0) for key, value in run.values.items()]
        metrics += [
            Metric(key, one, 1, step) for key, all_ in run.curves.items() for step, one in enumerate(all_)
        ]
        client.log_batch(made, metrics, [Param(key, str(value)) for key, value in run.parameters.items()])
        client.set_terminated(made)
        ids.append(made)
    return [experiment, *ids]


def search_mlflow(query: str) -> Callable[[Ask, list[str]], Any]:
    """Return a search as the table of MLflow's page sends it."""

    def search(ask: Ask, known: list[str]) -> Any:
        body = {"experiment_ids": known[:1], "max_results": PAGE, "filter": query}
        found = ask("ajax-api/2.0/mlflow/runs/search", {**body, "order_by": ["attributes.start_time DESC"]})
        assert found["runs"]
        return found

    return search


def curves_mlflow(ask: Ask, known: list[str]) -> Any:
    """Curves as MLflow's page asks for them."""
    words = [("run_ids", one) for one in known[1 : PAGE + 1]] + [
        ("metric_key", "loss"),
        ("max_results", "320"),
    ]
    found = ask(f"ajax-api/2.0/mlflow/metrics/get-history-bulk-interval?{urlencode(words)}", None)
    assert len({point["run_id"] for point in found["metrics"]}) == PAGE
    return found


def fill_trackio(folder: Path, runs: list[Run]) -> list[Any]:
    """Write runs with trackio's storage."""
    os.environ["TRACKIO_DIR"] = str(folder)
    from trackio.sqlite_storage import SQLiteStorage

    for run in runs:
        steps = [{"loss": value} for value in run.curves["loss"]]
        SQLiteStorage.bulk_log(
            "train", run.name, [*steps[:-1], {**steps[-1], **run.values}], config=run.parameters
        )
    return [run.name for run in runs]


def first_trackio(ask: Ask, known: list[str]) -> Any:
    """The runs and their configurations, as its page of runs asks for them."""
    found = ask("api/get_runs_for_project", {"project": "train"})["data"]
    assert len(found) == len(known)
    return ask("api/get_run_configs", {"project": "train"})


def curves_trackio(ask: Ask, known: list[str]) -> Any:
    """Curves as its page of metrics asks for them."""
    runs = [{"run": name, "run_id": None} for name in known[:PAGE]]
    found = ask("api/get_logs_batch", {"project": "train", "runs": runs, "scalar_only": True})["data"]
    assert all(one["logs"] for one in found) and len(found) == PAGE
    return found


FILL_AIM = """
import json, sys
from aim import Run

for name, parameters, values, curves in json.load(sys.stdin):
    run = Run(
        repo=sys.argv[1], system_tracking_interval=None, capture_terminal_logs=False, log_system_params=False
    )
    run.name, run["hparams"] = name, parameters
    for key, curve in curves.items():
        for step, value in enumerate(curve):
            run.track(value, key, step)
    for key, value in values.items():
        run.track(value, key)
    print(run.hash)
    run.close()
"""


def fill_aim(python: str, folder: Path, runs: list[Run]) -> list[str]:
    """Write runs with a Python that has Aim; return their hashes. A server of Aim shows what is indexed."""
    words, body = [python, "-c", FILL_AIM, str(folder)], json.dumps(runs)
    found = subprocess.run(words, input=body, stdout=subprocess.PIPE, text=True, check=True).stdout.split()
    program = str(Path(python).with_name("aim"))
    subprocess.run([program, "storage", "--repo", str(folder), "reindex", "--yes"], check=True)
    return found


def search_aim(query: str) -> Callable[[Ask, list[str]], Any]:
    """Return a search as the table of Aim's page sends it."""

    def search(ask: Ask, known: list[str]) -> Any:
        found = ask(f"api/runs/search/run/?{urlencode({'q': query, 'limit': PAGE})}", None)
        assert any(one.encode() in found for one in known)
        return found

    return search


def curves_aim(ask: Ask, known: list[str]) -> Any:
    """Curves as Aim's page asks for them."""
    query = f"metric.name == 'loss' and run.hash in {known[:PAGE]}"
    found = ask(f"api/runs/search/metric/?{urlencode({'q': query, 'p': 320})}", None)
    assert sum(one.encode() in found for one in known) == PAGE
    return found


def aim(python: str) -> Peer:
    """Return Aim in the environment of a Python."""
    return Peer(
        "aim",
        python,
        partial(fill_aim, python),
        lambda folder, port: [
            *(str(Path(python).with_name("aim")), "up", "--repo", str(folder)),
            *("--host", "127.0.0.1", "--port", str(port), "--workers", "1"),
        ],
        search_aim(""),
        search_aim("run.metrics['acc'].last > 0.5 and run.hparams.lr == 0.01"),
        curves_aim,
    )


TRACKIO_SERVER = """
import os, sys
os.environ["TRACKIO_DIR"] = os.getcwd()
import trackio
trackio.show("train", open_browser=False, host="127.0.0.1", server_port=int(sys.argv[1]), block_thread=True)
"""
PEERS = {
    "MLflow": Peer(
        "mlflow",
        sys.executable,
        fill_mlflow,
        lambda folder, port: [
            *(sys.executable, "-m", "mlflow", "server", "--workers", "1", "--port", str(port)),
            *("--backend-store-uri", f"sqlite:///{folder / 'mlflow.db'}"),
        ],
        search_mlflow(""),
        search_mlflow("metrics.acc > 0.5 and params.lr = '0.01'"),
        curves_mlflow,
    ),
    "trackio": Peer(
        "trackio",
        sys.executable,
        fill_trackio,
        lambda _, port: [sys.executable, "-c", TRACKIO_SERVER, str(port)],
        first_trackio,
        None,
        curves_trackio,
    ),
}


def asker(base: str, headers: dict[str, str]) -> Ask:
    """Return what sends requests to a server."""

    def ask(address: str, body: Any) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            base + address, data, {**headers, "Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=300) as answer:
            told = answer.read()
            return json.loads(told) if "json" in answer.headers.get_content_type() else told

    return ask


@contextmanager
def served(words: list[str], folder: Path, port: int) -> Iterator[Ask]:
    """Run the server of a program inside the block."""
    with (folder / "server.log").open("wb") as log:
        process = subprocess.Popen(words, cwd=folder, stdout=log, stderr=log, start_new_session=True)
    try:
        base = f"http://127.0.0.1:{port}/"
        while True:
            try:
                urllib.request.urlopen(base, timeout=10).close()
                break
            except OSError:
                assert process.poll() is None, (folder / "server.log").read_text()
                time.sleep(0.2)
        yield asker(base, {})
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait()


def installed(peer: Peer) -> str | None:
    """Return the version of a program, or None where its Python does not have it."""
    code = f"import importlib.metadata as found; print(found.version({peer.package!r}))"
    told = subprocess.run([peer.python, "-c", code], capture_output=True, text=True, check=False)
    return told.stdout.strip() or None


def took(ask: Callable[[], object]) -> str:
    """Return how long a question took, as text."""
    began = time.perf_counter()
    ask()
    return f"{(time.perf_counter() - began) * 1e3:,.0f} ms"


def ours(project: Path, names: list[str], home: Path) -> list[str]:
    """Return the three times of our server; its rows are known from an earlier one, as after a restart."""
    query = quote("acc>0.5 lr=0.01")
    words = [*(("name", name) for name in names[:PAGE]), ("key", "loss"), ("points", "320")]
    addresses = [f"tasks?limit={PAGE}", f"tasks?limit={PAGE}&query={query}", f"curves?{urlencode(words)}"]
    found: list[str] = []
    for _ in range(2):
        server = ServerProcess(project, home)
        try:
            ask = asker(f"{server.base}pyruns/api/", {"Authorization": f"token {TOKEN}"})
            ask("status", None)
            found = [took(partial(ask, f"workspaces/{WS}/{address}", None)) for address in addresses]
        finally:
            server.stop()
    return found


def theirs(peer: Peer, folder: Path, known: Any) -> list[str]:
    """Return the three times of another program that has the runs, after a restart, as with ours."""
    found: list[str] = []
    for _ in range(2):
        [port] = free_ports(1)  # the first server may still be ending
        with served(peer.serve(folder, port), folder, port) as ask:
            found = [
                "-" if question is None else took(partial(question, ask, known))
                for question in (peer.first, peer.filtered, peer.curves)
            ]
    return found


def write_runs(folder: Path, count: int, points: int, peers: list[Peer]) -> None:
    """Write the same runs for all programs, and what finds them again in `known.json`."""
    runs = make(folder / "project", count, points)
    known: dict[str, Any] = {"names": [run.name for run in runs]}
    for peer in peers:
        (folder / peer.package).mkdir()
        known[peer.package] = peer.fill(folder / peer.package, runs)
    time.sleep(SETTLED_SECONDS)
    (folder / "known.json").write_text(json.dumps(known))


def main() -> None:
    """Make the runs, and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3000, help="a multiple of 8")
    parser.add_argument("--points", type=int, default=100, help="values of each curve")
    parser.add_argument("--aim", metavar="PYTHON", help="a Python that has Aim")
    parser.add_argument("--folder", metavar="DIR", help="where the runs are kept and found again")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(args.folder or temporary)
        peers = {**PEERS, **({"Aim": aim(args.aim)} if args.aim else {})}
        found = [(name, peer, number) for name, peer in peers.items() if (number := installed(peer))]
        kept = folder / "known.json"
        if not kept.exists():
            folder.mkdir(exist_ok=True)
            write_runs(folder, args.runs, args.points, [peer for _, peer, _ in found])
        known = json.loads(kept.read_text())
        names = known["names"]
        print(f"| {len(names):,} runs | first table | filtered table | curves of {PAGE} runs |")
        print("| --- | ---: | ---: | ---: |")
        figures = ours(folder / "project", names, folder / "home")
        print(f"| Pyruns for Jupyter {version('pyruns_jupyter')} | {' | '.join(figures)} |", flush=True)
        for name, peer, number in found:
            figures = theirs(peer, folder / peer.package, known[peer.package])
            print(f"| {name} {number} | {' | '.join(figures)} |", flush=True)


if __name__ == "__main__":
    main()
