"""Decide about an association with recurring windows: what to send, and how far its data was exported."""
