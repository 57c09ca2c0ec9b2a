"""Reading a sweep: named variables as in `run.nc`, with runs in place of scenario and replicate, and outcomes by run.

sweep = sim.open_sweep("outputs/stress-1a2b3c4d")
sweep.market["unemployment_rate"]            # xarray (run, month)
sweep.runs                                   # what each run is: point, replicate, lever, status, factors
sweep.outcome("net_employment", "roadmap")   # a Series over points and replicates, against the base
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd
import xarray as xr

from sim.errors import InputError, nearest
from sim.ratios import RATIOS, Ratio
from sim.results import Group
from sim.scenario import Scenario
from sim.sweep.design import Design, Factor
from sim.sweep.outcomes import OUTCOMES, Outcome, Variable
from sim.sweep.store import DATA, DONE, FAILED, Store


class Sums(Mapping[str, xr.DataArray]):
    """The stored variables of one group, each read when asked for. Dims: run, the time, then those of the cells."""

    def __init__(self, sweep: Sweep, group: str) -> None:
        self._sweep = sweep
        self._known = {one.name: one for one in sweep.store.kept.variables if one.group == group}

    def __getitem__(self, name: str) -> xr.DataArray:
        if name not in self._known:
            near = nearest(name, self._known)
            raise KeyError(f"the sweep keeps no {name!r}" + (f"; the nearest is {near!r}" if near else ""))
        return self._sweep.variable(self._known[name])

    def __iter__(self) -> Iterator[str]:
        return iter(self._known)

    def __len__(self) -> int:
        return len(self._known)

    @property
    def variables(self) -> Mapping[str, xr.DataArray]:
        """What `xarray.Dataset` calls so."""
        return self

    data_vars = variables

    @property
    def sizes(self) -> dict[str, int]:
        """Length of the dims."""
        kept = self._sweep.store.kept
        dims = {
            dim: len(kept.codes[dim]) for one in self._known.values() for dim in (*one.dims, one.time) if dim
        }
        return {"run": self._sweep.store.runs} | dims


class Sweep:
    """A sweep's folder, for reading; also one that is not finished, whose missing runs are NaN."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def __repr__(self) -> str:
        done = int((self.status == DONE).sum())
        groups = ", ".join(dict.fromkeys(one.group for one in self.store.kept.variables))
        levers = ", ".join(self.levers)
        runs = f"{done:,} of {self.store.runs:,} runs"
        return f"<Sweep {self.store.manifest['name']}: {runs}; levers {levers}; groups {groups}>"

    # ------------------------------------------------------------------------------------------- what it is

    @property
    def design(self) -> Design:
        """The question."""
        return self.store.design

    @property
    def levers(self) -> list[str]:
        """Labels of the levers."""
        return self.store.levers

    @cached_property
    def status(self) -> np.ndarray:
        """(runs,) 0 not done, 1 done, 2 failed."""
        return np.asarray(self.store.array("status")[:])

    @cached_property
    def factors(self) -> tuple[Factor, ...]:
        """What the design varies."""
        return self.design.factors

    @cached_property
    def points(self) -> pd.DataFrame:
        """A row a point: `sample`, then every factor in its own unit, choices by name; NaN where it was not varied."""
        value = self.store.values(0, int(self.store.manifest["points"]))
        table = {"sample": np.asarray(self.store.array("sample")[:])}
        columns: dict[str, Any] = {}
        for n, factor in enumerate(self.factors):
            x = value[:, n]
            columns[factor.name] = [_option(factor, code) for code in x] if factor.options else x
        return pd.DataFrame(table | columns).rename_axis("point")

    @cached_property
    def cube(self) -> np.ndarray:
        """(points, factors) where each sampled factor stands in its range; NaN where it was not sampled."""
        return np.asarray(self.store.array("factor_cube")[:])

    @cached_property
    def runs(self) -> pd.DataFrame:
        """A row a run: point, replicate, lever (its label), status, and the factors of its point."""
        number = np.arange(self.store.runs)
        many = len(self.levers)
        pair = number // many
        table = pd.DataFrame(
            {
                "point": pair // self.store.replicates,
                "replicate": pair % self.store.replicates,
                "lever": np.array(self.levers, dtype=object)[number % many],
                "status": np.array(["not done", "done", "failed"], dtype=object)[self.status],
            }
        ).rename_axis("run")
        return table.join(self.points, on="point")

    def scenario(self, run: int) -> tuple[Scenario, int]:
        """What a run was asked and its replicate: `sim.replicate.simulate` of these makes it again, to the bit."""
        return self.store.scenario(run)

    def failures(self) -> pd.DataFrame:
        """A row a failed run: point, replicate, lever, seed and the traceback."""
        rows = [one for marker in self.store.markers() for one in marker["failures"]]
        names = ("run", "point", "replicate", "lever", "seed", "traceback")
        return pd.DataFrame(rows, columns=list(names)).set_index("run")

    def provenance(self, run: int) -> dict[str, Any]:
        """Where a run comes from: its scenario in full, the model, data and versions, the process that made it."""
        scenario, replicate = self.scenario(run)
        keys = (
            "model",
            "commit",
            "kernels_sha256",
            "economy",
            "economy_sha256",
            "versions",
            "seed",
            "digest",
        )
        unit = run // self.store.unit
        marker = self.store.told(unit) if self.store.marker(unit).exists() else {}
        made = {key: marker.get(key) for key in ("unit", "sha256", "host", "process", "job", "finished")}
        point, _, lever = self.store.place(run)
        where = {"run": run, "point": point, "replicate": replicate, "lever": self.levers[lever]}
        asked = {"scenario_sha256": scenario.digest(self.store.manifest["economy_sha256"])}
        toml = {"scenario_toml": scenario.resolved_toml()}
        return where | asked | {key: self.store.manifest[key] for key in keys} | made | toml

    # ------------------------------------------------------------------------------------------- variables

    def open_zarr(self) -> xr.Dataset:
        """The arrays as they are stored, lazily (`xarray.open_zarr`): one a group and axis of time, a column a cell."""
        return cast(xr.Dataset, xr.open_zarr(self.store.folder / DATA, chunks=None))

    def __getattr__(self, name: str) -> Group:
        if name.startswith("_") or name not in RATIOS:
            raise AttributeError(name)
        return self.group(name)

    def group(self, name: str) -> Group:
        """A group of `run.nc`, such as `market`: stored sums by run and ratios of what is kept."""
        sums = Sums(self, name)
        if not len(sums):
            there = ", ".join(dict.fromkeys(one.group for one in self.store.kept.variables))
            raise KeyError(f"the sweep keeps nothing of {name}; it keeps {there}")
        ratios = {n: r for n, r in RATIOS[name].items() if set(r.numerator) | set(r.denominator) <= set(sums)}
        return Group(name, cast(xr.Dataset, sums), {}, ratios)

    def variable(self, one: Variable) -> xr.DataArray:
        """A stored variable (run, time, dims...), float64, NaN in runs that are not done or failed."""
        kept = self.store.kept
        values = np.asarray(self.store.array(one.array)[:, :, one.start : one.stop])
        time = (one.time,) if one.time else ()
        shape = (self.store.runs, *(kept.length[one.array] for _ in time), *one.shape)
        coords: dict[str, Any] = {"run": np.arange(self.store.runs)}
        for dim in (*time, *one.dims):
            codes = kept.codes[dim]
            coords[dim] = np.array(codes, dtype="datetime64[ns]") if dim == "month" else codes
        return xr.DataArray(
            values.reshape(shape), coords, ("run", *time, *one.dims), name=one.name, attrs=one.attrs
        )

    def values(self, group: str, name: str) -> np.ndarray:
        """A stored variable as an array, kept in memory for the next question."""
        return _values(self, group, name)

    def parts(self, group: str, ratio: Ratio) -> tuple[np.ndarray, np.ndarray]:
        """Numerator and denominator of a ratio, (run, time, ...)."""
        top, bottom = ratio.parts(cast(xr.Dataset, Sums(self, group)))
        return np.asarray(top.values), np.asarray(bottom.values)

    def total(self, name: str) -> np.ndarray:
        """(runs,) `group.variable` added up over time and cells."""
        values = self.values(*name.split(".", 1))
        return np.asarray(values.sum(axis=tuple(range(1, values.ndim))))

    @property
    def in_plan(self) -> np.ndarray:
        """Which of the programmes belong to the plan (programmes,) bool."""
        from sim.economy import load as load_economy

        scenario = self.design.scenarios[0]
        records = scenario.programmes(load_economy(scenario.run.economy).programmes)
        return np.array(
            [bool(records[id].plan) if id in records else False for id in self.store.kept.programmes]
        )

    # ------------------------------------------------------------------------------------------- outcomes

    def level(self, outcome: str) -> np.ndarray:
        """(points, replicates, levers) of an outcome, each run by itself; NaN where it is not done or failed."""
        values = _of(outcome).of(self)
        values = np.where(self.status == DONE, values, np.nan)
        return values.reshape(-1, self.store.replicates, len(self.levers))

    def effect(self, outcome: str) -> np.ndarray:
        """(points, replicates, levers) of an outcome less that of the lever's base at the same point and seed.

        Zero for a base itself. InputError where the design names no base.
        """
        values = self.level(outcome)
        base = [n if b is None else b for n, b in enumerate(self.store.bases)]
        if all(b is None for b in self.store.bases):
            raise InputError("the design has no base to compare with", key="levers.base")
        return np.asarray(values - values[..., base])

    def told(self, outcome: str) -> np.ndarray:
        """(points, replicates, levers): `effect` of an outcome that is one, else `level`."""
        return self.effect(outcome) if _of(outcome).effect else self.level(outcome)

    def outcome(self, name: str, lever: str) -> pd.Series:
        """An outcome of one lever, by point and replicate; against its base where the outcome is an effect."""
        if lever not in self.levers:
            raise InputError(
                f"there is no lever {lever!r}",
                allowed=", ".join(self.levers),
                nearest=nearest(lever, self.levers),
            )
        values = self.told(name)[..., self.levers.index(lever)]
        index = pd.MultiIndex.from_product(
            [range(len(values)), range(values.shape[1])], names=["point", "replicate"]
        )
        return pd.Series(values.ravel(), index=index, name=name)

    def outcomes(self) -> list[str]:
        """Names of the outcomes that can be told from what is kept."""
        found = []
        for name in OUTCOMES:
            try:
                self.told(name)
            except (KeyError, InputError):
                continue
            found.append(name)
        return found

    def failed(self) -> int:
        """Runs that failed."""
        return int((self.status == FAILED).sum())


def open_sweep(folder: str | Path) -> Sweep:
    """A sweep's folder for reading. InputError when it is not one."""
    return Sweep(Store(Path(folder)))


@lru_cache(maxsize=32)
def _values(sweep: Sweep, group: str, name: str) -> np.ndarray:
    return np.asarray(Sums(sweep, group)[name].values)


def _of(outcome: str) -> Outcome:
    if outcome not in OUTCOMES:
        raise InputError(
            f"unknown outcome {outcome!r}", allowed=", ".join(OUTCOMES), nearest=nearest(outcome, OUTCOMES)
        )
    return OUTCOMES[outcome]


def _option(factor: Factor, code: float) -> Any:
    return None if np.isnan(code) else factor.options[int(code)]


__all__ = ["Sweep", "open_sweep"]
