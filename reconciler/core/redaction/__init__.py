"""Redact the secrets of the process from foreign text."""
