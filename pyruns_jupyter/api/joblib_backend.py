"""A backend of joblib, whose calls are tasks: `parallel_config(backend=JoblibBackend(), n_jobs=4)`."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING, Any, cast

from joblib.parallel import ParallelBackendBase

from .executor import Executor
from .queue import RunOptions, TaskOptions, batch_request
from .workspace import Workspace

if TYPE_CHECKING:
    from typing_extensions import Unpack


class JoblibBackend(ParallelBackendBase):  # type: ignore[misc]  # joblib has no types
    """Runs the calls of `joblib.Parallel` with an `Executor`, at most `n_jobs` together.

    In a cluster, twice as many can run. It needs joblib 1.5 or later. If a call fails, the queued ones are
    cancelled.
    """

    supports_retrieve_callback = True
    default_n_jobs = -1

    def __init__(
        self, project: str | os.PathLike[str] | Workspace = ".", **options: Unpack[TaskOptions]
    ) -> None:
        """Create a backend; the arguments are those of `Executor`, without `jobs` and `name`."""
        super().__init__()
        self._project = project
        self._options = options
        self._executor: Executor | None = None

    def effective_n_jobs(self, n_jobs: int | None) -> int:
        """Return the maximum number of parallel tasks; -1 is the number of CPU cores."""
        if n_jobs == 0:
            raise ValueError("n_jobs == 0 in Parallel has no meaning")
        cores = os.cpu_count() or 1
        return cores if n_jobs is None else max(1, cores + 1 + n_jobs) if n_jobs < 0 else n_jobs

    def configure(self, n_jobs: int = 1, parallel: Any = None, **_: Any) -> int:
        """Create the executor for a call of `Parallel`."""
        self.parallel = parallel
        jobs = self.effective_n_jobs(n_jobs)
        project = self._project if isinstance(self._project, Workspace) else Workspace.open(self._project)
        request = batch_request(project.folder, cast(RunOptions, self._options))
        limit = jobs if request.options.is_local else None  # joblib queues at most twice as many calls
        self._executor = Executor(project, jobs=limit, **self._options)
        return jobs

    def submit(self, func: Callable[[], Any], callback: Callable[[Any], None] | None = None) -> Any:
        """Queue a batch of calls as one task. If that fails, its future has the error."""
        assert self._executor is not None
        future: Future[Any]
        try:
            future = self._executor.submit(func)
        except Exception as error:  # noqa: BLE001  # joblib would only log it, and wait for ever
            future = Future()
            future.set_exception(error)
        if callback is not None:
            future.add_done_callback(callback)
        return future

    def retrieve_result_callback(self, out: Future[Any]) -> Any:
        """Return the result of a batch of calls."""
        return out.result()

    def terminate(self) -> None:
        """End the executor when all calls have ended."""
        if self._executor is not None:
            self._executor.shutdown(wait=False, cancel_futures=True)
            self._executor = None

    def abort_everything(self, ensure_ready: bool = True) -> None:
        """Cancel the queued calls, because one has failed."""
        self.terminate()
        if ensure_ready:
            self.configure(n_jobs=self.parallel.n_jobs, parallel=self.parallel)
