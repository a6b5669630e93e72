"""The sandbox behind moto: registration as one of its services, HTTP, and isolation from real AWS."""
