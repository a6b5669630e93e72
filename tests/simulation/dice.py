"""All randomness of a simulation: one generator for each purpose, so that a change in one does not shuffle the rest."""

from __future__ import annotations

import uuid
from random import Random


def dice(seed: int, purpose: str) -> Random:
    """Return the generator of one purpose under one seed."""
    return Random(f"{seed}/{purpose}")  # noqa: S311 - a simulation must replay, and keeps no secrets


def chance(random: Random, probability: float) -> bool:
    """Tell whether something of this probability happens."""
    return random.random() < probability


def new_id(random: Random) -> str:
    """Return a UUID as random as the generator."""
    return str(uuid.UUID(int=random.getrandbits(128), version=4))
