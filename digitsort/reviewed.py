"""Select the rows of a labels.csv whose right label is known."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from digitsort.decide import LOW_CONFIDENCE
from digitsort.errors import NothingToDoError
from digitsort.labels import outcome_of
from digitsort.records import Outcome, Status
from digitsort.row import Row


@dataclass(frozen=True, slots=True)
class Reviewed:
    """Outcomes with known truth.

    Attributes
    ----------
    outcomes : list of Outcome
    truths : dict of str to str
        The right label of each path.
    unknown : int
        Number of rows without a known label.
    """

    outcomes: list[Outcome]
    truths: dict[str, str]
    unknown: int


def reviewed(
    rows: Iterable[Row], truths: Mapping[str, str], min_confidence: float | None = None
) -> Reviewed:
    """Return the rows that a person labelled, or whose path is in `truths`; the person wins.

    Parameters
    ----------
    rows : iterable of Row
    truths : mapping of str to str
    min_confidence : float, optional
        New threshold between ok and uncertain.

    Raises
    ------
    NothingToDoError
        If there are none.
    """
    outcomes, known, unknown = [], {}, 0
    for row in rows:
        right = row.human or truths.get(row.path, "")
        if right:
            outcomes.append(_decided(outcome_of(row), min_confidence))
            known[row.path] = right
        else:
            unknown += 1
    if not outcomes:
        raise NothingToDoError(
            "No row has a label from a person. Label some with `digitsort review`, then add "
            "the file that its page saves: --corrections corrections.csv."
        )
    return Reviewed(outcomes, known, unknown)


def _decided(outcome: Outcome, min_confidence: float | None) -> Outcome:
    if (
        min_confidence is None
        or outcome.confidence is None
        or outcome.reason not in ("", LOW_CONFIDENCE)
    ):
        return outcome
    if outcome.confidence >= min_confidence:
        return outcome._replace(status=Status.OK, reason="")
    return outcome._replace(status=Status.UNCERTAIN, reason=LOW_CONFIDENCE)


def least_accepted(outcomes: Iterable[Outcome]) -> float | None:
    """Return the lowest accepted confidence, about the threshold; None if none was accepted."""
    accepted = (o.confidence for o in outcomes if o.status is Status.OK and o.confidence is not None)
    return min(accepted, default=None)
