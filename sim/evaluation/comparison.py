"""Effects: what scenarios changed against a base, with intervals across paired replicates.

Everything is derived from stored counts: the `effects` group (person by person, `sim.evaluation.effects`) and
the monthly sums of every scenario. Frames have the columns of `summary.csv`; where there is no number, the
unit says why.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import xarray as xr

from sim.errors import InputError, nearest
from sim.evaluation import breakdown
from sim.evaluation.detail import CLOCKS, DEFINITIONS
from sim.evaluation.effects import TRAINED_ONLY
from sim.intervals import Ends
from sim.kept import kept
from sim.programmes import HORIZONS
from sim.ratios import MARKET
from sim.record import STATES
from sim.summary import COLUMNS, FEWEST, TOO_FEW

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from sim.results import Results

EFFECTS = ("trained", "gross", "deadweight", "direct", "substitution", "displacement", "net")
MEMO = ("spillover", "gains", "losses", "gains_at_hirers", "losses_at_hirers", "forgone")
IN_MONTHS = ("gross", "deadweight", "direct", "spillover", "net")
YEAR = 12

LABELS = {
    "trained": "persons trained by the policy and not by the comparison",
    "gross": "trained persons in work under the policy (gross placement)",
    "deadweight": "trained persons who would be in work anyway",
    "direct": "gross less deadweight: the effect on the treated",
    "substitution": "jobs of the untrained at employers that hired a trainee, losses less gains",
    "displacement": "all other jobs of the others, losses less gains",
    "spillover": "jobs of everyone not trained by the policy, gains less losses",
    "net": "direct less substitution less displacement: the difference in employment",
    "gains": "persons outside the trained in work under the policy only, reshuffling included",
    "losses": "persons outside the trained in work under the comparison only, reshuffling included",
    "gains_at_hirers": "of the gains, the untrained at employers that hired a trainee under the policy",
    "losses_at_hirers": "of the losses, the untrained who without the policy work at those employers",
    "forgone": "persons trained by the comparison and not by the policy",
}

CHANGES_OF: dict[str, str] = {
    # sum or ratio of the labour market (`sim.ratios.MARKET`), over 12 months -> how its change is told
    "output": "percent",
    "output_per_worker": "percent",
    "output_per_worker_fixed": "percent",
    "mean_pay": "percent",
    "hours_saved_share": "percentage points",
    "user_share": "percentage points",
    "adoption_share": "percentage points",
    "employment_rate": "percentage points",
    "unemployment_rate": "percentage points",
    "vacancy_rate": "percentage points",
}


class Effects:
    """What each scenario changed against `base`.

    results: all scenarios; its tree has the group `effects` (`sim.evaluation.effects.paired_dataset`). `low`
    and `high` are 90% t-intervals across paired replicates: of seed noise alone where all have the same parameters,
    of both where parameters are drawn from a posterior (`sim.intervals.Design`).
    """

    def __init__(self, results: Results, base: str) -> None:
        self.results, self.base, self.scale = results, base, results.scale
        self.paired: xr.Dataset = results.tree["effects"].to_dataset()
        self.plot = Pictures(self)

    @classmethod
    def open(cls, path: str | Path) -> Effects:
        """Read back the folder of a comparison, or its `run.nc`. InputError when it is not one."""
        from sim.results import Results

        results = Results.open(path)
        if "effects" not in results.tree.children:
            raise InputError(
                "holds runs but no comparison", file=str(path), allowed="a folder made by compare"
            )
        return cls(results, str(results.attrs["base"]))

    def __repr__(self) -> str:
        return f"<Effects of {', '.join(self.scenarios)} against {self.base}, {self.replicates} replicates>"

    @property
    def scenarios(self) -> list[str]:
        """The scenarios that are compared with the base."""
        return [str(name) for name in self.paired.scenario.values]

    @property
    def replicates(self) -> int:
        """Paired replicates."""
        return int(self.paired.sizes["replicate"])

    @property
    def horizons(self) -> list[int]:
        """Months from the start to each year-end."""
        return [int(h) for h in self.paired.horizon.values]

    # ------------------------------------------------------------------------------------------- the accounts

    @cached_property
    def accounts(self) -> xr.Dataset:
        """Persons by account (`EFFECTS`, `MEMO`) at each year-end (scenario, replicate, horizon, group)."""
        heads = self.paired.heads.isel(month=xr.DataArray(np.array(self.horizons) - 1, dims="horizon"))
        out = _derived(heads.assign_coords(horizon=self.paired.horizon).drop_vars("month"))
        losses, gains = (self.paired.at_hirers.sel(change=c, drop=True) for c in ("losses", "gains"))
        out["gains_at_hirers"], out["losses_at_hirers"] = gains, losses
        out["substitution"] = losses - gains
        out["displacement"] = -out.spillover - out.substitution
        return out

    @cached_property
    def in_months(self) -> xr.Dataset:
        """Person-months by account (`IN_MONTHS`) up to each horizon (scenario, replicate, horizon, group)."""
        total = self.paired.heads.cumsum("month")
        total = total.isel(month=xr.DataArray(np.array(self.horizons) - 1, dims="horizon"))
        return _derived(total.assign_coords(horizon=self.paired.horizon))

    @kept
    def decomposition(self, by: str | None = None, *, unit: str = "persons") -> pd.DataFrame:
        """Every account at every horizon; unit: persons, or person-months (added up from the start).

        In the groups of `by` the trained count where they were at enrolment and all others at the policy's
        start: exposure is that of the occupation and size that of the employer then. Programmes group the trained
        only, so these have gross, deadweight and direct.
        `by="slack"`: provinces in three classes by the base run's unemployment rate.
        """
        if unit not in ("persons", "person-months"):
            raise InputError(f"unknown unit {unit!r}", allowed="persons, person-months")
        heads = unit == "persons"
        accounts = self._grouped(self.accounts if heads else self.in_months, by)
        names: tuple[str, ...] = (*EFFECTS, *MEMO) if heads else IN_MONTHS
        if by in TRAINED_ONLY:
            names = tuple(n for n in names if n in ("trained", "gross", "deadweight", "direct"))
        resting = self._grouped(self.accounts, by)
        parts = []
        for name in names:
            support = (
                resting.trained
                if name in ("trained", "gross", "deadweight", "direct")
                else (resting.trained + resting.gains + resting.losses)
            )
            parts.append(self._frame(accounts[name], name, unit, support if name != "trained" else None))
        return pd.concat(parts, ignore_index=True)

    def net(self, outcome: str = "employed", by: str | None = None) -> pd.DataFrame:
        """Difference against the base at each year-end.

        outcome: employed (net of displacement, person by person), unemployed, inactive, or one of
        `CHANGES_OF` (over the 12 months before; for those there is no `by`). InputError for an unknown
        outcome or dimension.
        """
        if outcome == "employed" and by not in TRAINED_ONLY:
            found = self.decomposition(by)
            return found[found.outcome == "net"].assign(outcome="employed").reset_index(drop=True)
        if outcome in STATES and by not in TRAINED_ONLY:
            return self._states(outcome, by)
        if outcome in CHANGES_OF and by is None:
            found = self.productivity()
            return found[found.outcome == outcome].reset_index(drop=True)
        if outcome in (*STATES, *CHANGES_OF):
            raise InputError(f"{outcome!r} is not known by {by}", allowed="another dimension, or none")
        known = (*STATES, *CHANGES_OF)
        raise InputError(
            f"unknown outcome {outcome!r}", allowed=", ".join(known), nearest=nearest(outcome, known)
        )

    def direct(self, by: str | None = None) -> pd.DataFrame:
        """Effect on the trained, heads at each year-end."""
        found = self.decomposition(by)
        return found[found.outcome == "direct"].reset_index(drop=True)

    def displacement(self, by: str | None = None) -> pd.DataFrame:
        """Substitution and displacement, heads at each year-end."""
        found = self.decomposition(by)
        return found[found.outcome.isin(["substitution", "displacement"])].reset_index(drop=True)

    @kept
    def treated(
        self,
        by: str | None = None,
        months: Sequence[int] = HORIZONS,
        *,
        clock: str = "start",
        definition: str = "official",
    ) -> pd.DataFrame:
        """Employment of the trained at months since their own start: under the policy, anyway, and the
        difference; and their months in work since.

        clock: from the month of enrolment, or from "completion", the planned end of the course in both runs.
        definition: official (in work), or "insured" (in work that employment insurance covers). Of those followed
        that far, pooled over replicates; KDI's and Card, Kluve and Weber's net effect (순효과).
        """
        return breakdown.treated(self, by, months, clock, definition)

    @kept
    def earnings(self, by: str | None = None, *, clock: str = "start") -> pd.DataFrame:
        """Monthly earnings, pay at work and change of occupation of the trained, under the policy and anyway, at the
        first quarter-end from 3, 6, 12, 24 and 36 months on."""
        return breakdown.earnings(self, by, clock)

    @kept
    def retention(self, by: str | None = None, *, clock: str = "start") -> pd.DataFrame:
        """Whether the trained keep the first job they have within six months, 6 and 12 months later, and whether they
        are in work then: under the policy, anyway, and the difference on all the trained."""
        return breakdown.retention(self, by, clock)

    @kept
    def trace(self, by: str | None = None) -> pd.DataFrame:
        """Jobs that everyone outside the trained lost and gained at each year-end, by age, region, stage, sex,
        education or slack of the person, or occupation (major group), size or industry of the job."""
        return breakdown.trace(self, by)

    @kept
    def distribution(self) -> pd.DataFrame:
        """Employment rate and mean pay by group before (the base) and after (the policy), gaps between groups, the
        change of income a head by group, and the inequality of annual incomes."""
        return breakdown.distribution(self)

    @kept
    def trials(self) -> pd.DataFrame:
        """What trials inside the run would report, beside the truth of paired runs (`sim.evaluation.experiments`)."""
        from sim.evaluation.experiments import frame

        return frame(self)

    # ---------------------------------------------------------------------- productivity, other outcomes

    @kept
    def productivity(self, by: str | None = None) -> pd.DataFrame:
        """Changes of output, productivity, pay, AI use and rates (`CHANGES_OF`), over the year before.

        by: "size" or "industry" of the employer (`sim.evaluation.by_employer`). InputError for another dimension.
        """
        if by is not None:
            from sim.evaluation.by_employer import productivity_by

            return productivity_by(self, by)
        parts = []
        for name, unit in CHANGES_OF.items():
            value = self._over_year(name)
            policy, base = value.sel(scenario=self.scenarios), value.sel(scenario=self.base, drop=True)
            change = 100 * ((policy - base) / base if unit == "percent" else policy - base)
            parts.append(self._frame(change, name, unit, None))
        return pd.concat(parts, ignore_index=True)

    def _over_year(self, name: str) -> xr.DataArray:
        """A sum, a ratio of sums, or the mean of a monthly index, of the 12 months up to each horizon."""
        sums = self.results.market.sums
        if name in MARKET:
            top, bottom = (self._spans(part).sum("month") for part in MARKET[name].parts(sums))
            return top / bottom.where(bottom != 0)
        return self._spans(self.results.market[name]).mean("month")

    def _spans(self, monthly: xr.DataArray) -> xr.DataArray:
        """The months of the year before each horizon (scenario, replicate, horizon, month, ...), NaN elsewhere."""
        spans = [
            monthly.astype(float)
            .isel(month=slice(max(0, h - YEAR), h))
            .assign_coords(month=np.arange(min(YEAR, h)))
            for h in self.horizons
        ]
        return xr.concat(spans, pd.Index(self.horizons, name="horizon"), join="outer").transpose(
            "scenario", "replicate", "horizon", "month", ...
        )

    def _states(self, state: str, by: str | None) -> pd.DataFrame:
        if by is None:
            people = self.results.market[state].expand_dims(group=["all"], axis=-1)
        else:
            name = f"persons_by_{by}"
            if name not in self.results.cells:
                raise InputError(f"unknown dimension {by!r}", allowed="stage, age, sex, education, region")
            people = self.results.cells[name].sel(state=state, drop=True).rename({by: "group"})
        people = people.isel(month=xr.DataArray(np.array(self.horizons) - 1, dims="horizon"))
        people = (
            people.assign_coords(horizon=self.horizons)
            .drop_vars("month")
            .transpose("scenario", "replicate", "horizon", "group")
        )
        change = people.sel(scenario=self.scenarios) - people.sel(scenario=self.base, drop=True)
        change = change.assign_coords(
            dimension=("group", [by or "all"] * change.sizes["group"]),
            category=("group", [str(g) for g in change.group.values]),
        )
        return self._frame(change, state, "persons", None)

    # ------------------------------------------------------------------------------------------------- money

    def money(self) -> pd.DataFrame:
        """Whole won by scenario (the base included), programme and year: planned, spent, unspent, means of
        replicates.

        spent = course + fixed; allowances are entitlements paid on top of the line. planned = spent +
        unspent.
        """
        books = self.results.programmes.sums
        mean = books[["budget", "course", "fixed", "allowance", "unspent"]].mean("replicate")
        mean = mean.rename(budget="planned").assign(spent=mean.course + mean.fixed)
        frame = mean.to_dataframe().reset_index()
        return frame[
            ["scenario", "programme", "year", "planned", "spent", "unspent", "course", "fixed", "allowance"]
        ]

    @kept
    def cost(self) -> pd.DataFrame:
        """Additional money, and won per trained person, direct job, net job and net job-year."""
        from sim.evaluation.cost import cost

        return cost(self)

    @kept
    def fiscal(self, rate: float | None = None) -> pd.DataFrame:
        """The public balance by year and in present value (`sim.evaluation.fiscal`). rate: of discount, a year."""
        from sim.evaluation.fiscal import fiscal

        return fiscal(self, rate)

    @kept
    def viewpoints(self, rate: float | None = None, deadweight: float | None = None) -> pd.DataFrame:
        """What participants, all other workers, the budget, employers and society gain, in present value, and the
        marginal value of public funds (`sim.evaluation.fiscal`)."""
        from sim.evaluation.fiscal import viewpoints

        return viewpoints(self, rate, deadweight)

    @kept
    def cost_effectiveness(self) -> pd.DataFrame:
        """Won per trainee, completer and placement of each scenario, by programme and stage."""
        from sim.evaluation.cost_effectiveness import cost_effectiveness

        return cost_effectiveness(self)

    @kept
    def path(self) -> pd.DataFrame:
        """From training to skill, use, hours saved and output, at each year-end."""
        from sim.evaluation.fiscal import path

        return path(self)

    # ------------------------------------------------------------------------------------------------ frames

    def table(self, horizon: int | None = None) -> pd.DataFrame:
        """The accounts at one horizon (default: the last): rows accounts, columns (scenario, interval)."""
        found = self.decomposition()
        found = found[(found.horizon_months == (horizon or self.horizons[-1])) & found.outcome.isin(EFFECTS)]
        wide = found.pivot(index="outcome", columns="scenario", values=["mean", "low", "high"])
        wide = wide.swaplevel(axis=1).reindex(
            columns=pd.MultiIndex.from_product([self.scenarios, ["mean", "low", "high"]])
        )
        return wide.reindex(list(EFFECTS))

    @kept
    def tidy(self) -> pd.DataFrame:
        """Everything in long form: what `effects.csv` holds, with the agents (of all replicates) that a row rests on
        where that is told, and the paired replicates."""
        dimensions = list(dict.fromkeys(str(d) for d in self.paired.dimension.values))
        by = [None if d == "all" else d for d in dimensions]
        parts = [self.decomposition(d) for d in by]
        parts += [self.decomposition(d, unit="person-months") for d in by]
        parts += [self.decomposition("slack"), self.decomposition("slack", unit="person-months")]
        parts += [self.treated(d, clock=c, definition=e) for d in by for c in CLOCKS for e in DEFINITIONS]
        parts += [self.earnings(d, clock=c) for d in by for c in CLOCKS]
        parts += [self.retention(d, clock=c) for d in by for c in CLOCKS]
        parts += [self.trace(d) for d in (None, *breakdown.PEOPLE, "occupation", "size", "industry")]
        parts += [self.distribution()]
        parts += [self.net("unemployed"), self.net("inactive"), self.productivity(), self.cost()]
        parts += [self.fiscal(), self.viewpoints(), self.path()]
        parts += [self.cost_effectiveness(), self.productivity("size"), self.productivity("industry")]
        parts += [self.trials()] if "trials" in self.results.tree.children else []
        whole = pd.concat(parts, ignore_index=True).astype({"horizon_months": "Int64"})
        return whole.assign(replicates=self.replicates)

    def _grouped(self, data: Any, by: str | None) -> Any:
        names = [*(str(d) for d in dict.fromkeys(self.paired.dimension.values)), "slack"]
        if (by or "all") not in names:
            allowed = ", ".join(names[1:])
            raise InputError(f"unknown dimension {by!r}", allowed=allowed, nearest=nearest(str(by), names))
        places = np.flatnonzero(self.paired.dimension.values == ("region" if by == "slack" else by or "all"))
        if by == "slack":
            return breakdown.by_slack(self, data, places)
        if by == "programme":  # those that trained somebody
            trained = self.paired.heads.sel(account="trained").isel(group=places)
            places = places[(trained > 0).any(("scenario", "replicate", "month")).values]
        return data.isel(group=places)

    def _frame(
        self,
        values: xr.DataArray,
        outcome: str,
        unit: str,
        support: xr.DataArray | None,
        denominator: xr.DataArray | None = None,
    ) -> pd.DataFrame:
        """Rows of `COLUMNS` from (scenario, replicate, horizon[, group]): means, or ratios of sums, with intervals, and
        the agents of all replicates that they rest on.

        support: persons that the estimate rests on; below `FEWEST` agents over all replicates the row says
        "too few" and has no number, unless nobody at all is concerned: then the zero is exact.
        """
        order = [d for d in ("scenario", "replicate", "horizon", "group") if d in values.dims]
        values = values.transpose(*order)
        if denominator is None:
            ends = self.results.design.mean(values.values, axis=1)
        else:
            below = denominator.transpose(*order).values
            ends = self.results.design.ratio(values.values, below, axis=1)
        mean = ends.mean
        units = np.full(mean.shape, unit, dtype=object)
        agents = np.full(mean.shape, np.nan)
        if support is not None:
            agents = support.transpose(*order).values.sum(axis=1) / self.scale
            few = (agents < FEWEST) & ((agents > 0) | (denominator is not None))
            units[few] = f"{TOO_FEW} ({unit})"
            ends = Ends(*(np.where(few, np.nan, x) for x in ends))
        scenario, horizon, *group = np.indices(mean.shape).reshape(mean.ndim, -1)
        named = {name: values[name].values[group[0]] for name in ("dimension", "category")} if group else {}
        return pd.DataFrame(
            {
                "scenario": values.scenario.values[scenario],
                "outcome": outcome,
                "dimension": named.get("dimension", "all"),
                "category": named.get("category", "all"),
                "horizon_months": pd.array(values.horizon.values[horizon], dtype="Int64"),
                "mean": ends.mean.ravel(),
                "low": ends.low.ravel(),
                "high": ends.high.ravel(),
                "unit": units.ravel(),
                "share_parameter": ends.share_parameter.ravel(),
                "share_seed": ends.share_seed.ravel(),
                "share_structure": ends.share_structure.ravel(),
                "agents": agents.astype(np.float64).ravel(),
            },
            columns=[*COLUMNS, "agents"],
        )


class Pictures:
    """`effects.plot.waterfall()`."""

    def __init__(self, effects: Effects) -> None:
        self._effects = effects

    def waterfall(self, scenario: str | None = None, horizon: int | None = None, lang: str = "en") -> Figure:
        """From gross placement to net jobs; by default of the last scenario at the last horizon."""
        from sim import figures
        from sim.drawing import style

        effects = self._effects
        name, months = scenario or effects.scenarios[-1], horizon or effects.horizons[-1]
        found = effects.table(months)[name]
        steps = {account: [float(x) for x in found.loc[account]] for account in EFFECTS[1:]}
        with style(lang) as say:
            title = say("against").format(name=name, base=effects.base, months=months)
        return figures.waterfall(steps, title=title, lang=lang)


def _derived(heads: xr.DataArray) -> xr.Dataset:
    """Accounts that follow from heads (..., account): direct, spillover, net, beside the counted ones."""
    out = heads.to_dataset("account")
    out["direct"] = out.gross - out.deadweight
    out["spillover"] = out.gains - out.losses
    out["net"] = out.direct + out.spillover
    return out


__all__ = ["CHANGES_OF", "EFFECTS", "IN_MONTHS", "LABELS", "MEMO", "Effects"]
