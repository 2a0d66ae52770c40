"""Train a model: vectors, split, search, calibration, fit, test."""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from itertools import islice

import numpy as np
import numpy.typing as npt

from digitsort.errors import TrainingDataError, UsageError
from digitsort.model.card import Card, fingerprint
from digitsort.model.estimator import DigitClassifier, support_vectors
from digitsort.model.saving import to_bytes
from digitsort.progress import Progress, silent
from digitsort.recognition.score import Scores, score
from digitsort.recognition.threads import one_blas_thread
from digitsort.recognition.vectorize import RECIPE, vectorize
from digitsort.training.calibrate import Calibration, calibrate
from digitsort.training.datasets import Dataset
from digitsort.training.evaluate import Evaluation, evaluate
from digitsort.training.options import DEFAULTS, TrainingOptions
from digitsort.training.tune import tune_parameters

LEAST_PER_CLASS = 5
"""One to test, four to learn from."""

BATCH = 256

SCAN_PARAMETERS = (10.0, 1.0)
INVENTED_PARAMETERS = (2.0, 1.5)
"""C, and gamma in units of scikit-learn's "scale". Softer and narrower with invented handwriting: it is
much, and some of it is ambiguous."""

FOLDS = 5
MOST_FOR_FOLDS = 10_000
"""With more images the calibration takes one split instead of five folds: its error is small enough."""


@dataclass(frozen=True, slots=True)
class Trained:
    """A trained model: the bytes of its file, its card, and how it did on the held-out images."""

    data: bytes
    card: Card
    evaluation: Evaluation


@dataclass(frozen=True, slots=True)
class _Examples:
    features: npt.NDArray[np.float32]
    labels: npt.NDArray[np.str_]
    weights: npt.NDArray[np.float64]

    def __getitem__(self, where: npt.NDArray[np.intp]) -> _Examples:
        return _Examples(self.features[where], self.labels[where], self.weights[where])

    def fit(self, estimator: DigitClassifier) -> DigitClassifier:
        """Fit an estimator to these examples."""
        return estimator.fit_features(self.features, self.labels, self.weights)


def train(
    datasets: Sequence[Dataset],
    options: TrainingOptions = DEFAULTS,
    progress: Progress = silent,
) -> Trained:
    """Train a model on all datasets together.

    Raises
    ------
    TrainingDataError
        If there are fewer than two classes or too few images in one.
    """
    if not 0 < options.held_out < 1:
        raise UsageError(f"The held-out share lies between 0 and 1, not at {options.held_out}.")
    examples = _vectors(datasets, progress)
    _check_classes(examples.labels)
    fit_part, test_part = _split(examples, options.held_out, options.seed)
    parameters = _parameters(datasets)
    if options.tune:
        parameters = tune_parameters(fit_part.features, fit_part.labels, options.seed, progress)
    progress("calibrate", 0, None)
    calibration, basis = _calibrate(fit_part, parameters, options.seed)
    progress("fit", 0, None)
    estimator = fit_part.fit(DigitClassifier(**parameters, temperature=calibration.temperature))
    evaluation = evaluate(list(test_part.labels), list(estimator.predict_features(test_part.features)))
    card = _card(datasets, options, fit_part, estimator, calibration, basis, evaluation)
    estimator.card_ = card.to_dict()
    return Trained(to_bytes(estimator, test_part.features), card, evaluation)


def _parameters(datasets: Sequence[Dataset]) -> dict[str, float]:
    """C and gamma that were found good, where they are not searched."""
    invented = any(dataset.invented for dataset in datasets)
    C, gamma = INVENTED_PARAMETERS if invented else SCAN_PARAMETERS
    return {"C": C, "gamma": gamma}


def _vectors(datasets: Sequence[Dataset], progress: Progress) -> _Examples:
    features: list[npt.NDArray[np.float32]] = []
    labels: list[str] = []
    total, done = sum(d.count for d in datasets), 0
    pairs = (pair for dataset in datasets for pair in dataset.load())
    while batch := list(islice(pairs, BATCH)):
        with one_blas_thread():
            features.append(vectorize([gray for gray, _ in batch]).features)
        labels.extend(label for _, label in batch)
        done += len(batch)
        progress("prepare images", done, total)
    if not labels:
        raise TrainingDataError("The training data holds no images. Name another folder.")
    weights = np.repeat([d.weight for d in datasets], [d.count for d in datasets])
    return _Examples(np.concatenate(features), np.array(labels), weights)


def _check_classes(labels: npt.NDArray[np.str_]) -> None:
    counts = Counter(labels.tolist())
    if len(counts) < 2:
        raise TrainingDataError(
            f"There is only one class, {next(iter(counts))!r}: nothing to tell apart. "
            "Add images of another."
        )
    name, fewest = min(counts.items(), key=lambda item: item[1])
    if fewest < LEAST_PER_CLASS:
        images = "one image" if fewest == 1 else f"{fewest} images"
        raise TrainingDataError(
            f"Class {name!r} has {images}; it takes {LEAST_PER_CLASS} and more to learn a class and "
            "to test it. Add some, or leave the class out."
        )


def _split(examples: _Examples, held_out: float, seed: int) -> tuple[_Examples, _Examples]:
    from sklearn.model_selection import train_test_split

    rows = np.arange(len(examples.labels))
    # Every class needs a place in both parts.
    least = max(len(set(examples.labels.tolist())), round(held_out * len(rows)))
    fit_rows, test_rows = train_test_split(
        rows, test_size=least, random_state=seed, stratify=examples.labels
    )
    return examples[np.sort(fit_rows)], examples[np.sort(test_rows)]


def _calibrate(examples: _Examples, parameters: dict[str, float], seed: int) -> tuple[Calibration, str]:
    """Calibrate on images that the machine judging them was not fitted to."""
    scores, rows = [], []
    folds = list(_calibration_folds(examples.labels, seed))
    for fit_rows, judged_rows in folds:
        machine = examples[fit_rows].fit(DigitClassifier(**parameters))
        scores.append(score(examples.features[judged_rows], support_vectors(machine.svc_)))
        rows.append(judged_rows)
    _, encoded = np.unique(examples.labels, return_inverse=True)
    joined = Scores(*(np.concatenate([getattr(s, name) for s in scores]) for name in Scores.__slots__))
    count = sum(map(len, rows))
    how = f"{len(folds)} folds of" if len(folds) > 1 else "a split of"
    return calibrate(joined, encoded[np.concatenate(rows)]), f"{how} {count} images"


def _calibration_folds(
    labels: npt.NDArray[np.str_], seed: int
) -> Iterator[tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]]:
    from sklearn.model_selection import StratifiedKFold, StratifiedShuffleSplit

    if len(labels) > MOST_FOR_FOLDS:
        splitter = StratifiedShuffleSplit(1, test_size=MOST_FOR_FOLDS // 2, random_state=seed)
    else:
        fewest = min(Counter(labels.tolist()).values())
        splitter = StratifiedKFold(min(FOLDS, fewest), shuffle=True, random_state=seed)
    yield from splitter.split(np.zeros(len(labels)), labels)


def _card(
    datasets: Sequence[Dataset],
    options: TrainingOptions,
    fit_part: _Examples,
    estimator: DigitClassifier,
    calibration: Calibration,
    basis: str,
    evaluation: Evaluation,
) -> Card:
    machine = support_vectors(estimator.svc_)
    names = tuple(str(name) for name in estimator.classes_)
    thresholds = asdict(calibration)
    return Card(
        recipe=RECIPE,
        classes=names,
        data=tuple(dataset.name for dataset in datasets),
        counts={name: int((fit_part.labels == name).sum()) for name in names},
        seed=options.seed,
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        versions=_versions(),
        C=estimator.C,
        gamma=machine.gamma,
        support_vectors=len(machine.vectors),
        held_out_count=evaluation.count,
        held_out_accuracy=evaluation.accuracy,
        **thresholds,
        calibration=basis,
        fingerprint=fingerprint(machine, RECIPE, names, thresholds),
    )


def _versions() -> dict[str, str]:
    packages = ("digitsort", "scikit-learn", "numpy", "pillow")
    return {"python": platform.python_version(), **{name: version(name) for name in packages}}
