"""What all tests have in common."""

from hypothesis import HealthCheck, settings

# A busy machine is no defect
settings.register_profile("untimed", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("untimed")
