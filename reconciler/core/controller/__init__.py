"""State of a controller, and the delay before it runs a target again."""
