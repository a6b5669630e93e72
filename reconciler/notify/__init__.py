"""Has people told what changes: each for itself, by how all stands and what they were told before."""
