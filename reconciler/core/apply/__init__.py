"""Outcomes of a plan's calls, and the journal before, between and after the calls."""
