"""Read the support vectors of the default model, and images that were held out from its fit."""

from __future__ import annotations

import io
from dataclasses import dataclass
from importlib.resources import files

import numpy as np
import numpy.typing as npt

from digitsort.model.reading import Model
from digitsort.training.default import default_model
from digitsort.training.examples import Examples, features_of

KNOWN_FILE = "default.npz"
"""File name in digitsort/model, next to the default model."""


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
    data = files("digitsort.model").joinpath(KNOWN_FILE).read_bytes()
    return parse_known(default_model(), data)


def parse_known(model: Model, data: bytes) -> Known:
    """Read the bytes that `known_to_bytes` made for a model."""
    with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
        weights, normal, labels = (arrays[name] for name in ("weights", "normal", "labels"))
    texts = np.array([model.class_names[index] for index in labels], np.str_)
    held_out = Examples(features_of(normal), normal, texts, np.ones(len(texts)))
    return Known(model, weights.astype(np.float64), held_out)


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
