# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 05 Gross and net
#
# From those who find work after a course to the jobs that are there because of it: what would have happened anyway,
# and who else gained or lost. Both runs of a pair have the same draws, so everything is counted, nothing estimated.

# %%
# %matplotlib inline
import warnings

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from IPython.display import display

import sim

SCALE = 1000  # people an agent
MONTHS = 48
REPLICATES = 6  # pairs
warnings.filterwarnings("ignore", "IProgress not found")  # of a progress bar that nothing here draws
plt.rcParams.update(
    {
        "figure.figsize": (8, 3.8),
        "figure.constrained_layout.use": True,
        "axes.grid": True,
        "grid.color": "#e4e4e4",
    }
)
plt.rcParams.update({"axes.axisbelow": True, "axes.spines.top": False, "axes.spines.right": False})
COLOURS, MARKS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#222222"], ["o", "s", "^", "D", "v"]

# %% [markdown]
# ## The pairs

# %%
effects = sim.compare("baseline", "roadmap", scale=SCALE, months=MONTHS, replicates=REPLICATES)
print(effects)


# %% [markdown]
# One rule for all words below: an effect is one where its 90% interval leaves zero out.


# %%
def told(row: pd.Series, unit: str) -> str:
    """A row of a frame in words."""
    if not np.isfinite(row["mean"]):
        return row.unit
    interval = f"[{row.low:,.1f}, {row.high:,.1f}]"
    if row.low <= 0 <= row.high:
        return f"not distinguishable from zero {interval} {unit}"
    return f"{row['mean']:+,.1f} {interval} {unit}"


# %% [markdown]
# ## Gross: what placement statistics see
#
# Of everyone who begins a course, the share in work some months later. It is the number that is published, and it is
# no effect.

# %%
treated = effects.treated()
UNDER, ANYWAY = "employment of the treated", "employment of the treated without the policy"
EFFECT = "direct effect on the treated"
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.8))
for name, label, colour, mark in (
    (UNDER, "with the plan", COLOURS[0], MARKS[0]),
    (ANYWAY, "without", COLOURS[1], MARKS[1]),
):
    rows = treated[treated.outcome == name]
    half = rows.high - rows["mean"]
    left.errorbar(
        rows.horizon_months.astype(int), rows["mean"], half, color=colour, marker=mark, capsize=3, label=label
    )
left.set(title="The trained: in work", xlabel="months since the course began", ylabel="% of the trained")
left.legend(frameon=False)
rows = treated[treated.outcome == EFFECT]
right.errorbar(rows.horizon_months.astype(int), rows["mean"], rows.high - rows["mean"], marker="o", capsize=3)
right.axhline(0, color="#222222", linewidth=0.8)
right.set(
    title="The difference: the direct effect",
    xlabel="months since the course began",
    ylabel="percentage points",
)
plt.show()

# %%
for row in (treated[treated.outcome == EFFECT].iloc[n] for n in range(5)):
    print(f"{row.horizon_months} months on: {told(row, 'percentage points')}, {row.agents:,.0f} agents")

# %% [markdown]
# While a course lasts its people do not look for work: the first months are its cost in time. From the planned end of
# the course, and counting only jobs that employment insurance covers, the same people look like this.

# %%
other = effects.treated(clock="completion", definition="insured")
other = other[other.outcome.str.startswith(EFFECT)].set_index("horizon_months")
display(other[["mean", "low", "high", "unit", "agents"]].round(2))

# %% [markdown]
# ## By life stage
#
# The same effect by the stage at enrolment. Small groups say "too few" and have no number.

# %%
by_stage = effects.treated(by="stage")
by_stage = by_stage[(by_stage.outcome == EFFECT) & (by_stage.category != "outside")]
figure, ax = plt.subplots()
for n, (stage, rows) in enumerate(by_stage.groupby("category")):
    at = rows.horizon_months.astype(float) + 0.5 * (n - 1)
    half = rows.high - rows["mean"]
    ax.errorbar(at, rows["mean"], half, color=COLOURS[n], marker=MARKS[n], capsize=3, label=stage)
ax.axhline(0, color="#222222", linewidth=0.8)
ax.set(
    title="Direct effect by life stage", xlabel="months since the course began", ylabel="percentage points"
)
ax.legend(frameon=False)
plt.show()

# %% [markdown]
# ## The account
#
# Heads at the end of the run. Direct is gross less deadweight; net is direct less substitution less displacement, and
# is the difference in employment of the two runs, to the head.

# %%
table = effects.table()
display(table["roadmap"].round(0))

# %% [markdown]
# In every replicate, not only on average:

# %%
accounts = effects.accounts.sel(group=effects.accounts.dimension == "all").isel(group=0, scenario=0)
last = accounts.isel(horizon=-1)
assert (last.direct == last.gross - last.deadweight).all()
assert (last.net == last.direct - last.substitution - last.displacement).all()
employed = effects.results.market["employed"].isel(month=-1)
difference = employed.sel(scenario="roadmap") - employed.sel(scenario="baseline")
assert (last.net.values == difference.values).all()
print("replicate by replicate:", ", ".join(f"{x:+,.0f}" for x in last.net.values))

# %% [markdown]
# ## The waterfall

# %%
effects.plot.waterfall()

# %% [markdown]
# Over time: the direct effect, the effect on all others, and their sum.

# %%
account = effects.decomposition()
figure, ax = plt.subplots()
for n, name in enumerate(("direct", "spillover", "net")):
    rows = account[account.outcome == name]
    at, half = rows.horizon_months.astype(float) + n - 1, (rows.high - rows["mean"]) / 1e3
    ax.errorbar(
        at, rows["mean"] / 1e3, half, color=COLOURS[n], marker=MARKS[n], capsize=3, linestyle="", label=name
    )
ax.axhline(0, color="#222222", linewidth=0.8)
ax.set(title="Jobs against the baseline, at the ends of years", xlabel="months", ylabel="thousand persons")
ax.set_xticks(effects.horizons)
ax.legend(frameon=False)
plt.show()

# %%
for row in (account[account.outcome == "net"].iloc[n] for n in range(len(effects.horizons))):
    print(f"net after {row.horizon_months} months: {told(row, 'persons')}")

# %% [markdown]
# ## Who else
#
# Jobs of everyone outside the trained, lost and gained, by age. Both hold people who only change places: paired runs
# drift apart. The net of the two is what counts.

# %%
trace = effects.trace("age")
trace = trace[trace.horizon_months == effects.horizons[-1]].pivot(
    index="category", columns="outcome", values="mean"
)
figure, ax = plt.subplots()
rows = np.arange(len(trace))
for n, name in enumerate(("jobs gained by others", "jobs lost by others")):
    hatch = ("", "//")[n]
    ax.barh(
        rows + 0.2 - 0.4 * n,
        trace[name] / 1e3,
        0.4,
        color=COLOURS[n],
        hatch=hatch,
        edgecolor="white",
        label=name,
    )
ax.set_yticks(rows, trace.index)
ax.set(title=f"Others after {effects.horizons[-1]} months, by age", xlabel="thousand persons", ylabel="age")
ax.legend(frameon=False)
plt.show()

# %% [markdown]
# ## What a job costs
#
# Where the number of jobs cannot be told from zero there is no cost of a job.

# %%
cost = effects.cost()
cost = cost[cost.horizon_months == cost.horizon_months.max()].set_index("outcome")
display(cost[["mean", "low", "high", "unit"]].map(lambda x: f"{x:,.0f}" if isinstance(x, float) else x))

# %% [markdown]
# ## How many pairs it takes
#
# The spread of the net over pairs says how many would be needed to tell a mean of this size from zero, by the normal
# approximation.

# %%
net = accounts.net / 1e3
mean, spread = net.mean("replicate"), net.std("replicate", ddof=1)
needed = np.ceil((1.645 * spread / np.abs(mean)) ** 2)
frame = pd.DataFrame(
    {"mean, thousand": mean, "spread over pairs": spread, "pairs needed": needed}, index=effects.horizons
)
display(frame.rename_axis("months").round(1))
