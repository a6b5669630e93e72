"""Shows a Report: pure functions from a Report to text."""
