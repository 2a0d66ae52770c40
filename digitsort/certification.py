"""Certify a model's threshold on your own labelled scans."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from digitsort.decide import LOW_CONFIDENCE
from digitsort.errors import TrainingDataError
from digitsort.files.limits import DEFAULT_LIMITS, Limits
from digitsort.files.names import printable
from digitsort.files.read import UnreadableError, read
from digitsort.model.card import fingerprint
from digitsort.model.reading import Model
from digitsort.recognition.threads import one_blas_thread
from digitsort.recognition.vectorize import vectorize
from digitsort.records import Outcome, Status
from digitsort.training.certify import Certificate, certify, needed_images
from digitsort.training.copies import describe_copies, picture_hashes


@dataclass(frozen=True, slots=True)
class Certified:
    """Certificate, with notes on duplicates.

    Attributes
    ----------
    certificate : Certificate
    notes : list of str
        Sentences that say how many images were duplicates.
    """

    certificate: Certificate
    notes: list[str]


class _Candidate(NamedTuple):
    """Image that could be accepted; `is_right` says whether its label is right."""

    outcome: Outcome
    truth: str

    @property
    def is_right(self) -> bool:
        return self.outcome.label == self.truth


def certify_on(
    outcomes: Sequence[Outcome],
    truths: Sequence[str],
    max_error: float,
    limits: Limits = DEFAULT_LIMITS,
) -> Certified:
    """Find the threshold that keeps the error below `max_error` on scans whose labels are known.

    The bound holds for independent images, so copies count once. A picture counts as wrong if one of
    its copies is wrong: where its copies have different labels, nobody knows the true one.

    Parameters
    ----------
    outcomes : sequence of Outcome
    truths : sequence of str
        The right label of each.
    max_error : float
    limits : Limits
        Limits for reading files again, to find duplicates.

    Raises
    ------
    TrainingDataError
        If there are too few images, or the model is wrong too often at every confidence.
    """
    candidates = [
        _Candidate(outcome, truth)
        for outcome, truth in zip(outcomes, truths, strict=True)
        if outcome.status is Status.OK or outcome.reason == LOW_CONFIDENCE
    ]
    pictures = _by_picture(candidates, limits)
    disputed = sum(len({copy.truth for copy in picture}) > 1 for picture in pictures)
    notes = describe_copies(len(candidates) - len(pictures), len(candidates), disputed)
    confidence = np.array([picture[0].outcome.confidence or 0.0 for picture in pictures], np.float64)
    right = np.array([all(copy.is_right for copy in picture) for picture in pictures], np.bool_)
    certificate = certify(confidence, right, max_error)
    if certificate is None:
        raise TrainingDataError(_why_not(max_error, len(pictures), int((~right).sum()), notes))
    return Certified(certificate, notes)


def _why_not(max_error: float, count: int, wrong: int, notes: Sequence[str]) -> str:
    sentences = [
        f"Cannot certify an error of {max_error:.2%} on these scans: that needs at least "
        f"{needed_images(max_error)} accepted images without an error, but {wrong} of {count} that "
        "could be accepted were wrong.",
        *notes,
        "Label more scans, or choose a larger --max-error.",
    ]
    return " ".join(sentences)


def _by_picture(candidates: Sequence[_Candidate], limits: Limits) -> list[list[_Candidate]]:
    """Group duplicates: files with the same bytes, or the same image after normalization."""
    files: dict[object, list[_Candidate]] = {}
    for index, candidate in enumerate(candidates):
        files.setdefault(candidate.outcome.sha256 or index, []).append(candidate)
    alike: dict[object, list[list[_Candidate]]] = {}
    for file in files.values():
        alike.setdefault(_answer(file[0].outcome), []).append(file)
    pictures = [group[0] for group in alike.values() if len(group) == 1]
    doubtful = [file for group in alike.values() if len(group) > 1 for file in group]
    found: dict[object, list[_Candidate]] = {}
    for file, picture in zip(doubtful, _pictures(doubtful, limits), strict=True):
        found.setdefault(picture, []).extend(file)
    return pictures + list(found.values())


def _answer(outcome: Outcome) -> tuple[object, ...]:
    """Return the exact answer of the model, which is the same for duplicates."""
    return outcome.label, outcome.confidence, outcome.second, outcome.second_confidence


READ_AT_A_TIME = 256


def _pictures(files: Sequence[Sequence[_Candidate]], limits: Limits) -> Iterator[object]:
    """Return a hash of each file's normalized image, or its index if it can't be read."""
    for start in range(0, len(files), READ_AT_A_TIME):
        part = files[start : start + READ_AT_A_TIME]
        grays = {}
        for index, (first, *_) in enumerate(part, start):
            try:
                grays[index] = read(first.outcome.path, limits).gray
            except UnreadableError:
                continue
        with one_blas_thread():
            hashes = picture_hashes(vectorize(list(grays.values())).normal)
        known = dict(zip(grays, hashes, strict=True))
        yield from (known.get(index, index) for index in range(start, start + len(part)))


def certified_copy(model: Model, certificate: Certificate, max_error: float, name: str) -> bytes:
    """Return a copy of `model` with another threshold and its certificate.

    Parameters
    ----------
    model : Model
    certificate : Certificate
    max_error : float
    name : str
        Name of the scans, for the card.
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
