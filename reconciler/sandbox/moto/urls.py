"""The URLs that moto passes to the sandbox: every path on every AppIntegrations host."""

from reconciler.sandbox.moto.responses import handle_request

url_bases = [r"https?://app-integrations(-fips)?\.[^/]+\.(amazonaws\.com(\.cn)?|api\.aws)"]
url_paths = {"{0}/.*": handle_request}
