"""Trajectories from the files of other programs."""
