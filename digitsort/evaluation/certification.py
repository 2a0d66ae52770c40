"""Find the confidence threshold above which few labels are wrong, with a statistical bound.

Two images are duplicates if their normalized ink (32, 32) is the same: the model can't tell them apart.
Duplicates count once, and images that the model was fitted to do not count.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b
from math import ceil, log
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from digitsort.classification.decide import LOW_CONFIDENCE
from digitsort.errors import TrainingDataError
from digitsort.files.names import printable
from digitsort.images.limits import DEFAULT_LIMITS, Limits
from digitsort.images.read import UnreadableError, read
from digitsort.model.card import fingerprint
from digitsort.model.reading import Model
from digitsort.outcomes import Outcome, Status
from digitsort.recognition.vectorize import vectorize
from digitsort.workers.tuning import one_blas_thread

_HASH_BYTES = 16


def picture_hashes(normal: npt.NDArray[np.uint8]) -> list[bytes]:
    """Hash normalized images (n, 32, 32); copies have the same hash, and nothing else has."""
    return [blake2b(image.tobytes(), digest_size=_HASH_BYTES).digest() for image in normal]


def first_of_each(keys: Iterable[object], known: Collection[object] = ()) -> list[int]:
    """Return the positions of the keys that are neither known nor the same as an earlier one."""
    seen = set(known)
    first = []
    for index, key in enumerate(keys):
        if key not in seen:
            seen.add(key)
            first.append(index)
    return first


def describe_copies(copies: int, count: int, disputed: int = 0) -> list[str]:
    """Say how many of `count` images are copies, and how many pictures have several labels."""
    lines = []
    if copies:
        are = "is a copy of another and counts" if copies == 1 else "are copies of others and count"
        lines.append(f"{copies} of {count} images {are} once.")
    if disputed:
        pictures = "image has" if disputed == 1 else "images have"
        lines.append(f"{disputed} {pictures} copies with different labels.")
    return lines


def are_among(normal: npt.NDArray[np.uint8], others: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    """Return which images (n, 32, 32) are the same picture as one of the others."""
    known = set(picture_hashes(others))
    return np.array([picture in known for picture in picture_hashes(normal)], np.bool_)


DEFAULT_MAX_ERROR = 0.005
"""Largest share of wrong labels among the accepted ones, for the default threshold."""

DOUBT = 0.05
"""One minus the confidence of the bound."""

LEAST_THRESHOLD = 0.9
"""Lowest threshold. A certificate from data like the training data is too optimistic about other scans:
a bound of 0.2 % on one set became 1.25 % on another."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """A threshold and what it rests on.

    Attributes
    ----------
    threshold : float
        Lowest accepted confidence; confidences are rounded to four decimals, as in a labels.csv.
    accepted, errors : int
        Images of the certification split that are accepted, and those of them that are wrong.
    bound : float
        With 95 % confidence the share of wrong labels among accepted images like these is at most this.
    """

    threshold: float
    accepted: int
    errors: int
    bound: float


def needed_images(max_error: float) -> int:
    """Return how many accepted images without an error can certify `max_error` at 95 %."""
    return ceil(log(DOUBT) / log(1 - max_error))


def certify(
    confidence: npt.NDArray[np.float64], right: npt.NDArray[np.bool_], max_error: float
) -> Certificate | None:
    """Find the lowest threshold that a fixed-sequence test certifies; None where there is none.

    Thresholds are tested in descending order, from the first that accepts enough images, each against a
    one-sided Clopper-Pearson bound (1934). The first failure ends the test, so the error of the whole
    sequence is that of a single test (fixed-sequence testing: Maurer, Hothorn and Lehmacher 1995;
    Angelopoulos et al. 2021, "Learn then test").

    Parameters
    ----------
    max_error : float
        0-1.
    """
    printed = np.round(confidence, 4)
    candidates = np.unique(np.append(printed[printed > LEAST_THRESHOLD], LEAST_THRESHOLD))[::-1]
    accepted = _count_from(printed, candidates)
    errors = _count_from(printed[~right], candidates)
    best = None
    for threshold, n, k in zip(candidates, accepted, errors, strict=True):
        if n < needed_images(max_error):
            continue
        bound = upper_bound(int(k), int(n))
        if bound > max_error:
            break
        best = Certificate(float(threshold), int(n), int(k), bound)
    return best


def upper_bound(errors: int, count: int) -> float:
    """Return the one-sided 95 % Clopper-Pearson bound of the share `errors / count`."""
    from scipy.stats import beta

    return 1.0 if errors >= count else float(beta.ppf(1 - DOUBT, errors + 1, count - errors))


def lowest_threshold(
    confidence: npt.NDArray[np.float64], right: npt.NDArray[np.bool_], max_error: float
) -> float:
    """Return the lowest threshold at which at most `max_error` of these labels are wrong.

    This is an observed share, without a bound. Confidences are rounded to four decimals. The threshold
    is never below `LEAST_THRESHOLD`, and 1 if no other one is high enough.
    """
    printed = np.round(confidence, 4)
    candidates = np.unique(np.append(printed[printed > LEAST_THRESHOLD], LEAST_THRESHOLD))
    accepted = _count_from(printed, candidates)
    wrong = _count_from(printed[~right], candidates)
    good = candidates[wrong <= max_error * accepted]
    return float(good[0]) if len(good) else 1.0


def _count_from(
    values: npt.NDArray[np.float64], limits: npt.NDArray[np.float64]
) -> npt.NDArray[np.intp]:
    """Count the values at each limit or above."""
    return np.asarray(len(values) - np.searchsorted(np.sort(values), limits, side="left"))


@dataclass(frozen=True, slots=True)
class Certified:
    """Certificate, with notes on duplicates.

    Attributes
    ----------
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
    truths : sequence of str
        The right label of each.
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
        f"could be accepted {'was' if wrong == 1 else 'were'} wrong.",
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
    name : str
        Name of the scans, for the card.
    """
    from digitsort.model.estimator import rebuild, to_bytes

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
