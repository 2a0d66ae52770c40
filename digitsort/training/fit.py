"""Train a model: gather, split, search, fit, calibrate, certify, test."""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any

import numpy as np
import numpy.typing as npt

from digitsort.errors import TrainingDataError, UsageError
from digitsort.evaluation.certification import (
    DEFAULT_MAX_ERROR,
    Certificate,
    are_among,
    certify,
    lowest_threshold,
    needed_images,
)
from digitsort.evaluation.judge import Evaluation, evaluate
from digitsort.labels.labels_csv import NONE_LABEL
from digitsort.model.card import Card, fingerprint
from digitsort.model.estimator import DigitClassifier, to_bytes
from digitsort.progress import Progress, silent
from digitsort.recognition.score import RECIPE, predict, probabilities
from digitsort.training.calibrate import Calibration, calibrate
from digitsort.training.dataset import Dataset
from digitsort.training.doubts import (
    Doubt,
    describe_contradictions,
    describe_disputes,
    describe_imbalance,
    most_doubtful,
)
from digitsort.training.examples import Examples, gather
from digitsort.training.labelled import Taught, teach
from digitsort.training.trial import ScoredExamples, joined_of, judge_examples, try_out, tune_parameters


@dataclass(frozen=True, slots=True)
class TrainingOptions:
    """Options of training.

    Attributes
    ----------
    seed : int
        Of the split.
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


SCAN_PARAMETERS = {"C": 5.0, "gamma": 2.2, "components": 192}
INVENTED_PARAMETERS = {"C": 1.5, "gamma": 2.2, "components": 128}
"""C, gamma in units of scikit-learn's "scale", and components. Softer and of fewer components with
invented digits: some of them are ambiguous, and what is finest in them is the program's own."""


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
    estimator : DigitClassifier
    calibration : Calibration
    certificate : Certificate
    counts : Counter of str
        Number of images in the fit, by class.
    splits : dict of str to int
        Number of images for fit, temperature and certification.
    folds : int
    """

    estimator: DigitClassifier
    calibration: Calibration
    certificate: Certificate
    counts: Counter[str]
    splits: dict[str, int]
    folds: int


def train(
    datasets: Sequence[Dataset],
    options: TrainingOptions = DEFAULTS,
    progress: Progress = silent,
    say: Callable[[str], None] = lambda _: None,
) -> Trained:
    """Train a model on all datasets together.

    What a person labelled by hand is added to the others with a weight of its own, and neither held out
    with them nor used to calibrate.

    Parameters
    ----------
    datasets : sequence of Dataset
    options : TrainingOptions
    progress : Progress
    say : callable
        Receives sentences about images that look wrong, before the fit.

    Raises
    ------
    TrainingDataError
        If there are fewer than two classes, too few images in one, or too few to certify an error.
    """
    if not 0 < options.held_out < 1:
        raise UsageError(f"The held-out share must be between 0 and 1, got {options.held_out}.")
    if options.max_error is not None and not 0 < options.max_error < 1:
        raise UsageError(f"An error lies between 0 and 1, not at {options.max_error}.")
    if known := [dataset.known for dataset in datasets if dataset.known is not None]:
        from digitsort.training.learn import learn

        return learn(known[0], datasets, options, progress, say)
    base, by_hand = split_by_hand(datasets)
    gathered = gather(base, progress)
    fitted, test = _hold_out(gathered.examples, options)
    taught = teach(by_hand, gathered.examples, progress)
    for line in describe_data(gathered.examples, taught):
        say(line)
    parameters = _parameters(base)
    if options.tune:
        parameters |= tune_parameters(fitted, options.seed, progress)
    progress("fit", 0, None)
    trial = try_out(fitted, parameters, options.seed, taught.learned)
    calibration = calibrate(trial.temperature.scores, trial.temperature.truth)
    certificate = certificate_of(
        trial.certification, trial.estimator.classes_, calibration, options.max_error
    )
    made = FittedModel(
        trial.estimator,
        calibration,
        certificate,
        Counter(trial.fitted.labels.tolist()),
        {
            "fit": len(trial.fitted),
            "temperature": len(trial.temperature),
            "certification": len(trial.certification),
        },
        trial.folds,
    )
    names = [dataset.name for dataset in datasets]
    copies = gathered.copies + taught.copies
    others = test + taught.kept
    judged = joined_of([trial.judged, judge_examples(trial.estimator, others)])
    doubts = doubts_of(made, trial.unseen + others, judged)
    return finish(made, names, options, test, taught, copies, doubts)


def describe_data(base: Examples, taught: Taught) -> list[str]:
    """Return sentences about images that look wrong, among the base data and a person's labels."""
    by_hand = taught.learned + taught.kept
    lines = [*describe_disputes(base), *describe_disputes(by_hand)]
    return [*lines, *describe_contradictions(by_hand, base), *describe_imbalance(base.labels)]


def doubts_of(made: FittedModel, examples: Examples, judged: ScoredExamples) -> tuple[Doubt, ...]:
    """Return the examples whose labels a fitted estimator disagrees with most."""
    classes = [str(name) for name in made.estimator.classes_]
    return most_doubtful(examples, judged, classes, made.calibration.temperature)


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


def split_by_hand(datasets: Sequence[Dataset]) -> tuple[list[Dataset], list[Dataset]]:
    """Separate what a person labelled from the other data; if there is no other, it is the data."""
    base = [dataset for dataset in datasets if not dataset.by_hand]
    if not base:
        return [replace(dataset, weight=1.0) for dataset in datasets], []
    return base, [dataset for dataset in datasets if dataset.by_hand]


def _hold_out(examples: Examples, options: TrainingOptions) -> tuple[Examples, Examples]:
    # Every class needs a place in both parts.
    classes = len(np.unique(examples.labels))
    fitted, test = examples.split(max(classes, round(options.held_out * len(examples))), options.seed)
    # A picture with several labels may have come to both parts. It would test what it has taught.
    own = test[np.flatnonzero(~are_among(test.normal, fitted.normal))]
    return (fitted, own) if len(own) else (fitted, test)


def _parameters(datasets: Sequence[Dataset]) -> dict[str, Any]:
    """Return the default C and gamma, which are used without a search."""
    invented = any(dataset.invented for dataset in datasets)
    return dict(INVENTED_PARAMETERS if invented else SCAN_PARAMETERS)


def certificate_of(
    judged: ScoredExamples,
    classes: npt.NDArray[np.str_],
    calibration: Calibration,
    max_error: float | None,
) -> Certificate:
    """Certify the asked error, or where none was asked fall back on a threshold without a bound."""
    scores, truth = judged.scores, judged.truth
    label = predict(scores)
    chances = probabilities(scores, calibration.temperature)
    acceptable = (scores.familiarity >= calibration.ok_familiarity) & (classes[label] != NONE_LABEL)
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
