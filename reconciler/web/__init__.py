"""What a controller shows and hears over HTTP: probes, metrics, webhooks, and the page."""
