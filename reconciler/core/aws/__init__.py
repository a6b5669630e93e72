"""What AWS says, judged: whether an answer is its own, what a refusal means, and how its Regions are called."""
