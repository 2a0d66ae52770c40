"""Read the support vectors of the default model, and images that were held out from its fit."""

from __future__ import annotations

import io
from dataclasses import dataclass
from importlib.resources import files
from typing import Any

import numpy as np
import numpy.typing as npt

from digitsort.errors import ModelError
from digitsort.model.reading import Model, default_model
from digitsort.recognition.normalize import NORMAL_SIDE_PX
from digitsort.training.examples import Examples, features_of

KNOWN_FILE = "default.npz"
"""File name in digitsort/model, next to the default model."""


_NAMES = ("weights", "normal", "labels")


@dataclass(frozen=True, slots=True)
class Known:
    """Knowledge of a model, from which it can be fitted again with more images.

    Attributes
    ----------
    model : Model
    weights : ndarray of shape (n,), float64
        Weights of its support vectors in the fit.
    held_out : Examples
        Images that were not part of any fit.
    """

    model: Model
    weights: npt.NDArray[np.float64]
    held_out: Examples

    @property
    def labels(self) -> npt.NDArray[np.str_]:
        """Return the class of each support vector (n,)."""
        return np.repeat(np.array(self.model.class_names), self.model.machine.n_support)


def known_to_default() -> Known:
    """Read the knowledge of the default model from the package."""
    model = default_model()
    try:
        data = files("digitsort.model").joinpath(KNOWN_FILE).read_bytes()
    except OSError as error:
        raise _refused(f"it can't be read: {error.strerror}") from error
    return parse_known(model, data)


def parse_known(model: Model, data: bytes) -> Known:
    """Read the bytes that `known_to_bytes` made for a model.

    Raises
    ------
    ModelError
        If they are damaged, or were made for another model.
    """
    weights, normal, labels = _arrays(data)
    if not _is_sound(weights, normal, labels, len(model.class_names)):
        raise _refused("it is damaged")
    if not _is_of(model, weights):
        raise _refused("it does not belong to the default model beside it")
    texts = np.array([model.class_names[index] for index in labels], np.str_)
    held_out = Examples(features_of(normal), normal, texts, np.ones(len(texts)))
    return Known(model, weights.astype(np.float64), held_out)


def _arrays(data: bytes) -> list[npt.NDArray[Any]]:
    """Unpack the three arrays; nothing that is in them is run."""
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            return [arrays[name] for name in _NAMES]
    except Exception as error:
        # For a broken file, numpy and zipfile raise many kinds of errors: ValueError, BadZipFile,
        # KeyError, zlib.error, tokenize.TokenError …
        raise _refused("it is damaged") from error


def _is_sound(
    weights: npt.NDArray[Any], normal: npt.NDArray[Any], labels: npt.NDArray[Any], classes: int
) -> bool:
    """Return whether arrays have the forms and values that `known_to_bytes` gives them."""
    return (
        [array.dtype.str for array in (weights, normal, labels)] == ["<f4", "|u1", "|u1"]
        and weights.ndim == labels.ndim == 1
        and normal.shape == (len(labels), NORMAL_SIDE_PX, NORMAL_SIDE_PX)
        and bool((np.isfinite(weights) & (weights > 0)).all())
        and bool((labels < classes).all())
    )


def _is_of(model: Model, weights: npt.NDArray[np.float32]) -> bool:
    """Return whether weights can be those that the support vectors of a model had in its fit.

    No coefficient is larger than C times the weight (libsvm's bound); rounded up for float32.
    """
    machine = model.machine
    if len(weights) != len(machine.vectors):
        return False
    largest = np.abs(machine.dual_coef).max(axis=0)
    return bool((largest <= model.card.C * weights.astype(np.float64) * (1 + 1e-5)).all())


def _refused(why: str) -> ModelError:
    return ModelError(
        f"{KNOWN_FILE} of the installation can't be used: {why}. Install digitsort again."
    )


def known_to_bytes(weights: npt.NDArray[np.float64], held_out: Examples) -> bytes:
    """Pack weights and held-out images; the same input always gives the same bytes."""
    names = np.unique(held_out.labels)
    file = io.BytesIO()
    np.savez_compressed(
        file,
        weights=weights.astype(np.float32),
        normal=held_out.normal,
        labels=np.searchsorted(names, held_out.labels).astype(np.uint8),
    )
    return file.getvalue()
