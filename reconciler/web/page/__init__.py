"""The page at `/`: what it shows, as values, and how it is laid out."""
