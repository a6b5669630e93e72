"""Create one client of AppIntegrations, print "ready", and wait for the end of standard input: `client.py REGION`."""

from __future__ import annotations

import sys

import boto3

if __name__ == "__main__":
    client = boto3.client("appintegrations", region_name=sys.argv[1])
    print("ready", flush=True)
    sys.stdin.read()
