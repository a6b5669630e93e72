"""Notify receivers of changes. Each receiver gets the changes since its own last notification."""
