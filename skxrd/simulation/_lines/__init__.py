"""From cells to lines: structure factors, families of planes, radiation."""
