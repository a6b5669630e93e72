"""One module for each command: its options, a call of the application, and the output of the result."""
