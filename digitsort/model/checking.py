"""Check how a model's arrays fit together, and copy them out."""

from __future__ import annotations

from typing import cast

import numpy as np
import numpy.typing as npt

from digitsort.model.card import Card
from digitsort.model.extracting import take_array, take_float, take_texts, view_array
from digitsort.model.refusal import require
from digitsort.recognition.project import LONGEST_COLUMN
from digitsort.recognition.recipe import FEATURE_COUNT
from digitsort.recognition.score import SupportVectors

MOST_VECTORS = 200_000
LONGEST_VECTOR = 4096
"""Scalar products of longer vectors would not be exact in float32."""

MOST_KNOWN_ANSWERS = 64
"""With 256 classes, answering more at once would take much memory."""

LARGEST_COEFFICIENT = 1e100
LARGEST_GAMMA = 1e6
"""Far beyond what a fit gives, far below what overflows in a sum or product."""

ROWS = 1024
"""Support vectors looked at in one go."""

Floats = npt.NDArray[np.float64]


def check_machine(
    svc: dict[str, object], card: Card, projection: npt.NDArray[np.float32]
) -> SupportVectors:
    """The arrays of an SVC that answers as its card says, in plain Python as in digitsort."""
    k = len(card.classes)
    _check_settings(svc)
    classes = take_array(svc.get("classes_"), "classes_", (k,), ("i8", "i4"))
    require(bool((classes == np.arange(k)).all()), "Its classes_ are not 0 … k-1")
    n_support = take_array(svc.get("_n_support"), "_n_support", (k,), ("i4",)).astype(np.int64)
    require(bool((n_support >= 0).all()), "Its n_support is negative")
    n = int(n_support.sum())
    require(1 <= n <= MOST_VECTORS, f"It has {n} support vectors, not 1 to {MOST_VECTORS}")
    require(n == card.support_vectors, "Its card tells another number of support vectors")
    view = view_array(svc.get("support_vectors_"), "support_vectors_", (n, projection.shape[1]))
    dual_coef = _coefficients(svc, "dual_coef_", (k - 1, n), k)
    intercept = _coefficients(svc, "intercept_", (k * (k - 1) // 2,), k)
    gamma = take_float(svc.get("_gamma"), "gamma")
    require(0 < gamma <= LARGEST_GAMMA, f"Its gamma does not lie within 0-{LARGEST_GAMMA:g}")
    require(gamma == card.gamma, "Its card tells another gamma")
    return SupportVectors(_vectors(view), n_support, dual_coef, intercept, gamma, projection)


def check_projection(state: dict[str, object]) -> npt.NDArray[np.float32]:
    """The matrix (d, m) that features are projected with: whole numbers in columns not too long."""
    found = take_array(state.get("projection_"), "projection_", (FEATURE_COUNT, None), ("f4",))
    m = found.shape[1]
    require(1 <= m <= FEATURE_COUNT, f"Its projection_ has {m} columns, not 1 to {FEATURE_COUNT}")
    projection = found.astype(np.float64)
    require(bool((projection == np.rint(projection)).all()), "Its projection_ is no whole numbers")
    longest = float(np.einsum("dm,dm->m", projection, projection).max())
    require(longest <= LONGEST_COLUMN**2, "A column of its projection_ is too long")
    return projection.astype(np.float32)


def _check_settings(svc: dict[str, object]) -> None:
    """What scikit-learn's own prediction depends on beside the arrays."""
    for name, value in (
        ("kernel", "rbf"),
        ("_sparse", False),
        ("break_ties", True),
        ("decision_function_shape", "ovr"),
    ):
        found = svc.get(name)
        require(type(found) is type(value) and found == value, f"Its SVC's {name} is not {value}")


def _coefficients(svc: dict[str, object], name: str, shape: tuple[int, ...], k: int) -> Floats:
    """Both of scikit-learn's sets of coefficients: the public one and libsvm's own."""
    outer = cast("Floats", take_array(svc.get(name), name, shape))
    inner = cast("Floats", take_array(svc.get(f"_{name}"), f"_{name}", shape))
    require(bool((np.abs(outer) <= LARGEST_COEFFICIENT).all()), f"Its {name} are too large")
    sign = -1 if k == 2 else 1  # libsvm's own sign, which scikit-learn turns for two classes
    require(bool((sign * inner == outer).all()), f"Its two sets of {name} differ")
    return outer


def _vectors(view: npt.NDArray[np.generic]) -> npt.NDArray[np.float32]:
    """Copy support vectors, a part at a time so that no second copy of a large model is made."""
    vectors = np.empty(view.shape, np.float32)
    for start in range(0, len(view), ROWS):
        part = view[start : start + ROWS].astype(np.float64)
        _check_vectors(part, "support_vectors_")
        vectors[start : start + ROWS] = part
    return vectors


def check_known_answers(state: dict[str, object], k: int) -> tuple[npt.NDArray[np.float32], Floats]:
    """Vectors (m, d), and the margins (m, k) that the model gave them when it was made."""
    vectors = take_array(state.get("known_vectors_"), "known_vectors_", (None, FEATURE_COUNT), ("u2",))
    m = len(vectors)
    require(1 <= m <= MOST_KNOWN_ANSWERS, f"It has {m} known answers, not 1 to {MOST_KNOWN_ANSWERS}")
    _check_vectors(vectors.astype(np.float64), "known_vectors_")  # non-negative by their type
    margins = take_array(state.get("known_margins_"), "known_margins_", (m, k))
    return vectors.astype(np.float32), cast("Floats", margins)


def _check_vectors(vectors: Floats, name: str) -> None:
    """As `score` wants them: whole numbers, not too long; exact in float32."""
    in_range = bool((np.abs(vectors) < LONGEST_VECTOR).all())  # not true of NaN
    require(in_range, f"Its {name} are not within ±{LONGEST_VECTOR}")
    require(bool((vectors == np.rint(vectors)).all()), f"Its {name} are no whole numbers")
    squares = np.einsum("nd,nd->n", vectors, vectors)
    require(bool((squares < LONGEST_VECTOR**2).all()), f"One of its {name} is too long")


def check_classifier(state: dict[str, object], card: Card) -> None:
    """What `predict` and `predict_proba` of plain Python depend on beside the SVC."""
    names = take_texts(state.get("classes_"), "classes_", len(card.classes))
    require(names == card.classes, "Its card tells other class names")
    temperature = take_float(state.get("temperature_"), "temperature_")
    require(temperature == card.temperature, "Its card tells another temperature")
