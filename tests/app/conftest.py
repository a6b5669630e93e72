"""The program, aimed at a sandbox over HTTP."""

from cli.conftest import program, server

__all__ = ["program", "server"]
