"""Journal of one account and Region: its records, and its JSON document."""
