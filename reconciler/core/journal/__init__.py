"""What the program remembers of one account and Region, and the JSON document that it is kept in."""
