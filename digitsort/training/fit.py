"""Train a model: gather, split, search, fit, or teach the default model; `finish` does the rest.

The default model is taught new images without its training images, and compared with the model before.
Its support vectors stand for them: they and the new images are fitted together, with the projection and
kernel of the known model. Its temperature and familiarity limits stay, because they come from sources
that were left out of its fit.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from digitsort.errors import UsageError
from digitsort.evaluation.certification import (
    are_among,
)
from digitsort.model.estimator import DigitClassifier, estimator_of
from digitsort.model.reading import Model, parse_model
from digitsort.progress import Progress, silent
from digitsort.recognition.score import predict, project, score
from digitsort.training.condense import Contests
from digitsort.training.examples import (
    LEAST_PER_CLASS,
    Dataset,
    Examples,
    Gathered,
    Known,
    check_classes,
    examples_of,
    gather,
    without_copies,
)
from digitsort.training.finish import (
    DEFAULTS,
    Calibration,
    FittedModel,
    Trained,
    TrainingOptions,
    calibrate,
    certificate_of,
    describe_data,
    doubts_of,
    finish,
)
from digitsort.training.labelled import teach
from digitsort.training.trial import joined_of, judge_examples, try_out, tune_parameters
from digitsort.workers.tuning import one_blas_thread

SCAN_PARAMETERS = {"C": 5.0, "gamma": 2.2, "components": 192}
INVENTED_PARAMETERS = {"C": 1.5, "gamma": 2.2, "components": 128}
"""C, gamma in units of scikit-learn's "scale", and components. With generated digits the fit is softer
and has fewer components: some are ambiguous, and their finest details come from the generator."""


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
    # A picture with several labels may be in both parts. It must not test a model that learned from it.
    own = test[np.flatnonzero(~are_among(test.normal, fitted.normal))]
    return (fitted, own) if len(own) else (fitted, test)


def _parameters(datasets: Sequence[Dataset]) -> dict[str, Any]:
    """Return the default C and gamma, which are used without a search."""
    invented = any(dataset.invented for dataset in datasets)
    return dict(INVENTED_PARAMETERS if invented else SCAN_PARAMETERS)


MOST_UNLIKE = 0.05
"""Largest share of new images that may be unlike a digit to the known model, if the new model is to
go on looking for such ink."""


def learn(
    known: Known,
    datasets: Sequence[Dataset],
    options: TrainingOptions,
    progress: Progress,
    say: Callable[[str], None] = lambda _: None,
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
    fitted, test = _hold_out_of_large_classes(gathered.examples, options)
    certified, tested = _halves(known.held_out)
    by_hand = [dataset for dataset in datasets if dataset.by_hand]
    taught = teach(by_hand, known.held_out + gathered.examples, progress)
    for line in describe_data(gathered.examples, taught):
        say(line)
    progress("fit", 0, None)
    new = fitted + taught.learned
    estimator = fit_beside(known, new)
    card = known.model.card
    calibration = Calibration(card.temperature, card.ok_familiarity, card.min_familiarity)
    keep_likeness(known, estimator, new)
    judged = judge_examples(estimator, certified)
    made = FittedModel(
        estimator,
        calibration,
        certificate_of(judged, estimator.classes_, calibration, options.max_error),
        Counter([*known.labels.tolist(), *new.labels.tolist()]),
        {"fit": len(known.labels) + len(new), "temperature": 0, "certification": len(judged)},
        card.folds,
    )
    copies = gathered.copies + taught.copies
    names = [dataset.name for dataset in datasets]
    unseen = test + taught.kept
    doubts = doubts_of(made, unseen, judge_examples(estimator, unseen))
    return finish(made, names, options, tested + test, taught, copies, doubts)


CHANGE = 2.0
"""Factor of the difference that new images make. The default model decides more firmly than a fit to
its support vectors: with 1, twenty corrections of a hooked 1 left 12.6 % of these misread."""


def fit_beside(known: Known, new: Examples) -> DigitClassifier:
    """Fit to support vectors, new examples, and a distorted copy of each new example.

    A fit to the support vectors of a condensed machine does not give that machine again. So the machine
    stays, and the difference that the new examples make in such a fit is added to it.
    """
    machine, card = known.model.machine, known.model.card
    projection = machine.projection
    assert projection is not None
    both = new.with_distorted() if len(new) else new
    vectors = np.concatenate([machine.vectors, project(both.features, projection)])
    labels = np.concatenate([known.labels, both.labels])
    weights = np.concatenate([known.weights, both.weights])

    def fit(count: int) -> Contests:
        estimator = DigitClassifier(C=card.C, components=vectors.shape[1]).fit_components(
            vectors[:count].astype(np.float64),
            labels[:count],
            weights[:count],
            projection,
            machine.gamma,
        )
        return Contests.of(estimator.machine()).spread(estimator.svc_.support_, count)

    count, was = len(machine.vectors), Contests.of(machine)
    before, fitted = fit(count), fit(len(vectors))
    classes, owners = np.unique(labels, return_inverse=True)
    places = np.searchsorted(classes, known.model.class_names)
    is_old = np.isin(fitted.first, places) & np.isin(fitted.second, places)
    fitted.coefficients[:, is_old] *= CHANGE
    fitted.intercepts[is_old] *= CHANGE
    fitted.coefficients[:count, is_old] += was.coefficients - CHANGE * before.coefficients
    fitted.intercepts[is_old] += was.intercepts - CHANGE * before.intercepts
    order = np.argsort(owners, kind="stable")
    order = order[(order < count) | fitted.coefficients[order].any(axis=1)]
    contests = replace(fitted, coefficients=fitted.coefficients[order])
    made = contests.machine(vectors[order], owners[order], machine)
    return estimator_of(made, classes.tolist(), card.C)


def keep_likeness(known: Known, estimator: DigitClassifier, new: Examples) -> None:
    """Let a model know what is no digit, as the known one does, unless it learned other things.

    With a new class, or new images that the network often finds unlike a digit, the network would leave
    uncertain what the model was just taught.
    """
    likeness, projection = known.model.machine.likeness, known.model.machine.projection
    if likeness is None or tuple(estimator.classes_) != known.model.class_names:
        return
    found = likeness.are_digits(project(new.features, projection))
    if np.count_nonzero(~found) <= MOST_UNLIKE * len(new):
        estimator.likeness = likeness


def _gather(others: Sequence[Dataset], known: Known, progress: Progress) -> Gathered:
    gathered = without_copies(examples_of(others, progress), known.held_out)
    if others:
        counts = Counter([*known.labels.tolist(), *gathered.examples.labels.tolist()])
        check_classes(counts, "different " * bool(gathered.copies))
    return gathered


def _hold_out_of_large_classes(
    examples: Examples, options: TrainingOptions
) -> tuple[Examples, Examples]:
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


ALLOWED_LOSS = 0.002
"""Share of the old held-out images that may be lost, 0-1."""


@dataclass(frozen=True, slots=True)
class Change:
    """Counts of images that the model before, if any, and the one after read right, of `count`."""

    count: int
    before: int | None
    after: int

    def is_loss(self, allowed: float = 0.0) -> bool:
        """Tell whether more than the `allowed` share (0-1) of the images was lost."""
        return self.before is not None and self.after < self.before - allowed * self.count


@dataclass(frozen=True, slots=True)
class Comparison:
    """Accuracy of a model, compared with the model before.

    Attributes
    ----------
    on_kept : Change
        On a person's labels that were kept for the test.
    on_held_out : Change
        On the held-out images of the other data.
    """

    on_kept: Change
    on_held_out: Change

    @property
    def is_worse(self) -> bool:
        """Tell whether the model before reads more of either, except for a small loss on old images."""
        return self.on_kept.is_loss() or self.on_held_out.is_loss(ALLOWED_LOSS)


def compare(before: Model | None, trained: Trained) -> Comparison:
    """Compare both models on images that the new one was not fitted to."""
    after = parse_model(trained.data)
    return Comparison(
        _change(trained.taught.kept, before, after), _change(trained.held_out, before, after)
    )


def _change(examples: Examples, before: Model | None, after: Model) -> Change:
    known = None if before is None else _right(examples, before)
    return Change(len(examples), known, _right(examples, after))


def _right(examples: Examples, model: Model) -> int:
    if not len(examples):
        return 0
    with one_blas_thread():
        best = predict(score(examples.features, model.machine))
    return sum(model.class_names[i] == label for i, label in zip(best, examples.labels, strict=True))
