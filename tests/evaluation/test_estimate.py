"""The estimate for a whole table, against a truth that is known."""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import pytest

from digitsort.evaluation.estimate import PER_LABEL, Estimate, Strata, clopper_pearson, lot_of
from digitsort.labels.row import Row
from digitsort.outcomes import Status
from digitsort.review.choose import Chooser

NONE = "_none"


def estimate(rows: list[Row], truths: Mapping[str, str]) -> Estimate | None:
    strata = Strata(truths)
    assert list(strata.counted(rows)) == rows
    return strata.estimate()


def row(number: int, label: str, status: Status = Status.OK, human: str = "") -> Row:
    return Row(f"{number}.png", label, status, sha256=f"{number:064x}", human=human)


def labelled(rows: list[Row], numbers: set[int], human: str) -> list[Row]:
    return [each._replace(human=human) if n in numbers else each for n, each in enumerate(rows)]


def first_drawn(rows: list[Row], count: int) -> set[int]:
    return set(sorted(range(len(rows)), key=lambda number: lot_of(rows[number]))[:count])


ROWS = [row(number, "7") for number in range(200)]


def test_only_whole_random_checks_count() -> None:
    """Rows that were labelled besides, because they look wrong, only add to the mistakes found."""
    drawn = first_drawn(ROWS, PER_LABEL)
    beyond = first_drawn(ROWS, PER_LABEL + 4) - drawn
    found = estimate(labelled(labelled(ROWS, drawn, "7"), beyond, "1"), {})
    assert found is not None
    assert (found.checked, found.found_wrong, found.accepted) == (PER_LABEL, 4, 200)
    assert found.accepted_wrong.share == found.accepted_wrong.low == 4 / 200
    assert found.accepted_wrong.high == clopper_pearson(0, PER_LABEL)[1]


def test_what_was_not_drawn_is_no_random_check() -> None:
    first_of_file = set(range(200)) - first_drawn(ROWS, 1)
    assert estimate(labelled(ROWS, set(list(first_of_file)[:50]), "7"), {}) is None
    assert estimate(labelled(ROWS, set(range(200)), "7"), {}) is None  # then all is known


def test_labels_count_by_their_size() -> None:
    """A label of 900 rows whose check is half wrong, and one of 100 whose check is right."""
    large, small = [row(n, "1") for n in range(900)], [row(n, "2") for n in range(900, 1000)]
    wrong = first_drawn(large, 3)
    large = labelled(labelled(large, first_drawn(large, 6), "1"), wrong, "2")
    found = estimate([*large, *labelled(small, first_drawn(small, 6), "2")], {})
    assert found is not None
    assert found.accepted_wrong.share == pytest.approx(0.45)


def test_doubtful_rows_without_a_label_widen_the_interval() -> None:
    rows = labelled(ROWS, first_drawn(ROWS, 60), "7")
    doubtful = [row(200 + n, "3", Status.UNCERTAIN, human="3" if n % 2 else "") for n in range(100)]
    found, narrow = estimate([*rows, *doubtful], {}), estimate([*rows, *doubtful[1::2]], {})
    assert found is not None
    assert narrow is not None
    assert (found.rows, found.open, narrow.open) == (300, 50, 0)
    assert found.right.low == pytest.approx((narrow.right.low * 250) / 300)
    assert found.right.high == 1
    assert found.right.share == 1


def test_three_times_as_many_labels_halve_the_interval() -> None:
    rows = [row(number, "7") for number in range(100_000)]
    drawn = list(first_drawn(rows, 300))
    found = estimate(labelled(labelled(rows, set(drawn), "7"), set(drawn[::10]), "1"), {})
    assert found is not None
    assert found.accepted_wrong.share == pytest.approx(0.1)
    assert 2.8 * 300 < found.more < 3.2 * 300


def test_the_interval_of_a_share_is_that_of_the_books() -> None:
    """0 of 10: at most 30.85 %; 1 of 10: 0.25 % to 44.50 % (Clopper and Pearson 1934)."""
    assert clopper_pearson(0, 10)[0] == 0
    assert clopper_pearson(0, 10)[1] == pytest.approx(0.3085, abs=1e-4)
    assert clopper_pearson(0.1, 10) == pytest.approx((0.0025, 0.4450), abs=1e-4)
    assert clopper_pearson(1, 10)[1] == 1


@dataclass(frozen=True)
class Kind:
    """How a simulated job looks."""

    sizes: tuple[float, ...]
    wrong: float
    suspicious_found: float
    checks: int = 1


KINDS = {
    "even": Kind((1,) * 10, 0.01, 0.6),
    "many mistakes": Kind((1,) * 10, 0.08, 0.4),
    "uneven": Kind((30, 10, 5, 2, 1, 1, 1, 1, 1, 1), 0.02, 0.6),
    "two checks": Kind((1,) * 10, 0.01, 0.6, checks=2),
}


def simulated(kind: Kind, seed: int) -> Iterator[tuple[Row, str]]:
    """Rows with their truth: 1,200 accepted, 200 doubtful of which 40 % are wrong, 60 rejected."""
    draw = random.Random(seed)
    names = [str(label) for label in range(len(kind.sizes))]
    of_label = {name: draw.uniform(0, 2) * kind.wrong for name in names}
    for index in range(1460):
        path, (label,) = f"{seed}-{index}.png", draw.choices(names, kind.sizes)
        other = str((int(label) + 1) % 10)
        if index < 1200:
            yield Row(path, label, Status.OK), other if draw.random() < of_label[label] else label
        elif index < 1400:
            yield Row(path, label, Status.UNCERTAIN), other if draw.random() < 0.4 else label
        else:
            yield Row(path, "", Status.REJECTED), label if draw.random() < 0.2 else NONE


def reviewed_once(rows: list[Row], truth: list[str], draw: random.Random, share: float) -> list[Row]:
    """Label what the page would show: doubtful, random and suspicious ones, of which many are wrong."""
    chooser = Chooser()
    for number, each in enumerate(rows):
        chooser.add(number, each)
    wrong = [n for n in chooser.pool if n.row.label != truth[n.number] and draw.random() < share]
    choice = chooser.choose([*wrong, *draw.sample(chooser.pool, 60)])
    shown = {card.number for card in choice.cards}
    return [each._replace(human=truth[n]) if n in shown else each for n, each in enumerate(rows)]


@pytest.mark.slow
@pytest.mark.parametrize("name", KINDS)
def test_the_interval_has_the_truth_in_it(name: str) -> None:
    """In at least 93 % of 300 simulated jobs; and the estimate is right on average."""
    kind, inside, errors = KINDS[name], [], []
    for seed in range(300):
        rows, truth = map(list, zip(*simulated(kind, seed), strict=True))
        draw = random.Random(seed)
        for _ in range(kind.checks):
            rows = reviewed_once(rows, truth, draw, kind.suspicious_found)
        found = estimate(rows, {})
        assert found is not None
        right = np.mean([(each.label or NONE) == t for each, t in zip(rows, truth, strict=True)])
        inside.append(found.right.low <= right <= found.right.high)
        errors.append(found.right.share - right)
    said = f"{name}: inside {np.mean(inside):.1%}, mean error {np.mean(errors):+.4f}"
    print(said, f"mean size of an error {np.mean(np.abs(errors)):.4f}")
    assert np.mean(inside) >= 0.93, said
    assert abs(np.mean(errors)) < 0.005, said


def test_rows_that_a_person_could_not_read_are_no_part_of_it() -> None:
    """They end no random check, and the figures are those of the other rows."""
    drawn = sorted(first_drawn(ROWS, 2 * PER_LABEL), key=lambda n: lot_of(ROWS[n]))
    unclear = set(drawn[2:5])
    rows = labelled(labelled(ROWS, set(drawn), "7"), {drawn[0]}, "1")
    found = estimate(labelled(rows, unclear, "_unclear"), {})
    assert found is not None
    assert (found.rows, found.accepted, found.checked, found.found_wrong) == (197, 197, 9, 1)
    assert found.accepted_wrong.share == pytest.approx(1 / 9)
    known = estimate(labelled(rows, unclear, "_unclear"), {f"{n}.png": "7" for n in unclear})
    assert known is not None
    assert (known.rows, known.checked) == (200, 12)
