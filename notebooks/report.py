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

# %% tags=["one-page"]
from IPython.display import display

from sim.report import Report

# %% tags=["parameters"]
results = "."  # a folder that run, compare, sweep, allocate, marginal or attribute wrote
lang = "ko"  # ko or en

# %% tags=["one-page"]
report = Report(results, lang)

# %% tags=["one-page"]
report.answer()

# %% tags=["one-page"]
report.first_picture()

# %% tags=["one-page"]
report.certainty()

# %%
display(*report.more_pictures())

# %%
report.contents()

# %%
report.table(1)  # scenarios

# %%
report.table(2)  # inputs and execution

# %%
report.table(3)  # participants and selection

# %%
report.table(4)  # completion and dropout

# %%
report.table(5)  # gross placement

# %%
report.table(6)  # effect on the treated

# %%
report.table(7)  # lock-in

# %%
report.table(8)  # quality of jobs

# %%
report.table(9)  # net jobs

# %%
report.table(10)  # cost-effectiveness

# %%
report.table(11)  # fiscal balance

# %%
report.table(12)  # employers

# %%
report.table(13)  # provinces

# %%
report.table(14)  # distribution

# %%
report.table(15)  # marginal returns

# %%
report.table(16)  # scenarios compared

# %%
report.table(17)  # the roadmap's pillars

# %%
report.table(18)  # validation, failures first

# %%
report.table(19)  # sensitivity and uncertainty

# %%
report.table(20)  # evidence and limits

# %%
report.about()
