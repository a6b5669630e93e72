"""Interpretation of AWS answers: their origin, the meaning of errors, and the names of Regions."""
