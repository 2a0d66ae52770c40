"""Train a model: gather, split, search, fit; `finish` does the rest."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from digitsort.errors import UsageError
from digitsort.evaluation.certification import (
    are_among,
)
from digitsort.progress import Progress, silent
from digitsort.training.dataset import Dataset
from digitsort.training.examples import Examples, gather
from digitsort.training.finish import (
    DEFAULTS,
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
from digitsort.training.learn import learn
from digitsort.training.trial import joined_of, judge_examples, try_out, tune_parameters

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
