"""The state of a running controller, and when it runs a target again."""
