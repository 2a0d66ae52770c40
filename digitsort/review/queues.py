"""Divide the cards of a page into queues that a person can look through at a glance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from digitsort.files.names import natural_key
from digitsort.outcomes import Status
from digitsort.review.choose import Choice, Numbered
from digitsort.review.references import ODD, Opinion

_TITLES = {
    Status.UNCERTAIN: "Doubtful",
    Status.REJECTED: "Rejected",
    Status.ERROR: "Unreadable",
    Status.OK: "Accepted",
}
_RANK = {Status.UNCERTAIN: 0, Status.REJECTED: 1, Status.ERROR: 5, Status.OK: 4}
_UNLIKE, _RANDOM, _BEFORE = 2, 3, 6

FEW = 4
"""With fewer cards per label than this, all labels share a group: a group costs a key."""


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
    places: dict[tuple[int, str, str], list[int]] = {}
    for place, card in enumerate(choice.cards):
        places.setdefault(_queue_of(card, choice), []).append(place)
    places = _with_few_together(places)
    ordered = sorted(places, key=lambda key: (key[0], natural_key(key[2])))
    return [
        Queue(
            " ".join(key[1:]).strip(),
            tuple(sorted(places[key], key=lambda p: _order(choice.cards[p], opinions[p], p))),
        )
        for key in ordered
    ]


def _with_few_together(
    places: dict[tuple[int, str, str], list[int]],
) -> dict[tuple[int, str, str], list[int]]:
    """Join the groups of all labels where there are few cards per label."""
    sizes: dict[int, list[int]] = {}
    for (rank, _, _), group in places.items():
        sizes.setdefault(rank, []).append(len(group))
    joined: dict[tuple[int, str, str], list[int]] = {}
    for (rank, title, label), group in places.items():
        has_few = len(sizes[rank]) > 1 and sum(sizes[rank]) < FEW * len(sizes[rank])
        joined.setdefault((rank, title, "" if has_few else label), []).extend(group)
    return joined


def _queue_of(card: Numbered, choice: Choice) -> tuple[int, str, str]:
    """Return the rank, the title and the label of a card's queue."""
    row = card.row
    if row.human:
        return _BEFORE, "Labelled before", ""
    if card.number in choice.drawn:
        return _RANDOM, "Random check", ""
    if card.number in choice.unlike:
        return _UNLIKE, "Unlike the others", ""
    is_of_label = row.status in (Status.UNCERTAIN, Status.OK)
    return _RANK[row.status], _TITLES[row.status], row.label if is_of_label else ""


def _order(card: Numbered, opinion: Opinion, place: int) -> tuple[str, bool, bool, str, float, int]:
    """Return the place in a queue: like their label, then like another, then like nothing accepted."""
    label = card.row.label
    is_other = opinion.label != label
    is_odd = is_other and opinion.likeness < ODD
    return label, is_odd, is_other, opinion.label, -opinion.likeness, place
