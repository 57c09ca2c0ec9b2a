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
# # 04 Calibration
#
# What the shipped calibration found: published numbers against the model's, and what they say about parameters.
# Nothing is calibrated here: `laborshift calibrate` does that, and `docs/calibration.md` says how.

# %%
# %matplotlib inline
import json
import warnings
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from IPython.display import display

import sim

SCALE = 1000  # people an agent
FOLDER = Path(sim.__file__).parents[1] / "calibration"  # of a checkout
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
# ## The targets
#
# Published numbers with their error, source and role: `fit` is calibrated on, `test` is held back, `prior` sets a
# prior.

# %%
targets = pd.read_csv(FOLDER / "targets.csv")
columns = ["id", "label", "value", "unit", "period", "se", "role", "source"]
targets[columns].set_index("id").groupby("role").head(6)

# %%
targets.groupby(["survey", "role"]).size().unstack(fill_value=0)

# %% [markdown]
# ## Missed first
#
# The model at the point estimate, in runs that the fit has not seen. A moment is met where it lies in the range of
# its target, its own error allowed for.

# %%
found = json.loads((FOLDER / "diagnostics.json").read_text(encoding="utf-8"))
moments = pd.DataFrame(found["moments"])
for role, rows in moments.groupby("role"):
    print(f"{role}: {rows.met.sum()} of {len(rows)} are met")
missed = moments[~moments.met.astype(bool)].merge(targets[["id", "label"]], on="id")
missed[["role", "label", "target", "low", "high", "model", "error"]].sort_values("role").set_index(
    ["role", "label"]
)

# %% [markdown]
# All of them in one picture: where the model lies, with the range of the target drawn from -1 to 1.

# %%
half = (moments.high - moments.low) / 2
place = (moments.model - (moments.low + moments.high) / 2) / half
shown = moments.assign(place=place.clip(-4, 4), beyond=place.abs() > 4).sort_values(["role", "place"])
figure, axes = plt.subplots(1, 2, figsize=(11, 0.9 + 0.17 * shown.role.value_counts().max()), sharex=True)
for ax, (role, rows) in zip(axes, shown.groupby("role"), strict=True):
    y = np.arange(len(rows))
    ax.axvspan(-1, 1, color="#e4e4e4", zorder=0)
    for met, colour, mark in ((True, COLOURS[0], "o"), (False, COLOURS[1], "X")):
        at = (rows.met == met).to_numpy()
        ax.plot(
            rows.place[at], y[at], linestyle="", color=colour, marker=mark, label="met" if met else "missed"
        )
    ax.set_yticks(y, rows.id, fontsize=7)
    ax.set(
        title={"fit": "fitted", "test": "held back"}[role],
        xlabel="half ranges from the middle of the target's range",
    )
    ax.legend(frameon=False, loc="lower right")
plt.show()
print(f"{shown.beyond.sum()} lie beyond four half ranges and are drawn at the edge")

# %% [markdown]
# ## What is pinned
#
# Contraction is the part of the prior's variance that the targets take away. What is not pinned keeps its prior: do
# not read its estimate as knowledge.

# %%
parameters = pd.DataFrame(found["parameters"]).sort_values("contraction")
figure, ax = plt.subplots(figsize=(8, 0.8 + 0.19 * len(parameters)))
for pinned, colour, hatch in ((True, COLOURS[0], ""), (False, COLOURS[1], "//")):
    at = (parameters.pinned == pinned).to_numpy()
    rows = np.arange(len(parameters))[at]
    label = "pinned" if pinned else "not pinned"
    ax.barh(rows, parameters.contraction[at], color=colour, hatch=hatch, edgecolor="white", label=label)
ax.set_yticks(np.arange(len(parameters)), parameters.name, fontsize=8)
ax.set(
    title="What the targets say of each parameter", xlabel="contraction (1: all is known, 0: as the prior)"
)
ax.legend(frameon=False, loc="lower right")
plt.show()
print(f"not pinned: {(~parameters.pinned).sum()} of {len(parameters)}")

# %% [markdown]
# ## Posterior against prior
#
# Draws stand in the file twice: as parameters, and as `z:`, where every prior is a standard normal. So all of them
# fit on one axis, and a posterior that looks like the grey band has learnt nothing.

# %%
draws = pd.read_csv(FOLDER / "posterior.csv")
weight = np.exp(draws.log_weight - draws.log_weight.max())
order = parameters.name.tolist()


def quantiles(values: pd.Series, at: list[float]) -> np.ndarray:
    """Weighted quantiles of draws."""
    up = np.argsort(values.to_numpy())
    mass = np.cumsum(weight.to_numpy()[up])
    return np.interp(at, mass / mass[-1], values.to_numpy()[up])


figure, ax = plt.subplots(figsize=(8, 0.8 + 0.19 * len(order)))
ax.axvspan(-1.645, 1.645, color="#cccccc", zorder=0, label="prior, 90%")
for row, name in enumerate(order):
    low, middle, high = quantiles(draws[f"z:{name}"], [0.05, 0.5, 0.95])
    colour = COLOURS[0] if parameters.pinned.iloc[row] else COLOURS[1]
    ax.plot([low, high], [row, row], color=colour, linestyle="-" if parameters.pinned.iloc[row] else ":")
    ax.plot(middle, row, color=colour, marker="o" if parameters.pinned.iloc[row] else "s", markersize=4)
ax.set_yticks(np.arange(len(order)), order, fontsize=8)
ax.set(
    title="Posterior: median and 90% (dotted squares: not pinned)", xlabel="standard deviations of the prior"
)
ax.set_xlim(-4, 3)
ax.legend(frameon=False, loc="lower left")
plt.show()

# %% [markdown]
# The four that the targets say most and least of, in their own units.

# %%
chosen = [*order[-2:], *order[:2]]
figure, axes = plt.subplots(1, 4, figsize=(11, 3), sharey=False)
for ax, name in zip(axes, chosen, strict=True):
    record = parameters.set_index("name").loc[name]
    ax.hist(draws[name], bins=30, weights=weight, density=True, color=COLOURS[0])
    ax.axvline(record.estimate, color=COLOURS[1], linestyle="--", label="estimate")
    ax.axvline(record.centre, color=COLOURS[4], linestyle=":", label="prior's centre")
    ax.set(title=f"{name}\ncontraction {record.contraction:.2f}", yticks=[], xlabel="value")
axes[0].set_ylabel("density of the draws")
axes[0].legend(frameon=False, fontsize=7)
plt.show()

# %% [markdown]
# ## Parameters that go together
#
# The targets often pin a combination and not its parts: the strongest correlations of draws.

# %%
z = draws[[f"z:{name}" for name in order]].rename(columns=lambda name: name[2:])
pairs = z.corr().where(np.triu(np.ones((len(order), len(order)), dtype=bool), 1)).stack()
pairs.loc[pairs.abs().sort_values(ascending=False).index].head(8).rename("correlation").round(2).to_frame()

# %% [markdown]
# ## What it means for a result
#
# `uncertainty="posterior"` gives two replicates in a row the parameters of one draw. Then what parameters do to an
# outcome can be told from what chance does: their shares of the variance of one replicate.

# %%
settings = {"scale": SCALE, "months": 12, "replicates": 12}
ways = {"seed": "chance only", "posterior": "parameters too"}
runs = {way: sim.run("baseline", uncertainty=way, progress=False, **settings) for way in ways}
figure, axes = plt.subplots(1, 2, figsize=(10, 3.6), sharey=True)
for ax, (way, title) in zip(axes, ways.items(), strict=True):
    rate = 100 * runs[way].market["unemployment_rate"].isel(scenario=0)
    ax.plot(rate.month, rate.transpose("month", "replicate"), color=COLOURS[0], alpha=0.6, linewidth=1)
    ax.set_title(f"Replicates: {title}")
    ax.tick_params(axis="x", rotation=30)
axes[0].set_ylabel("unemployed, % of the labour force")
plt.show()

# %%
summary = runs["posterior"].summary()
outcomes = ["unemployment_rate", "employment_rate", "vacancy_rate", "mean_pay", "ai_gain", "adoption_share"]
rows = summary[(summary.dimension == "all") & summary.outcome.isin(outcomes)].set_index("outcome")
display(rows[["mean", "low", "high", "unit", "share_parameter", "share_seed"]].round(3))
