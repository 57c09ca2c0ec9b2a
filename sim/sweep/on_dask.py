"""Sweeps on a Dask cluster: one that is there, or one whose workers are Slurm jobs for as long as a round lasts."""

from __future__ import annotations

import math
import os
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from sim.errors import InputError
from sim.sweep.cluster import (
    LOGS,
    DaskSettings,
    SlurmSettings,
    done_units,
    parted,
    seconds_a_unit,
)
from sim.sweep.drive import Tell, say
from sim.sweep.slurm import prologue, require

DASK_S = 30.0
"""Seconds of work that make a Dask task."""
REACH_S = 30.0
"""Seconds within which a Dask scheduler is reached."""

_ALONE = threading.Lock()


def do_batch(store: str, units: Sequence[int]) -> None:
    """Units in a Dask worker, one at a time however many threads it has: a death of the process is its unit's doing."""
    os.environ.update(OMP_NUM_THREADS="1", NUMBA_NUM_THREADS="1")
    from sim.sweep.work import do_unit

    for unit in units:
        with _ALONE:
            do_unit(Path(store), unit)


class OnDask:
    """A Dask cluster: one that is there, or one whose workers are Slurm jobs for as long as a round lasts."""

    name = "dask"

    def __init__(self, asked: DaskSettings, slurm: SlurmSettings) -> None:
        self.asked, self.slurm = asked, slurm
        for library in ("distributed", *(["dask_jobqueue"] if asked.jobqueue else [])):
            if find_spec(library) is None:
                problem, allowed = f"{library} is not installed", "pip install 'laborshift[cluster]' first"
                raise InputError(problem, key="--executor", allowed=allowed)
        if asked.jobqueue:
            require("sbatch")

    def carry_out(self, store: Path, units: Sequence[int], tell: Tell) -> None:
        """As `Executor`. InputError where the cluster cannot be reached, or has no LaborShift like this one."""
        store = store.resolve()
        with self._client(store) as client:
            _hand_out(client, store, list(units), tell)

    @contextmanager
    def _client(self, store: Path) -> Iterator[Any]:
        from distributed import Client

        with ExitStack() as stack:
            where: dict[str, Any] = {"scheduler_file": self.asked.scheduler_file}
            if self.asked.jobqueue:
                where = {"address": stack.enter_context(self._cluster(store))}
            elif self.asked.address:
                where = {"address": self.asked.address}
            try:
                client = Client(**where, timeout=REACH_S, set_as_default=False)
            except (OSError, ValueError) as why:
                place = self.asked.address or self.asked.scheduler_file
                problem, allowed = (
                    f"no Dask scheduler answers at {place}",
                    "a cluster that runs, reached from here",
                )
                raise InputError(f"{problem} ({why})", key="dask", allowed=allowed) from None
            yield stack.enter_context(client)

    @contextmanager
    def _cluster(self, store: Path) -> Iterator[Any]:
        """Workers in Slurm jobs; lost ones are replaced."""
        from dask_jobqueue.slurm import SLURMCluster

        slurm = self.slurm
        made = SLURMCluster(
            queue=slurm.partition,
            account=slurm.account,
            walltime=slurm.walltime,
            cores=slurm.cpus,
            processes=slurm.cpus,
            memory=f"{slurm.memory}iB",
            job_mem=slurm.memory,
            job_name="laborshift-dask",
            job_script_prologue=prologue(slurm),
            job_extra_directives=list(slurm.extra),
            python=slurm.python,
            interface=self.asked.interface,
            log_directory=str(store / LOGS),
            scheduler_options={"dashboard": False, "dashboard_address": ":0"},
        )
        with made:
            jobs = math.ceil(self.asked.workers / slurm.cpus)
            made.adapt(minimum_jobs=jobs, maximum_jobs=jobs)
            yield made


def _hand_out(client: Any, store: Path, units: list[int], tell: Tell) -> None:
    """Batches of units to the workers, two ahead of each, until all have come back one way or the other."""
    from distributed import as_completed

    flow = as_completed(loop=client.loop, raise_errors=False)
    asked: dict[Any, list[int]] = {}
    begun, looked, workers, warned = time.monotonic(), 0.0, 0, False
    while units or asked:
        if time.monotonic() > looked + 1.0:
            try:
                looked, workers = time.monotonic(), len(client.nthreads())
            except OSError:  # the next round says so where it does not come back
                say("the Dask scheduler is gone")
                return
        if not workers and not warned and time.monotonic() > begun + 60.0:
            warned = True
            say("no Dask worker has come yet; waiting")
        room = 2 * workers - len(asked)
        if units and room > 0:
            seconds = seconds_a_unit(store)
            lists = [[unit] for unit in units]
            if seconds is not None:
                lists = parted(units, seconds, 4 * workers, 0.0, DASK_S)
            for batch in lists[:room]:
                future = client.submit(do_batch, str(store), batch, pure=False, retries=0)
                asked[future] = batch
                flow.add(future)
                units = units[len(batch) :]
        ready = flow.next_batch(block=False)
        for future in ready:
            batch = asked.pop(future)
            _look(future, batch)
            for unit in sorted(done_units(store).intersection(batch)):
                tell(unit)
        if not ready:
            time.sleep(0.1)


def _look(future: Any, batch: Sequence[int]) -> None:
    """Say why a batch came back undone. InputError for what all batches would come back with."""
    if future.status == "finished":
        return
    why = future.exception() if future.status == "error" else None
    if isinstance(why, InputError):
        raise why
    if isinstance(why, ModuleNotFoundError):
        problem = f"the Dask workers have no {why.name}"
        allowed = "workers with this version of laborshift[sweep] installed"
        raise InputError(problem, key="dask", allowed=allowed)
    text = str(why).splitlines()[0] if str(why or "") else future.status
    say(f"units {batch[0]} to {batch[-1]} were not done: {type(why).__name__ if why else 'lost'}: {text}")


__all__ = ["OnDask", "do_batch"]
