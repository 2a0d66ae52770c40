"""Train a model: gather, split, search, fit, calibrate, certify, test."""

from __future__ import annotations

import platform
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

import numpy as np

from digitsort.errors import TrainingDataError, UsageError
from digitsort.labels import NONE_LABEL
from digitsort.model.card import Card, fingerprint
from digitsort.model.saving import to_bytes
from digitsort.progress import Progress, silent
from digitsort.recognition.recipe import RECIPE
from digitsort.recognition.score import predict, probabilities
from digitsort.training.calibrate import Calibration, calibrate
from digitsort.training.certify import (
    DEFAULT_MAX_ERROR,
    Certificate,
    certify,
    lowest_threshold,
    needed_images,
)
from digitsort.training.dataset import Dataset
from digitsort.training.evaluate import Evaluation, evaluate
from digitsort.training.examples import Examples, gather
from digitsort.training.options import DEFAULTS, TrainingOptions
from digitsort.training.taught import Taught, teach
from digitsort.training.trial import Trial, try_out
from digitsort.training.tune import tune_parameters

SCAN_PARAMETERS = {"C": 5.0, "gamma": 2.2, "components": 192}
INVENTED_PARAMETERS = {"C": 1.5, "gamma": 2.2, "components": 128}
"""C, gamma in units of scikit-learn's "scale", and components. Softer and of fewer components with
invented digits: some of them are ambiguous, and what is finest in them is the program's own."""


@dataclass(frozen=True, slots=True)
class Trained:
    """A trained model: the bytes of its file, its card, and how it did on the held-out images.

    `taught` is what a person labelled, where there is other data beside it. `copies` images were left
    out because they are the same picture as another one, and `disputed` pictures have several labels.
    """

    data: bytes
    card: Card
    evaluation: Evaluation
    held_out: Examples
    taught: Taught
    copies: int
    disputed: int


def train(
    datasets: Sequence[Dataset],
    options: TrainingOptions = DEFAULTS,
    progress: Progress = silent,
) -> Trained:
    """Train a model on all datasets together.

    What a person labelled by hand is added to the others with a weight of its own, and neither held out
    with them nor used to calibrate.

    Raises
    ------
    TrainingDataError
        If there are fewer than two classes, too few images in one, or too few to certify an error.
    """
    if not 0 < options.held_out < 1:
        raise UsageError(f"The held-out share must be between 0 and 1, got {options.held_out}.")
    if options.max_error is not None and not 0 < options.max_error < 1:
        raise UsageError(f"The maximum error must be between 0 and 1, got {options.max_error}.")
    base, by_hand = _by_hand(datasets)
    gathered = gather(base, progress)
    known, test = _hold_out(gathered.examples, options)
    taught = teach(by_hand, gathered.examples, progress)
    parameters = _parameters(base)
    if options.tune:
        parameters |= tune_parameters(known, options.seed, progress)
    progress("fit", 0, None)
    trial = try_out(known, parameters, options.seed, taught.learned)
    calibration = calibrate(trial.temperature.scores, trial.temperature.truth)
    certificate = _certificate(trial, calibration, options.max_error)
    estimator = trial.estimator
    estimator.temperature_ = calibration.temperature
    evaluation = evaluate(list(test.labels), list(estimator.predict_features(test.features)))
    card = _card(datasets, options, trial, calibration, certificate, evaluation)
    estimator.card_ = card.to_dict()
    copies = gathered.copies + taught.copies
    data = to_bytes(estimator, test.features)
    return Trained(data, card, evaluation, test, taught, copies, gathered.disputed)


def _by_hand(datasets: Sequence[Dataset]) -> tuple[list[Dataset], list[Dataset]]:
    """What a person labelled for us, apart from the rest; where there is no rest, it is the data."""
    base = [dataset for dataset in datasets if not dataset.by_hand]
    if not base:
        return [replace(dataset, weight=1.0) for dataset in datasets], []
    return base, [dataset for dataset in datasets if dataset.by_hand]


def _hold_out(examples: Examples, options: TrainingOptions) -> tuple[Examples, Examples]:
    # Every class needs a place in both parts.
    classes = len(np.unique(examples.labels))
    return examples.split(max(classes, round(options.held_out * len(examples))), options.seed)


def _parameters(datasets: Sequence[Dataset]) -> dict[str, Any]:
    """What was found good, where it is not searched."""
    invented = any(dataset.invented for dataset in datasets)
    return dict(INVENTED_PARAMETERS if invented else SCAN_PARAMETERS)


def _certificate(trial: Trial, calibration: Calibration, max_error: float | None) -> Certificate:
    """Certify the asked error, or where none was asked fall back on a threshold without a bound."""
    scores, truth = trial.certification.scores, trial.certification.truth
    label = predict(scores)
    chances = probabilities(scores, calibration.temperature)
    acceptable = (scores.familiarity >= calibration.ok_familiarity) & (
        trial.estimator.classes_[label] != NONE_LABEL
    )
    confidence = chances[np.arange(len(truth)), label][acceptable]
    right = (label == truth)[acceptable]
    asked = DEFAULT_MAX_ERROR if max_error is None else max_error
    certificate = certify(confidence, right, asked)
    if certificate is not None:
        return certificate
    if max_error is not None:
        raise TrainingDataError(_no_certificate(max_error, len(confidence)))
    return Certificate(lowest_threshold(confidence, right, asked), 0, 0, 1.0)


def _no_certificate(max_error: float, count: int) -> str:
    return (
        f"Cannot certify an error of {max_error:.2%} among accepted labels: that needs at least "
        f"{needed_images(max_error)} accepted images without an error, but the certification split has "
        f"only {count} that could be accepted. Add data, or choose a larger --max-error."
    )


def _card(
    datasets: Sequence[Dataset],
    options: TrainingOptions,
    trial: Trial,
    calibration: Calibration,
    certificate: Certificate,
    evaluation: Evaluation,
) -> Card:
    estimator, fitted = trial.estimator, trial.fitted
    machine = estimator.machine()
    names = tuple(str(name) for name in estimator.classes_)
    thresholds = {**asdict(calibration), "min_confidence": certificate.threshold}
    return Card(
        recipe=RECIPE,
        classes=names,
        data=tuple(dataset.name for dataset in datasets),
        counts={name: int((fitted.labels == name).sum()) for name in names},
        seed=options.seed,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        versions=_versions(),
        C=estimator.C,
        gamma=machine.gamma,
        support_vectors=len(machine.vectors),
        held_out_count=evaluation.count,
        held_out_accuracy=evaluation.accuracy,
        **thresholds,
        splits={
            "fit": len(fitted),
            "temperature": len(trial.temperature),
            "certification": len(trial.certification),
            "test": evaluation.count,
        },
        folds=trial.folds,
        max_error=DEFAULT_MAX_ERROR if options.max_error is None else options.max_error,
        certified_accepted=certificate.accepted,
        certified_errors=certificate.errors,
        certified_bound=certificate.bound,
        fingerprint=fingerprint(machine, RECIPE, names, thresholds),
    )


def _versions() -> dict[str, str]:
    packages = ("digitsort", "scikit-learn", "numpy", "pillow")
    return {"python": platform.python_version(), **{name: version(name) for name in packages}}
