"""What a revision may say: its files, documents and the desired state that they add up to."""
