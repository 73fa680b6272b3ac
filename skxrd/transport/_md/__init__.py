"""Molecular dynamics with machine-learned potentials, and what has to be checked about it."""
