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
# # 03 The model
#
# A month is nine phases. For each: the rule in a sentence, and a picture of it, drawn with the model's own function
# or measured in a run. The formulas are in `docs/model.md`.

# %%
# %matplotlib inline
import inspect
import textwrap
import warnings

import matplotlib.pyplot as plt
import numba
import numpy as np
import pandas as pd

import sim

SCALE = 1000  # people an agent
MONTHS = 60
with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # of a progress bar that nothing here draws
    from sim.phases.adopt import FIRST_INTENSITY, RAMP
    from sim.phases.post import labour_requirement
    from sim.wages import reservation, staff_use
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
EMPLOYED, UNEMPLOYED = 1, 2  # codes of the column `state`; 0 is absent

# %% [markdown]
# ## The month
#
# This is all of it. What a phase leaves, the next one finds.

# %%
print(inspect.getsource(sim.LaborMarket.step))

# %% [markdown]
# ## What the pictures are drawn from
#
# A run of the plan, for what is recorded,

# %%
scenario = sim.load("roadmap").with_run(scale=SCALE, months=MONTHS, replicates=2)
results = sim.run(scenario, progress=False)
world = scenario.world

# %% [markdown]
# and a year of one replicate, stepped by hand, for what only persons show: everyone before and after each month.

# %%
market = sim.LaborMarket(scenario)
names = ("state", "spell", "contract", "occupation", "employability", "skill")
months = []
for _ in range(12):
    before = {name: market.column(name).copy() for name in names}
    firm = market.column("employer")
    before["at_adopter"] = (firm >= 0) & (market.employers.intensity[firm] > 0)
    market.step()
    after = {f"{name}_after": market.column(name).copy() for name in ("state", "occupation", "skill")}
    months.append(pd.DataFrame(before | after))
persons = pd.concat(months, ignore_index=True).query("state > 0 and state_after > 0")
print(f"{len(persons):,} months of persons")


# %% [markdown]
# Rules are compiled, and called from compiled loops: a loop of our own asks them.


# %%
@numba.njit
def labour_for(intensity, exposure, complementarity, use, params):
    out = np.empty(intensity.size)
    for n in range(intensity.size):
        out[n] = labour_requirement(intensity[n], exposure, complementarity, use, params)
    return out


@numba.njit
def use_at(skill, experience, params):
    out = np.empty(skill.size)
    for n in range(skill.size):
        out[n] = staff_use(skill[n], experience, params)
    return out


@numba.njit
def least_of(rows, workers, tables, params, clock):
    out = np.empty(rows.size)
    for n in range(rows.size):
        out[n] = reservation(rows[n], workers, tables, params, clock)
    return out


# %% [markdown]
# A small helper: the share of those in a class who do something, and how many agents that rests on.


# %%
def share(of: pd.DataFrame, by: pd.Series, does: pd.Series) -> pd.DataFrame:
    """Percent of the rows by class, with the agents; classes of fewer than 30 agents are left out."""
    found = does.groupby(by, observed=True).agg(["mean", "size"])
    return found[found["size"] >= 30].assign(percent=lambda table: 100 * table["mean"])


# %% [markdown]
# ## 1 Age
#
# Everyone grows older; some enter at 15, some leave, some finish school. Entries and exits make the population follow
# the official projection by sex and age.

# %%
people = results.cells["persons_by_age"].isel(scenario=0).sum("state").mean("replicate")
figure, ax = plt.subplots()
for age, colour, mark in zip(people.age.values, COLOURS, MARKS, strict=True):
    index = 100 * people.sel(age=age) / people.sel(age=age).isel(month=0)
    ax.plot(people.month, index, color=colour, marker=mark, markevery=12, label=age)
ax.set(title="1 Age: people of an age group", ylabel="first month = 100")
ax.legend(title="age", loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
plt.show()

# %% [markdown]
# ## 2 Adopt
#
# An employer adopts AI with a hazard that grows with the share of adopters among its peers (Bass 1969). From then on
# its intensity climbs a logistic ramp, faster where the staff has more AI skill.

# %%
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.8))
firms = results.employers.sums[["adopters", "open_employers"]].isel(scenario=0).sum(["replicate", "industry"])
adopted = 100 * firms.adopters / firms.open_employers
for size, colour, mark in zip(adopted["size"].values[:5], COLOURS, MARKS, strict=True):
    left.plot(adopted.month, adopted.sel(size=size), color=colour, marker=mark, markevery=12, label=size)
left.set(title="2 Adopt: employers with AI (run)", ylabel="% of employers of a size", ylim=(0, 130))
left.set_yticks(range(0, 101, 20))
left.tick_params(axis="x", rotation=30)
left.legend(title="workers", frameon=False, ncols=3, loc="upper left")
for skill, colour, mark in zip((0.2, 0.5, 0.8), COLOURS, MARKS, strict=False):
    path = [FIRST_INTENSITY]
    for _ in range(MONTHS):
        pace = RAMP / world.adoption_ramp * (1 + world.adoption_staff_skill * skill)
        path.append(min(1.0, path[-1] + path[-1] * (1 - path[-1]) * pace))
    right.plot(path, color=colour, marker=mark, markevery=12, label=f"{skill:g}")
right.set(
    title="Intensity after adoption (rule)", xlabel="months since adoption", ylabel="intensity A, 0 to 1"
)
right.legend(title="mean AI skill of the staff", frameon=False)
plt.show()

# %% [markdown]
# ## 3 Separate
#
# Jobs end by a monthly hazard in contract, size, age and tenure, times exp(-hζ - h²/2) in the employability ζ that no
# employer can see fully. Who is laid off, and whose employer closes, leaves whatever ζ: the run is flatter than the
# rule for the others, and so it is where those of low ζ who are still there hold the steadier jobs.

# %%
at_work = persons[persons.state == EMPLOYED]
ends = at_work.state_after != EMPLOYED
by_tenure = share(at_work, np.minimum(at_work.spell // 6 * 6, 60), ends)
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.8))
left.plot(by_tenure.index, by_tenure.percent, color=COLOURS[0], marker=MARKS[0])
left.set(
    title="3 Separate: by tenure (run)",
    xlabel="months in the job (60: and more)",
    ylabel="% leaving work a month",
)
for contract, colour, mark in ((0, COLOURS[0], MARKS[0]), (1, COLOURS[1], MARKS[1])):
    new = at_work[(at_work.contract == contract) & (at_work.spell < 3)]
    rate = share(new, new.employability.round(0), ends[new.index])
    label = market.economy.labels("contract")[contract]
    right.plot(rate.index, rate.percent, color=colour, marker=mark, linestyle="", label=f"{label} (run)")
    rule = rate.percent[0] * np.exp(-world.separation_employability * rate.index)
    right.plot(rate.index, rule, color=colour, linestyle="--", label="rule, through the run at ζ = 0")
right.set(
    title="In the first months of a job, by employability", xlabel="ζ, rounded", yscale="log", ylim=(1, 100)
)
right.set_yticks([1, 2, 5, 10, 20, 50, 100], labels=["1", "2", "5", "10", "20", "50", "100"])
right.legend(frameon=False, fontsize=8, loc="lower left")
plt.show()

# %% [markdown]
# ## 4 Post
#
# Employers compare posts held with posts wanted. AI lowers the labour that a unit of output needs, most where tasks
# can be taken over, and by its use where it helps; growth, demand shocks, unit cost and job creation come on top.

# %%
exposure, helps = market.tables.exposure, market.tables.complementarity
labels = results.cells.sums.occupation_label_en.values
replaced, helped = int(np.argmax(exposure * (1 - helps))), int(np.argmax(exposure * helps))
intensity = np.linspace(0, 1, 21)
figure, ax = plt.subplots(figsize=(9, 4))
for occupation, colour in ((replaced, COLOURS[1]), (helped, COLOURS[0])):
    name = textwrap.shorten(labels[occupation], 50)
    for use, line in ((0.0, "--"), (0.8, "-")):
        need = 100 * labour_for(intensity, exposure[occupation], helps[occupation], use, market.params)
        ax.plot(intensity, need, color=colour, linestyle=line, label=f"{name}; use {use:g}")
ax.set(title="4 Post: labour for a unit of output (the model's function)")
ax.set(xlabel="intensity of AI at the employer, A", ylabel="% of the labour without AI")
ax.legend(
    title="occupation, and mean use by the staff", loc="upper left", bbox_to_anchor=(0, -0.2), frameon=False
)
plt.show()

# %% [markdown]
# ## 5 Train
#
# People hear of courses and apply; money, places and instructors say how many seats there are this month; the queue
# is served by the programme's rule. Courses take months, and some drop out.

# %%
flows = results.programmes.sums[["applied", "enrolled", "completed", "dropped"]].sel(programme="kdt")
flows = flows.isel(scenario=0).mean("replicate").resample(month="QS").sum() / 1e3
figure, ax = plt.subplots()
for name, colour, mark in zip(flows.data_vars, COLOURS, MARKS, strict=False):
    ax.plot(flows.month, flows[name], color=colour, marker=mark, label=name)
title = str(results.programmes.sums.programme_label_en.sel(programme="kdt").item())
ax.set(title=f"5 Train: {title} (run)", ylabel="thousand persons a quarter", ylim=(0, None))
ax.legend(loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
plt.show()

# %% [markdown]
# ## 6 Search
#
# The unemployed apply to several vacancies, the employed and the inactive to fewer, near their own occupation and
# province first. Least acceptable is a share of the last wage that falls month by month; a benefit holds it up.

# %%
rows = market.agents.select(state="unemployed").rows
workers = market.workers
least = least_of(rows, workers, market.tables, market.params, market.clock)
kept = 100 * np.exp(least - workers.wage[rows])
paid = workers.benefit[rows] > 0
spells = np.arange(0, workers.spell[rows].max() + 1)
start = np.exp(market.tables.log_reservation)
figure, ax = plt.subplots()
ax.plot(
    spells,
    100 * start * np.exp(-world.reservation_decline * spells),
    color="#222222",
    label="rule, no benefit",
)
for has, colour, mark, label in (
    (False, COLOURS[0], "o", "no benefit"),
    (True, COLOURS[1], "^", "with benefit"),
):
    at = paid == has
    ax.plot(
        workers.spell[rows[at]], kept[at], color=colour, marker=mark, linestyle="", alpha=0.4, label=label
    )
ax.set(
    title="6 Search: least acceptable pay of the unemployed",
    xlabel="months unemployed",
    ylabel="% of the last wage",
)
ax.set_ylim(0, 100)
ax.legend(frameon=False)
plt.show()
print(f"{(kept > 100).sum()} of {kept.size} ask more than their last wage")

# %% [markdown]
# Whom the look around leads where: the share of the hired who stay in their occupation.

# %%
hired = persons[(persons.state == UNEMPLOYED) & (persons.state_after == EMPLOYED)]
stay = (hired.occupation == hired.occupation_after).mean()
print(f"{stay:.0%} of {len(hired):,} hires out of unemployment are in the occupation held before")

# %% [markdown]
# ## 7 Match
#
# Every vacancy makes one offer, to the applicant who ranks first; everyone takes the best offer. Ranking knows the
# occupation, skill, certificates and something of ζ: finding work is a race, so what one gains another may lose.

# %%
looking = persons[persons.state == UNEMPLOYED]
finds = looking.state_after == EMPLOYED
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.8), sharey=True)
for ax, by in ((left, looking.employability.round(0)), (right, np.minimum(looking.spell, 8))):
    rate = share(looking, by, finds)
    error = 164.5 * np.sqrt(rate["mean"] * (1 - rate["mean"]) / rate["size"])
    ax.errorbar(rate.index, rate.percent, error, color=COLOURS[0], marker=MARKS[0], capsize=3)
left.set(
    title="7 Match: by employability (run)",
    xlabel="employability ζ, rounded",
    ylabel="% finding work a month",
)
right.set(title="By spell", xlabel="months unemployed (8: and more)")
left.set_ylim(0, None)
plt.show()

# %% [markdown]
# ## 8 Learn
#
# AI skill grows where it is used, at an adopting employer. How much of it is used is logistic in the skill, and
# novices gain more than old hands. What a course taught fades where it is not used.

# %%
skill = np.linspace(0, 1, 41)
figure, (left, right) = plt.subplots(1, 2, figsize=(10, 3.8))
for months_worked, colour, line in ((0, COLOURS[0], "-"), (12, COLOURS[1], "--"), (24, COLOURS[2], ":")):
    used = use_at(skill, float(months_worked), market.params)
    left.plot(skill, used, color=colour, linestyle=line, label=f"{months_worked} months")
left.set(
    title="8 Learn: what the staff makes of AI (function)",
    xlabel="AI skill a",
    ylabel="use(a) x nov(experience)",
)
left.legend(title="experience", frameon=False)
stays = at_work[at_work.state_after == EMPLOYED]
grown = 1000 * (stays.skill_after - stays.skill)
tenths = stays.skill.clip(0, 0.999) // 0.1 * 0.1 + 0.05
gain = grown.groupby([stays.at_adopter, tenths]).agg(["mean", "size"])
for has, colour, mark, label in (
    (True, COLOURS[0], "o", "employer has AI"),
    (False, COLOURS[1], "s", "has none"),
):
    line = gain.loc[has].query("size >= 30")
    right.plot(line.index, line["mean"], color=colour, marker=mark, label=label)
right.set(title="Change of skill in a month (run)", xlabel="AI skill a", ylabel="thousandths")
right.legend(frameon=False)
plt.show()

# %% [markdown]
# ## 9 Produce
#
# Output is hours at the pay of the job, raised by what AI helps with and by the hours that it takes over. Only sums
# are kept; every rate is divided later.

# %%
sums = results.employers.sums[["output", "base_output"]].isel(scenario=0).sum(["replicate", "industry"])
added = 100 * (sums.output / sums.base_output - 1)
figure, ax = plt.subplots()
for size, colour, mark in zip(added["size"].values[:5], COLOURS, MARKS, strict=True):
    ax.plot(added.month, added.sel(size=size), color=colour, marker=mark, markevery=12, label=size)
ax.set(title="9 Produce: what AI adds to output (run)", ylabel="% of output without AI", ylim=(0, None))
ax.legend(title="workers of the employer", loc="center left", bbox_to_anchor=(1, 0.5), frameon=False)
plt.show()

# %% [markdown]
# ## Nothing is lost
#
# Whoever leaves a state arrives in another: the flows of a month add up to the stocks at its end, to the head.

# %%
moves, stock = results.flows.sums.persons.sum(["age", "state_before"]), results.market.sums
for state in ("employed", "unemployed", "inactive"):
    assert (moves.sel(state=state) == stock[state]).all()
print(f"all {moves.size:,} stocks are the sums of the flows into them")
