"""Executors of clusters: settings, tasks, a Slurm that is played, and the same bytes from a Dask cluster."""

from __future__ import annotations

import json
import sys
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from sim.errors import InputError

pytest.importorskip("zarr")

from tests_of_sweeps import bytes_of, design_of, in_this_process

from sim.sweep import on_dask, slurm
from sim.sweep.cluster import SlurmSettings, cluster, executor, parted, seconds_a_unit, seconds_of
from sim.sweep.drive import drive, prepared
from sim.sweep.slurm import Slurm, script

ROOT = Path(__file__).parents[1]


def written(folder: Path, text: str) -> Path:
    file = folder / "cluster.toml"
    file.write_text(text, encoding="utf-8")
    return file


@pytest.mark.parametrize(
    ("text", "near", "problem"),
    [
        ("[slurm]\npartiton = 'x'", "partition", "unknown key"),
        ("[slurm]\nwalltime = 'soon'", None, "is no walltime"),
        ("[slurm]\nwalltime = '00:00:00'", None, "is no walltime"),
        ("[slurm]\nmemory = '4 GB'", None, "is no amount of memory"),
        ("[slurm]\nextra = ['qos=long']", None, "is no option"),
        ("[slurm]\ncpus = 0", None, "is out of range"),
        ("[dusk]\nworkers = 2", "dask", "unknown key"),
        ("[dask]\njobqueue = 'slrum'", "slurm", "is not a choice"),
        ("[dask]\nscheduler_file = 'no.json'", None, "there is no file"),
    ],
)
def test_mistakes_in_a_cluster_file_name_their_place(
    tmp_path: Path, text: str, near: str | None, problem: str
) -> None:
    with pytest.raises(InputError, match=problem) as raised:
        cluster(written(tmp_path, text))
    assert raised.value.nearest == near and raised.value.line == (1 if "dusk" in text else 2)
    assert str(raised.value.file).endswith("cluster.toml")


def test_a_dask_cluster_is_named_once(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="more than one cluster"):
        cluster(written(tmp_path, '[dask]\naddress = "tcp://a:1"\njobqueue = "slurm"'))
    with pytest.raises(InputError, match="names no cluster"):
        cluster(written(tmp_path, "[dask]\nworkers = 2"))
    for file in (None, written(tmp_path, "[slurm]\ncpus = 2")):
        with pytest.raises(InputError, match="which Dask cluster"):
            executor("dask", file)
    with pytest.raises(InputError, match="cannot be read"):
        cluster(tmp_path / "nowhere.toml")


def test_what_is_missing_here_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match="sbatch is not on this machine"):
        executor("slurm", None)
    file = written(tmp_path, '[dask]\njobqueue = "slurm"')
    monkeypatch.setattr(on_dask, "find_spec", lambda name: None if name == "dask_jobqueue" else name)
    with pytest.raises(InputError, match="dask_jobqueue is not installed") as raised:
        executor("dask", file)
    assert "laborshift[cluster]" in str(raised.value.allowed)


# ------------------------------------------------------------------------------------------- units into tasks


@pytest.mark.parametrize(
    ("many", "seconds", "lists"),
    [
        (1000, 10.0, 200),  # each of 200 slots its share, 50 s; 6 units fill a minute
        (1000, 600.0, 500),  # 20 minutes are two units: more tasks than slots, for later arrays
        (40, 1.0, 1),  # less than a minute
        (40, 6.0, 4),
        (3, 5000.0, 3),
    ],
)
def test_lists_have_from_a_minute_to_twenty(many: int, seconds: float, lists: int) -> None:
    units = list(range(7, 7 + many))
    found = parted(units, seconds, slots=200, least=60.0, most=1200.0)
    assert [unit for one in found for unit in one] == units
    assert abs(len(found) - lists) <= 0.2 * lists and max(map(len, found)) - min(map(len, found)) <= 1


def test_lists_fill_the_cores_of_a_task() -> None:
    assert len(parted(range(40), 6.0, 200, 60.0, 1200.0, together=8)) == 8
    assert len(parted(range(3), 6.0, 200, 60.0, 1200.0, together=8)) == 3


def test_seconds_are_those_of_markers(tmp_path: Path) -> None:
    store = folder_of(tmp_path)
    assert seconds_a_unit(store) is None
    for unit, seconds in enumerate((10.0, 900.0, 20.0)):
        (store / "units" / f"{unit:07d}.json").write_text(json.dumps({"seconds": seconds}))
    assert seconds_a_unit(store) == 20.0


def test_the_script_says_what_was_asked(tmp_path: Path) -> None:
    asked = SlurmSettings(modules=("python/3.12",), setup=("source 'my venv/bin/activate'",))
    lines = script(asked, tmp_path, tmp_path / "tasks" / "a b.json", 3).splitlines()
    assert lines[0] == "#!/bin/bash"
    assert {"module load python/3.12", "source 'my venv/bin/activate'"} < set(lines)
    assert "'" in lines[-1].split("--tasks")[1] and lines[-1].endswith('--task "$SLURM_ARRAY_TASK_ID"')
    asked = SlurmSettings(partition="long", account="lab", walltime="1-00:00:00", extra=("--qos=low",))
    words = slurm.options(asked, tmp_path / "50%" / "x-%a.txt")
    assert {"--partition=long", "--account=lab", "--time=1-00:00:00", "--mem=4G", "--qos=low"} < set(words)
    assert words[0].endswith("/50%%/x-%a.txt")
    assert seconds_of("1-02:00:03") == 26 * 3600 + 3


# ------------------------------------------------------------------------------------------ a Slurm that is played

PLAYED = {
    "scontrol": "print('MaxArraySize            = 4')",
    "squeue": "print((here / 'queue').read_text(), end='')",
    "scancel": "(here / 'cancelled').write_text(' '.join(sys.argv))",
    "sbatch": """
        if (here / "refusal").exists():
            sys.exit((here / "refusal").read_text())
        options = dict(word[2:].split("=", 1) for word in sys.argv if word.startswith("--") and "=" in word)
        number = len(list(here.glob("sent-*"))) + 1
        (here / f"sent-{number}").write_text(json.dumps(options))
        for task in range(int(options["array"].split("-")[1]) + 1):
            with open(options["output"].replace("%a", str(task)), "w") as log:
                env = os.environ | {"SLURM_ARRAY_TASK_ID": str(task)}
                subprocess.run(["bash", sys.argv[-1]], env=env, stdout=log, stderr=log)
        print(f"{number};played")
    """,
    "worker": """
        store, tasks, task = Path(sys.argv[4]), Path(sys.argv[6]), int(sys.argv[8])
        assert "SLURM_MEM_PER_NODE" not in os.environ
        for unit in json.loads(tasks.read_text())[task]:
            first = not (store / f"died-{unit}").exists()
            (store / f"died-{unit}").touch()
            if unit % 5 == 3 and first:
                sys.exit(f"unit {unit} dies the first time")
            (store / "units" / f"{unit:07d}.json").write_text('{"seconds": 30}')
    """,
}


@pytest.fixture
def played(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Programs of Slurm that do at once what they are asked; the folder they are in."""
    here = tmp_path / "bin"
    here.mkdir()
    for name, text in PLAYED.items():
        head = f"#!{sys.executable} -IS\nimport json, os, subprocess, sys\nfrom pathlib import Path\n"
        body = f"here = Path({str(here)!r})\n{textwrap.dedent(text)}\n"
        (here / name).write_text(head + body, encoding="utf-8")
        (here / name).chmod(0o755)
    (here / "queue").write_text("", encoding="utf-8")
    monkeypatch.setenv("PATH", f"{here}:/usr/bin:/bin")
    monkeypatch.setenv("SLURM_MEM_PER_NODE", "1")
    return here


def folder_of(tmp_path: Path) -> Path:
    store = tmp_path / "store"
    for name in ("units", "tasks", "logs"):
        (store / name).mkdir(parents=True)
    return store


def asked(played: Path, **settings: Any) -> Slurm:
    return Slurm(SlurmSettings(python=str(played / "worker"), poll_seconds=0.1, **settings))


@pytest.mark.parametrize("cpus", [1, 2])
def test_rounds_of_arrays_do_all_units(
    played: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], cpus: int
) -> None:
    """First eight units to learn from, then two a task, at most three tasks at a time; deaths are left to the next."""
    store, told = folder_of(tmp_path), set[int]()
    asked(played, max_tasks=3, cpus=cpus, minutes=1).carry_out(store, range(20), told.add)
    lists = [json.loads(file.read_text()) for file in sorted((store / "tasks").glob("*.json"))]
    assert [len(one) for one in lists[0]] == [1] * min(8, 3 * cpus)
    assert max(len(one) for one in lists[1]) == 2 and max(map(len, lists)) <= 3 * cpus
    assert sorted(unit for one in lists for units in one for unit in units) == list(range(20))
    missing = sorted(set(range(20)) - told)
    assert set(missing) >= {3, 8, 13, 18} and len(missing) <= 8
    assert f"{len(missing)} units were not done" in (said := capsys.readouterr().err) and "dies the" in said
    assert all(file.stat().st_size for file in (store / "logs").iterdir())
    asked(played, cpus=cpus).carry_out(store, missing, told.add)
    assert told == set(range(20)) and capsys.readouterr().err == ""


def test_units_of_a_driver_before_are_waited_for(played: Path, tmp_path: Path) -> None:
    store = folder_of(tmp_path).resolve()
    (store / "tasks" / "slurm-00007.json").write_text("[[0, 1], [2]]", encoding="utf-8")
    (store / "units" / "0000009.json").write_text('{"seconds": 30}', encoding="utf-8")
    name = slurm.Arrays(store, SlurmSettings()).family + "slurm-00007"
    queue = f"77_1|RUNNING|None|{name}\n78|PENDING|Priority|another\n"
    (played / "queue").write_text(queue, encoding="utf-8")
    told = set[int]()

    def tell(unit: int) -> None:
        told.add(unit)
        if unit == 4:
            (played / "queue").write_text("", encoding="utf-8")

    asked(played).carry_out(store, range(6), tell)
    assert told == {4, 5}, "unit 3 dies the first time; 0 to 2 were those of the array in the queue"
    assert json.loads((store / "tasks" / "slurm-00008.json").read_text()) == [[3], [4, 5]]


def test_an_interrupt_cancels_and_a_refusal_is_said(played: Path, tmp_path: Path) -> None:
    store = folder_of(tmp_path)

    def interrupted(unit: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        asked(played).carry_out(store, [0], interrupted)
    assert (played / "cancelled").read_text().split()[1:] == ["--quiet", "1"]
    (played / "refusal").write_text("sbatch: error: invalid partition specified: nowhere", encoding="utf-8")
    with pytest.raises(InputError, match=r"sbatch refuses: .* nowhere"):
        asked(played).carry_out(store, [1], interrupted)


# ------------------------------------------------------------------------------------------------------- others


def test_the_kubernetes_job_names_the_command() -> None:
    yaml = pytest.importorskip("yaml")
    *others, job = yaml.safe_load_all((ROOT / "docs" / "kubernetes.yaml").read_text(encoding="utf-8"))
    assert job["kind"] == "Job" and job["spec"]["completionMode"] == "Indexed"
    template = job["spec"]["template"]["spec"]
    container: dict[str, Any] = template["containers"][0]
    words = " ".join(container["command"] + container.get("args", []))
    assert "laborshift sweep-unit" in words and '--task "$JOB_COMPLETION_INDEX"' in words
    assert f"prepared-{job['spec']['completions']}.json" in words
    assert job["spec"]["completions"] >= job["spec"]["parallelism"]
    assert [one["spec"]["accessModes"] for one in others] == [["ReadWriteMany"]]
    claims = [one["persistentVolumeClaim"]["claimName"] for one in template["volumes"]]
    assert claims == [one["metadata"]["name"] for one in others]


@contextmanager
def dask_cluster(workers: int) -> Iterator[Any]:
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=workers, threads_per_worker=1, host="127.0.0.1", dashboard_address=None
    ) as made:
        yield made


@pytest.mark.slow
def test_a_dask_cluster_gives_the_same_bytes(tmp_path: Path) -> None:
    """A scheduler and two workers of their own, by address and by file."""
    here = in_this_process(prepared(design_of(tmp_path), tmp_path / "here"))
    for way in ("address", "scheduler_file"):
        there = prepared(design_of(tmp_path), tmp_path / way)
        with dask_cluster(2) as made:
            (tmp_path / "s.json").write_text(json.dumps(made.scheduler.identity()), encoding="utf-8")
            value = {"address": made.scheduler_address, "scheduler_file": "s.json"}[way]
            drive(there, executor("dask", written(tmp_path, f"[dask]\n{way} = {json.dumps(value)}\n")))
        assert not there.missing() and bytes_of(there.folder) == bytes_of(here.folder)


@pytest.mark.slow
def test_dask_says_who_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("distributed")
    monkeypatch.setattr(on_dask, "REACH_S", 2.0)
    store = prepared(design_of(tmp_path), tmp_path / "s")
    file = written(tmp_path, '[dask]\naddress = "tcp://127.0.0.1:9"\n')
    with pytest.raises(InputError, match="no Dask scheduler answers"):
        drive(store, executor("dask", file))
