"""Fixtures: the program, and a sandbox over HTTP that it calls."""

from cli.conftest import program, server

__all__ = ["program", "server"]
