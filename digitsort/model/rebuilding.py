"""Make an estimator again from a model's arrays, without unpickling its file."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from digitsort.model.estimator import DigitClassifier

if TYPE_CHECKING:
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
