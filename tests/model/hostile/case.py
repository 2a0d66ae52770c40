"""A hostile file, and the good ones that it is made of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from digitsort.training.fit import train
from tests.training.test_fit import some

Change = Callable[[bytes], bytes]


@dataclass(frozen=True)
class Hostile:
    """How to make a file of a good model's, and what its refusal says (a regular expression)."""

    make: Change
    says: str


@cache
def good_model() -> bytes:
    """A model file of three classes and some twenty support vectors."""
    return train([some({"0": 10, "1": 10, "4": 10})]).data


@cache
def good_pair() -> bytes:
    """A model file of two classes: scikit-learn turns its sign."""
    return train([some({"0": 10, "1": 10})]).data
