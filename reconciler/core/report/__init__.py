"""What a run has to say at its end, as values that every format shows."""
