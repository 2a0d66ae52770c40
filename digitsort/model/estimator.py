"""Fit an estimator, write it as a model file, and make it again: scikit-learn's side of a model."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.svm import SVC
from sklearn.utils.validation import check_is_fitted

from digitsort.errors import ModelError
from digitsort.files.atomic import replacing
from digitsort.model.checking import MOST_KNOWN_ANSWERS
from digitsort.model.inert_pickle import PROTOCOL
from digitsort.model.reading import Model, parse_model
from digitsort.recognition.canvas import Gray, check_gray
from digitsort.recognition.score import (
    UNIT,
    Likeness,
    Scores,
    SupportVectors,
    probabilities,
    project,
    score,
)
from digitsort.recognition.vectorize import vectorize

Floats = npt.NDArray[np.float64]

DAMPING = 0.1
"""Weight of the scatter within the classes, compared with the plain distance. Values from 0.02 to 0.2
made little difference; without it, digits of other writers were read worse."""


def fit_projection(
    features: npt.NDArray[np.float32],
    classes: npt.NDArray[np.intp],
    weights: npt.NDArray[np.float64],
    components: int,
) -> npt.NDArray[np.float32]:
    """Find the projection of vectors (n, d) onto `components` directions.

    Directions in which images of one class differ, which is how writers differ, are shrunk by 1 / √(1 +
    damping · variance): within-class covariance normalization (Hatch, Kajarekar and Stolcke 2006),
    regularized. Of what is left the principal components are kept.

    Parameters
    ----------
    features : ndarray of shape (n, d), float32
    classes : ndarray of shape (n,), intp
    weights : ndarray of shape (n,), float64
    components : int
        1 to d.

    Returns
    -------
    ndarray of shape (d, components), float32
        Whole numbers, `UNIT` times the projection. No vector is longer after it than before.
    """
    values = features.astype(np.float64)
    within = _covariance(_centred(values, classes, weights), weights)
    whole = _covariance(_centred(values, np.zeros_like(classes), weights), weights)
    variance, axes = np.linalg.eigh(within / max(np.trace(within) / len(within), 1e-12))
    shrink = (axes / np.sqrt(1 + DAMPING * np.maximum(variance, 0))) @ axes.T
    _, directions = np.linalg.eigh(shrink @ whole @ shrink)
    projection = shrink @ directions[:, ::-1][:, :components]
    # The sign of an eigenvector is arbitrary; it is fixed, so that every run gives the same result.
    signs = np.sign(projection[np.abs(projection).argmax(axis=0), np.arange(components)])
    rounded: npt.NDArray[np.float32] = np.rint(projection * signs * UNIT).astype(np.float32)
    return rounded


def _centred(values: Floats, classes: npt.NDArray[np.intp], weights: Floats) -> Floats:
    """Subtract from each vector the mean of its class."""
    centred = values.copy()
    for index in np.unique(classes):
        mine = classes == index
        centred[mine] -= np.average(values[mine], axis=0, weights=weights[mine])
    return centred


def _covariance(centred: Floats, weights: Floats) -> Floats:
    return np.asarray((centred * weights[:, None]).T @ centred / weights.sum())


class DigitClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Reads single digits (or other characters) from gray images.

    A scikit-learn classifier whose samples are images instead of rows: a list of 2-D arrays of any
    sizes. The images are normalized and turned into gradient directions, these are projected onto the
    directions in which the classes differ, and an RBF-kernel SVC does the rest.

    Parameters
    ----------
    C : float, default=10.0
        Regularization parameter of the SVC.
    gamma : float, default=1.0
        In units of 1 / (number of components · their variance), scikit-learn's ``"scale"``.
    temperature : float, default=0.2
        Divides the margins before the softmax of `predict_proba`; `digitsort train` fits it.
    components : int, default=128
        Directions that the features are projected onto.

    Attributes
    ----------
    svc_ : sklearn.svm.SVC
        Its classes are 0 … k-1, the positions in `classes_`; its samples are projected features.
    projection_ : ndarray of shape (d, components), float32
    classes_ : ndarray of shape (k,)
    temperature_ : float
    likeness_ : list of ndarray
        Only in a model of the ten digits that learned what is no digit; see
        `digitsort.recognition.score.Likeness`: three weights and three biases.
    card_ : dict
        Empty unless `digitsort train` made the model.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> digits = load_digits(n_class=2)
    >>> images = list((digits.images / 16))
    >>> model = DigitClassifier().fit(images[:-10], digits.target[:-10])
    >>> model.score(images[-10:], digits.target[-10:])
    1.0
    """

    def __init__(
        self, C: float = 10.0, gamma: float = 1.0, temperature: float = 0.2, components: int = 128
    ) -> None:
        self.C = C
        self.gamma = gamma
        self.temperature = temperature
        self.components = components

    def fit(self, X: Sequence[Gray], y: npt.ArrayLike) -> DigitClassifier:
        """Fit to images.

        Parameters
        ----------
        X : sequence of ndarray of shape (height, width)
            uint8, uint16, bool, or float within 0-1; dark on light or light on dark.
        y : array-like of shape (n,)
            Their classes.

        Raises
        ------
        ValueError
            If an image is no such array, or there are fewer than two classes.
        """
        return self.fit_features(_features(X), y)

    def fit_features(
        self,
        features: npt.NDArray[np.float32],
        y: npt.ArrayLike,
        sample_weight: npt.NDArray[np.float64] | None = None,
    ) -> DigitClassifier:
        """Fit to vectors (n, d) that `vectorize` made; a weight (n,) multiplies C."""
        _, encoded = np.unique(np.asarray(y), return_inverse=True)
        weights = np.ones(len(features)) if sample_weight is None else sample_weight
        projection = fit_projection(features, encoded, weights, self.components)
        values = project(features, projection).astype(np.float64)
        gamma = self.gamma / (values.shape[1] * values.var())
        return self.fit_components(values, y, sample_weight, projection, gamma)

    def fit_components(
        self,
        values: Floats,
        y: npt.ArrayLike,
        sample_weight: npt.NDArray[np.float64] | None,
        projection: npt.NDArray[np.float32],
        gamma: float,
    ) -> DigitClassifier:
        """Fit to vectors (n, m) that are projected already; `gamma` is that of the kernel itself."""
        self.classes_, encoded = np.unique(np.asarray(y), return_inverse=True)
        self.projection_: npt.NDArray[np.float32] | None = projection
        self.svc_ = SVC(C=self.C, gamma=gamma, break_ties=True, cache_size=1000)
        self.svc_.fit(values, encoded, sample_weight=sample_weight)
        self.temperature_ = float(self.temperature)
        self.card_: dict[str, Any] = {}
        return self

    def predict(self, X: Sequence[Gray]) -> npt.NDArray[Any]:
        """Return the class of each image, as the SVC decides; shape (n,)."""
        check_is_fitted(self)
        return self.predict_features(_features(X))

    def predict_features(self, features: npt.NDArray[np.float32]) -> npt.NDArray[Any]:
        """Return the class of each vector (n, d)."""
        return np.asarray(self.classes_[self.svc_.predict(self._project(features))])

    def predict_proba(self, X: Sequence[Gray]) -> Floats:
        """Return calibrated probabilities, shape (n, k), in the order of `classes_`."""
        check_is_fitted(self)
        return probabilities(self._scores(X), self.temperature_)

    def decision_function(self, X: Sequence[Gray]) -> Floats:
        """Return the decision values of the SVC, shape (n, k); (n,) for two classes."""
        check_is_fitted(self)
        return np.asarray(self.svc_.decision_function(self._project(_features(X))))

    def machine(self) -> SupportVectors:
        """Return the fitted arrays, with which digitsort scores."""
        return support_vectors(self.svc_, self.projection_, self.likeness)

    @property
    def likeness(self) -> Likeness | None:
        """Network that tells digits from other ink; None for most models."""
        arrays = getattr(self, "likeness_", None)
        return None if arrays is None else Likeness(tuple(arrays[:3]), tuple(arrays[3:]))

    @likeness.setter
    def likeness(self, likeness: Likeness) -> None:
        self.likeness_ = [*likeness.weights, *likeness.biases]

    def _scores(self, X: Sequence[Gray]) -> Scores:
        return score(_features(X), self.machine())

    def _project(self, features: npt.NDArray[np.float32]) -> Floats:
        return project(features, self.projection_).astype(np.float64)


# Model files name the class like this, so that it can move without breaking them.
DigitClassifier.__module__ = "digitsort"


def support_vectors(
    svc: SVC,
    projection: npt.NDArray[np.float32] | None = None,
    likeness: Likeness | None = None,
) -> SupportVectors:
    """Return the arrays of a fitted SVC, whose samples were projected with `projection`."""
    return SupportVectors(
        vectors=svc.support_vectors_.astype(np.float32),
        n_support=svc.n_support_.astype(np.int64),
        dual_coef=svc.dual_coef_,
        intercept=svc.intercept_,
        gamma=float(svc._gamma),
        projection=projection,
        likeness=likeness,
    )


def _features(images: Sequence[Gray]) -> npt.NDArray[np.float32]:
    grays = [np.asarray(image) for image in images]
    for gray in grays:
        check_gray(gray)
    return vectorize(grays).features


def rebuild(model: Model) -> DigitClassifier:
    """Make the estimator that a model's file holds, from the arrays that were read and checked."""
    card = model.card
    estimator = estimator_of(model.machine, card.classes, card.C)
    estimator.temperature = estimator.temperature_ = card.temperature
    estimator.card_ = card.to_dict()
    return estimator


def estimator_of(machine: SupportVectors, classes: Sequence[str], C: float) -> DigitClassifier:
    """Make an estimator of the arrays of a fitted one.

    Its `gamma` parameter, which only a new fit would use, is that of a new estimator.
    """
    estimator = DigitClassifier(C=C, components=machine.vectors.shape[1])
    estimator.svc_ = _svc_of(machine, C)
    estimator.projection_ = machine.projection
    if machine.likeness is not None:
        estimator.likeness = machine.likeness
    estimator.classes_ = np.array(classes)
    estimator.temperature_ = estimator.temperature
    estimator.card_ = {}
    return estimator


def _svc_of(machine: SupportVectors, C: float) -> SVC:
    k, (n, d) = len(machine.n_support), machine.vectors.shape
    # A fit to one point per class gives an SVC all attributes that this scikit-learn needs. Then those
    # of the machine are replaced.
    svc = SVC(C=C, gamma=machine.gamma, break_ties=True, cache_size=1000)
    svc.fit(np.arange(k)[:, None] * np.ones(d), np.arange(k))
    svc.support_vectors_ = machine.vectors.astype(np.float64)
    svc.support_ = np.arange(n, dtype=np.int32)
    svc.shape_fit_ = (n, d)
    svc._n_support = machine.n_support.astype(np.int32)
    svc.dual_coef_, svc.intercept_ = machine.dual_coef.copy(), machine.intercept.copy()
    # libsvm's own arrays: scikit-learn turns their sign for two classes, and shares one otherwise.
    svc._dual_coef_ = -svc.dual_coef_ if k == 2 else svc.dual_coef_
    svc._intercept_ = -svc.intercept_ if k == 2 else svc.intercept_.copy()
    svc._gamma = machine.gamma
    return svc


def to_bytes(estimator: DigitClassifier, examples: npt.NDArray[np.float32]) -> bytes:
    """Pickle a fitted estimator together with known answers, and read the result back.

    Parameters
    ----------
    estimator : DigitClassifier
        Fitted, with its card.
    examples : ndarray of shape (n, d), float32
        Vectors, of which up to 64 are stored with the margins that the model gives them.

    Raises
    ------
    ModelError
        If digitsort would refuse its own file.
    """
    step = max(1, len(examples) // MOST_KNOWN_ANSWERS)
    known = examples[::step][:MOST_KNOWN_ANSWERS]
    estimator.known_vectors_ = known.astype(np.uint16)
    estimator.known_margins_ = score(known, estimator.machine()).margin
    data = pickle.dumps(estimator, protocol=PROTOCOL)
    try:
        parse_model(data)
    except ModelError as error:
        version = estimator.svc_.__getstate__()["_sklearn_version"]
        raise ModelError(
            f"digitsort would not read the model that it has made with scikit-learn {version}: {error} "
            "If that scikit-learn is newer than this digitsort, install an older one or a newer "
            "digitsort."
        ) from error
    return data


def save(data: bytes, path: Path, *, force: bool) -> Model:
    """Write a model file atomically; return the model as it is read back from the disk."""
    with replacing(path, force=force) as file:
        file.write(data)
    model = parse_model(path.read_bytes())
    if model != parse_model(data):
        raise ModelError(f"{path} does not hold what was written: check the disk.")
    return model
