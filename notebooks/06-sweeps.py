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
# # 06 Sweeps
#
# Many runs of one design: what an answer hangs on, when something fails, what is best when parameters are not known.
# A small one is designed, run and read here. `docs/sweeps.md` has all methods.

# %%
# %matplotlib inline
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
from IPython.display import Image, display

import sim

SCALE = 1000  # people an agent
MONTHS = 12
LIMIT = 0.028  # unemployment rate that counts as a failure
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
# The command, as in a terminal: `laborshift ...`.


# %%
def laborshift(*words: str | Path) -> str:
    """What the command prints; RuntimeError where it fails."""
    asked = [sys.executable, "-m", "sim.cli", *map(str, words)]
    done = subprocess.run(asked, capture_output=True, text=True, encoding="utf-8", check=False)
    if done.returncode:
        raise RuntimeError(done.stderr)
    return done.stdout


# %% [markdown]
# ## The design
#
# Levers are what somebody decides, samples what nobody knows. Two samples of the same factors: Morris walks, which
# rank factors by few runs, and a Latin hypercube, whose points are fair draws of the space.

# %%
factors = ["job_creation", "substitution", "adoption_ramp"]
names = ", ".join(f'"{name}"' for name in factors)
design = f"""
title = "What unemployment and the plan's effect hang on"

[run]
scale = {SCALE}
months = {MONTHS}
replicates = 1

[levers]
scenarios = ["baseline", "roadmap"]
base = "baseline"

[[samples]]
method = "morris"
factors = [{names}]
trajectories = 3

[[samples]]
method = "latin-hypercube"
factors = [{names}]
points = 16

[answers]
outcomes = ["net_employment", "net_cost", "unemployment_rate", "ai_gain"]
fails = {{outcome = "unemployment_rate", above = {LIMIT}}}
"""
(FOLDER / "small.toml").write_text(design, encoding="utf-8")
print(laborshift("check", FOLDER / "small.toml"))

# %% [markdown]
# ## The runs
#
# In processes of their own, kept as they are done: after an interrupt `--resume` does what is missing, and on a
# cluster it is the same command with `--executor slurm`.

# %%
said = laborshift("sweep", FOLDER / "small.toml", "--out", FOLDER / "outputs", "--jobs", "1", "--quiet")
kept = next((FOLDER / "outputs").iterdir())
sweep = sim.open_sweep(kept)
print(sweep)

# %% [markdown]
# ## A row a run

# %%
sweep.runs.head()

# %% [markdown]
# ## The variables of `run.nc`, by run
#
# Named as in the results of one run; `run` stands in the place of scenario and replicate.

# %%
fair = (sweep.runs["sample"] == 1) & (sweep.runs.lever == "roadmap")
rate = 100 * sweep.market["unemployment_rate"].sel(run=sweep.runs.index[fair])
figure, ax = plt.subplots()
ax.plot(rate.month, rate.transpose("month", "run"), color=COLOURS[0], alpha=0.5, linewidth=1)
ax.axhline(100 * LIMIT, color=COLOURS[1], linestyle="--", label="limit")
ax.set(
    title=f"The plan at {int(fair.sum())} points of the hypercube", ylabel="unemployed, % of the labour force"
)
ax.legend(frameon=False)
plt.show()

# %% [markdown]
# ## Outcomes
#
# Effects are told against the base at the same point and seed; levels as they are.

# %%
outcomes = pd.DataFrame(
    {name: sweep.outcome(name, "roadmap") for name in ("net_employment", "unemployment_rate")}
)
points = outcomes.droplevel("replicate").join(sweep.points)
points[points["sample"] == 1].drop(columns="sample").describe().loc[["mean", "std", "min", "max"]]

# %% [markdown]
# ## The tornado
#
# What the effect on work hangs on, by Morris's mean absolute effects. With one seed at a point, chance is in them
# too: a factor whose interval is as wide as its bar has said little.

# %%
answers = kept / "answers"
matters = pd.read_csv(answers / "sensitivity.csv")
tornado = matters[(matters.method == "morris") & (matters.outcome == "net_employment")].set_index("factor")
display(tornado[["label", "mu_star", "mu_star_low", "mu_star_high", "mu", "sigma"]].round(0))

# %%
picture = next((answers / "figures").glob("tornado-morris-*-net_employment-roadmap.png"))
Image(picture.read_bytes())

# %% [markdown]
# A level has far less chance in it than a difference of two runs. The same factors, for what AI adds to output:

# %%
gain = matters[(matters.method == "morris") & (matters.outcome == "ai_gain") & (matters.lever == "baseline")]
display(gain.set_index("factor")[["label", "mu_star", "mu_star_low", "mu_star_high", "mu", "sigma"]].round(5))

# %% [markdown]
# ## When it fails
#
# Scenario discovery: the box of factors in which most points fail, found by a classification tree. `quality` is its
# accuracy at points that it has not seen; at 0.5 there is nothing to tell.

# %%
boxes = pd.read_csv(answers / "discovery.csv")
for row in boxes.itertuples():
    found = f"when {row.when}" if row.points == row.points else row.when
    print(f"{row.lever}: fails at {row.share_failing:.0%} of points; {found} (accuracy {row.quality:.2f})")

# %%
shown = points[points["sample"] == 1]
failed = shown.unemployment_rate > LIMIT
figure, ax = plt.subplots(figsize=(6.5, 4.2))
for has, colour, mark, label in (
    (True, COLOURS[1], "X", "above the limit"),
    (False, COLOURS[0], "o", "below"),
):
    at = shown[failed == has]
    ax.plot(at.job_creation, at.substitution, color=colour, marker=mark, linestyle="", label=label)
ax.set(title="Points of the hypercube, the plan", xlabel="job_creation", ylabel="substitution")
ax.legend(title="unemployment", loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
plt.show()

# %% [markdown]
# ## Any run again
#
# A sweep knows what each run was asked: it can be run again, to the bit, and looked into person by person.

# %%
number = int(sweep.runs.index[fair][0])
scenario, replicate = sweep.scenario(number)
market = sim.LaborMarket(scenario, replicate).run()
unemployed = len(market.agents.select(state="unemployed")) * SCALE
assert unemployed == sweep.market["unemployed"].sel(run=number).isel(month=-1)
print(f"run {number}: {unemployed:,} unemployed in the last month, then and now")
