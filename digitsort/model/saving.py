"""Turn a fitted estimator into the bytes of a model file, and a model back into an estimator."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from digitsort.errors import ModelError
from digitsort.files.atomic import replacing
from digitsort.model.checking import MOST_KNOWN_ANSWERS
from digitsort.model.estimator import DigitClassifier
from digitsort.model.reading import Model, parse_model
from digitsort.model.scanning import PROTOCOL
from digitsort.recognition.score import score

if TYPE_CHECKING:
    import numpy.typing as npt

    from digitsort.model.estimator import DigitClassifier
    from digitsort.model.reading import Model


def rebuild(model: Model) -> DigitClassifier:
    """Make the estimator that a model's file holds, from the arrays that were read and checked.

    Its `gamma` parameter, which only a new fit would use, is that of a new estimator.
    """
    card = model.card
    components = model.machine.vectors.shape[1]
    estimator = DigitClassifier(C=card.C, temperature=card.temperature, components=components)
    estimator.svc_ = _rebuild_svc(model)
    estimator.projection_ = model.machine.projection
    if model.machine.likeness is not None:
        estimator.likeness = model.machine.likeness
    estimator.classes_ = np.array(card.classes)
    estimator.temperature_ = card.temperature
    estimator.card_ = card.to_dict()
    return estimator


def _rebuild_svc(model: Model) -> object:
    from sklearn.svm import SVC

    machine = model.machine
    k, (n, d) = len(machine.n_support), machine.vectors.shape
    # A fit to one point a class gives an SVC every attribute that this scikit-learn wants; then those
    # that hold the machine are replaced.
    svc = SVC(C=model.card.C, gamma=machine.gamma, break_ties=True, cache_size=1000)
    svc.fit(np.arange(k)[:, None] * np.ones(d), np.arange(k))
    svc.support_vectors_ = machine.vectors.astype(np.float64)
    svc.support_ = np.arange(n, dtype=np.int32)
    svc.shape_fit_ = (n, d)
    svc._n_support = machine.n_support.astype(np.int32)
    sign = -1 if k == 2 else 1  # libsvm's own sign, which scikit-learn turns for two classes
    svc.dual_coef_, svc.intercept_ = machine.dual_coef.copy(), machine.intercept.copy()
    svc._dual_coef_, svc._intercept_ = sign * machine.dual_coef, sign * machine.intercept
    svc._gamma = machine.gamma
    return svc


def to_bytes(estimator: DigitClassifier, examples: npt.NDArray[np.float32]) -> bytes:
    """Pickle a fitted estimator together with known answers, and read the result back.

    Parameters
    ----------
    estimator : DigitClassifier
        Fitted, with its card.
    examples : ndarray of shape (n, d), float32
        Vectors, of which up to 64 are stored with the answers of today.

    Raises
    ------
    ModelError
        If digitsort would not take its own file.
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
    """Write a model file, whole or not at all; gives the model as it is read from the disk."""
    with replacing(path, force=force) as file:
        file.write(data)
    model = parse_model(path.read_bytes())
    if model != parse_model(data):
        raise ModelError(f"{path} does not hold what was written: check the disk.")
    return model
