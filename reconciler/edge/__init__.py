"""Access the outside world: one module for each system and its library. These modules do not import each other."""
