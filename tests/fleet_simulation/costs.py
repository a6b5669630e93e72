"""Durations, limits and prices that the simulation assumes, each with its source."""

from __future__ import annotations

LATENCY = 0.05
"""Seconds until AWS or S3 answers a call. An assumption."""
CALL_CPU = 0.002
"""Processor seconds of one call: botocore builds, signs, sends and parses it (docs/reference/performance.md)."""
RUN_CPU = 0.08
"""Processor seconds of a run besides its calls, with 200 manifests: its journal, plan and report.

`make simulate-fleet` prints what it measures on the machine that it runs on.
"""
GET_PRICE, PUT_PRICE = 0.0004 / 1000, 0.005 / 1000
"""USD for one request to S3 Standard in us-east-1, by AWS's price list of November 2026."""
SECONDS_PER_MONTH = 730 * 3600
"""AWS computes monthly prices with 730 hours."""
HISTORY_INTERVAL = 60
"""Seconds between two writes of a controller's history of runs (reconciler/app/run_history.py)."""
OUTAGE = 600.0
"""Seconds until a dead shard runs again. Kubernetes waits five minutes for a lost node, and starts another pod."""
