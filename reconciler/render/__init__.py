"""Render reports, diagnoses and notifications as text: pure functions from values to text."""
