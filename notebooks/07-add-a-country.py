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
# # 07 Add a country
#
# An economy is a folder of tables, no code. Here one is laid over Korea: a made-up country where fewer employers have
# AI and benefits are lower. `docs/data.md` lists the tables that a real one needs.

# %%
# %matplotlib inline
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
from IPython.display import display

import sim

SCALE = 1000  # people an agent
MONTHS = 36
REPLICATES = 2
KOREA = Path(sim.__file__).parent / "economies" / "korea"
TEMPORARY = tempfile.TemporaryDirectory()  # gone when the notebook is closed
FOLDER = Path(TEMPORARY.name) / "elsewhere"
FOLDER.mkdir()
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
# The command, as in a terminal. `check` ends with an error where there is a mistake, which is what it is for.


# %%
def laborshift(*words: str | Path) -> str:
    """What the command says."""
    asked = [sys.executable, "-m", "sim.cli", *map(str, words)]
    done = subprocess.run(asked, capture_output=True, text=True, encoding="utf-8", check=False)
    return (done.stdout + done.stderr).strip()


# %% [markdown]
# ## What Korea has
#
# Every figure has a unit, a year, a source, a kind (published, derived, recalled, assumption) and a note.

# %%
tables = {
    path.stem: pd.read_csv(path, dtype=str, keep_default_na=False) for path in sorted(KOREA.glob("*.csv"))
}
kinds = {name: table.kind.value_counts() for name, table in tables.items() if "kind" in table}
counts = pd.DataFrame(kinds).T.fillna(0).astype(int)
print(
    f"{len(tables)} tables; {len(counts)} say of every figure what kind it is, {counts.to_numpy().sum():,} figures"
)
display(counts.head(8))

# %%
share = 100 * counts.sum() / counts.to_numpy().sum()
figure, ax = plt.subplots(figsize=(8, 2.4))
ax.barh(share.index, share, color=COLOURS[0])
ax.set(title="Figures of the Korean tables by kind", xlabel="% of the figures")
plt.show()

# %% [markdown]
# ## The header
#
# `based_on` names what lies below: records and tables that are not here are read there.

# %%
header = """
name = "elsewhere"
title_en = "A country with less AI"
title_ko = "AI 도입이 낮은 나라"
based_on = "korea"
base_year = 2025

[benefit.replacement]
value = 0.5
unit = "share of the former daily wage"
year = "2025"
source = ""
kind = "assumption"
note = "made up for a lesson"
"""
(FOLDER / "economy.toml").write_text(header, encoding="utf-8")
print(laborshift("check", FOLDER))

# %% [markdown]
# ## A table of its own
#
# The same columns and cells as the Korean table, half of the adopters, and a note that says so. At first with two
# mistakes.

# %%
adoption = tables["adoption"].copy()
adoption["value"] = [f"{float(value) / 2:.6f}" for value in adoption.value]
adoption[["source", "kind", "note"]] = "", "assumption", "half of the Korean path: made up for a lesson"
wrong = adoption.copy()
wrong.loc[0, "value"] = "1.7"  # a share
wrong.loc[1, "size"] = "1-5"  # no such class
wrong.to_csv(FOLDER / "adoption.csv", index=False, encoding="utf-8")
print(laborshift("check", FOLDER))

# %% [markdown]
# ## Until it is silent

# %%
adoption.to_csv(FOLDER / "adoption.csv", index=False, encoding="utf-8")
print(laborshift("check", FOLDER))

# %% [markdown]
# ## The run
#
# The same scenario in both: its economy is a setting of the run. The two cannot be compared person by person, since
# they are not the same people.

# %%
places = {"korea": "korea", "elsewhere": str(FOLDER)}
results = {}
for name, place in places.items():
    scenario = sim.load("roadmap", overrides=[f"run.economy={place!r}"])
    settings = {"scale": SCALE, "months": MONTHS, "replicates": REPLICATES}
    results[name] = sim.run(scenario, progress=False, **settings)
print({name: one.attrs["economy"] for name, one in results.items()})

# %%
asked = {
    "adoption_share": "employers with AI, %",
    "user_share": "regular users at work, %",
    "ai_gain": "output added by AI, %",
}
figure, axes = plt.subplots(1, 3, figsize=(11, 3.4))
for ax, (variable, label) in zip(axes, asked.items(), strict=True):
    for name, colour, line in zip(results, COLOURS, ("-", "--"), strict=False):
        value = results[name].market[variable].isel(scenario=0).mean("replicate")
        ax.plot(
            value.month,
            100 * (value - 1 if variable == "ai_gain" else value),
            color=colour,
            linestyle=line,
            label=name,
        )
    ax.set(title=label, ylim=(0, None))
    ax.set_xticks(value.month.values[::12], [str(day)[:7] for day in value.month.values[::12]])
axes[0].legend(frameon=False)
plt.show()

# %% [markdown]
# What it comes to in the last year, with 90% intervals across replicates.

# %%
chosen = ["unemployment_rate", "employment_rate", "mean_pay", "adoption_share", "user_share", "ai_gain"]
rows = {}
for name, one in results.items():
    summary = one.summary()
    rows[name] = summary[(summary.dimension == "all") & summary.outcome.isin(chosen)].set_index("outcome")
display(
    pd.concat({name: table[["mean", "low", "high"]] for name, table in rows.items()}, axis="columns").round(4)
)

# %% [markdown]
# ## The whole of a country
#
# A real one replaces codebooks too: provinces, industries, occupations. Start from a copy of the folder, and hold the
# first run, without training and without AI, against its own `targets.csv`. These are the tables by size:

# %%
sizes = pd.Series({name: len(table) for name, table in tables.items()}, name="rows").sort_values()
figure, ax = plt.subplots(figsize=(8, 0.8 + 0.17 * len(sizes)))
ax.barh(sizes.index, sizes, color=COLOURS[0])
ax.set(title="Rows of the Korean tables", xlabel="rows (log scale)", xscale="log")
ax.tick_params(axis="y", labelsize=7)
ax.margins(y=0.01)
plt.show()
