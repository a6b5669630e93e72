"""Put the parts together: what the command line and the controller run. Nothing here knows click."""
