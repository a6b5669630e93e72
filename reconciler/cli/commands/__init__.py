"""Commands, one in each module: its options, a call of the application, and the output of the result."""
