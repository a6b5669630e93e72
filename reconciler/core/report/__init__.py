"""Reports of runs, as values that every format renders."""
