"""Reports of runs, as values that each output format renders."""
