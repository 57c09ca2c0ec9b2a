"""Sweeps: a design of levers, uncertainties and seeds, run wherever there are cores, and what it says.

`design` (the file), `points` (what is varied, as numbers), `outcomes` (what is kept of a run), `store` (where it is
kept), `work` (a unit of runs), `drive`, `cluster`, `slurm`, `on_dask` (who works), `answers` (reading), `sensitivity`,
`discovery`, `choice`, `pictures`, `show`, `tables` (what it says), `planning`, `command` (`laborshift plan`, `sweep`).
"""
