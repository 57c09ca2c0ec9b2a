"""A real Slurm of one node runs real sweeps: the same bytes as here, whatever is killed."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from one_node_slurm import OneNodeSlurm, reason_to_skip

pytest.importorskip("zarr")

from tests_of_sweeps import bytes_of, design_of

from sim.sweep.answers import open_sweep
from sim.sweep.store import AT, Store

ROOT = Path(__file__).parents[1]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(reason_to_skip() is not None, reason=reason_to_skip() or ""),
]
SETTINGS = """
[slurm]
partition = "main"
memory = "1500M"
max_tasks = 2
poll_seconds = 0.5
setup = ["export PYTHONPATH='{root}'"]
[dask]
jobqueue = "slurm"
workers = 2
interface = "lo"
"""
UNITS = 6


@pytest.fixture(scope="module")
def slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OneNodeSlurm]:
    with OneNodeSlurm(tmp_path_factory.mktemp("slurm") / "s") as made:
        yield made


def sweep(
    folder: Path, executor: str, *words: str, slurm: OneNodeSlurm | None = None
) -> subprocess.Popen[str]:
    """`laborshift sweep` of the small design in units of two runs, by an executor."""
    design_of(folder, unit=2)
    (folder / "cluster.toml").write_text(SETTINGS.format(root=ROOT), encoding="utf-8")
    command = [sys.executable, "-m", "sim.cli", "sweep", "small.toml", "--executor", executor, "--quiet"]
    return subprocess.Popen(
        [*command, *(["--cluster", "cluster.toml"] if slurm else []), *words],
        cwd=folder,
        env=(slurm.environment if slurm else os.environ) | {"PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE,
        text=True,
    )


def ended(driver: subprocess.Popen[str]) -> str:
    """What a driver said on standard error when it had ended."""
    with driver:
        _, said = driver.communicate(timeout=400)
    return said


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The bytes of the sweep by `--executor local`. Compiles the kernels, before tasks of Slurm would at once."""
    folder = tmp_path_factory.mktemp("here")
    driver = sweep(folder, "local", "--jobs", "2")
    assert not (said := ended(driver)) and driver.returncode == 0, said
    return bytes_of(store_in(folder).folder)


def store_in(folder: Path) -> Store:
    return Store(next((folder / "outputs").glob("small-*")))


def until(what: str, happens: Callable[[], object], seconds: float = 120.0) -> None:
    deadline = time.monotonic() + seconds
    while not happens():
        assert time.monotonic() < deadline, what
        time.sleep(0.05)


def at_work(folder: Path) -> dict[int, int]:
    """Unit -> process of the tasks that are in the middle of a run of a sweep in `folder`."""
    units = {int(file.name) for file in folder.glob(f"outputs/small-*/{AT}/*") if file.name.isdecimal()}
    found = {}
    for entry in Path("/proc").iterdir():
        try:
            words = (entry / "cmdline").read_text().split("\0") if entry.name.isdecimal() else []
        except OSError:
            continue
        if "sweep-unit" in words and words[words.index("sweep-unit") + 1].startswith(str(folder)):
            task = int(words[words.index("--task") + 1])  # of the first array, where a task is a unit
            if task in units:
                found[task] = int(entry.name)
    return found


def test_job_arrays_survive_the_death_of_a_task_and_of_the_driver(
    slurm: OneNodeSlurm, here: dict[str, str], tmp_path: Path
) -> None:
    with sweep(tmp_path, "slurm", slurm=slurm) as driver:
        until("a task is at work", lambda: at_work(tmp_path))
        unit, process = at_work(tmp_path).popitem()
        os.kill(process, signal.SIGKILL)
        store = store_in(tmp_path)
        until("a unit is done", store.done)
        driver.kill()
    assert len(store.done()) < UNITS and unit not in store.done()
    driver = sweep(tmp_path, "slurm", "--resume", slurm=slurm)
    said = ended(driver)
    assert driver.returncode == 0, said
    assert not store.missing() and not store.damaged() and not open_sweep(store.folder).failed()
    assert bytes_of(store.folder) == here
    assert all(store.told(unit)["job"]["SLURM_ARRAY_JOB_ID"] for unit in range(UNITS))
    logs = [file.read_text(encoding="utf-8") for file in (store.folder / "logs").iterdir()]
    assert not any(re.search(r"Traceback|error:", text) for text in logs), logs


def test_dask_on_slurm_gives_the_same_bytes(
    slurm: OneNodeSlurm, here: dict[str, str], tmp_path: Path
) -> None:
    pytest.importorskip("dask_jobqueue")
    driver = sweep(tmp_path, "dask", slurm=slurm)
    said = ended(driver)
    assert driver.returncode == 0, said
    store = store_in(tmp_path)
    assert not store.missing() and bytes_of(store.folder) == here
    until("the workers leave the queue", lambda: not slurm.ask("squeue", "--noheader"))


def test_an_interrupt_takes_the_tasks_out_of_the_queue(
    slurm: OneNodeSlurm, here: dict[str, str], tmp_path: Path
) -> None:
    driver = sweep(tmp_path, "slurm", slurm=slurm)
    until("a task runs", lambda: slurm.ask("squeue", "--noheader", "--states=R"))
    driver.send_signal(signal.SIGINT)
    said = ended(driver)
    assert driver.returncode == 130 and "--resume goes on" in said and "Traceback" not in said, said
    until("the queue is empty", lambda: not slurm.ask("squeue", "--noheader"), 20.0)


def test_a_refusal_of_slurm_is_one_message(slurm: OneNodeSlurm, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.toml"
    wrong.write_text('[slurm]\npartition = "nowhere"\n', encoding="utf-8")
    driver = sweep(tmp_path, "slurm", "--cluster", "wrong.toml", slurm=slurm)
    said = ended(driver)
    assert driver.returncode == 2 and "sbatch refuses" in said and said.count("\n") == 1, said
