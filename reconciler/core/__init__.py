"""Decide what to do: values and pure functions, with the standard library only.

Read the packages from the bottom up: model, request, manifests and journal, plan, apply, report.
"""
