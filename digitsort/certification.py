"""Certify a model's threshold on labelled scans of one's own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from digitsort.decide import LOW_CONFIDENCE
from digitsort.errors import TrainingDataError
from digitsort.files.names import printable
from digitsort.model.card import fingerprint
from digitsort.model.reading import Model
from digitsort.records import Outcome, Status
from digitsort.training.certify import Certificate, certify, needed_images


def certify_on(outcomes: Sequence[Outcome], truths: Sequence[str], max_error: float) -> Certificate:
    """Find the threshold that keeps to `max_error` on scans whose labels are known.

    Raises
    ------
    TrainingDataError
        If there are too few, or the model is wrong too often at every confidence.
    """
    candidates = [
        (outcome.confidence or 0.0, outcome.label == truth)
        for outcome, truth in zip(outcomes, truths, strict=True)
        if outcome.status is Status.OK or outcome.reason == LOW_CONFIDENCE
    ]
    confidence = np.array([c for c, _ in candidates], np.float64)
    right = np.array([r for _, r in candidates], np.bool_)
    certificate = certify(confidence, right, max_error)
    if certificate is None:
        raise TrainingDataError(
            f"An error of {max_error:.2%} can't be certified on these scans: it takes at least "
            f"{needed_images(max_error)} accepted ones without an error, and of {len(candidates)} that "
            f"could be accepted {int((~right).sum())} were wrong. Label more, or ask for a larger "
            "--max-error."
        )
    return certificate


def certified_copy(model: Model, certificate: Certificate, max_error: float, name: str) -> bytes:
    """A model file like `model`, with another threshold and what it rests on.

    Parameters
    ----------
    model : Model
    certificate : Certificate
    max_error : float
    name : str
        Of the scans, for the card.
    """
    from digitsort.model.rebuilding import rebuild
    from digitsort.model.saving import to_bytes

    card = replace(
        model.card,
        data=(*model.card.data, f"certified on {printable(name)}"),
        min_confidence=certificate.threshold,
        max_error=max_error,
        certified_accepted=certificate.accepted,
        certified_errors=certificate.errors,
        certified_bound=certificate.bound,
    )
    mark = fingerprint(model.machine, card.recipe, card.classes, card.thresholds)
    changed = replace(model, card=replace(card, fingerprint=mark))
    return to_bytes(rebuild(changed), model.known_vectors)
