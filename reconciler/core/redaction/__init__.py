"""Secrets of the process: how they are spelt in foreign text, and how they are taken out of it."""
