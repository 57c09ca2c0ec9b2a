"""What trials inside the run would report, beside what paired runs say of the same persons.

Where a lot decided who got a seat (`sim.randomised`), the contrast of winners and losers is what an evaluator in the
field would have: the *intention to treat*, and over the difference in enrolment the effect on those whom an offer
enrols (*Wald*). Strata are programme x month x province x replicate, errors are clustered by person. Of provinces at
levels, losers where there were seats against applicants where there were none show what seats do to those without one
(Crépon et al. 2013); errors are then clustered by province.

The contrast is no effect on the winners as long as the winners' gain is partly the losers' loss, and losers train
elsewhere. Paired runs have no losers to compare with: the effect on the offered, and that on the not offered, are
differences of the same person with and without the policy. The trial estimates the first less the second.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import nan, sqrt
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from sim.intervals import student_t
from sim.programmes import HORIZONS
from sim.randomised import DESIGNS, SATURATION
from sim.summary import COLUMNS, FEWEST, TOO_FEW

if TYPE_CHECKING:
    import xarray as xr

    from sim.evaluation.comparison import Effects

NO_TRIAL = "no trial"
POINTS, PERCENT = "percentage points", "percent"
ITT, WALD = "trial: offered less not offered", "trial: effect on those an offer enrols (Wald)"
SPILL = "trial: not offered, against provinces without seats"
OFFERED, REFUSED = "paired: effect on the offered", "paired: effect on the not offered"
CONTRAST, NET = "paired: the first less the second", "paired: net jobs per person trained"
ABSENT = "paired: effect on applicants in provinces without seats"
MOVED = "paired: moved before the lot"
MOST_DEGREES = 200  # of freedom, above which Student's t is taken as the one of so many


class Fit(NamedTuple):
    """An estimate, its standard error and the degrees of freedom of its t."""

    value: float
    error: float
    degrees: int

    def ends(self) -> tuple[float, float, float]:
        """The estimate and its 90% interval."""
        half = student_t(min(self.degrees, MOST_DEGREES)) * self.error if self.degrees > 0 else nan
        return self.value, self.value - half, self.value + half


def within(values: np.ndarray, strata: np.ndarray) -> np.ndarray:
    """Values (n,) or (n, k) less the mean of their stratum. strata: codes from 0."""
    count = np.maximum(np.bincount(strata), 1)
    columns = [
        column - (np.bincount(strata, weights=column) / count)[strata]
        for column in np.atleast_2d(np.asarray(values, dtype=np.float64).T)
    ]
    return np.stack(columns, axis=-1).reshape(np.shape(values))


def least_squares(
    y: np.ndarray,
    x: np.ndarray,
    clusters: np.ndarray,
    instruments: np.ndarray | None = None,
    absorbed: int = 0,
) -> tuple[np.ndarray, np.ndarray, int]:
    """Coefficients of y (n,) on x (n, k), their covariance (k, k) and the number of clusters.

    instruments: as many as columns of x, for two-stage least squares. Errors are robust to clusters, with the usual
    correction G/(G-1) (n-1)/(n-k), k with the `absorbed` means. clusters: codes from 0. LinAlgError when x is
    collinear.
    """
    z = x if instruments is None else instruments
    bread = np.linalg.inv(z.T @ x)
    beta = bread @ (z.T @ y)
    scores = z * (y - x @ beta)[:, None]
    by_cluster = np.stack([np.bincount(clusters, weights=column) for column in scores.T])
    present = np.bincount(clusters) > 0
    groups, n, free = int(present.sum()), y.size, y.size - x.shape[1] - absorbed
    if groups < 2 or free < 1:
        return beta, np.full((x.shape[1],) * 2, nan), 0
    correction = groups / (groups - 1) * (n - 1) / free
    return beta, correction * bread @ (by_cluster @ by_cluster.T) @ bread.T, groups


def contrast(
    y: np.ndarray,
    offered: np.ndarray,
    strata: np.ndarray,
    clusters: np.ndarray,
    took: np.ndarray | None = None,
) -> Fit:
    """Mean y of the offered less that of the not offered, within strata; over the same of `took`, if given.

    Strata in which all or none are offered say nothing and are left out.
    """
    both = _mixed(offered, strata)
    if both.sum() < 2:
        return Fit(nan, nan, 0)
    _, groups = np.unique(strata[both], return_inverse=True)
    out, z = (within(a[both], groups) for a in (y, offered))
    x = z if took is None else within(took[both], groups)
    if abs(float(z @ x)) < 1e-9 * z.size:
        return Fit(nan, nan, 0)
    who = np.unique(clusters[both], return_inverse=True)[1]
    beta, spread, many = least_squares(out, x[:, None], who, z[:, None], absorbed=int(groups.max()) + 1)
    return Fit(float(beta[0]), sqrt(max(float(spread[0, 0]), 0.0)) if many else nan, many - 1)


def externality(
    y: np.ndarray, offered: np.ndarray, seats: np.ndarray, strata: np.ndarray, clusters: np.ndarray
) -> Fit:
    """Mean y of the not offered where there are seats, less that of applicants where there are none, within strata.

    seats: whether any offer is made in the province of each; clusters: the provinces.
    """
    both = _mixed(seats, strata)
    refused = both & seats & ~offered
    if min(refused.sum(), (both & ~seats).sum()) < 2:
        return Fit(nan, nan, 0)
    _, groups = np.unique(strata[both], return_inverse=True)
    x = within(np.stack([offered[both], (seats & ~offered)[both]], axis=1), groups)
    x = x if offered[both].any() else x[:, 1:]
    who = np.unique(clusters[both], return_inverse=True)[1]
    try:
        beta, spread, many = least_squares(within(y[both], groups), x, who, absorbed=int(groups.max()) + 1)
    except np.linalg.LinAlgError:
        return Fit(nan, nan, 0)
    return Fit(float(beta[-1]), sqrt(max(float(spread[-1, -1]), 0.0)) if many else nan, many - 1)


def _mixed(treated: np.ndarray, strata: np.ndarray) -> np.ndarray:
    """Who is in a stratum that has both treated and untreated."""
    share = np.bincount(strata, weights=treated) / np.maximum(np.bincount(strata), 1)
    return np.asarray(((share > 0.0) & (share < 1.0))[strata])


# ------------------------------------------------------------------------------------------- of a comparison


class Lots:
    """The applicants of one scenario, programme and design, over all replicates."""

    def __init__(self, table: xr.Dataset, rows: np.ndarray) -> None:
        def column(name: str) -> np.ndarray:
            return np.asarray(table[name].values[rows])

        self.replicate, self.region = column("replicate_code"), column("region_code")
        self.month, self.person = column("month").astype(np.int64), column("person").astype(np.int64)
        self.offered, self.level = column("offered") == 1, column("level")
        self.enrolled, self.trained = column("enrolled"), column("trained")
        self.employed, self.anyway, self.alike = column("employed"), column("anyway"), column("alike")
        place = (self.replicate.astype(np.int64) * 1024 + self.month) * 64
        self.cohort = np.unique(place, return_inverse=True)[1]
        self.stratum = np.unique(place + self.region, return_inverse=True)[1]
        self.cluster = np.unique(self.replicate * (self.person.max() + 1) + self.person, return_inverse=True)[
            1
        ]
        self.province = np.unique(self.replicate.astype(np.int64) * 64 + self.region, return_inverse=True)[1]

    def by(self, first: np.ndarray, h: int) -> np.ndarray:
        """Who has started within the months of horizon h."""
        return np.asarray((first >= 0) & (first <= self.month + HORIZONS[h]))


def frame(effects: Effects) -> pd.DataFrame:
    """What every trial of a comparison would report and what paired runs say, in the columns of `effects.csv`.

    dimension: trial/lottery, trial/withheld or trial/saturation (and saturation by unemployment of the province);
    category: the programme; horizon_months: since the lot. Intervals of trials are a trial's own, from its standard
    error, replicates pooled; those of paired runs are across replicates. Programmes that trained somebody without a
    lot have a row whose unit says "no trial".
    """
    rows: list[tuple[Any, ...]] = []
    trees = effects.results.tree.children
    table = effects.results.tree["trials"].to_dataset() if "trials" in trees else None
    names = effects.results.scenarios
    for scenario in effects.scenarios:
        drawn = set[str]()
        if table is not None:
            mine = table.scenario_code.values == names.index(scenario)
            codes, designs = table.programme_code.values, table.design.values
            pairs = sorted({(int(p), int(d)) for p, d in zip(codes[mine], designs[mine], strict=True)})
            for p, d in pairs:
                id = str(table.programme.values[p])
                drawn.add(id)
                lots = Lots(table, mine & (codes == p) & (designs == d))
                rows += _reports(effects, scenario, id, DESIGNS[d], lots, d == SATURATION)
        if drawn:
            rows += _net(effects, scenario)
        trained = effects.results.programmes["enrolled"].sel(scenario=scenario).sum(("replicate", "month"))
        for id in trained.programme.values[trained.values > 0]:
            if str(id) not in drawn:
                rows.append((scenario, ITT, "trial", str(id), None, *(nan,) * 3, NO_TRIAL, *(nan,) * 3))
    out = pd.DataFrame(rows, columns=list(COLUMNS))
    return out.astype({"horizon_months": "Int64", "mean": float, "low": float, "high": float})


def _reports(
    effects: Effects, scenario: str, id: str, design: str, lots: Lots, saturated: bool
) -> Iterator[tuple[Any, ...]]:
    def row(
        outcome: str, h: int | None, ends: Sequence[float], unit: str, agents: int, where: str = ""
    ) -> Any:
        mean, low, high, *shares = ends
        shares = [*shares, *(nan,) * 3][:3]
        if agents < FEWEST:
            mean, low, high, unit, shares = nan, nan, nan, f"{TOO_FEW} ({unit})", [nan] * 3
        elif np.isnan(mean):
            unit = f"not identified ({unit})"
        dimension = f"trial/{design}{where}"
        months = None if h is None else HORIZONS[h]
        return scenario, outcome, dimension, id, months, mean, low, high, unit, *shares

    def pooled(
        outcome: str, h: int | None, top: np.ndarray, who: np.ndarray, unit: str, where: str = ""
    ) -> Any:
        number = effects.replicates
        below = np.bincount(lots.replicate[who], minlength=number).astype(float)
        above = np.bincount(lots.replicate[who], weights=top[who], minlength=number)
        ends = (
            [float(x) for x in effects.results.design.ratio(100.0 * above, below)] if who.any() else [nan] * 3
        )
        return row(outcome, h, ends, unit, int(who.sum()), where)

    def fitted(outcome: str, h: int, fit: Fit, agents: int, where: str = "") -> Any:
        return row(outcome, h, [100.0 * x for x in fit.ends()], POINTS, agents, where)

    won, compared = lots.offered, lots.alike >= 0
    yield pooled(MOVED, None, lots.alike == 0, compared, PERCENT)
    for h in range(len(HORIZONS)):
        known = lots.employed[:, 0, h] >= 0
        if not known.any():
            continue
        strata, people = lots.stratum[known], lots.cluster[known]
        fewest = int(min((won & known).sum(), (~won & known).sum()))
        official = lots.employed[:, 0, h]
        yield pooled("trial: in work, offered", h, official, known & won, PERCENT)
        yield pooled("trial: in work, not offered", h, official, known & ~won, PERCENT)
        took = lots.by(lots.enrolled, h)
        yield pooled("trial: offered, enrolled", h, took, known & won, PERCENT)
        yield pooled("trial: not offered, enrolled later", h, took, known & ~won, PERCENT)
        elsewhere = lots.by(lots.trained, h) & ~took
        yield pooled("trial: not offered, trained elsewhere", h, elsewhere, known & ~won, PERCENT)
        for d, definition in enumerate(("", ", insured")):
            y = lots.employed[known, d, h].astype(float)
            fit = contrast(y, won[known], strata, people)
            yield fitted(ITT + definition, h, fit, fewest)
            wald = contrast(y, won[known], strata, people, took[known].astype(float))
            yield fitted(WALD + definition, h, wald, fewest)
        paired = known & (lots.anyway[:, h] >= 0)
        change = official.astype(float) - lots.anyway[:, h]
        yield pooled(OFFERED, h, change, paired & won, POINTS)
        yield pooled(REFUSED, h, change, paired & ~won, POINTS)
        truth = contrast(change[paired], won[paired], lots.stratum[paired], lots.cluster[paired])
        yield fitted(CONTRAST, h, truth, fewest if paired.any() else 0)
        if not saturated:
            continue
        seats = lots.level > 0.0
        yield pooled(REFUSED + " where there are seats", h, change, paired & ~won & seats, POINTS)
        yield pooled(ABSENT, h, change, paired & ~seats, POINTS)
        slack = _slack(effects, scenario, lots)
        for where, inside in (("", known), ("/slack", known & slack), ("/tight", known & ~slack)):
            spill = externality(
                official[inside].astype(float),
                won[inside],
                seats[inside],
                lots.cohort[inside],
                lots.province[inside],
            )
            few = int(min((inside & seats & ~won).sum(), (inside & ~seats).sum()))
            yield fitted(SPILL, h, spill, few, where)
            if where:
                fit = contrast(
                    official[inside].astype(float), won[inside], lots.stratum[inside], lots.cluster[inside]
                )
                yield fitted(ITT, h, fit, int(min((won & inside).sum(), (~won & inside).sum())), where)


def _slack(effects: Effects, scenario: str, lots: Lots) -> np.ndarray:
    """Whether each applicant's province had more than the median unemployment rate in the first month."""
    people = effects.results.cells["persons_by_region"].sel(scenario=scenario).isel(month=0)
    out_of_work, at_work = (
        people.sel(state=s).transpose("replicate", "region").values for s in ("unemployed", "employed")
    )
    rate = out_of_work / np.maximum(out_of_work + at_work, 1)
    return np.asarray((rate > np.median(rate, axis=1, keepdims=True))[lots.replicate, lots.region])


def _net(effects: Effects, scenario: str) -> Iterator[tuple[Any, ...]]:
    """Jobs that the scenario adds in all, over the persons it trains, at each year-end of the run."""
    accounts = effects.accounts.sel(scenario=scenario, group="all:all")
    for months in effects.horizons:
        net, trained = (
            accounts[name].sel(horizon=months).values.astype(float) for name in ("net", "trained")
        )
        if trained.sum() / effects.scale >= FEWEST:
            ends = effects.results.design.ratio(100.0 * net, trained)
            values = [*(float(x) for x in ends), nan, nan, nan][:6]
            yield scenario, NET, "all", "all", months, *values[:3], POINTS, *values[3:]


__all__ = ["Fit", "Lots", "contrast", "externality", "frame", "least_squares", "within"]
