"""A real Slurm cluster on this machine: a controller and nodes that have a name and a boot of their own."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
from pathlib import Path

from tests import nodes
from tests.support import wait_until

PROGRAMS = ("slurmctld", "slurmd", "sbatch", "squeue", "scancel", "scontrol", "munged", "unshare")
NODES = ("node1", "node2")

CONFIG = """\
ClusterName=tests
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
AuthInfo=socket={folder}/munge/socket
CredType=cred/munge
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool/%n
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd-%n.pid
SlurmctldLogFile={folder}/log/slurmctld.log
SlurmdLogFile={folder}/log/slurmd-%n.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SchedulerType=sched/backfill
SchedulerParameters=batch_sched_delay=0,sched_interval=1,bf_interval=1
PreemptType=preempt/partition_prio
PreemptMode=REQUEUE
ReturnToService=2
DefMemPerNode=100
MinJobAge=300
MessageTimeout=5
SlurmctldTimeout=30
SlurmdTimeout=15
SlurmdParameters=config_overrides
MaxArraySize={array_size}
GresTypes=gpu
NodeName={nodes} NodeHostname={host} NodeAddr=127.0.0.1 Port=[{ports[2]}-{ports[3]}] \
CPUs=8 RealMemory=2000 Gres=gpu:fake:2 State=UNKNOWN
PartitionName=debug Nodes=ALL Default=YES MaxTime=1:00:00 PriorityTier=1 State=UP
PartitionName=urgent Nodes=ALL MaxTime=1:00:00 PriorityTier=9 PreemptMode=OFF State=UP
"""


class Cluster:
    """A cluster below `folder`, where all its state lies; `settings` go to it by `environment`.

    `array_size` is its MaxArraySize.
    """

    def __init__(self, folder: Path, *, array_size: int = 1001) -> None:
        self.folder = folder
        for name in ("state", "log", "dev", "munge", *(f"spool/{node}" for node in NODES)):
            (folder / name).mkdir(parents=True)
        folder.chmod(0o755)
        (folder / "munge").chmod(0o755)
        for number in range(2):
            os.mknod(folder / "dev" / f"gpu{number}", 0o666 | 0o020000, os.makedev(1, 3))
        key = folder / "munge" / "key"
        key.write_bytes(os.urandom(1024))
        key.chmod(0o400)
        self.ports = nodes.free_ports(4)
        text = CONFIG.format(
            host=socket.gethostname().split(".")[0],
            folder=folder,
            ports=self.ports,
            nodes="node[1-2]",
            array_size=array_size,
        )
        (folder / "slurm.conf").write_text(text)
        (folder / "gres.conf").write_text(
            f"NodeName=node[1-2] Name=gpu Type=fake File={folder}/dev/gpu[0-1]\n"
        )
        (folder / "cgroup.conf").write_text("CgroupPlugin=disabled\n")
        self.environment = {**os.environ, "SLURM_CONF": str(folder / "slurm.conf")}
        self._munged: subprocess.Popen[bytes] | None = None
        self._controller: subprocess.Popen[bytes] | None = None
        self._nodes: dict[str, subprocess.Popen[bytes]] = {}

    @staticmethod
    def missing() -> str:
        """What of this machine does not allow a cluster, empty when nothing."""
        absent = [name for name in PROGRAMS if shutil.which(name) is None]
        if absent:
            return f"{', '.join(absent)} not installed"
        return nodes.missing()

    def start(self) -> None:
        munge = self.folder / "munge"
        self._munged = self._daemon(
            *("munged", "--foreground", "--force", f"--socket={munge}/socket", f"--key-file={munge}/key"),
            *(f"--pid-file={munge}/pid", f"--log-file={munge}/log", f"--seed-file={munge}/seed"),
        )
        wait_until(lambda: (munge / "socket").exists(), message="munged listens")
        self.start_controller()
        for node in NODES:
            self.start_node(node)
        wait_until(
            lambda: self.states() == ["idle", "idle"], message=lambda: str(self.states()), interval=0.25
        )

    def stop(self) -> None:
        for node in list(self._nodes):
            self.stop_node(node)
        self.stop_controller()
        if self._munged is not None:
            self._munged.kill()
            self._munged.wait()

    def start_controller(self, *options: str) -> None:
        self._controller = self._daemon("slurmctld", "-D", *options)

    def stop_controller(self) -> None:
        if self._controller is not None:
            self._controller.send_signal(signal.SIGTERM)
            self._controller.wait(timeout=120)
            self._controller = None

    def start_node(self, node: str) -> None:
        words = nodes.as_node(node, NODES.index(node), self.folder, "slurmd", "-D", "-N", node)
        self._nodes[node] = self._daemon(*words)

    def stop_node(self, node: str) -> None:
        """Let a node die with all that runs on it."""
        nodes.kill_node(self._nodes.pop(node))

    def states(self) -> list[str]:
        return self.run("sinfo", "-h", "-N", "-p", "debug", "-o", "%T").split()

    def run(self, *words: str) -> str:
        """Run one of Slurm's commands and return what it says."""
        done = subprocess.run(
            words, cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False
        )
        return done.stdout

    def jobs(self, form: str = "%i %T") -> list[str]:
        return self.run("squeue", "-h", "-r", "-o", form).splitlines()

    def _daemon(self, *words: str) -> subprocess.Popen[bytes]:
        log = (self.folder / "log" / "daemons.log").open("ab")
        with log:
            return subprocess.Popen(
                words,
                cwd=self.folder,  # by which the end of the tests finds what is left
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
