"""Control a fleet: poll git, run each target periodically, and provide a snapshot of the state."""
