"""The loop: follows git, runs each target in its own rhythm, and knows how all of it stands.

`following.py` which revision is in force; `lane.py` one target's runs; `controller.py` puts them together.
"""
