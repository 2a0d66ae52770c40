"""Divide the cards of a page into queues that a person can look through at a glance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from digitsort.files.names import natural_key
from digitsort.outcomes import Status
from digitsort.review.choose import Choice, Numbered
from digitsort.review.likeness import ODD, Opinion

_TITLES = {
    Status.UNCERTAIN: "Doubtful",
    Status.REJECTED: "Rejected",
    Status.ERROR: "Unreadable",
    Status.OK: "Accepted",
}
_RANK = {Status.UNCERTAIN: 0, Status.REJECTED: 1, Status.ERROR: 5, Status.OK: 4}
_UNLIKE, _RANDOM, _BEFORE = 2, 3, 6


@dataclass(frozen=True, slots=True)
class Queue:
    """Cards that are looked through together.

    Attributes
    ----------
    title : str
    places : tuple of int
        Indices of the cards, in the order in which they are shown.
    """

    title: str
    places: tuple[int, ...]


def queues_of(choice: Choice, opinions: Sequence[Opinion]) -> list[Queue]:
    """Divide all cards into queues: doubtful ones by label, and like ones next to each other.

    Parameters
    ----------
    choice : Choice
    opinions : sequence of Opinion
        Of the accepted scans, on each card.
    """
    places: dict[tuple[int, str], list[int]] = {}
    for place, card in enumerate(choice.cards):
        places.setdefault(_queue_of(card, choice), []).append(place)
    ordered = sorted(places, key=lambda key: (key[0], natural_key(key[1])))
    return [
        Queue(key[1], tuple(sorted(places[key], key=lambda p: _order(choice.cards[p], opinions[p], p))))
        for key in ordered
    ]


def _queue_of(card: Numbered, choice: Choice) -> tuple[int, str]:
    """Return the rank and the title of a card's queue."""
    row = card.row
    if row.human:
        return _BEFORE, "Labelled before"
    if card.number in choice.drawn:
        return _RANDOM, "Random check"
    if card.number in choice.unlike:
        return _UNLIKE, "Accepted but unlike"
    is_of_label = row.status in (Status.UNCERTAIN, Status.OK)
    title = _TITLES[row.status]
    return _RANK[row.status], f"{title} {row.label}".strip() if is_of_label else title


def _order(card: Numbered, opinion: Opinion, place: int) -> tuple[str, bool, bool, str, float, int]:
    """Return the place in a queue: like their label, then like another, then like nothing accepted."""
    label = card.row.label
    is_other = opinion.label != label
    is_odd = is_other and opinion.likeness < ODD
    return label, is_odd, is_other, opinion.label, -opinion.likeness, place
