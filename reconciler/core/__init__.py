"""Decide: values and pure functions, standard library only.

Read the rooms from the bottom up: model, request, manifests and journal, plan, apply, report.
"""
