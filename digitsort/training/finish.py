"""Calibrate, certify and test a fitted estimator, and write its card and its file."""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version

import numpy as np
import numpy.typing as npt

from digitsort.errors import TrainingDataError
from digitsort.evaluation.certification import (
    DEFAULT_MAX_ERROR,
    Certificate,
    certify,
    lowest_threshold,
    needed_images,
)
from digitsort.evaluation.judge import Evaluation, evaluate
from digitsort.labels.labels_csv import NONE_LABEL
from digitsort.model.card import Card, fingerprint
from digitsort.model.estimator import DigitClassifier, to_bytes
from digitsort.recognition.score import RECIPE, Scores, predict, probabilities
from digitsort.training.doubts import (
    Doubt,
    describe_contradictions,
    describe_disputes,
    describe_imbalance,
    most_doubtful,
)
from digitsort.training.examples import Examples
from digitsort.training.labelled import Taught
from digitsort.training.trial import ScoredExamples


@dataclass(frozen=True, slots=True)
class TrainingOptions:
    """Options of training.

    Attributes
    ----------
    seed : int
        Seed of the split.
    held_out : float
        Share of the images that nothing is fitted to, 0-1.
    tune : bool
        Search C and gamma by cross-validation.
    max_error : float or None
        Share of wrong labels among the accepted ones that the threshold has to keep to, certified;
        None certifies `digitsort.evaluation.certification.DEFAULT_MAX_ERROR` if there are enough
        images for it.
    """

    seed: int = 0
    held_out: float = 0.2
    tune: bool = False
    max_error: float | None = None


DEFAULTS = TrainingOptions()


@dataclass(frozen=True, slots=True)
class Trained:
    """A trained model: the bytes of its file, its card, and how it did on the held-out images.

    `taught` is what a person labelled, where there is other data beside it. `copies` images were left
    out because they are the same picture as another one. `doubts` are the images whose labels the model
    disagrees with most.
    """

    data: bytes
    card: Card
    evaluation: Evaluation
    held_out: Examples
    taught: Taught
    copies: int
    doubts: tuple[Doubt, ...] = ()


@dataclass(frozen=True, slots=True)
class FittedModel:
    """Fitted estimator with the facts about its training that its card shows.

    Attributes
    ----------
    counts : Counter of str
        Number of images in the fit, by class.
    splits : dict of str to int
        Number of images for fit, temperature and certification.
    """

    estimator: DigitClassifier
    calibration: Calibration
    certificate: Certificate
    counts: Counter[str]
    splits: dict[str, int]
    folds: int


UNUSUAL = 0.005
"""Share of digits like the training data that counts as unfamiliar, and is uncertain."""

FAR = 1.9
"""Squared distance at which an image is rejected, as a multiple of that at which it is uncertain."""


@dataclass(frozen=True, slots=True)
class Calibration:
    """Temperature and familiarity limits of a model.

    Attributes
    ----------
    temperature : float
        Temperature of the softmax.
    ok_familiarity : float
        An image less familiar is uncertain.
    min_familiarity : float
        An image less familiar still is rejected.
    """

    temperature: float
    ok_familiarity: float
    min_familiarity: float


def calibrate(scores: Scores, truth: npt.NDArray[np.intp]) -> Calibration:
    """Fit the temperature to scores of images that the machine was not fitted to.

    The temperature minimizes the log loss (Guo, Pleiss, Sun, Weinberger 2017, "On calibration of modern
    neural networks").

    Parameters
    ----------
    truth : ndarray of shape (n,), intp
        Index of the right class.
    """
    return Calibration(best_temperature(scores, truth), *familiarity_limits(scores.familiarity))


def familiarity_limits(
    familiarity: npt.NDArray[np.float64], unusual: float = UNUSUAL
) -> tuple[float, float]:
    """Return the familiarity below which an image is uncertain, and that below which it is rejected.

    Familiarity is exp(-gamma distance²) to the nearest support vector. The first limit is the distance
    that 0.5 % of digits like the training data exceed; the second is 1.9 times that squared distance.
    On simulated scans this kept 99.6 % of unseen digits. At 1.4 times, 0.7 % of them were rejected, and
    half of these had been read right.
    """
    usual = -np.log(max(float(np.quantile(familiarity, unusual)), 1e-300))
    return float(np.exp(-usual)), float(np.exp(-FAR * usual))


def best_temperature(
    scores: Scores, truth: npt.NDArray[np.intp], weights: npt.NDArray[np.float64] | None = None
) -> float:
    """Find the temperature with the lowest log loss, with optional weights (n,) of the images."""
    from scipy.optimize import minimize_scalar

    rows = np.arange(len(truth))

    def loss(log_temperature: float) -> float:
        chances = probabilities(scores, float(np.exp(log_temperature)))[rows, truth]
        return -float(np.average(np.log(np.maximum(chances, 1e-12)), weights=weights))

    # Margins are within about ±2: a temperature of 0.02 makes them all or nothing, and 5 makes them
    # equal.
    best = minimize_scalar(loss, bounds=(np.log(0.02), np.log(5.0)), method="bounded")
    return float(np.exp(best.x))


def finish(
    made: FittedModel,
    names: Sequence[str],
    options: TrainingOptions,
    test: Examples,
    taught: Taught,
    copies: int = 0,
    doubts: tuple[Doubt, ...] = (),
) -> Trained:
    """Test a fitted estimator, make its card and pickle it; `names` are those of the data sets."""
    estimator = made.estimator
    estimator.temperature_ = made.calibration.temperature
    evaluation = evaluate(list(test.labels), list(estimator.predict_features(test.features)))
    card = card_of(made, names, options, evaluation)
    estimator.card_ = card.to_dict()
    data = to_bytes(estimator, test.features)
    return Trained(data, card, evaluation, test, taught, copies, doubts)


def card_of(
    made: FittedModel, names: Sequence[str], options: TrainingOptions, evaluation: Evaluation
) -> Card:
    """Return the card of a model; `names` are those of the data sets."""
    estimator, certificate = made.estimator, made.certificate
    machine = estimator.machine()
    classes = tuple(str(name) for name in estimator.classes_)
    thresholds = {**asdict(made.calibration), "min_confidence": certificate.threshold}
    return Card(
        recipe=RECIPE,
        classes=classes,
        data=tuple(names),
        counts={name: made.counts[name] for name in classes},
        seed=options.seed,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        versions=_versions(),
        C=estimator.C,
        gamma=machine.gamma,
        support_vectors=len(machine.vectors),
        held_out_count=evaluation.count,
        held_out_accuracy=evaluation.accuracy,
        **thresholds,
        splits={**made.splits, "test": evaluation.count},
        folds=made.folds,
        max_error=DEFAULT_MAX_ERROR if options.max_error is None else options.max_error,
        certified_accepted=certificate.accepted,
        certified_errors=certificate.errors,
        certified_bound=certificate.bound,
        fingerprint=fingerprint(machine, RECIPE, classes, thresholds),
    )


def _versions() -> dict[str, str]:
    packages = ("digitsort", "scikit-learn", "numpy", "pillow")
    return {"python": platform.python_version(), **{name: version(name) for name in packages}}


def guesses_of(
    judged: ScoredExamples, calibration: Calibration
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """Return of each image (n,): class index, confidence, whether it is familiar enough to accept."""
    label = predict(judged.scores)
    chances = probabilities(judged.scores, calibration.temperature)
    is_familiar = judged.scores.familiarity >= calibration.ok_familiarity
    return label, chances[np.arange(len(label)), label], is_familiar


def certificate_of(
    judged: ScoredExamples,
    classes: npt.NDArray[np.str_],
    calibration: Calibration,
    max_error: float | None,
) -> Certificate:
    """Certify the requested error; if none was requested, fall back on a threshold without a bound."""
    label, confidence, is_familiar = guesses_of(judged, calibration)
    acceptable = is_familiar & (classes[label] != NONE_LABEL)
    confidence, right = confidence[acceptable], (label == judged.truth)[acceptable]
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


def describe_data(base: Examples, taught: Taught) -> list[str]:
    """Return sentences about images that look wrong, among the base data and a person's labels."""
    by_hand = taught.learned + taught.kept
    lines = [*describe_disputes(base), *describe_disputes(by_hand)]
    return [*lines, *describe_contradictions(by_hand, base), *describe_imbalance(base.labels)]


def doubts_of(made: FittedModel, examples: Examples, judged: ScoredExamples) -> tuple[Doubt, ...]:
    """Return the examples whose labels a fitted estimator disagrees with most."""
    classes = [str(name) for name in made.estimator.classes_]
    return most_doubtful(examples, judged, classes, made.calibration.temperature)
