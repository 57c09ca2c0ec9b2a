"""A results folder: it appears whole, under its final name, or not at all.

`outputs/<name>-<hash8>/` holds run.nc, summary.csv, summary.json, panel.parquet (with a panel),
scenario.toml, provenance.json and figures/. Everything is written into a hidden sibling first, which is then
renamed.
"""

from __future__ import annotations

import json
import os
import platform
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.replicate import RunData
from sim.results import Results
from sim.scenario import Scenario

if TYPE_CHECKING:
    from sim.network_results import NetworkRun

OUTPUTS = Path("outputs")
PROVENANCE = "provenance.json"


def folder_of(scenario: Scenario, out: Path | None = None) -> Path:
    """Where the results of a scenario belong: the same question has the same folder."""
    from sim.economy import load

    return (out or OUTPUTS) / f"{scenario.name}-{scenario.digest(load(scenario.run.economy).digest)[:8]}"


def finished(folder: Path, panel: int = 0) -> bool:
    """Whether a folder holds the whole result of today's kernels, and the panel asked for."""
    from sim.kernels import source_digest

    try:
        known = json.loads((folder / PROVENANCE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    same_model = known.get("kernels_sha256") == source_digest()
    return same_model and (folder / "run.nc").is_file() and panel in (0, known.get("panel"))


@contextmanager
def whole(folder: Path) -> Iterator[Path]:
    """A hidden sibling to write into; it takes the folder's name at the end, and goes when anything fails."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    part = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", suffix=".part", dir=folder.parent))
    try:
        yield part
        part.chmod(0o755)
        _take_place(part, folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _take_place(part: Path, folder: Path) -> None:
    """Give `part` the folder's name. An older result is moved aside first and removed after."""
    if not folder.exists():
        os.replace(part, folder)
        return
    aside = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", suffix=".old", dir=folder.parent))
    try:
        os.replace(folder, aside / folder.name)
        try:
            os.replace(part, folder)
        except BaseException:
            os.replace(aside / folder.name, folder)
            raise
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def write(
    folder: Path,
    results: Results,
    runs: Sequence[RunData] | Sequence[NetworkRun],
    *,
    panel: int = 0,
    seconds: float = 0.0,
    figures: bool = True,
) -> None:
    """Everything a run leaves behind, into an existing folder.

    One scenario is written to scenario.toml, several to scenario-<name>.toml each. seconds: of the whole
    command.
    """
    from sim.summary import to_json

    results.save(folder / "run.nc")
    table = results.summary()
    table.to_csv(folder / "summary.csv", index=False, encoding="utf-8", lineterminator="\n")
    (folder / "summary.json").write_text(to_json(table) + "\n", encoding="utf-8")
    scenarios = {run.scenario.name: run.scenario for run in runs}
    for name, scenario in scenarios.items():
        file = "scenario.toml" if len(scenarios) == 1 else f"scenario-{name}.toml"
        (folder / file).write_text(scenario.resolved_toml(), encoding="utf-8")
    if panel:
        from sim.panel import write_panel

        write_panel([run for run in runs if isinstance(run, RunData)], folder / "panel.parquet")
    if figures:
        results.draw(folder / "figures")
    record = provenance(results, runs, panel=panel, seconds=seconds)
    (folder / PROVENANCE).write_text(
        json.dumps(record, ensure_ascii=False, indent=1) + "\n", encoding="utf-8"
    )


def provenance(
    results: Results, runs: Sequence[RunData] | Sequence[NetworkRun], *, panel: int = 0, seconds: float = 0.0
) -> dict[str, Any]:
    """Of which model, data and machine the numbers are, and what they cost.

    seconds: wall time of the command; simulation_seconds: added up over replicates, kernels compiling
    included; worker_months_a_second: agents times months over those; peak_memory_mb: of this process or its
    largest child.
    """
    attrs = results.attrs
    months = sum(run.worker_months for run in runs)
    spent = sum(run.seconds for run in runs)
    return {
        "model": attrs["model"],
        "versions": json.loads(attrs["versions"]),
        "commit": commit(),
        "scenario_sha256": json.loads(attrs["scenario_sha256"]),
        "economy": attrs["economy"],
        "economy_sha256": attrs["economy_sha256"],
        "kernels_sha256": attrs["kernels_sha256"],
        "seed": int(attrs["seed"]),
        "scale": results.scale,
        "replicates": results.replicates,
        "uncertainty": attrs.get("uncertainty", "seed"),
        "posterior_sha256": attrs.get("posterior_sha256"),
        "draws": results.draws,
        "panel": panel,
        "machine": {"system": platform.platform(), "processor": platform.machine(), "cores": os.cpu_count()},
        "finished": datetime.now(UTC).isoformat(timespec="seconds"),
        "seconds": round(seconds or spent, 3),
        "simulation_seconds": round(spent, 3),
        "cpu_seconds": round(sum(run.cpu_seconds for run in runs), 3),
        "agents": max(run.agents for run in runs),
        "worker_months": months,
        "worker_months_a_second": round(months / spent) if spent else 0,
        "peak_memory_mb": round(peak_memory() / 2**20, 1),
        "margin_residuals": runs[0].residuals,
        "headcount_factors": runs[0].headcount,
    }


def peak_memory() -> int:
    """Largest resident memory of this process and of its finished children, bytes."""
    unit = 1 if sys.platform == "darwin" else 1024
    return unit * max(
        resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )


def commit() -> str | None:
    """Git commit of the source tree, with `+` when files differ from it; None outside a repository."""
    here = Path(__file__).resolve().parent.parent
    if not (here / ".git").exists():
        return None

    def git(*words: str) -> str | None:
        try:
            done = subprocess.run(["git", "-C", str(here), *words], capture_output=True, text=True, timeout=5)
        except (OSError, subprocess.SubprocessError):
            return None
        return done.stdout.strip() if done.returncode == 0 else None

    head = git("rev-parse", "HEAD")
    return None if not head else head + ("+" if git("status", "--porcelain", "-uno") else "")
