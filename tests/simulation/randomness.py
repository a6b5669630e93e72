"""Randomness of a simulation: one generator for each purpose, which keeps changes in one from affecting the others."""

from __future__ import annotations

import uuid
from random import Random


def create_random(seed: int, purpose: str) -> Random:
    """Return the generator for a seed and a purpose."""
    return Random(f"{seed}/{purpose}")  # noqa: S311 - a simulation must be repeatable, and has no secrets


def draw_bool(random: Random, probability: float) -> bool:
    """Return true with a probability."""
    return random.random() < probability


def new_id(random: Random) -> str:
    """Return a UUID from the generator."""
    return str(uuid.UUID(int=random.getrandbits(128), version=4))
