"""Estimation: targets, how a run is measured against them, the fit, its posterior and what it is worth."""
