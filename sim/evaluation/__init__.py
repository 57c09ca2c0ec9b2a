"""What a policy changed: two runs with the same draws, compared person by person."""
