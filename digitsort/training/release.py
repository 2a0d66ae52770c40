"""Make the shipped model: `digitsort train -d release`.

A first SVM, fitted to a part of the images, shows which images lie near a margin. A second one is
fitted to those (a cascade: Graf, Cosatto, Bottou, Durdanovic and Vapnik 2004). Images that lie far
beyond every margin would not become support vectors. Then the second one is condensed: a few of its
support vectors are moved and weighted until they decide like all of them.

Sources by the same people form a family. Each family in turn is left out of a fit, and the model of the
other families reads it. These readings determine the temperature, the familiarity limits and the
threshold, because a family that was left out stands for a user's scans, which are also new to a model.
Printed and generated digits are not used for this: they are easier than real handwriting.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from digitsort.errors import TrainingDataError
from digitsort.evaluation.certification import (
    DEFAULT_MAX_ERROR,
    Certificate,
    lowest_threshold,
    upper_bound,
)
from digitsort.model.estimator import DigitClassifier, estimator_of, fit_projection
from digitsort.progress import Progress, silent
from digitsort.recognition.score import Likeness, Scores, project, score
from digitsort.training.condense import add_vectors, condense, find_odd
from digitsort.training.examples import (
    Examples,
    distort,
    features_of,
    gather,
    known_to_bytes,
)
from digitsort.training.finish import (
    Calibration,
    FittedModel,
    Trained,
    TrainingOptions,
    best_temperature,
    familiarity_limits,
    finish,
    guesses_of,
)
from digitsort.training.fit_likeness import Ground, fit_likeness, gather_ground, limit_of_family
from digitsort.training.labelled import Taught
from digitsort.training.sources import DataSource, dataset_of, sources
from digitsort.training.trial import ScoredExamples, judge_examples
from digitsort.workers.tuning import one_blas_thread

FIRST_PART = 5
"""Every fifth image goes into the first fit."""

NEAR = 1.2
"""Largest decision margin, in the first SVM, of images for the second fit; 1 is the margin itself."""

HOPELESS = -0.6
"""Invented and printed images with a lower margin look like another digit and are left out."""

VECTORS = 2_300
"""Number of support vectors that the second fit is condensed to. Each costs time for every image."""

COPIES_SEED = 1
"""Seed of the distorted copies with which a machine is condensed, beside those that it is fitted to."""


@dataclass(frozen=True, slots=True)
class Fitted:
    """Fitted estimator with the weights (n,) of its n support vectors."""

    estimator: DigitClassifier
    weights: npt.NDArray[np.float64]


def fit_cascade(
    examples: Examples,
    invented: npt.NDArray[np.bool_],
    others: npt.NDArray[np.float32],
    parameters: dict[str, Any],
) -> Fitted:
    """Fit to examples, and to a distorted copy of each image that a person wrote; condense the result.

    Parameters
    ----------
    examples : Examples
        Examples of n images.
    invented : ndarray of shape (n,), bool
        Whether each image was not written by a person.
    others : ndarray of shape (m, d), float32
        Features of unlabelled images, which the condensed machine should read like the large one.
    parameters : dict
        Parameters of `DigitClassifier`.
    """
    real = np.flatnonzero(~invented)
    both = examples[np.flatnonzero(invented)] + examples[real].with_distorted()
    is_invented = np.arange(len(both)) < invented.sum()
    classes, truth = np.unique(both.labels, return_inverse=True)
    blank = DigitClassifier(**parameters)
    with one_blas_thread():
        projection = fit_projection(both.features, truth, both.weights, blank.components)
        values = project(both.features, projection)
        gamma = blank.gamma / (values.shape[1] * float(values.astype(np.float64).var()))

        def fit(rows: npt.NDArray[np.intp]) -> DigitClassifier:
            return DigitClassifier(**parameters).fit_components(
                values[rows].astype(np.float64),
                both.labels[rows],
                both.weights[rows],
                projection,
                gamma,
            )

        first = fit(np.arange(0, len(both), FIRST_PART))
        require_classes(first, classes)
        margin = score(both.features, first.machine()).margin[np.arange(len(both)), truth]
        is_hopeless = (margin < HOPELESS) & is_invented
        rows = np.flatnonzero((margin < NEAR) & ~is_hopeless)
        second = fit(rows)
        # The start is of support vectors of all kinds. From those with the largest coefficients, which
        # are odd images, the condensed machine read strange handwriting worse.
        support = rows[second.svc_.support_]
        rows = support[np.linspace(0, len(support) - 1, min(VECTORS, len(support))).astype(np.intp)]
        start = fit(rows)
        copies = features_of(distort(examples.normal[real], COPIES_SEED))
        more = project(np.concatenate([copies, others]), projection)
        machine = condense(second.machine(), start.machine(), np.concatenate([values, more]))
        plain = np.flatnonzero(~is_hopeless)
        odd = plain[find_odd(machine, values[plain])]
        machine = add_vectors(machine, values[odd], truth[odd])
    rows = np.concatenate([rows[start.svc_.support_], odd])
    weights = both.weights[rows[np.argsort(truth[rows], kind="stable")]]
    return Fitted(estimator_of(machine, classes.tolist(), blank.C), weights)


def require_classes(first: DigitClassifier, classes: npt.NDArray[np.str_]) -> None:
    """Raise TrainingDataError if the first part of the images lacks a class."""
    if list(first.classes_) != list(classes):
        raise TrainingDataError(
            f"The first fit has only {len(first.classes_)} of {len(classes)} classes. Add images."
        )


PARAMETERS = {"C": 5.0, "gamma": 3.0, "components": 128}
"""C, gamma in units of scikit-learn's "scale", and components, chosen on the left-out families."""

UNUSUAL_IN_FAMILY = 0.02
"""Share of a left-out family that counts as unfamiliar. The shipped model knows the handwriting of all
families, so it finds less ink unfamiliar; with 0.005 it accepted twice as many half-way counter wheels
(`python -m benchmarks.trust --others`)."""

HELD_OUT = 20
"""Every 20th image is held out: half of these are for tests, half certify what is learned later."""


@dataclass(frozen=True, slots=True)
class Release:
    """Shipped model, with its knowledge (`digitsort.training.examples`)."""

    trained: Trained
    known: bytes


@dataclass(frozen=True, slots=True)
class Pool:
    """Examples of all sources, with the index (n,) of the source of each."""

    sources: Sequence[DataSource]
    examples: Examples
    origin: npt.NDArray[np.intp]

    def __getitem__(self, where: npt.NDArray[np.intp]) -> Pool:
        return Pool(self.sources, self.examples[where], self.origin[where])

    def is_of(self, family: str) -> npt.NDArray[np.bool_]:
        """Return whether each example (n,) is of a family; "" is for images that no person wrote."""
        return np.array([source.family == family for source in self.sources])[self.origin]

    def of(self, family: str) -> Examples:
        """Return the examples of a family."""
        return self.examples[np.flatnonzero(self.is_of(family))]

    @property
    def families(self) -> list[str]:
        """Return the names of the families, ascending."""
        return sorted({source.family for source in self.sources if source.family})


def train_release(progress: Progress = silent, chosen: Sequence[DataSource] | None = None) -> Release:
    """Make the shipped model from its sources, or from other sources in tests."""
    pool = gather_sources(sources() if chosen is None else chosen, progress)
    held = np.arange(len(pool.examples)) % HELD_OUT == HELD_OUT - 1
    fitted, held_out = pool[np.flatnonzero(~held)], pool[np.flatnonzero(held)].examples
    drawn = gather_ground(pool.sources, len(pool.examples), progress)
    others = {name: fit_without(fitted, drawn, name, progress) for name in fitted.families}
    judged = {name: judge_examples(others[name], fitted.of(name)) for name in others}
    calibration, certificate = calibrate_by_family(judged)
    progress("fit", 0, None)
    machine = fit_cascade(fitted.examples, fitted.is_of(""), drawn.features, PARAMETERS)
    accepted = {
        name: fitted.of(name).features[_accepted(judged[name], calibration, certificate)]
        for name in others
    }
    ground = _digits_as_ground(fitted) + drawn
    machine.estimator.likeness = learn_likeness(ground, machine.estimator, others, accepted, progress)
    count = sum(map(len, judged.values()))
    made = FittedModel(
        machine.estimator,
        calibration,
        certificate,
        Counter(fitted.examples.labels.tolist()),
        {"fit": len(fitted.examples), "temperature": count - count // 2, "certification": count // 2},
        folds=len(judged),
    )
    nothing = Taught(held_out[np.arange(0)], held_out[np.arange(0)], Counter())
    names = [f"{source.name} ({source.licence})" for source in fitted.sources]
    tested = held_out[np.arange(len(held_out))[1::2]]
    trained = finish(made, names, TrainingOptions(), tested, nothing)
    return Release(trained, known_to_bytes(machine.weights, held_out, trained.card.fingerprint))


def gather_sources(chosen: Sequence[DataSource], progress: Progress) -> Pool:
    """Turn the images of all sources into examples."""
    parts = [gather([dataset_of(source)], progress).examples for source in chosen]
    origin = np.repeat(np.arange(len(parts)), [len(part) for part in parts])
    joined = parts[0]
    for part in parts[1:]:
        joined += part
    return Pool(chosen, joined, origin)


def fit_without(pool: Pool, drawn: Ground, family: str, progress: Progress) -> DigitClassifier:
    """Fit to all other families."""
    progress(f"fit without {family}", 0, None)
    rest = pool[np.flatnonzero(~pool.is_of(family))]
    unlabelled = drawn.without(family).features
    return fit_cascade(rest.examples, rest.is_of(""), unlabelled, PARAMETERS).estimator


def learn_likeness(
    ground: Ground,
    estimator: DigitClassifier,
    others: Mapping[str, DigitClassifier],
    accepted: Mapping[str, npt.NDArray[np.float32]],
    progress: Progress,
) -> Likeness:
    """Learn what is no digit, with a limit from the families that were left out.

    Parameters
    ----------
    ground : Ground
        Digits and other ink.
    estimator : DigitClassifier
        Fitted to all digits.
    others : mapping of str to DigitClassifier
        Fitted without each family.
    accepted : mapping of str to ndarray of shape (n, d)
        Features of the digits of each family that the others accept.
    """
    limits = []
    for name, other in others.items():
        progress(f"learn what is no digit, without {name}", 0, None)
        limits.append(limit_of_family(ground, other.projection_, accepted[name], name))
    progress("learn what is no digit", 0, None)
    return fit_likeness(ground, estimator.projection_, float(np.mean(limits)))


def _digits_as_ground(pool: Pool) -> Ground:
    """Return the digits of a pool, with a distorted copy of each that a person wrote."""
    families = np.array([source.family for source in pool.sources], "U32")[pool.origin]
    real = np.flatnonzero(families != "")
    examples = pool.examples[np.flatnonzero(families == "")] + pool.examples[real].with_distorted()
    every = np.concatenate([families[families == ""], families[real], families[real]])
    return Ground(examples.features, np.ones(len(every), np.bool_), every)


def _accepted(
    judged: ScoredExamples, calibration: Calibration, certificate: Certificate
) -> npt.NDArray[np.intp]:
    """Return the rows of the images that would be accepted."""
    _, confidence, is_familiar = guesses_of(judged, calibration)
    return np.flatnonzero(is_familiar & (np.round(confidence, 4) >= certificate.threshold))


def calibrate_by_family(judged: dict[str, ScoredExamples]) -> tuple[Calibration, Certificate]:
    """Find temperature, familiarity limits and threshold from families that were left out.

    Every family has the same weight. One half of each gives the temperature and the limits. The other
    half gives the threshold: the lowest at which the observed error of *every* family is at most 0.5 %.
    """
    halves = [_random_halves(one) for one in judged.values()]
    first = [half for half, _ in halves]
    weights = np.concatenate([np.full(len(half), 1 / len(half)) for half in first])
    scores = Scores.concatenate([half.scores for half in first])
    truth = np.concatenate([half.truth for half in first])
    temperature = best_temperature(scores, truth, weights)
    limits = [familiarity_limits(half.scores.familiarity, UNUSUAL_IN_FAMILY) for half in first]
    calibration = Calibration(temperature, *np.mean(limits, axis=0).tolist())
    return calibration, _certificate([half for _, half in halves], calibration)


def _random_halves(judged: ScoredExamples) -> tuple[ScoredExamples, ScoredExamples]:
    order = np.random.default_rng(0).permutation(len(judged))
    half = (len(judged) + 1) // 2
    return judged[np.sort(order[:half])], judged[np.sort(order[half:])]


def _certificate(judged: Sequence[ScoredExamples], calibration: Calibration) -> Certificate:
    accepted = [_confidence_and_right(one, calibration) for one in judged]
    threshold = max(lowest_threshold(c, right, DEFAULT_MAX_ERROR) for c, right in accepted)
    confidence = np.concatenate([c for c, _ in accepted])
    right = np.concatenate([r for _, r in accepted])
    ok = np.round(confidence, 4) >= threshold
    count, errors = int(ok.sum()), int((ok & ~right).sum())
    return Certificate(threshold, count, errors, upper_bound(errors, count))


def _confidence_and_right(
    judged: ScoredExamples, calibration: Calibration
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.bool_]]:
    """Return the confidence of sufficiently familiar images, and whether each was read right."""
    label, confidence, is_familiar = guesses_of(judged, calibration)
    return confidence[is_familiar], (label == judged.truth)[is_familiar]
