"""From structures to conductivities."""
