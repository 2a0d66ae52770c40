"""Read, check and write the card of a model, which tells its origin and accuracy."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np

from digitsort.errors import require
from digitsort.files.names import is_folder_name, starts_formula
from digitsort.labels.labels_csv import NONE_LABEL
from digitsort.recognition.score import SupportVectors

MOST_CLASSES = 256

LONGEST_CLASS_NAME = 64
"""Characters. In a model file, numpy's text type of the class names is no wider."""

LONGEST_TEXT = 1024
MOST_TEXTS = 1024

THRESHOLDS = ("temperature", "min_confidence", "ok_familiarity", "min_familiarity")

SHORT_FINGERPRINT = 12
"""Hex digits of a fingerprint that go into a labels.csv."""


@dataclass(frozen=True, slots=True)
class Card:
    """Origin of a model, and how well it did.

    Attributes
    ----------
    recipe : str
        The recognition recipe that its vectors were made by.
    classes : tuple of str
        Class names in the order of the machine's classes.
    data : tuple of str
        Names of the training data, as given to `train -d`.
    counts : dict of str to int
        Images by class that the model was fitted to.
    seed : int
        Seed of the split.
    created : str
        Date and time, ISO 8601, UTC.
    versions : dict of str to str
        Versions of digitsort, Python and the libraries.
    C, gamma : float
        Parameters of the SVC.
    support_vectors : int
    held_out_count : int
        Images that nothing was fitted to.
    held_out_accuracy : float
        Share of them that was read right.
    temperature : float
        Divides the margins before the softmax.
    min_confidence : float
        A label with a lower confidence is uncertain.
    ok_familiarity, min_familiarity : float
        Below the first an image is uncertain, below the second rejected.
    splits : dict of str to int
        Number of images for fit, temperature, certification and test. No image was used twice, unless
        `folds` is more than 1.
    folds : int
        1: temperature and certification have splits of their own. More, with few images: number of
        cross-validation folds that gave the scores for both; the final fit includes these images.
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
        """Return the first digits of the fingerprint."""
        return self.fingerprint[:SHORT_FINGERPRINT]

    @property
    def thresholds(self) -> dict[str, float]:
        """Return the numbers that turn scores into decisions; they are part of the fingerprint."""
        return {name: getattr(self, name) for name in THRESHOLDS}

    def to_dict(self) -> dict[str, Any]:
        """Return the card as plain strings, numbers, lists and dicts."""
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in asdict(self).items()
        }

    @classmethod
    def from_dict(cls, values: Any) -> Card:
        """Read back what `to_dict` gave; raises ModelError for anything else."""
        require(type(values) is dict, "The model has no card")
        complete = set(values) == {f.name for f in fields(cls)}
        require(complete, f"{_DAMAGED}: it does not have the entries that it should")
        for name, check in CHECKS.items():
            require(check(values[name]), f"{_DAMAGED}: {name} is not what it should be")
        for name in values["classes"]:
            fault = class_name_fault(name)
            require(not fault, f"Its class name {name[:80]!a} {fault}")
        lists = {name: tuple(values[name]) for name in ("classes", "data")}
        return cls(**{**values, **lists})


def fingerprint(
    machine: SupportVectors, recipe: str, classes: tuple[str, ...], calibration: Mapping[str, float]
) -> str:
    """Return the SHA-256, in hex, of the machine's arrays, recipe, class names and calibration."""
    digest = hashlib.sha256()
    for text in (recipe, *classes):
        digest.update(text.encode() + b"\0")
    numbers = np.array([machine.gamma, *(calibration[key] for key in sorted(calibration))])
    arrays = (machine.vectors, machine.n_support, machine.dual_coef, machine.intercept, numbers)
    learned = () if machine.likeness is None else (*machine.likeness.weights, *machine.likeness.biases)
    for array in (*arrays, machine.projection, *learned):
        if array is None:
            continue
        digest.update(repr(array.shape).encode())
        digest.update(np.ascontiguousarray(array, dtype="<f8").tobytes())
    return digest.hexdigest()


def class_name_fault(name: str) -> str:
    """Return why a class can't have this name, in a few words; empty if it can.

    A class name becomes the name of a folder and the cell of a table.
    """
    if name == NONE_LABEL:
        return ""
    if not is_folder_name(name):
        return "can't be the name of a folder"
    if len(name) > LONGEST_CLASS_NAME:
        return f"has more than {LONGEST_CLASS_NAME} characters"
    if len(name) > 1 and starts_formula(name):
        return "could be taken for a formula by a spreadsheet"
    return ""


_DAMAGED = "The model's card is damaged"

_HEX = frozenset("0123456789abcdef")


def _is_text(value: Any) -> bool:
    return type(value) is str and len(value) <= LONGEST_TEXT


def _is_texts(value: Any) -> bool:
    return type(value) is list and len(value) <= MOST_TEXTS and all(map(_is_text, value))


def _is_count(value: Any, least: int = 0) -> bool:
    return type(value) is int and least <= value < 2**63


def _is_map(value: Any, check: Callable[[Any], bool]) -> bool:
    if type(value) is not dict or len(value) > MOST_TEXTS:
        return False
    return all(_is_text(k) and check(v) for k, v in value.items())


def _is_number(value: Any, low: float, high: float) -> bool:
    return type(value) is float and low <= value <= high


def _is_share(value: Any) -> bool:
    return _is_number(value, 0, 1)


def _is_class_list(value: Any) -> bool:
    return _is_texts(value) and 2 <= len(value) <= MOST_CLASSES and len(set(value)) == len(value)


CHECKS: dict[str, Callable[[Any], bool]] = {
    "recipe": _is_text,
    "classes": _is_class_list,
    "data": _is_texts,
    "counts": lambda v: _is_map(v, _is_count),
    "seed": _is_count,
    "created": _is_text,
    "versions": lambda v: _is_map(v, _is_text),
    "C": lambda v: _is_number(v, 1e-12, 1e12),
    "gamma": lambda v: _is_number(v, 1e-300, 1e300),
    "support_vectors": lambda v: _is_count(v, 1),
    "held_out_count": _is_count,
    "held_out_accuracy": _is_share,
    "temperature": lambda v: _is_number(v, 1e-6, 1e6),
    "min_confidence": _is_share,
    "ok_familiarity": _is_share,
    "min_familiarity": _is_share,
    "splits": lambda v: _is_map(v, _is_count),
    "folds": lambda v: _is_count(v, 1),
    "max_error": _is_share,
    "certified_accepted": _is_count,
    "certified_errors": _is_count,
    "certified_bound": _is_share,
    "fingerprint": lambda v: type(v) is str and len(v) == 64 and set(v) <= _HEX,
}
"""Check for each entry: the schema of the card."""
