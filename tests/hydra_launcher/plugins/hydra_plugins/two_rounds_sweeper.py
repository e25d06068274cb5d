"""A sweeper that reads return values, as those of Optuna and Ax do: it refines the best value."""

from dataclasses import dataclass
from typing import Any

from hydra.core.config_store import ConfigStore
from hydra.core.plugins import Plugins
from hydra.core.utils import JobReturn, JobStatus
from hydra.plugins.launcher import Launcher
from hydra.plugins.sweeper import Sweeper
from hydra.types import HydraContext, TaskFunction
from omegaconf import DictConfig


@dataclass
class TwoRoundsSweeperConf:
    _target_: str = "hydra_plugins.two_rounds_sweeper.TwoRoundsSweeper"


ConfigStore.instance().store(group="hydra/sweeper", name="two_rounds", node=TwoRoundsSweeperConf)


class TwoRoundsSweeper(Sweeper):
    launcher: Launcher

    def setup(self, *, hydra_context: HydraContext, task_function: TaskFunction, config: DictConfig) -> None:
        self.launcher = Plugins.instance().instantiate_launcher(
            hydra_context=hydra_context, task_function=task_function, config=config
        )

    def sweep(self, arguments: list[str]) -> Any:
        first = self._launch([0.1, 0.4, 9.0], 0, arguments)
        best = min(value for value, job in first.items() if job.status == JobStatus.COMPLETED)
        print("failed:", [value for value, job in first.items() if job.status == JobStatus.FAILED])
        second = self._launch([best / 2], len(first), arguments)
        for value, job in {**first, **second}.items():
            if job.status == JobStatus.COMPLETED:
                print("result:", value, job.return_value, job.overrides, job.working_dir, job.task_name)
                assert job.cfg is not None and job.cfg.lr == value and "hydra" not in job.cfg
                assert job.hydra_cfg is not None and job.hydra_cfg.hydra.job.num == int(
                    job.hydra_cfg.hydra.runtime.output_dir[-1]
                )

    def _launch(self, values: list[float], first: int, arguments: list[str]) -> dict[float, JobReturn]:
        jobs = self.launcher.launch([[*arguments, f"lr={value}"] for value in values], initial_job_idx=first)
        return dict(zip(values, jobs, strict=True))
