"""Compute the coordinates of plots, which the templates draw as SVG."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from digitsort.evaluation.judge import Band, Evaluation, Guesses
from digitsort.labels.cells import are_digits
from digitsort.outcomes import Status
from digitsort.review.choose import BINS, Tally

WIDTH, HEIGHT = 460, 250
LEFT, RIGHT, TOP, BOTTOM = 64, 20, 12, 42
"""Margins, in px: room for the axes' numbers and names."""

MOST_POINTS = 400
"""Largest number of points of a curve: more are not visible at this size."""

MATRIX_SIZES = (12, 14, 16, 18, 20, 23, 26, 30, 35, 40, 50)
"""Font sizes of the confusion matrix in the style sheet, in thousandths of the available width."""

LABELLED = (Status.OK, Status.UNCERTAIN)


@dataclass(frozen=True, slots=True)
class Bar:
    """Bar, in px from the top left; `kind` is its class in the style sheet, `tip` its tooltip."""

    x: float
    y: float
    width: float
    height: float
    kind: str
    tip: str


@dataclass(frozen=True, slots=True)
class Tick:
    """Number at an axis, with its position in px."""

    at: float
    text: str


@dataclass(frozen=True, slots=True)
class Polyline:
    """Curve as "x,y x,y …", in px."""

    points: str
    kind: str


@dataclass(frozen=True, slots=True)
class Dot:
    """Marked point, in px."""

    x: float
    y: float
    kind: str
    tip: str


@dataclass(frozen=True, slots=True)
class Chart:
    """Data that the template needs to draw a plot.

    Attributes
    ----------
    title, summary : str
        Heading of the plot, and text alternative for screen readers.
    """

    title: str
    summary: str
    x_label: str
    y_label: str
    x_ticks: Sequence[Tick]
    y_ticks: Sequence[Tick]
    bars: Sequence[Bar] = ()
    lines: Sequence[Polyline] = ()
    dots: Sequence[Dot] = ()
    legend: Sequence[tuple[str, str]] = ()


def digits_found(tally: Tally) -> Chart:
    """Return the plot of files per label, accepted ones at the bottom."""
    names = [name for name in tally.classes() if any(tally.by_label[name, s] for s in Status)]
    totals = {name: sum(tally.by_label[name, s] for s in LABELLED) for name in names}
    top = _round_up(max(totals.values(), default=1))
    step = _plot_width() / max(len(names), 1)
    bars = []
    for index, name in enumerate(names):
        base = 0
        for status in LABELLED:
            count = tally.by_label[name, status]
            tip = f"{name}: {count:,} {status}"
            bars.append(
                _bar(LEFT + step * (index + 0.14), step * 0.72, base / top, count / top, status, tip)
            )
            base += count
    return Chart(
        "Digits found" if are_digits(names) else "Labels found",
        ", ".join(f"{name}: {count:,}" for name, count in totals.items()),
        "label",
        "files",
        [Tick(LEFT + step * (i + 0.5), name) for i, name in enumerate(names)],
        [Tick(_y(share), f"{round(top * share):,}") for share in (0, 0.5, 1)],
        bars=[bar for bar in bars if bar.height],
        legend=[(status.value, status.value) for status in LABELLED],
    )


def confidence_histogram(tally: Tally) -> Chart:
    """Return the histogram of confidence, on a logarithmic scale because most labels are very sure."""
    counts = [[tally.by_bin[index, status] for status in LABELLED] for index in range(BINS)]
    decades = max(1, math.ceil(math.log10(max(10, *(sum(pair) for pair in counts)))))
    step = _plot_width() / BINS
    bars = []
    for index, pair in enumerate(counts):
        total, base = sum(pair), 0.0
        if not total:
            continue
        # A single file is a bar too: the scale begins at half a file.
        height = math.log10(2 * total) / math.log10(2 * 10**decades)
        for status, count in zip(LABELLED, pair, strict=True):
            share = height * count / total
            tip = f"{index / BINS:.2f}-{(index + 1) / BINS:.2f}: {count:,} {status}"
            bars.append(_bar(LEFT + step * index + 1, step - 2, base, share, status, tip))
            base += share
    return Chart(
        "Confidence",
        f"{sum(map(sum, counts)):,} labels by confidence",
        "confidence",
        "files (logarithmic)",
        [Tick(_x(share), f"{share:g}") for share in (0, 0.25, 0.5, 0.75, 1)],
        [
            Tick(_y(math.log10(2 * 10**d) / math.log10(2 * 10**decades)), f"{10**d:,}")
            for d in range(decades + 1)
        ],
        bars=[bar for bar in bars if bar.height],
        legend=[(status.value, status.value) for status in LABELLED],
    )


def coverage_against_error(found: Guesses, of: int, threshold: float | None = None) -> Chart:
    """Return the plot of the accepted share of `of` images against the share of wrong ones."""
    steps = [(at, accepted / of, wrong / accepted) for at, accepted, wrong in found.thresholds()]
    top = _round_up_share(max([error for _, _, error in steps], default=0))
    places = [(_x(coverage), _y(error / top)) for _, coverage, error in steps]
    dots = []
    if threshold is not None and (inside := [step for step in steps if step[0] >= threshold]):
        _, coverage, error = inside[-1]
        tip = f"from {threshold:.4f}: {coverage:.1%} accepted, {error:.2%} of them wrong"
        dots.append(Dot(_x(coverage), _y(error / top), "chosen", tip))
    return Chart(
        "Coverage against error",
        "; ".join(dot.tip for dot in dots) or f"{len(found.right):,} labels",
        "accepted, share of all",
        "wrong among the accepted",
        [Tick(_x(share), f"{share:.0%}") for share in (0, 0.25, 0.5, 0.75, 1)],
        [Tick(_y(share), f"{100 * top * share:g}%") for share in (0, 0.5, 1)],
        lines=[Polyline(_points(places), "curve")] if places else (),
        dots=dots,
        legend=[("chosen", dot.tip) for dot in dots],
    )


def reliability(bands: Iterable[Band]) -> Chart:
    """Return the plot of accuracy against confidence: on the diagonal, the two are equal.

    The reliability diagram of DeGroot and Fienberg (1983), "The comparison and evaluation of
    forecasters".
    """
    filled = [band for band in bands if band.count]
    dots = [
        Dot(
            _x(band.mean),
            _y(band.accuracy),
            "point",
            f"confidence {band.low:g}-{band.high:g}: {band.right:,} of {band.count:,} right "
            f"({band.accuracy:.1%})",
        )
        for band in filled
    ]
    return Chart(
        "Calibration",
        "; ".join(dot.tip for dot in dots),
        "confidence",
        "share right",
        [Tick(_x(share), f"{share:g}") for share in (0, 0.25, 0.5, 0.75, 1)],
        [Tick(_y(share), f"{share:.0%}") for share in (0, 0.5, 1)],
        lines=[
            Polyline(_points([(_x(0), _y(0)), (_x(1), _y(1))]), "ideal"),
            Polyline(_points([(dot.x, dot.y) for dot in dots]), "curve"),
        ],
        dots=dots,
        legend=[("ideal", "perfect calibration"), ("point", "measured")],
    )


def matrix_size(evaluation: Evaluation) -> str:
    """Return the CSS class that sets the font size at which the whole confusion matrix is visible.

    Empty if the text would be too small to read at a width of 340 px; the matrix then scrolls.
    """
    columns = zip(evaluation.classes, evaluation.confusion.T, strict=True)
    wide = [max(len(report.name), len(f"{column.max():,}")) for report, column in columns]
    side = max(len(report.name) for report in evaluation.classes)
    ems = sum(0.6 * chars + 0.75 for chars in [side, *wide])  # a digit is 0.56 em wide or less
    sizes = [size for size in MATRIX_SIZES if size * ems <= 970]
    return f"m{sizes[-1]}" if sizes else ""


def _plot_width() -> int:
    return WIDTH - LEFT - RIGHT


def _x(share: float) -> float:
    return round(LEFT + _plot_width() * share, 1)


def _y(share: float) -> float:
    return round(HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * share, 1)


def _bar(x: float, width: float, base: float, share: float, kind: str, tip: str) -> Bar:
    """Return a bar from `base` upwards; both are shares of the plot's height."""
    top = _y(base + share)
    return Bar(round(x, 1), top, round(width, 1), round(_y(base) - top, 1), kind, tip)


def _points(places: Sequence[tuple[float, float]]) -> str:
    step = max(1, len(places) // MOST_POINTS)
    kept = [*places[::step], places[-1]] if places else []
    return " ".join(f"{x:g},{y:g}" for x, y in kept)


def _round_up(count: int) -> int:
    """Round up to an even number with one or two significant digits, for an axis."""
    unit = 2 * int(10 ** max(len(str(count)) - 2, 0))
    return max(2, -(-count // unit) * unit)


def _round_up_share(share: float) -> float:
    """Round up to 0.5 %, 1 %, 2 %, 5 %, 10 % and so on, for an axis."""
    steps = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
    return next(step for step in steps if step >= min(share, 1.0))
