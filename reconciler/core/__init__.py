"""Decides: pure functions and values, standard library only, no I/O. Read left to right, its files are the pipeline."""
