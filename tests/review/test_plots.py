"""Marks stand where the numbers say."""

from __future__ import annotations

import numpy as np
import pytest

from digitsort.classification.decide import LOW_CONFIDENCE
from digitsort.evaluation.judge import EDGES, Guesses, acceptable, evaluate, guesses
from digitsort.labels.row import Row
from digitsort.outcomes import Outcome, Status
from digitsort.review import plots
from digitsort.review.choose import Tally


def tally(*rows: tuple[str, str, str]) -> Tally:
    found = Tally()
    every = [Row("p", label, Status(status), cells={"confidence": c}) for label, status, c in rows]
    assert list(found.counted(every)) == every
    return found


def share(y: float) -> float:
    """Height of a mark as a share of the plot's."""
    return (plots.HEIGHT - plots.BOTTOM - y) / (plots.HEIGHT - plots.TOP - plots.BOTTOM)


def test_digits_found_stacks_the_uncertain_on_the_accepted() -> None:
    chart = plots.digits_found(
        tally(*[("3", "ok", "0.99")] * 3, ("3", "uncertain", "0.5"), ("7", "ok", "1"))
    )
    assert [tick.text for tick in chart.x_ticks] == ["3", "7"]
    assert [tick.text for tick in chart.y_ticks] == ["0", "2", "4"]
    assert [bar.tip for bar in chart.bars] == ["3: 3 ok", "3: 1 uncertain", "7: 1 ok"]
    ok, uncertain, _ = chart.bars
    assert share(ok.y) == pytest.approx(0.75, abs=0.01)
    assert uncertain.y + uncertain.height == pytest.approx(ok.y, abs=0.11)
    assert share(uncertain.y) == pytest.approx(1, abs=0.01)


def test_the_histogram_has_a_bar_for_a_single_file() -> None:
    rows = [("1", "ok", "1.0000")] * 1000 + [("1", "uncertain", "0.5200")]
    single, many = plots.confidence_histogram(tally(*rows)).bars
    assert (single.tip, many.tip) == ("0.50-0.55: 1 uncertain", "0.95-1.00: 1,000 ok")
    assert 0.05 < share(single.y) < 0.2
    assert share(many.y) == pytest.approx(1, abs=0.01)


def test_plots_of_nothing_are_empty() -> None:
    assert plots.digits_found(tally()).bars == []
    assert plots.confidence_histogram(tally(("", "rejected", ""))).bars == []
    nothing = Guesses(np.array([]), np.array([], np.bool_))
    assert plots.coverage_against_error(nothing, 3, 0.9).dots == []
    assert plots.reliability(nothing.bands()).dots == []


GUESSES = Guesses(np.array([0.99, 0.97, 0.97, 0.6]), np.array([True, True, False, False]))


def test_equal_confidences_are_accepted_together() -> None:
    assert GUESSES.thresholds() == [(0.99, 1, 0), (0.97, 3, 1), (0.6, 4, 2)]


def test_the_chosen_threshold_is_marked_on_the_curve() -> None:
    chart = plots.coverage_against_error(GUESSES, 5, 0.9)
    (dot,) = chart.dots
    assert dot.tip == "from 0.9000: 60.0% accepted, 33.33% of them wrong"
    assert f"{dot.x:g},{dot.y:g}" == chart.lines[0].points.split()[1]
    assert [tick.text for tick in chart.y_ticks] == ["0%", "25%", "50%"]


def test_what_no_threshold_accepts_is_not_on_the_curve() -> None:
    """The mark agrees with the header: unfamiliar ink stays doubtful, however confident its label."""
    outcomes = [
        Outcome("a", Status.OK, "1", 0.99),
        Outcome("b", Status.UNCERTAIN, "1", 0.98, "unfamiliar"),
        Outcome("c", Status.UNCERTAIN, "1", 0.60, LOW_CONFIDENCE),
    ]
    found = guesses(acceptable(outcomes), dict.fromkeys("abc", "1"))
    (dot,) = plots.coverage_against_error(found, 3, 0.9).dots
    assert dot.tip == "from 0.9000: 33.3% accepted, 0.00% of them wrong"
    assert found.confidence.tolist() == [0.99, 0.6]


def test_a_matrix_is_as_large_as_its_room_allows() -> None:
    few, more = (evaluate([*names] * 1_200, [*names] * 1_200) for names in ("0123456789", "AB"))
    assert (plots.matrix_size(few), plots.matrix_size(more)) == ("m23", "m50")
    many = [f"class {index}" for index in range(40)]
    assert plots.matrix_size(evaluate(many, many)) == ""


def test_bands_count_what_was_right() -> None:
    bands = [(b.low, b.high, b.count, b.right) for b in GUESSES.bands() if b.count]
    assert bands == [(0.6, 0.7, 1, 0), (0.95, 0.99, 2, 1), (0.99, 0.999, 1, 1)]
    assert GUESSES.bands()[-2].accuracy == 1
    assert np.isnan(GUESSES.bands()[0].accuracy)


def test_every_confidence_has_its_band() -> None:
    confidence = np.sort(np.array([*EDGES, 0.12, 0.5001, 0.99995]))[::-1]
    bands = Guesses(confidence, np.ones(len(confidence), np.bool_)).bands()
    assert sum(band.count for band in bands) == len(confidence)
    assert bands[-1].count == 3  # 0.999, 0.99995 and 1


def test_a_long_curve_is_thinned_but_keeps_its_end() -> None:
    confidence = np.linspace(1, 0, 5_001)
    chart = plots.coverage_against_error(Guesses(confidence, np.ones(5_001, np.bool_)), 5_001)
    points = chart.lines[0].points.split()
    assert len(points) < 500
    assert points[-1] == f"{plots.WIDTH - plots.RIGHT},{plots.HEIGHT - plots.BOTTOM}"
