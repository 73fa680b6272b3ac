"""The line of Arrhenius."""
