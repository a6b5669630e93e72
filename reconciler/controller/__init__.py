"""The controller: poll git, run each target in a task of its own, and keep a snapshot of the state."""
