"""Put the parts of the program together for one command. Nothing here knows click."""
