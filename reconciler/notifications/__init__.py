"""Notify people of what changes: each receiver separately, by the present state and its last notification."""
