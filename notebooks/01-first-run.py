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
# # 01 First run
#
# One scenario is run, its results are asked for by name, and the model is then stepped by hand, month by month.
# Agents here stand for so many people that a run takes moments. That is for learning: publish nothing above 100.

# %%
# %matplotlib inline
import tempfile
import warnings
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from IPython.display import Image, display

import sim

SCALE = 1000  # people an agent
MONTHS = 36
REPLICATES = 4  # runs with other random draws
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
# ## A scenario
#
# `sim.load` takes a name that ships, or a file. Settings of the run are laid over it.

# %%
scenario = sim.load("roadmap").with_run(scale=SCALE, months=MONTHS, replicates=REPLICATES)
print(scenario.title, "/", scenario.title_ko)
print(f"{scenario.run.start} to {scenario.run.end}, seed {scenario.run.seed}")

# %% [markdown]
# The money it states, by calendar year. What a programme of it does is in the next notebook.

# %%
budget = pd.Series(scenario.policy.budget, name="new money, billion won") / 1e9
display(budget.to_frame())

# %% [markdown]
# ## The run
#
# The same scenario and seed give the same numbers on every machine. With `out="outputs"` the results would be kept in
# a folder, and read from there the next time.

# %%
results = sim.run(scenario, progress=False)
print(results)

# %% [markdown]
# ## What is in it
#
# Six groups of sums of whole numbers, and the ratios that can be made of them: xarray, with labels and units.

# %%
pd.Series(
    {name: results.market[name].attrs["long_name"] for name in results.market}, name="market"
).to_frame()

# %% [markdown]
# ## A rate over time
#
# A ratio has the dimensions of its sums: scenario, replicate, month. The spread between replicates is chance alone.

# %%
rate = 100 * results.market["unemployment_rate"].sel(scenario="roadmap")
figure, ax = plt.subplots()
ax.fill_between(rate.month, rate.min("replicate"), rate.max("replicate"), color=COLOURS[0], alpha=0.25)
ax.plot(rate.month, rate.mean("replicate"), color=COLOURS[0])
ax.set(title=f"Unemployment rate: mean and range of {REPLICATES} replicates", ylabel="% of the labour force")
plt.show()

# %% [markdown]
# ## By group
#
# Every group of the `cells` has its own ratio. Add sums up before you divide: a mean of rates is not the rate of the
# sum. Here the persons of all replicates and of a calendar year are added first.

# %%
persons = results.cells["persons_by_age"].sel(scenario="roadmap").sum("replicate").groupby("month.year").sum()
by_age = 100 * persons.sel(state="employed") / persons.sum("state")
figure, ax = plt.subplots()
for age, colour, mark in zip(by_age.age.values, COLOURS, MARKS, strict=True):
    ax.plot(by_age.year, by_age.sel(age=age), color=colour, marker=mark, label=age)
ax.set(title="Employment rate by age", ylabel="% of the age group", xticks=by_age.year.values)
ax.legend(title="age", loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
plt.show()

# %% [markdown]
# ## The summary
#
# All outcomes with 90% intervals across replicates, in one long table. A row on fewer than 30 agents has no number
# and says "too few".

# %%
summary = results.summary()
chosen = ["unemployment_rate", "employment_rate", "vacancy_rate", "mean_pay", "user_share"]
last_year = summary[(summary.dimension == "all") & summary.outcome.isin(chosen)]
last_year[["outcome", "mean", "low", "high", "unit"]].set_index("outcome")

# %%
few = summary.unit.str.startswith("too few")
print(f"{few.sum()} of {len(summary)} rows rest on fewer than 30 agents at {SCALE} people an agent")

# %% [markdown]
# ## The pictures that ship
#
# `laborshift run` draws these into its folder; `Results.draw` does the same.

# %%
with tempfile.TemporaryDirectory() as folder:
    files = results.draw(Path(folder))
    print(", ".join(sorted(file.name for file in files if file.suffix == ".png")))
    picture = next(file.read_bytes() for file in files if file.name == "staircase.png")
display(Image(picture))

# %% [markdown]
# ## The model itself
#
# `LaborMarket` is a Mesa model: one replicate, one `step` a month. When it is made,
# the months before the scenario have been lived through.

# %%
market = sim.LaborMarket(scenario, replicate=0)
counts = []
for _ in range(12):
    market.step()
    agents = market.agents
    counts.append(
        {state: len(agents.select(state=state)) for state in ("employed", "unemployed", "inactive")}
    )
agents_by_state = pd.DataFrame(counts, index=pd.RangeIndex(1, 13, name="month"))
display(agents_by_state.tail(3))

# %% [markdown]
# It is the same run: agents times the scale are the persons of the results, to the head.

# %%
stored = results.market["unemployed"].sel(scenario="roadmap", replicate=0).values[:12]
assert (agents_by_state.unemployed.to_numpy() * SCALE == stored).all()
print("the same number of unemployed in each of the 12 months")

# %% [markdown]
# ## People
#
# Columns, not objects: `get` gives an array of everyone selected, `groupby` a set for each value.

# %%
unemployed = market.agents.select(state="unemployed")
figure, ax = plt.subplots()
months, agents = np.unique(unemployed.get("spell"), return_counts=True)
ax.bar(months, agents, color=COLOURS[0])
ax.set(
    title="The unemployed by the length of their spell",
    xlabel="months unemployed",
    ylabel="agents",
    xticks=months,
)
plt.show()

# %% [markdown]
# One person, as an object when that is handier.

# %%
someone = next(iter(unemployed))
print(
    f"person {someone.unique_id}: {someone.age} years, {someone.stage} stage, {someone.spell} months unemployed"
)
