"""Teach a model new images without the images that it was trained on.

If an SVM is fitted again to only its own support vectors, with the same weights, the result is the same
SVM: the other images lie beyond the margin and do not matter. So the support vectors and the new images
are fitted together, with the projection and kernel of the known model. Its temperature and familiarity
limits stay, because they come from sources that were left out of its fit.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from digitsort.errors import UsageError
from digitsort.model.estimator import DigitClassifier
from digitsort.progress import Progress
from digitsort.recognition.project import project
from digitsort.training.calibrate import Calibration
from digitsort.training.dataset import Dataset
from digitsort.training.examples import (
    LEAST_PER_CLASS,
    Examples,
    Gathered,
    check_classes,
    vectors_of,
    without_copies,
)
from digitsort.training.fit import Made, Trained, certificate_of, finish
from digitsort.training.known import Known
from digitsort.training.options import TrainingOptions
from digitsort.training.taught import teach
from digitsort.training.trial import judge_examples


def learn(
    known: Known, datasets: Sequence[Dataset], options: TrainingOptions, progress: Progress
) -> Trained:
    """Fit the knowledge of a model together with other images.

    Half of the known model's held-out images certify the threshold. The other half, and the share of
    the other images that the options hold out, are for the test. `teach` splits a person's images.

    Raises
    ------
    UsageError
        If the options ask to search for C and gamma, which needs the original images.
    TrainingDataError
        If a class that the model does not know has too few images.
    """
    if options.tune:
        raise UsageError("--tune needs all images, but those of the default model are not installed.")
    others = [dataset for dataset in datasets if not dataset.by_hand and dataset.known is None]
    gathered = _gather(others, known, progress)
    fitted, test = _hold_out(gathered.examples, options)
    certified, tested = _halves(known.held_out)
    by_hand = [dataset for dataset in datasets if dataset.by_hand]
    taught = teach(by_hand, known.held_out + gathered.examples, progress)
    progress("fit", 0, None)
    new = fitted + taught.learned
    estimator = fit_beside(known, new)
    card = known.model.card
    calibration = Calibration(card.temperature, card.ok_familiarity, card.min_familiarity)
    judged = judge_examples(estimator, certified)
    made = Made(
        estimator,
        calibration,
        certificate_of(judged, estimator.classes_, calibration, options.max_error),
        Counter([*known.labels.tolist(), *new.labels.tolist()]),
        {"fit": len(known.labels) + len(new), "temperature": 0, "certification": len(judged)},
        card.folds,
    )
    copies = gathered.copies + taught.copies
    names = [dataset.name for dataset in datasets]
    return finish(made, names, options, tested + test, taught, copies, gathered.disputed)


def fit_beside(known: Known, new: Examples) -> DigitClassifier:
    """Fit to support vectors, new examples, and a distorted copy of each new example."""
    machine, card = known.model.machine, known.model.card
    assert machine.projection is not None
    both = new.with_distorted() if len(new) else new
    values = np.concatenate([machine.vectors, project(both.features, machine.projection)])
    estimator = DigitClassifier(C=card.C, components=machine.vectors.shape[1])
    return estimator.fit_components(
        values.astype(np.float64),
        np.concatenate([known.labels, both.labels]),
        np.concatenate([known.weights, both.weights]),
        machine.projection,
        machine.gamma,
    )


def _gather(others: Sequence[Dataset], known: Known, progress: Progress) -> Gathered:
    gathered = without_copies(vectors_of(others, progress), known.held_out)
    if others:
        counts = Counter([*known.labels.tolist(), *gathered.examples.labels.tolist()])
        check_classes(counts, "different " * bool(gathered.copies))
    return gathered


def _hold_out(examples: Examples, options: TrainingOptions) -> tuple[Examples, Examples]:
    """Split off the share that tests; all images of a class that has only a few are fitted."""
    counts = Counter(examples.labels.tolist())
    are_many = np.array([counts[label] >= LEAST_PER_CLASS for label in examples.labels], np.bool_)
    many, few = examples[np.flatnonzero(are_many)], examples[np.flatnonzero(~are_many)]
    if not len(many):
        return few, many
    classes = len(np.unique(many.labels))
    fitted, test = many.split(max(classes, round(options.held_out * len(many))), options.seed)
    return fitted + few, test


def _halves(examples: Examples) -> tuple[Examples, Examples]:
    rows = np.arange(len(examples))
    return examples[rows[::2]], examples[rows[1::2]]
