"""What a model says of itself."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np

from digitsort.errors import ModelError
from digitsort.recognition.score import SupportVectors

THRESHOLDS = ("temperature", "min_confidence", "ok_familiarity", "min_familiarity")

SHORT_FINGERPRINT = 12
"""Hex digits of a fingerprint that go into a labels.csv."""


@dataclass(frozen=True, slots=True)
class Card:
    """Where a model comes from and how well it did.

    Attributes
    ----------
    recipe : str
        The recognition recipe that its vectors were made by.
    classes : tuple of str
        Class names in the order of the machine's classes.
    data : tuple of str
        Training data as it was asked for.
    counts : dict of str to int
        Images by class that the model was fitted to.
    seed : int
        Of the split.
    created : str
        Date and time, ISO 8601, UTC.
    versions : dict of str to str
        Of digitsort, Python and the libraries.
    C, gamma : float
        Of the SVC.
    support_vectors : int
    held_out_count : int
        Images that nothing was fitted to.
    held_out_accuracy : float
        Share of them that was read right.
    temperature : float
        Divides the margins before the softmax.
    min_confidence : float
        Below it a label is uncertain.
    ok_familiarity, min_familiarity : float
        Below the first an image is uncertain, below the second rejected.
    splits : dict of str to int
        Images by what they were used for: fit, temperature, certification, test. None was used twice,
        but where `folds` is more than 1.
    folds : int
        With few images temperature and certification are taken from scores of images that were left out
        of the fit in turn, in so many folds; they are then fitted to as well. 1: splits of their own.
    max_error : float
        Share of wrong labels among the accepted ones that `min_confidence` was chosen for.
    certified_accepted, certified_errors : int
        Accepted images of the certification split, and those of them that were wrong.
    certified_bound : float
        With 95 % confidence at most this share of accepted images like those is wrong; 1 if there were
        too few images to say so.
    fingerprint : str
        SHA-256, in hex, of all that decides an answer; not of date, versions or accuracy.
    """

    recipe: str
    classes: tuple[str, ...]
    data: tuple[str, ...]
    counts: dict[str, int]
    seed: int
    created: str
    versions: dict[str, str]
    C: float
    gamma: float
    support_vectors: int
    held_out_count: int
    held_out_accuracy: float
    temperature: float
    min_confidence: float
    ok_familiarity: float
    min_familiarity: float
    splits: dict[str, int]
    folds: int
    max_error: float
    certified_accepted: int
    certified_errors: int
    certified_bound: float
    fingerprint: str

    @property
    def short(self) -> str:
        """The fingerprint's first digits."""
        return self.fingerprint[:SHORT_FINGERPRINT]

    @property
    def thresholds(self) -> dict[str, float]:
        """The numbers that turn scores into decisions; part of the fingerprint."""
        return {name: getattr(self, name) for name in THRESHOLDS}

    def to_dict(self) -> dict[str, Any]:
        """As plain strings, numbers, lists and dicts."""
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in asdict(self).items()
        }

    @classmethod
    def from_dict(cls, values: Any) -> Card:
        """Read back what `to_dict` gave; raises ModelError for anything else."""
        if type(values) is not dict or set(values) != {f.name for f in fields(cls)}:
            raise ModelError(_damaged("it does not have the entries that it should"))
        for name, check in _CHECKS.items():
            if not check(values[name]):
                raise ModelError(_damaged(f"{name} is not what it should be"))
        lists = {name: tuple(values[name]) for name in ("classes", "data")}
        return cls(**{**values, **lists})


def fingerprint(
    machine: SupportVectors, recipe: str, classes: tuple[str, ...], calibration: Mapping[str, float]
) -> str:
    """SHA-256, in hex, of the machine's arrays, recipe, class names and calibration."""
    digest = hashlib.sha256()
    for text in (recipe, *classes):
        digest.update(text.encode() + b"\0")
    numbers = np.array([machine.gamma, *(calibration[key] for key in sorted(calibration))])
    arrays = (machine.vectors, machine.n_support, machine.dual_coef, machine.intercept, numbers)
    for array in (*arrays, machine.projection):
        if array is None:
            continue
        digest.update(repr(array.shape).encode())
        digest.update(np.ascontiguousarray(array, dtype="<f8").tobytes())
    return digest.hexdigest()


def _damaged(what: str) -> str:
    return f"The model's card is damaged: {what}. Make a new model with `digitsort train`."


def _is_texts(value: Any) -> bool:
    return type(value) is list and all(type(v) is str for v in value)


def _is_map(value: Any, of: type) -> bool:
    return type(value) is dict and all(type(k) is str and type(v) is of for k, v in value.items())


def _is_number(value: Any, low: float, high: float) -> bool:
    return type(value) in (float, int) and low <= value <= high


_CHECKS: dict[str, Callable[[Any], bool]] = {
    "recipe": lambda v: type(v) is str,
    "classes": lambda v: _is_texts(v) and len(set(v)) == len(v) >= 2 and "" not in v,
    "data": _is_texts,
    "counts": lambda v: _is_map(v, int),
    "seed": lambda v: type(v) is int,
    "created": lambda v: type(v) is str,
    "versions": lambda v: _is_map(v, str),
    "C": lambda v: _is_number(v, 1e-12, 1e12),
    "gamma": lambda v: _is_number(v, 1e-300, 1e300),
    "support_vectors": lambda v: type(v) is int and v >= 1,
    "held_out_count": lambda v: type(v) is int and v >= 0,
    "held_out_accuracy": lambda v: _is_number(v, 0, 1),
    "temperature": lambda v: _is_number(v, 1e-6, 1e6),
    "min_confidence": lambda v: _is_number(v, 0, 1),
    "ok_familiarity": lambda v: _is_number(v, 0, 1),
    "min_familiarity": lambda v: _is_number(v, 0, 1),
    "splits": lambda v: _is_map(v, int),
    "folds": lambda v: type(v) is int and v >= 1,
    "max_error": lambda v: _is_number(v, 0, 1),
    "certified_accepted": lambda v: type(v) is int and v >= 0,
    "certified_errors": lambda v: type(v) is int and v >= 0,
    "certified_bound": lambda v: _is_number(v, 0, 1),
    "fingerprint": lambda v: type(v) is str and len(v) == 64,
}
