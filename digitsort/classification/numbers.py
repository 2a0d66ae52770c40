"""Read numbers of several digits: `classify --number`.

The ink is cut into at least as many pieces as there are digits: into its connected parts, which are cut
again where digits may touch. The model scores every group of neighbouring pieces as one digit. Dynamic
programming then finds the best way to group all pieces into digits (Fujisawa, Nakano and Kurino 1992;
Liu, Sako and Fujisawa 2002).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import inf

import numpy as np
import numpy.typing as npt
from PIL import Image

from digitsort.classification.decide import Verdict, decide
from digitsort.classification.length import ANY_LENGTH, Length
from digitsort.model.reading import Model
from digitsort.outcomes import Status
from digitsort.plural import plural
from digitsort.recognition.background import otsu
from digitsort.recognition.canvas import Gray
from digitsort.recognition.score import Allowed, probabilities, project, score_components
from digitsort.recognition.vectorize import STACK, vectorize

Floats = npt.NDArray[np.float64]
Labels = npt.NDArray[np.intp]

HEIGHT_PX = 40
"""Height to which the ink of a number is scaled."""

MOST_WIDTH_PX = 4_000
"""Largest width of a number at that height; wider ink is compressed."""

SPECK = 0.015
"""A part with less area than this share of the squared height of the ink is a speck."""

SIGN_HEIGHT = 0.35
"""A part lower than this share of the height of the ink is a dot, a comma or a minus sign."""

SIGN_BELOW = 0.35
"""The middle of such a sign lies further from the top than this share of the height of the ink."""

WIDE = 0.55
"""A part at least this wide, as a share of the height of the ink, may be more than one digit."""

CUT_PX = 4
"""Smallest distance between two cuts, and between a cut and the end of a part, in pixels."""

SOFT_PX = 2
"""How far the soft edge of a stroke is followed."""

THIN = 0.5
"""Largest share of the height of the ink that may be ink in a column where a part is cut."""

SLANT_PX = 10
"""Columns to each side by which a cut may deviate on its way down."""

MOST_PIECES = 8
"""Largest number of pieces in a group."""

WIDEST_DIGIT = 1.35
"""Width of the widest digit, as a share of the height of the ink."""

MOST_ALL = 120
"""Largest number of pieces in a picture. A picture with more is texture: no digits are found."""

MOST_PARTS = 1_000
"""Largest number of parts that are no specks, signs among them; with more, a picture is texture too."""

BROAD, PRICE_OF_BREADTH = 0.9, 1.0
"""Width above which a digit is too broad, and what its score loses per unit of width above that; the
width is a share of the height of the ink."""

PRICE_OF_CUT = 0.3
"""What the score of a digit loses for each of its sides that is a cut and not a gap. This and the other
values were chosen on the part `choose` of `benchmarks.numbers`."""

CLEAR = 0.5
"""Smallest lead in score over the best reading with another count of digits; with less, a number is
uncertain. Chosen on the same part: of 480 numbers, 1 is accepted and wrong. Without this rule and the
one for `TOUCHING`, 9 are."""

LEAST = 1e-6
"""Smallest likelihood of a digit, so that its logarithm is finite."""

NOTHING = "no digits found"
NO_DIGIT = "a part is no digit"
NOT_THAT_LONG = "no number of this length"
TOUCHING = "digits touch"
COUNT_UNSURE = "more or fewer digits"


@dataclass(frozen=True, slots=True)
class NumberVerdict:
    """Verdict on a number.

    Attributes
    ----------
    verdict : Verdict
        Its label is the whole number.
    note : str
        What was left out, such as "left out: 1 sign"; empty if nothing was.
    """

    verdict: Verdict
    note: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class _Strip:
    """Pieces of the ink of a number, from left to right.

    Attributes
    ----------
    dark : ndarray of shape (height, width), float64
        Darkness, 0 to 255.
    pieces : ndarray of shape (height, width), intp
        Number of the piece of each pixel, from 1; 0 for paper.
    is_cut : ndarray of shape (n + 1,), bool
        Whether there is a cut, not a gap, before each piece and after the last one.
    left, right : ndarray of shape (n,), intp
        First and last column of each piece.
    note : str
        As in `NumberVerdict`.
    """

    dark: Floats
    pieces: Labels
    is_cut: npt.NDArray[np.bool_]
    left: Labels
    right: Labels
    note: str = ""

    @classmethod
    def of(cls, dark: Floats, pieces: Labels, is_cut: Sequence[bool], note: str = "") -> _Strip:
        """Return the strip of these pieces."""
        from scipy import ndimage

        columns = [box[1] for box in ndimage.find_objects(pieces)]
        left = np.array([each.start for each in columns], np.intp)
        right = np.array([each.stop - 1 for each in columns], np.intp)
        return cls(dark, pieces, np.array(is_cut, np.bool_), left, right, note)

    @classmethod
    def empty(cls, dark: Floats) -> _Strip:
        """Return the strip of a picture without pieces."""
        return cls.of(dark, np.zeros(dark.shape, np.intp), [False])

    @property
    def count(self) -> int:
        return len(self.is_cut) - 1

    def spans(self) -> list[tuple[int, int]]:
        """Return the groups of pieces that may be one digit, as (first piece, piece after the last)."""
        return [
            (start, stop)
            for start in range(self.count)
            for stop in range(start + 1, min(start + MOST_PIECES, self.count) + 1)
            if stop == start + 1 or self._width_px(start, stop) <= WIDEST_DIGIT * HEIGHT_PX + 1
        ]

    def _width_px(self, start: int, stop: int) -> int:
        return int(self.right[start:stop].max() - self.left[start:stop].min()) + 1

    def excess_of(self, span: tuple[int, int]) -> float:
        """Return by how much a group is wider than `BROAD`; 0 if it is not."""
        return max(0.0, self._width_px(*span) / HEIGHT_PX - BROAD)

    def picture(self, start: int, stop: int) -> Gray:
        """Return a picture of the pieces from `start` up to `stop`, with a margin."""
        from scipy import ndimage

        margin = HEIGHT_PX // 5
        first, end = self.left[start:stop].min(), self.right[start:stop].max() + 1
        near = slice(max(first - SOFT_PX, 0), end + SOFT_PX)
        pieces = self.pieces[:, near]
        is_mine = (pieces > start) & (pieces <= stop)
        rows = np.flatnonzero(is_mine.any(axis=1))
        # The soft edge of a stroke is part of its shape.
        side = 2 * SOFT_PX + 1
        is_soft = ndimage.binary_dilation(is_mine, np.ones((side, side))) & ((pieces == 0) | is_mine)
        ink = np.pad(np.where(is_soft, self.dark[:, near], 0.0), margin)
        left = first - near.start
        inside = ink[
            rows[0] : rows[-1] + 1 + 2 * margin,
            left : left + end - first + 2 * margin,
        ]
        return np.asarray(255 - np.clip(inside, 0, 255), np.uint8)


def read_numbers(
    grays: Sequence[Gray],
    model: Model,
    length: Length = ANY_LENGTH,
    min_confidence: float | None = None,
    allowed: Allowed | None = None,
) -> list[NumberVerdict]:
    """Decide on pictures of numbers.

    Parameters
    ----------
    grays : sequence of ndarray of shape (height, width)
    model : Model
    length : Length
    min_confidence : float, optional
        A digit below it is uncertain; default: the model's own threshold.
    allowed : ndarray of shape (k,), bool, optional
        Classes that may be given as labels; default: all.

    Returns
    -------
    list of NumberVerdict
        A number is `ok` if all its digits are, no two of them touch, and no other count of digits fits
        nearly as well. Its confidence is the product of its digits' confidences.
    """
    strips = [_strip_of(gray) for gray in grays]
    spans = [strip.spans() for strip in strips]
    pictures = [
        strip.picture(*span) for strip, some in zip(strips, spans, strict=True) for span in some
    ]
    scores = iter(_scores(pictures, model, allowed))
    paths, doubts = [], []
    for strip, some in zip(strips, spans, strict=True):
        mine = {span: next(scores) - PRICE_OF_BREADTH * strip.excess_of(span) for span in some}
        path, clear_by = _best_path(mine, strip.is_cut, length)
        paths.append(path)
        is_cut = any(strip.is_cut[start] or strip.is_cut[stop] for start, stop in path)
        doubts.append(TOUCHING if is_cut else COUNT_UNSURE if clear_by < CLEAR else "")
    digits = [strip.picture(*span) for strip, path in zip(strips, paths, strict=True) for span in path]
    verdicts = iter(decide(digits, model, min_confidence, allowed))
    return [
        NumberVerdict(_joined([next(verdicts) for _ in path], strip.count, doubt), strip.note)
        for strip, path, doubt in zip(strips, paths, doubts, strict=True)
    ]


def _scores(pictures: Sequence[Gray], model: Model, allowed: Allowed | None) -> list[float]:
    """Return for each picture the logarithm of a likelihood that it is one digit, in stacks."""
    stacks = (pictures[start : start + STACK] for start in range(0, len(pictures), STACK))
    return [score for stack in stacks for score in _scores_of_stack(stack, model, allowed)]


def _scores_of_stack(pictures: Sequence[Gray], model: Model, allowed: Allowed | None) -> list[float]:
    components = project(vectorize(pictures).features, model.machine.projection)
    scores = score_components(components, model.machine, allowed)
    chances = probabilities(scores, model.card.temperature)
    if allowed is not None:
        chances = chances[:, allowed]
    likely = np.maximum(chances.max(axis=1) * scores.familiarity**2, LEAST)
    values: list[float] = np.log(likely).tolist()
    return values


def _best_path(
    scores: dict[tuple[int, int], float], is_cut: npt.NDArray[np.bool_], length: Length
) -> tuple[list[tuple[int, int]], float]:
    """Return the groups of the best number of this length, and its lead over other counts of digits.

    There are no groups if no number has this length. The lead is the difference in score to the best
    number with more or fewer digits. A score is a sum of logarithms, so a number of more digits would
    always score worse; to balance this, a digit counts more if it has more pieces.
    """
    count = len(is_cut) - 1
    best: dict[tuple[int, int], tuple[float, tuple[int, int] | None]] = {(0, 0): (0.0, None)}
    for stop in range(1, count + 1):
        for start in range(max(0, stop - MOST_PIECES), stop):
            if (start, stop) not in scores:
                continue
            price = PRICE_OF_CUT * (int(is_cut[start]) + int(is_cut[stop]))
            gain = (scores[start, stop] - price) * (stop - start) ** 0.5
            for digits in range(min(start + 1, length.most)):
                before = best.get((start, digits))
                if before is None:
                    continue
                found = before[0] + gain
                known = best.get((stop, digits + 1))
                if known is None or found > known[0]:
                    best[stop, digits + 1] = found, (start, digits)
    ends = [(best[count, n][0], n) for n in range(length.least, length.most + 1) if (count, n) in best]
    if not count or not ends:
        return [], 0.0
    ranked = sorted(ends, reverse=True)
    clear_by = ranked[0][0] - ranked[1][0] if len(ranked) > 1 else inf
    at: tuple[int, int] | None = (count, ranked[0][1])
    path = []
    while at is not None and at[0]:
        before_it = best[at][1]
        if before_it is not None:
            path.append((before_it[0], at[0]))
        at = before_it
    return path[::-1], clear_by


def _joined(digits: Sequence[Verdict], pieces: int, doubt: str) -> Verdict:
    """Return the verdict on a number, given the verdicts on its digits."""
    if not digits:
        return Verdict(Status.REJECTED, reason=NOT_THAT_LONG if pieces else NOTHING)
    if any(digit.status is Status.REJECTED for digit in digits):
        return Verdict(Status.REJECTED, reason=NO_DIGIT)
    label = "".join(digit.label for digit in digits)
    confidence = float(np.prod([digit.confidence or 0.0 for digit in digits]))
    doubtful = [(n, digit) for n, digit in enumerate(digits, 1) if digit.status is not Status.OK]
    if not doubtful:
        return Verdict(Status.UNCERTAIN if doubt else Status.OK, label, confidence, doubt)
    number, digit = doubtful[0]
    return Verdict(Status.UNCERTAIN, label, confidence, f"digit {number}: {digit.reason}")


def _strip_of(gray: Gray) -> _Strip:
    """Cut the ink of a number into pieces."""
    from scipy import ndimage

    dark = _scaled(_darkness(gray))
    mask = _ink(dark)
    labels, count = ndimage.label(mask, np.ones((3, 3)))
    if not count:
        return _Strip.empty(dark)
    boxes = ndimage.find_objects(labels)
    areas = np.bincount(labels.ravel(), minlength=count + 1)[1:]
    rows, columns = (np.array([(box[axis].start, box[axis].stop) for box in boxes]) for axis in (0, 1))
    heights = rows[:, 1] - rows[:, 0]
    tall = int(heights.max())
    is_ink = areas >= SPECK * tall**2
    if np.count_nonzero(is_ink) > MOST_PARTS:
        return _Strip.empty(dark)
    is_low = rows.mean(axis=1) > SIGN_BELOW * len(dark)  # above it is the bar of a 5
    is_short = heights < SIGN_HEIGHT * tall
    is_sign = is_ink & is_low & is_short
    is_sign[is_sign] = ~_overlap_some(columns[is_sign], columns[~is_short])
    signs = int(is_sign.sum())
    kept = np.flatnonzero(is_ink & ~is_sign)
    groups = _side_by_side(columns[kept], kept)
    if len(groups) > MOST_ALL:
        return _Strip.empty(dark)
    pieces = np.zeros(labels.shape, np.intp)
    is_cut = [False]
    for group in groups:
        part = np.isin(labels, np.array(group) + 1)
        for number, piece in enumerate(_cut(part, dark)):
            if number:
                is_cut[-1] = True
            pieces[piece] = len(is_cut)
            is_cut.append(False)
    if len(is_cut) > MOST_ALL:
        return _Strip.empty(dark)
    return _Strip.of(dark, pieces, is_cut, f"left out: {plural(signs, 'sign')}" if signs else "")


def _darkness(gray: Gray) -> Floats:
    """Return how much darker than the paper each pixel is, 0 to 255."""
    levels = np.asarray(gray, np.float64)
    if gray.dtype == np.uint16:
        levels = levels / 257
    elif gray.dtype != np.uint8:
        levels = levels * 255
    paper = float(np.median(levels))
    if paper < 128:  # light on dark
        levels, paper = 255 - levels, 255 - paper
    dark = np.clip(paper - levels, 0, None)
    most = float(np.percentile(dark, 99.5))
    return np.clip(dark * (255 / max(most, 1.0)), 0, 255) if most >= 20 else np.zeros_like(dark)


def _ink(dark: Floats) -> npt.NDArray[np.bool_]:
    counts = np.bincount(np.asarray(dark, np.uint8).ravel(), minlength=256)
    if not counts[32:].any():
        return np.zeros(dark.shape, np.bool_)
    threshold, _ = otsu(np.cumsum(counts)[None])
    return dark > max(float(threshold[0]), 32.0)


def _scaled(dark: Floats) -> Floats:
    """Crop to the ink, and scale it to a height of `HEIGHT_PX`."""
    mask = _ink(dark)
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return np.zeros((HEIGHT_PX, HEIGHT_PX))
    cut = dark[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    width = min(MOST_WIDTH_PX, max(1, round(cut.shape[1] * HEIGHT_PX / cut.shape[0])))
    image = Image.fromarray(np.asarray(cut, np.float32)).resize(
        (width, HEIGHT_PX), Image.Resampling.BICUBIC
    )
    return np.pad(np.clip(np.asarray(image, np.float64), 0, 255), 1)


def _overlap_some(columns: Labels, others: Labels) -> npt.NDArray[np.bool_]:
    """Tell which parts lie above or below a taller one: the bar of a 5 is not a minus sign."""
    left, right = columns.T
    overlap = np.minimum(right[:, None], others[:, 1]) - np.maximum(left[:, None], others[:, 0])
    return np.asarray((overlap > 0.3 * (right - left)[:, None]).any(axis=1))


def _side_by_side(columns: Labels, numbers: Labels) -> list[list[int]]:
    """Group the parts from left to right; parts above each other are one group."""
    groups: list[list[int]] = []
    ends: list[tuple[int, int]] = []
    for at in np.argsort(columns[:, 0], kind="stable").tolist():
        left, right = columns[at].tolist()
        if ends:
            start, stop = ends[-1]
            if min(stop, right) - left > 0.5 * min(right - left, stop - start):
                groups[-1].append(int(numbers[at]))
                ends[-1] = start, max(stop, right)
                continue
        groups.append([int(numbers[at])])
        ends.append((left, right))
    return groups


def _cut(part: npt.NDArray[np.bool_], dark: Floats) -> list[npt.NDArray[np.bool_]]:
    """Cut a part where digits may touch, from left to right."""
    columns = np.flatnonzero(part.any(axis=0))
    left, right = int(columns[0]), int(columns[-1])
    if right - left < WIDE * HEIGHT_PX:
        return [part]
    pieces = []
    rest = part
    across = np.arange(part.shape[1])
    for column in _valleys(part.sum(axis=0), left, right):
        path = _seam(dark, column)
        piece = rest & (across <= path[:, None])
        beyond = rest & (across > path[:, None])
        least = SPECK * HEIGHT_PX**2
        if piece.sum() >= least and beyond.sum() >= least:
            pieces.append(piece)
            rest = beyond
    return [*pieces, rest]


def _valleys(ink: Labels, left: int, right: int) -> list[int]:
    """Return the columns with the least ink around them, at least `CUT_PX` apart."""
    smooth = np.convolve(ink, [0.25, 0.5, 0.25], "same")
    inner = range(left + CUT_PX, right - CUT_PX + 1)
    lowest = [
        x
        for x in inner
        if smooth[x] <= THIN * HEIGHT_PX and smooth[x] == smooth[max(x - 2, 0) : x + 3].min()
    ]
    chosen: list[int] = []
    for x in sorted(lowest, key=lambda x: (smooth[x], x)):
        if all(abs(x - other) >= CUT_PX for other in chosen):
            chosen.append(x)
    return sorted(chosen)


def _seam(dark: Floats, column: int) -> Labels:
    """Return a path from top to bottom near a column that crosses the least ink: its column per row."""
    low = max(column - SLANT_PX, 0)
    band = dark[:, low : column + SLANT_PX + 1] / 255
    cost = band + 0.02 * np.abs(np.arange(band.shape[1]) - (column - low)) / SLANT_PX
    total = cost.copy()
    above = np.full(total.shape[1] + 2, np.inf)
    for row in range(1, len(total)):
        above[1:-1] = total[row - 1]
        total[row] += np.minimum(above[1:-1], np.minimum(above[:-2], above[2:]) + 0.05)
    at = int(total[-1].argmin())
    path = [at]
    for row in range(len(total) - 2, -1, -1):
        around = range(max(at - 1, 0), min(at + 2, total.shape[1]))
        at = min(around, key=lambda x: (total[row, x] + 0.05 * (x != at), abs(x - at)))
        path.append(at)
    return np.array(path[::-1], np.intp) + low
