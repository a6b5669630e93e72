"""Alerts that receivers were notified of, and the changes since then."""
