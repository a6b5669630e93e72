"""Tells how far two spellings are apart."""

from __future__ import annotations


def is_near(one: str, other: str, most: int) -> bool:
    """Tell whether at most so many letters were left out, put in, exchanged or swapped with the next one.

    The distance is that of optimal string alignment. Names of very different lengths are not compared.
    """
    if abs(len(one) - len(other)) > most:
        return False
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one, 1):
        before, above, row = row, before, [i]
        for j, another in enumerate(other, 1):
            cost = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (letter != another))
            if i > 1 and j > 1 and (letter, one[i - 2]) == (other[j - 2], another):
                cost = min(cost, above[j - 2] + 1)
            row.append(cost)
    return row[-1] <= most
