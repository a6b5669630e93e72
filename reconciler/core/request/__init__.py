"""The CreateDataIntegrationAssociation request: its normal form, its times and schedules, and its ClientToken."""
