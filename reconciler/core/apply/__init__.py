"""Apply a plan: the outcomes of its calls, and the journal before, between and after the calls."""
