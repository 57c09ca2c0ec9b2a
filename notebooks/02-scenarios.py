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
# # 02 Scenarios
#
# A scenario states what it changes and nothing else. Here one is written, checked, mixed with others and compared
# with them on the same random draws.

# %%
# %matplotlib inline
import tempfile
import warnings
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from IPython.display import display

import sim
from sim.errors import InputError

SCALE = 1000  # people an agent
MONTHS = 36
REPLICATES = 4
TEMPORARY = tempfile.TemporaryDirectory()  # gone when the notebook is closed
FOLDER = Path(TEMPORARY.name)
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
# ## A file of your own
#
# Half of the new money goes to one programme for mid-career workers, which may teach more people than today.

# %%
(FOLDER / "midcareer.toml").write_text(
    """
title = "Half of the new money for mid-career courses"
based_on = "roadmap"

[policy.programmes.polytechnic-midcareer]
share = 0.5
seats = 100_000
""",
    encoding="utf-8",
)
midcareer = sim.load(FOLDER / "midcareer.toml")
print(midcareer.title)

# %% [markdown]
# ## What it changes
#
# Every setting has a value in the end; few of them are other than those of the plan.


# %%
def flat(table: dict, prefix: str = "") -> dict:
    """A nested table as one with dotted keys."""
    rows = {}
    for key, value in table.items():
        rows |= (
            flat(value, f"{prefix}{key}.") if isinstance(value, dict) and value else {f"{prefix}{key}": value}
        )
    return rows


ours, plan = (flat(one.settings()) for one in (midcareer, sim.load("roadmap")))
changed = {
    key: (plan.get(key, "as the record says"), value) for key, value in ours.items() if plan.get(key) != value
}
display(pd.DataFrame(changed, index=["roadmap", "midcareer"]).T)
print(f"{len(changed)} of {len(ours)} settings")

# %% [markdown]
# ## Mistakes are named
#
# By file, line and key, with what is allowed and the nearest name.

# %%
(FOLDER / "mistake.toml").write_text(
    'based_on = "roadmap"\n\n[policy.programmes.ktd]\nshare = 0.1\n', encoding="utf-8"
)
try:
    sim.compare("baseline", FOLDER / "mistake.toml", scale=SCALE, months=1, replicates=1)
except InputError as mistake:
    print(mistake)

# %% [markdown]
# ## Single changes and mixtures
#
# `overrides` is what `--set` is on the command line. Scenarios are laid over each other with `+`.

# %%
rigid = sim.load("roadmap", overrides=["world.job_creation=0.05"])
mixed = sim.load("roadmap+fast-ai")
faster = {key: value for key, value in flat(mixed.settings()).items() if plan.get(key) != value}
print(f"job creation {rigid.world.job_creation} instead of {sim.load('roadmap').world.job_creation:.3f}")
print("fast-ai changes:", faster)

# %% [markdown]
# ## The comparison
#
# All run with the same draws, month by month: they differ only where the policy, or the world, reaches.

# %%
scenarios = ["baseline", "roadmap", midcareer, "double"]
effects = sim.compare(*scenarios, scale=SCALE, months=MONTHS, replicates=REPLICATES)
print(effects)

# %% [markdown]
# ## Where the money goes
#
# Planned and spent: a programme that finds no takers, or has no seats, does not spend its money.

# %%
money = effects.money().groupby(["scenario", "programme"])[["planned", "spent"]].sum() / 1e9
base = money.loc["baseline"]
figure, axes = plt.subplots(1, len(effects.scenarios), figsize=(11, 4.6), sharex=True, sharey=True)
largest = (money.loc["double"] - base).planned.nlargest(8).index.union(["polytechnic-midcareer"])[::-1]
rows = np.arange(len(largest))
for ax, name in zip(axes, effects.scenarios, strict=True):
    added = (money.loc[name] - base).loc[largest]
    ax.barh(rows + 0.2, added.planned, 0.4, color=COLOURS[0], label="planned")
    ax.barh(rows - 0.2, added.spent, 0.4, color=COLOURS[1], hatch="//", edgecolor="white", label="spent")
    ax.set(title=name, xlabel="billion won", yticks=rows, yticklabels=largest)
axes[0].legend(frameon=False)
figure.suptitle(f"Money on top of the baseline in {MONTHS} months, by programme")
plt.show()

# %% [markdown]
# ## Who is trained
#
# Persons trained by the scenario and not by the baseline, at each year-end.

# %%
accounts = effects.decomposition()
trained = accounts[accounts.outcome == "trained"].pivot(
    index="horizon_months", columns="scenario", values="mean"
)
trained[effects.scenarios].round(0)

# %% [markdown]
# ## What it does
#
# The difference in employment against the baseline, with 90% intervals across pairs of runs.

# %%
net = effects.net("employed")
figure, ax = plt.subplots()
for n, (name, colour, mark) in enumerate(zip(effects.scenarios, COLOURS, MARKS, strict=False)):
    one = net[net.scenario == name]
    at, half = one.horizon_months.astype(float) + n - 1, (one.high - one["mean"]) / 1e3
    ax.errorbar(at, one["mean"] / 1e3, half, color=colour, marker=mark, capsize=3, linestyle="", label=name)
ax.axhline(0, color="#222222", linewidth=0.8)
ax.set(
    title="Net employment against the baseline", xlabel="months since the start", ylabel="thousand persons"
)
ax.set_xticks(sorted(net.horizon_months.unique().astype(int)))
ax.legend(frameon=False)
plt.show()

# %% [markdown]
# Said in words, by rule: an interval that holds zero is not an effect.

# %%
for row in net[net.horizon_months == effects.horizons[-1]].itertuples():
    sure = "more" if row.low > 0 else "fewer" if row.high < 0 else None
    said = f"{abs(row.mean):,.0f} {sure} in work" if sure else "not distinguishable from zero"
    print(f"{row.scenario}: {said} ({row.low:,.0f} to {row.high:,.0f}) after {row.horizon_months} months")

# %% [markdown]
# Few replicates of coarse agents leave wide intervals. `replicates=30, scale=100` is the way to narrower ones;
# another seed is not.
