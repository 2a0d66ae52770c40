"""Find the confidence from which on few labels are wrong, with a bound that can be relied on."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, log

import numpy as np
import numpy.typing as npt

DEFAULT_MAX_ERROR = 0.005
"""Share of wrong labels among the accepted ones that the default threshold keeps to."""

DOUBT = 0.05
"""One minus the confidence of the bound."""

LEAST_THRESHOLD = 0.9
"""What a model finds in data like its own is too rosy for a stranger's scans: a bound of 0.2 % from one
set was seen to become 1.25 % on another. Labels less sure than this are for a person to look at."""


@dataclass(frozen=True, slots=True)
class Certificate:
    """A threshold and what it rests on.

    Attributes
    ----------
    threshold : float
        Labels at least this sure are accepted; confidences count as printed, with four decimals.
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
    """Accepted images without an error that it takes to certify `max_error` at 95 %."""
    return ceil(log(DOUBT) / log(1 - max_error))


def certify(
    confidence: npt.NDArray[np.float64], right: npt.NDArray[np.bool_], max_error: float
) -> Certificate | None:
    """Find the lowest threshold that a fixed-sequence test certifies; None where there is none.

    Thresholds are tried from the strictest one that accepts enough images on, each against a one-sided
    Clopper-Pearson bound (1934); at the first failure it stops, so that the error of the whole sequence
    is that of one test (fixed-sequence testing: Maurer, Hothorn and Lehmacher 1995; Angelopoulos et al.
    2021, "Learn then test").

    Parameters
    ----------
    confidence : ndarray of shape (n,)
    right : ndarray of shape (n,), bool
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
    """One-sided 95 % Clopper-Pearson bound of a share, seen `errors` of `count` times."""
    from scipy.stats import beta

    return 1.0 if errors >= count else float(beta.ppf(1 - DOUBT, errors + 1, count - errors))


def lowest_threshold(
    confidence: npt.NDArray[np.float64], right: npt.NDArray[np.bool_], max_error: float
) -> float:
    """Lowest confidence from which on at most `max_error` of these labels are wrong, without a bound.

    Confidences count as they are printed, with four decimals. Never below `LEAST_THRESHOLD`; 1 where
    none will do.
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
    """How many values are at each limit or above."""
    return np.asarray(len(values) - np.searchsorted(np.sort(values), limits, side="left"))
