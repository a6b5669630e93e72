"""Build the page at `/`: the content as values, and the HTML."""
