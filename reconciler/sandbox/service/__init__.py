"""The simulated AppIntegrations: operations, state and switches, independent of moto and HTTP."""
