"""The file of a job: what the launcher stores, and the task loads."""

from __future__ import annotations

import io
import pickle
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pyruns_jupyter.core.common.errors import InvalidInput
from pyruns_jupyter.core.trust.signed_pickles import sign_pickle

if TYPE_CHECKING:
    from hydra.core.global_hydra import GlobalHydra
    from hydra.types import HydraContext
    from omegaconf import DictConfig


@dataclass(frozen=True)
class StoredJob:
    """A job of a multirun.

    Attributes:
        name: the name of the application (`hydra.job.name` by default).
        config: its complete configuration.
        context: the loader of configurations, and the callbacks after `on_multirun_start`.
        state: what `hydra.compose` needs.
    """

    name: str
    config: DictConfig
    context: HydraContext
    state: GlobalHydra


def dump_job(job: StoredJob, folder: str) -> bytes:
    """Return a job as the content of its file; `folder` is the working folder of the multirun.

    Classes of the script are stored by name: the script defines them before the job is loaded.

    Raises:
        InvalidInput: if the configuration or a callback cannot be pickled.
    """
    buffer = io.BytesIO()
    try:
        _Pickler(buffer).dump(job)
    except Exception as error:
        raise InvalidInput(
            "The job cannot be stored for its task, because a value of its configuration or a callback of "
            f"Hydra cannot be pickled: {error}"
        ) from error
    return sign_pickle(pickle.dumps({"folder": folder, "job": buffer.getvalue()}))


class _Pickler(pickle.Pickler):
    def reducer_override(self, obj: Any) -> Any:
        """Leave out the store of configurations: the script and the plugins fill that of the task."""
        from hydra.core.config_store import ConfigStore

        return (ConfigStore.instance, ()) if isinstance(obj, ConfigStore) else NotImplemented


def load_folder(data: bytes) -> tuple[str, bytes]:
    """Return the working folder of the multirun, and the data for `load_job`."""
    stored = pickle.loads(data)
    return stored["folder"], stored["job"]


def load_job(data: bytes) -> StoredJob:
    """Return the job; its classes must be importable, and the plugins of Hydra be loaded."""
    job = pickle.loads(data)
    assert isinstance(job, StoredJob)
    return job
