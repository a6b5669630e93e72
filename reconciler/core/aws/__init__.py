"""Interpret answers of AWS: their origin, the meaning of errors, and the names of Regions."""
