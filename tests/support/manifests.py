"""Manifests that the tests of hooks and jobs commit."""

TARGET = """\
apiVersion: appintegrations.reconciler/v1
kind: Target
metadata:
  name: sandbox
spec:
  Region: us-east-1
  AccountId: "123456789012"
  RequestsPerSecond: 100
  Burst: 100
"""
MANIFEST = """\
apiVersion: appintegrations.reconciler/v1
kind: DataIntegrationAssociation
metadata:
  name: {name}
spec:
  DataIntegrationIdentifier: crm-accounts
  DestinationURI: s3://corp-exports/{name}
  ExecutionConfiguration:
    ExecutionMode: SCHEDULED
    ScheduleConfiguration:
      ScheduleExpression: rate(1 hour)
"""
LATER_EXPORT = """\
apiVersion: appintegrations.reconciler/v1
kind: DataIntegrationAssociation
metadata:
  name: october
spec:
  DataIntegrationIdentifier: crm-accounts
  DestinationURI: s3://corp-exports/october
  ExecutionConfiguration:
    ExecutionMode: ON_DEMAND
    OnDemandConfiguration:
      StartTime: 2026-10-01T00:00:00Z
      EndTime: 2126-11-01T00:00:00Z
"""
ACCOUNTS = {"manifests/target.yaml": TARGET, "manifests/accounts.yaml": MANIFEST.format(name="accounts")}
INVALID = MANIFEST.format(name="orders").replace("DestinationURI", "DestinationUri")
