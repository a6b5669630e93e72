"""Connect the sandbox to moto: registration as a service of moto, HTTP, and isolation from real AWS."""
