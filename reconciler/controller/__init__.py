"""The loop: follows git, runs each target in its own rhythm, and knows how all of it stands.

`following.py` which revision is in force; `lane.py` one target's runs; `jumps.py` whether the clock was set;
`controller.py` puts them together.
"""
