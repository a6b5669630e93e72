"""Judges what `reconcile doctor` saw: values and pure functions."""
