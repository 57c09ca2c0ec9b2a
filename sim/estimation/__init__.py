"""Bayesian simulated moments: parameters with their uncertainty, for any simulator that returns moments."""
