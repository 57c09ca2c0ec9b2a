"""Results: what runs leave behind, as labelled sums, with every ratio divided when it is asked for."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np
import xarray as xr

from sim.errors import InputError, nearest
from sim.intervals import Design
from sim.kept import kept
from sim.ratios import RATIOS, Ratio, fixed_composition, gini

if TYPE_CHECKING:
    import pandas as pd

    from sim.replicate import RunData

GROUPS = tuple(RATIOS)


class Group:
    """One group of the tree: stored sums and derived ratios under one roof.

    `group["unemployed"]` is a stored sum, `group["unemployment_rate"]` is divided now; both are
    `xarray.DataArray` with `long_name` and `units`. `group.sums` is the plain Dataset.
    """

    def __init__(
        self,
        name: str,
        sums: xr.Dataset,
        derived: dict[str, Callable[[], xr.DataArray]],
        ratios: dict[str, Ratio] | None = None,
    ) -> None:
        self.name, self.sums, self._derived = name, sums, derived
        self.ratios: dict[str, Ratio] = RATIOS[name] if ratios is None else ratios

    def __getitem__(self, name: str) -> xr.DataArray:
        """A variable, a coordinate or a ratio. KeyError, with the nearest name, when there is none."""
        if name in self.sums.variables:
            return self.sums[name]
        if name in self.ratios:
            return self.ratios[name].of(self.sums).rename(name)
        if name in self._derived:
            return self._derived[name]().rename(name)
        near = nearest(name, list(self))
        raise KeyError(f"no {name!r} in {self.name}" + (f"; the nearest is {near!r}" if near else ""))

    def __contains__(self, name: object) -> bool:
        return name in set(self)

    def __iter__(self) -> Iterator[str]:
        return iter([*map(str, self.sums.data_vars), *self.ratios, *self._derived])

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *self]

    def __repr__(self) -> str:
        rows = [
            f"  {name}: {self[name].attrs.get('long_name', '')} [{self[name].attrs.get('units', '')}]"
            for name in self
        ]
        return "\n".join(
            [f"<{self.name}: {', '.join(f'{d} {n}' for d, n in self.sums.sizes.items())}>", *rows]
        )


class Results:
    """Scenarios by replicates by months. Made by `from_runs` or `open`.

    `tree` is the `xarray.DataTree`; `market`, `cells`, `programmes`, `employers`, `flows` and `calibration`
    are its groups with ratios on top.
    """

    groups: ClassVar[tuple[str, ...]] = GROUPS

    def __init__(self, tree: xr.DataTree) -> None:
        self.tree = tree

    @classmethod
    def from_runs(cls, runs: Sequence[RunData]) -> Results:
        """From one RunData for every scenario and replicate. ValueError when they do not form a grid."""
        from sim.datatree import TreeBuilder

        return cls(TreeBuilder(runs).tree())

    @classmethod
    def open(cls, path: str | Path) -> Results:
        """Read `run.nc`, or the one in a results folder. InputError when there is none, or it is not ours."""
        file = Path(path)
        file = file / "run.nc" if file.is_dir() else file
        if not file.is_file():
            raise InputError(
                "there are no results", file=str(file), allowed="a folder of results, or its run.nc"
            )
        try:
            with xr.open_datatree(file, engine="netcdf4") as tree:
                loaded = tree.load()
        except (OSError, ValueError) as reason:
            raise InputError(f"cannot be read as results ({reason})", file=str(file)) from None
        if "mean_field" in loaded.children:
            from sim.network_results import NetworkResults

            return NetworkResults(loaded)
        if not set(GROUPS) <= set(loaded.children):
            raise InputError(
                "is not a file of results: it lacks some groups", file=str(file), allowed=", ".join(GROUPS)
            )
        return cls(loaded)

    def save(self, path: str | Path) -> Path:
        """Write one netCDF4 file (zlib 1, shuffle). It appears whole or not at all."""
        target = Path(path)
        handle, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".part", dir=target.parent)
        os.close(handle)
        try:
            self.tree.to_netcdf(name, engine="netcdf4", format="NETCDF4", encoding=self._encoding())
            os.chmod(name, 0o666 & ~_umask())
            os.replace(name, target)
        finally:
            Path(name).unlink(missing_ok=True)
        return target

    def _encoding(self) -> dict[str, dict[str, dict[str, Any]]]:
        packed = {"zlib": True, "complevel": 1, "shuffle": True}
        return {
            f"/{group}": {
                str(name): dict(packed)
                for name, v in self.tree[group].data_vars.items()
                if v.dtype.kind in "iuf" and v.ndim
            }
            for group in self.groups
        }

    # ------------------------------------------------------------------------------------------- the groups

    @cached_property
    def market(self) -> Group:
        """Totals by month; ratios such as `unemployment_rate`, `vacancy_rate`, `wage_gini`."""
        return self._group(
            "market",
            wage_gini=self._wage_gini,
            mean_wage=self._mean_wage,
            output_per_worker_fixed=self._fixed,
        )

    @cached_property
    def cells(self) -> Group:
        """People by marginals; `unemployment_rate_by_stage`, `employment_rate_by_age`, ..."""
        return self._group("cells")

    @cached_property
    def programmes(self) -> Group:
        """Trainees, money and placements by programme; `reemployment_rate`, `execution_rate`."""
        return self._group("programmes")

    @cached_property
    def employers(self) -> Group:
        """Work, output and AI use by size and industry; `output_per_worker`, `user_share`, ..."""
        return self._group("employers")

    @cached_property
    def flows(self) -> Group:
        """Moves between labour states by age; `eu_rate`, `ne_rate`, ..."""
        return self._group("flows")

    @cached_property
    def calibration(self) -> Group:
        """Residuals of margins, headcount factors, spin-up."""
        return self._group("calibration")

    def _group(self, name: str, **derived: Callable[[], xr.DataArray]) -> Group:
        return Group(name, self.tree[name].to_dataset(), derived)

    def _wage_gini(self) -> xr.DataArray:
        sums = self.market.sums["employees_by_wage"]
        values = gini(sums.values, sums["wage"].values)
        return xr.DataArray(
            values,
            self._monthly(),
            sums.dims[:3],
            attrs={"long_name": "Gini coefficient of hourly pay of employees", "units": "0 to 1"},
        )

    def _mean_wage(self) -> xr.DataArray:
        sums = self.market.sums["employees_by_wage"]
        value = (sums * sums["wage"]).sum("wage") / sums.sum("wage")
        value.attrs = {"long_name": "mean hourly pay of employees", "units": "won of 2025 an hour"}
        return value

    def _fixed(self) -> xr.DataArray:
        cells = self.employers.sums
        values = fixed_composition(*(cells[n].values for n in ("base_output", "output", "employed")))
        return xr.DataArray(
            values,
            self._monthly(),
            ("scenario", "replicate", "month"),
            attrs={
                "long_name": "output a worker at the first month's size, industry and jobs",
                "units": "won of 2025 a month",
            },
        )

    def _monthly(self) -> dict[str, xr.DataArray]:
        return {dim: self.market.sums[dim] for dim in ("scenario", "replicate", "month")}

    # -------------------------------------------------------------------------------------- what it is

    @property
    def attrs(self) -> dict[str, Any]:
        """What was asked, of which model and data."""
        return {str(name): value for name, value in self.tree.attrs.items()}

    @property
    def scenarios(self) -> list[str]:
        """Names of the scenarios, in the order given."""
        return [str(name) for name in self.market.sums["scenario"].values]

    @property
    def replicates(self) -> int:
        """Number of replicates."""
        return int(self.market.sums.sizes["replicate"])

    @property
    def months(self) -> np.ndarray:
        """First day of every month (datetime64)."""
        return np.asarray(self.market.sums["month"].values)

    @property
    def scale(self) -> int:
        """People for each agent."""
        return int(self.tree.attrs["scale"])

    @property
    def design(self) -> Design:
        """How the replicates came about, for intervals."""
        told = self.tree.attrs
        return Design(int(told.get("replicates_a_draw", 0)), len(json.loads(str(told.get("variants", "[]")))))

    @property
    def draws(self) -> list[int]:
        """Number of the posterior's draw that each replicate has, counted from 0; empty where none are drawn."""
        return [int(n) for n in json.loads(str(self.tree.attrs.get("draws", "[]")))]

    def agents(self, persons: Any) -> Any:
        """Persons in agents: what an estimate rests on."""
        return persons / self.scale

    @kept
    def summary(self) -> pd.DataFrame:
        """The outcomes with intervals, one row each (`sim.summary.COLUMNS`)."""
        from sim.summary import summary

        return summary(self)

    def draw(self, folder: Path) -> list[Path]:
        """All pictures of the run into a folder, made if need be; the files written."""
        from sim.figures import draw_all

        return draw_all(self, folder)

    def __repr__(self) -> str:
        return (
            f"<Results: {', '.join(self.scenarios)}; {self.replicates} replicates, "
            f"{self.months.size} months, scale {self.scale}; groups {', '.join(GROUPS)}>"
        )


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
