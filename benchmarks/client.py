"""Makes one client of AppIntegrations, says so, and waits until it is told to end: `client.py REGION`."""

from __future__ import annotations

import sys

import boto3

if __name__ == "__main__":
    client = boto3.client("appintegrations", region_name=sys.argv[1])
    print("ready", flush=True)
    sys.stdin.read()
