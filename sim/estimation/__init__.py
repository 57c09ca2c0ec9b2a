"""Estimation: what the model is held against, and how its parameters are found."""
