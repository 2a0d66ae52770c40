"""What accepted scans say of others, and the order in which scans are shown."""

from __future__ import annotations

import numpy as np

from digitsort.labels.row import Row
from digitsort.outcomes import Status
from digitsort.review.choose import Choice, Numbered
from digitsort.review.page import queues_of
from digitsort.review.references import NO_REFERENCES, Opinion, choose_references, least_like


def vector(*parts: float) -> bytes:
    return np.array([1000 * part for part in parts], np.uint16).tobytes()


def pool_of(labels: str, status: Status = Status.OK) -> list[Numbered]:
    return [Numbered(number, Row("p", label, status)) for number, label in enumerate(labels)]


POOL = pool_of("1" * 12 + "7" * 12)
VECTORS = [vector(3, 0.1 * i, 0) for i in range(12)] + [vector(0, 0.1 * i, 3) for i in range(12)]


def test_a_scan_among_those_of_another_label_is_the_least_like_its_own() -> None:
    vectors = [*VECTORS[:5], VECTORS[15], *VECTORS[6:]]
    references = choose_references(POOL, vectors)
    assert [each.number for each in least_like(POOL, vectors, references, 1)] == [5]


def with_confidence(pool: list[Numbered], **confidence: str) -> list[Numbered]:
    """The pool, with a confidence of 0.999, or another for the scan of a number."""
    return [
        Numbered(
            each.number,
            each.row._replace(cells={"confidence": confidence.get(f"n{each.number}", "0.9990")}),
        )
        for each in pool
    ]


def test_of_scans_as_like_as_others_the_less_certain_is_more_suspicious() -> None:
    vectors = [vector(3, 0, 0)] * 12 + [vector(0, 0, 3)] * 12
    references = choose_references(POOL, vectors)
    (first, *_) = least_like(with_confidence(POOL, n16="0.9500"), vectors, references, 24)
    assert first.number == 16


def test_a_label_of_scans_that_differ_is_not_suspicious_as_a_whole() -> None:
    """The odd one of the others is: each scan is compared with what is usual for its label."""
    differing = [vector(3, 0, 0, *(3 * (i == k) for k in range(12))) for i in range(12)]
    alike = [vector(0, 3, 2 * (i == 8), *[0] * 12) for i in range(12)]
    vectors = [*differing, *alike]
    references = choose_references(POOL, vectors)
    assert [each.number for each in least_like(POOL, vectors, references, 1)] == [20]


def test_a_hint_is_given_only_where_the_nearest_agree() -> None:
    references = choose_references(POOL, VECTORS)
    clear, between, blank = references.opinions([vector(0, 0.3, 3), vector(3, 0, 3), b""], [50, 51, 52])
    assert (clear.label, clear.hint) == ("7", "7")
    assert between.hint == blank.hint == ""
    assert blank.likeness == 0


def test_a_direction_in_which_one_label_varies_much_counts_little() -> None:
    """A stroke that is often longer is no reason for suspicion; a small mark that nobody makes is."""
    lengths = [0.5 + 0.1 * i for i in range(12)]
    vectors = [vector(3, 0, n, 0.4 * (n == lengths[5])) for n in lengths]
    vectors += [vector(0, 3, n, 0) for n in lengths]
    pool = with_confidence(POOL)
    references = choose_references(pool, vectors)
    assert [each.number for each in least_like(pool, vectors, references, 1)] == [5]


def test_a_table_of_one_label_has_an_odd_one_out() -> None:
    pool = with_confidence(pool_of("1" * 12))
    vectors = [*(vector(3, 0.1 * i) for i in range(11)), vector(3, 3)]
    references = choose_references(pool, vectors)
    assert [each.number for each in least_like(pool, vectors, references, 1)] == [11]


def test_a_scan_is_not_compared_with_itself() -> None:
    vectors = [vector(0, 3, 0), *VECTORS[1:]]
    references = choose_references(POOL, vectors)
    itself, other = (references.opinions([vectors[0]], [number])[0] for number in (0, 99))
    assert itself.likeness < other.likeness


def test_labels_with_few_scans_are_not_compared_with() -> None:
    assert choose_references(pool_of("111122"), [vector(1, 2)] * 6) is NO_REFERENCES
    assert NO_REFERENCES.opinions([b""], [0]) == [Opinion()]


def test_a_group_begins_with_what_is_like_its_label_and_ends_with_what_is_like_nothing() -> None:
    cards = tuple(pool_of("7777", Status.UNCERTAIN))
    opinions = [Opinion("1", 0.5), Opinion("1", 0.95), Opinion("7", 0.9), Opinion("7", 0.99)]
    (queue,) = queues_of(Choice(cards, 4, 4, 0, 0), opinions)
    assert (queue.title, queue.places) == ("Doubtful 7", (3, 2, 1, 0))


def test_groups_are_those_of_labels_in_natural_order() -> None:
    cards = tuple(
        Numbered(number, Row("p", label, Status.UNCERTAIN))
        for number, label in enumerate(["10", "9"] * 4)
    )
    found = queues_of(Choice(cards, 8, 8, 0, 0), [Opinion()] * 8)
    assert [(queue.title, queue.places) for queue in found] == [
        ("Doubtful 9", (1, 3, 5, 7)),
        ("Doubtful 10", (0, 2, 4, 6)),
    ]


def test_every_card_is_in_one_group() -> None:
    rows = [
        Row("p", "10", Status.UNCERTAIN),
        Row("p", "9", Status.UNCERTAIN),
        Row("p", "", Status.REJECTED),
        Row("p", "", Status.ERROR),
        *[Row("p", "3", Status.OK)] * 3,
        Row("p", "3", Status.OK, human="5"),
    ]
    cards = tuple(Numbered(number, row) for number, row in enumerate(rows))
    choice = Choice(cards, 4, 4, 1, 1, frozenset({4}), frozenset({5}))
    found = [(queue.title, queue.places) for queue in queues_of(choice, [Opinion()] * len(cards))]
    assert found == [
        ("Doubtful", (0, 1)),
        ("Rejected", (2,)),
        ("Unlike the others", (5,)),
        ("Random check", (4,)),
        ("Accepted 3", (6,)),
        ("Unreadable", (3,)),
        ("Labelled before", (7,)),
    ]
