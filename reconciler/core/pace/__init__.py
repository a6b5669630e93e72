"""Pace the calls of each account and Region: its token bucket, and the order in which waiting calls are sent."""
