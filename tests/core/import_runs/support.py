"""Runs of other programs, as these programs store them."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pyruns_jupyter.core.workspace.opening import open_workspace
from pyruns_jupyter.core.workspace.workspace import WorkspaceFolder

if TYPE_CHECKING:
    from optuna.storages import BaseStorage

SCRIPT = """\
import argparse
parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.1)
parser.parse_known_args()
"""
HYDRA_SCRIPT = """\
import csv
import hydra

@hydra.main(version_base=None, config_path=".", config_name="conf")
def main(cfg):
    from hydra.core.hydra_config import HydraConfig
    with open(HydraConfig.get().runtime.output_dir + "/metrics.csv", "w") as file:
        rows = csv.writer(file)
        rows.writerow(["epoch", "loss"])
        for epoch in range(4):
            rows.writerow([epoch, cfg.opt.lr / (epoch + 1)])
    import logging
    logging.getLogger().info("trained")

main()
"""


def workspace_in(folder: Path, *, is_shell: bool = False) -> WorkspaceFolder:
    """The workspace of a script (or of the folder) in a new project."""
    folder.mkdir(exist_ok=True)
    (folder / "train.py").write_text(SCRIPT)
    return open_workspace(folder if is_shell else folder / "train.py")[0]


def state_of(folder: Path) -> dict[str, Any]:
    """Everything below a folder: contents and times."""
    found: dict[str, Any] = {}
    for above, folders, files in os.walk(folder):
        for name in (*folders, *files):
            path = Path(above, name)
            status = path.lstat()
            content = path.read_bytes() if path.is_file() and not path.is_symlink() else b""
            found[str(path)] = (status.st_mtime_ns, status.st_mode, status.st_size, content)
    return found


def mlflow_store(top: Path, runs: int = 2) -> Path:
    """A file store as MLflow 2 writes it."""
    experiment = top / "mlruns" / "428261484851653273"
    for number in range(runs):
        folder = experiment / f"{number:032x}"
        for part in ("params/opt", "metrics/val", "tags", "artifacts/sub"):
            (folder / part).mkdir(parents=True)
        (folder / "meta.yaml").write_text(
            f"artifact_uri: file://{folder}/artifacts\nend_time: {1700000060500 + number}\n"
            f"entry_point_name: ''\nexperiment_id: '428261484851653273'\nlifecycle_stage: active\n"
            f"run_id: {number:032x}\nrun_name: trial-{number}\nstart_time: 1700000000500\n"
            f"status: {(3, 4, 5, 1)[number % 4]}\ntags: []\nuser_id: me\n"
        )
        (folder / "params" / "lr").write_text(str(0.1 * (number + 1)))
        (folder / "params" / "opt" / "name").write_text("adam | sgd: [x")
        (folder / "tags" / "mlflow.note.content").write_text("a note")
        (folder / "tags" / "team").write_text("vision")
        (folder / "artifacts" / "sub" / "model.txt").write_text("weights")
        lines = dict.fromkeys(("loss", "val/acc"), "")
        for step in range(5):
            lines["loss"] += f"{1700000000500 + step * 1000} {1 / (step + 1)} {step}\n"
            lines["val/acc"] += f"{1700000000500 + step * 1000} {step / 5} {step}\n"
        for name, text in lines.items():
            (folder / "metrics" / name).write_text(text)
    (experiment / "meta.yaml").write_text("experiment_id: '428261484851653273'\nname: digits\n")
    return top / "mlruns"


def mlflow_database(path: Path, runs: int = 2) -> Path:
    """A database with the tables that MLflow 3 creates, of which only the needed columns are here."""
    with closing(sqlite3.connect(path)) as database:
        database.executescript(
            """
            CREATE TABLE "experiments" (experiment_id INTEGER NOT NULL, name VARCHAR(256) NOT NULL);
            CREATE TABLE "runs" (run_uuid VARCHAR(32) NOT NULL, name VARCHAR(250), status VARCHAR(9),
                start_time BIGINT, end_time BIGINT, lifecycle_stage VARCHAR(20), artifact_uri VARCHAR(200),
                experiment_id INTEGER);
            CREATE TABLE "metrics" ("key" VARCHAR(250) NOT NULL, value FLOAT NOT NULL,
                timestamp BIGINT NOT NULL, run_uuid VARCHAR(32) NOT NULL, step BIGINT NOT NULL,
                is_nan BOOLEAN NOT NULL);
            CREATE TABLE "params" ("key" VARCHAR(250) NOT NULL, value VARCHAR(8000) NOT NULL,
                run_uuid VARCHAR(32) NOT NULL);
            CREATE TABLE "tags" ("key" VARCHAR(250) NOT NULL, value VARCHAR(8000),
                run_uuid VARCHAR(32) NOT NULL);
            INSERT INTO experiments VALUES (0, 'Default'), (1, 'digits');
            """
        )
        for number in range(runs):
            identity = f"{number + 1:032x}"
            folder = path.parent / "mlruns" / "1" / identity / "artifacts"
            folder.mkdir(parents=True)
            (folder / "model.txt").write_text("weights")
            status = ("FINISHED", "FAILED", "KILLED")[number % 3]
            database.execute(
                "INSERT INTO runs VALUES (?, ?, ?, ?, ?, 'active', ?, 1)",
                (identity, f"bold-owl-{number}", status, 1700000000000, 1700000009000, str(folder)),
            )
            database.execute("INSERT INTO params VALUES ('lr', ?, ?)", (str(0.5 + number), identity))
            database.execute("INSERT INTO tags VALUES ('team', 'vision', ?)", (identity,))
            for step in range(2500):  # more than one query returns
                moment = 1700000000000 + step
                for key, value, is_nan in (("loss", 1 / (step + 1), step == 3), ("acc", step / 2500, False)):
                    row = (key, value, moment, identity, step, is_nan)
                    database.execute("INSERT INTO metrics VALUES (?, ?, ?, ?, ?, ?)", row)
        database.commit()
    return path


def optuna_storage(path: Path) -> BaseStorage:
    """A database of Optuna. Without a pool, no connection to it stays open after an operation."""
    from optuna.storages import RDBStorage
    from sqlalchemy.pool import NullPool

    return RDBStorage(f"sqlite:///{path}", engine_kwargs={"poolclass": NullPool})


def hydra_outputs(folder: Path) -> Path:
    """The folder `multirun` of a real run of Hydra."""
    folder.mkdir()
    (folder / "app.py").write_text(HYDRA_SCRIPT)
    (folder / "conf.yaml").write_text("opt:\n  lr: 1.0\n  name: adam\nseed: 1\n")
    subprocess.run(
        [sys.executable, "app.py", "-m", "opt.lr=0.5,2.0", "hydra.sweep.dir=multirun/first"],
        cwd=folder,
        check=True,
        capture_output=True,
        timeout=120,
    )
    return folder / "multirun"
