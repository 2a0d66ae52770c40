"""`digitsort.classification.groups`, and the ways to group pieces in `numbers`."""

from __future__ import annotations

from dataclasses import replace
from math import exp, log

import numpy as np
import pytest

from benchmarks.numbers import Batch, Lesson
from digitsort.classification.groups import Groups, features_of, groups_of
from digitsort.classification.numbers import MOST_BEHIND, best_path, odds_of
from digitsort.classification.pieces import Strip
from digitsort.classification.settings import ANY_LENGTH, Length
from digitsort.model.reading import default_model
from digitsort.recognition.score import Likeness

SPANS = [(0, 1), (0, 2), (1, 2), (1, 3), (2, 3)]
WORTH = [1.0, 0.5, -1.0, 2.0, 0.25]


def some_groups() -> Groups:
    """Return groups of three pieces; the classes of the model are two."""
    chances = np.array([[0.9, 0.1], [0.2, 0.8], [0.5, 0.5], [0.7, 0.3], [0.4, 0.6]])
    return Groups(SPANS, WORTH, chances)


def bars() -> Strip:
    """Return three bars: the first two touch along 30 pixels, the third one is 6 pixels away."""
    pieces = np.zeros((42, 30), np.intp)
    pieces[1:41, 2:6], pieces[11:41, 6:10], pieces[1:41, 16:20] = 1, 2, 3
    return Strip.of(np.where(pieces > 0, 255.0, 0.0), pieces, [False, True, False, False])


def test_the_odds_of_labels_are_those_of_all_ways() -> None:
    """Three ways: 0|1|2, 0|12 and 01|2; labels 0 and 1 are of the last two."""
    ways = [[0, 2, 4], [0, 3], [1, 4]]
    every = sum(exp(sum(WORTH[at] for at in way)) for way in ways)
    chances = some_groups().chances
    these = sum(
        exp(sum(WORTH[at] for at in way)) * chances[way[0], 0] * chances[way[1], 1] for way in ways[1:]
    )
    found = odds_of(some_groups(), [0, 1], 3, ANY_LENGTH)
    assert found == pytest.approx(log(these) - log(every - these))


def test_the_odds_leave_out_other_lengths() -> None:
    every = exp(1.0 + 2.0) + exp(0.5 + 0.25)
    these = exp(1.0 + 2.0) * 0.9 * 0.3 + exp(0.5 + 0.25) * 0.2 * 0.6
    found = odds_of(some_groups(), [0, 1], 3, Length(2, 2))
    assert found == pytest.approx(log(these) - log(every - these))


def test_the_fit_finds_the_share_of_each_group_in_all_ways() -> None:
    """`benchmarks.numbers --fit` uses arrays of many numbers; the other lesson here is padding."""
    likely = np.log(some_groups().chances)
    likely[1, 0] = -np.inf  # does not overlap with the first digit
    lesson = Lesson(np.array(SPANS), np.zeros((5, 1)), likely, 3)
    other = Lesson(np.array([(0, 1), (1, 2), (2, 3), (3, 4)]), np.zeros((4, 1)), np.zeros((4, 4)), 4)
    batch, worth = Batch.of([lesson, other]), np.array([*WORTH, 0.0, 0.0, 0.0, 0.0])
    ways = [[0, 2, 4], [0, 3], [1, 4]]
    sums = [exp(sum(WORTH[at] for at in way)) for way in ways]
    total, uses = batch.ways(worth, any_label=True)
    assert total == pytest.approx([log(sum(sums)), 0])
    shares = [sum(s for s, way in zip(sums, ways, strict=True) if at in way) for at in range(5)]
    assert uses == pytest.approx([*(share / sum(sums) for share in shares), 1, 1, 1, 1])
    total, uses = batch.ways(worth, any_label=False)
    assert total == pytest.approx([log(sums[1] * 0.9 * 0.3), 0])
    assert uses == pytest.approx([1, 0, 0, 1, 0, 1, 1, 1, 1])


def test_the_best_way_has_the_length_asked_for() -> None:
    assert best_path(some_groups(), 3, ANY_LENGTH) == [0, 3]
    assert best_path(some_groups(), 3, Length(3, 3)) == [0, 2, 4]
    assert best_path(some_groups(), 3, Length(4, 4)) == []


def test_a_length_that_is_far_less_likely_is_not_read() -> None:
    worth = [*WORTH[:3], WORTH[3] + MOST_BEHIND, WORTH[4]]
    assert best_path(replace(some_groups(), worth=worth), 3, Length(3, 3)) == []


def test_cuts_and_gaps_are_measured() -> None:
    strip = bars()
    # 30 pairs of pixels side by side, and 29 + 30 that touch at a corner.
    assert [values.tolist() for values in strip.cuts()] == [[0, 30 + 29 + 30, 0, 0]] * 2
    pale = replace(strip, dark=np.where(strip.pieces == 2, 127.5, strip.dark))
    assert pale.cuts()[1].tolist() == pytest.approx([0, 89 / 16, 0, 0])
    assert strip.gaps().tolist() == [1, 0, 6 / 20, 1]


def test_features_of_sizes_and_edges() -> None:
    features, _ = features_of([bars()], [SPANS], default_model())
    width, height, above = features[:, 4], features[:, 6], features[:, 10]
    assert width.tolist() == [4 / 40, 8 / 40, 4 / 40, 14 / 40, 4 / 40]
    assert height.tolist() == [1, 1, 30 / 40, 1, 1]
    assert above.tolist() == pytest.approx([1 / 40, 1 / 40, 11 / 40, 1 / 40, 1 / 40])
    cuts, lengths, darkness, gaps, widest, shortest, palest = features[:, -7:].T
    assert cuts.tolist() == [1, 0, 1, 1, 0]
    assert lengths.tolist() == [89 / 40, 0, 89 / 40, 89 / 40, 0]
    assert gaps.tolist() == pytest.approx([1, 1.3, 0.3, 1, 1.3])
    assert widest.tolist() == pytest.approx([0, 0, 0, 0.3, 0])
    assert shortest.tolist() == [1, 89 / 40, 1, 0, 1]
    assert (darkness.tolist(), palest.tolist()) == (lengths.tolist(), shortest.tolist())


def test_a_cut_inside_a_group_is_no_gap() -> None:
    strip = replace(bars(), is_cut=np.array([False, True, True, False]))
    features, _ = features_of([strip], [[(0, 3)]], default_model())
    assert features[0, -3] == 0


def test_a_model_without_a_network_weighs_groups_too() -> None:
    model = default_model()
    machine = replace(model.machine, likeness=None)
    features, _ = features_of([bars()], [SPANS], replace(model, machine=machine))
    assert not features[:, 2:4].any()
    assert np.isfinite(features).all()


def test_no_strips_have_no_groups() -> None:
    assert groups_of([], default_model()) == []
    (groups,) = groups_of([Strip.empty(np.zeros((9, 9)))], default_model())
    assert groups.worth == []


def test_the_balance_does_not_depend_on_the_scale_of_the_last_weights() -> None:
    network = default_model().machine.likeness
    assert network is not None
    components = np.random.default_rng(3).integers(-900, 900, (5, 128)).astype(np.float32)
    weights, biases = network.weights, network.biases
    twice = Likeness((*weights[:2], weights[2] * 2), (*biases[:2], biases[2] * 2))
    found = network.balance(components)
    assert found == pytest.approx(twice.balance(components))
    assert ((found >= 0) == network.are_digits(components)).all()
    opposite = Likeness((*weights[:2], -weights[2]), (*biases[:2], -biases[2]))
    assert opposite.balance(components) == pytest.approx(-found)
