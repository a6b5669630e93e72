"""What people were last notified of, and what has changed since."""
