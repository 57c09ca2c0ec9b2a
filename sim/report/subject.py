"""What a report is about: the folder of a run, a comparison, a sweep or an allocation, opened once."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sim.errors import InputError
from sim.folder import PROVENANCE

if TYPE_CHECKING:
    from sim.economy import Economy
    from sim.evaluation.comparison import Effects
    from sim.results import Results
    from sim.scenario import Scenario
    from sim.sweep.answers import Sweep

KINDS = ("comparison", "run", "sweep", "allocation")


@dataclass(frozen=True)
class Subject:
    """A results folder and its kind. What another kind has is None."""

    folder: Path
    kind: str

    @cached_property
    def results(self) -> Results | None:
        """The runs, of a run or a comparison."""
        from sim.results import Results

        return Results.open(self.folder) if self.kind in ("comparison", "run") else None

    @cached_property
    def effects(self) -> Effects | None:
        """The paired effects, of a comparison."""
        from sim.evaluation.comparison import Effects

        return Effects.open(self.folder) if self.kind == "comparison" else None

    @cached_property
    def sweep(self) -> Sweep | None:
        """The sweep."""
        from sim.sweep.answers import open_sweep

        return open_sweep(self.folder) if self.kind == "sweep" else None

    @cached_property
    def allocation(self) -> dict[str, Any] | None:
        """What `laborshift allocate` (or `attribute`, `marginal`) told."""
        if self.kind != "allocation":
            return None
        told: dict[str, Any] = json.loads((self.folder / "answer.json").read_text(encoding="utf-8"))
        return told

    @property
    def question(self) -> str:
        """Of an allocation: marginal (the next won), allocation (of the new money) or attribution (to its parts)."""
        told = self.allocation or {}
        return "marginal" if "marginal" in told else "allocation" if "splits" in told else "attribution"

    @cached_property
    def provenance(self) -> dict[str, Any]:
        """Of which model, data and machine the numbers are."""
        file = self.folder / (PROVENANCE if self.kind != "sweep" else "manifest.json")
        told: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        return told

    @cached_property
    def scenarios(self) -> dict[str, Scenario]:
        """The scenarios in full, by name, the base first."""
        from sim.scenario import load

        if self.sweep is not None:
            return dict(zip(self.sweep.levers, self.sweep.design.scenarios, strict=True))
        files = sorted(self.folder.glob("scenario*.toml"))
        found = {one.name: one for one in map(load, files)}
        order = self.results.scenarios if self.results is not None else list(found)
        return {name: found[name] for name in order if name in found}

    @cached_property
    def economy(self) -> Economy:
        """The economy of the scenarios."""
        from sim.economy import load

        return load(next(iter(self.scenarios.values())).run.economy)

    @property
    def main(self) -> str:
        """The scenario that the report is about: the first that is not the base."""
        names = self.effects.scenarios if self.effects is not None else list(self.scenarios)
        return names[-1] if self.kind == "allocation" else names[0]


def open_subject(path: str | Path) -> Subject:
    """A folder of results and its kind. InputError when it is none."""
    folder = Path(path).expanduser()
    folder = folder.parent if folder.name == "run.nc" else folder
    if (folder / "units").is_dir() and (folder / "manifest.json").is_file():
        return Subject(folder, "sweep")
    if (folder / "answer.json").is_file():
        return Subject(folder, "allocation")
    if (folder / "run.nc").is_file():
        return Subject(folder, "comparison" if (folder / "effects.csv").is_file() else "run")
    allowed = "a folder in outputs/ that run, compare, sweep, allocate, marginal or attribute wrote"
    raise InputError("holds no results", file=str(path), allowed=allowed)


__all__ = ["KINDS", "Subject", "open_subject"]
