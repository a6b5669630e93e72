"""AppIntegrations itself, as the sandbox plays it: operations, state and switches; knows nothing of moto or HTTP."""
