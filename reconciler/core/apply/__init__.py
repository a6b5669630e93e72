"""What becomes of a plan: outcomes of its calls, and what the journal holds before, between and after them."""
