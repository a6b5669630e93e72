"""Acts: one module for each outside thing, with its one library; none imports another."""
