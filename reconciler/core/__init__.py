"""Decides: pure functions and values, standard library only. Read left to right, its files are the pipeline."""
