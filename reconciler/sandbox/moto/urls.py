"""Which URLs moto hands to the sandbox: every path of every host that is AppIntegrations."""

from reconciler.sandbox.moto.responses import handle_request

url_bases = [r"https?://app-integrations(-fips)?\.[^/]+\.(amazonaws\.com(\.cn)?|api\.aws)"]
url_paths = {"{0}/.*": handle_request}
