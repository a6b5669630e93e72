"""Serve the probes, metrics, webhooks and page of a controller over HTTP."""
