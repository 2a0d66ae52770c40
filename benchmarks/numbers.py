"""Measure how many numbers of several digits are read correctly.

    python -m benchmarks.numbers [--count N] [--part choose|report|fit] [--model FILE] [--workers N]
    python -m benchmarks.numbers --fit|--fit-confidence [--count N] [--model FILE] [--workers N]

Numbers of 2 to 8 digits are made from MNIST's second half, which was never used for training. In one
half of them the digits are spaced; in the other, neighbours touch. The weights of groups of pieces are
fitted (`--fit`) to numbers of those digits of MNIST's first half that the default model has not learned
from (`fit`), and the confidence (`--fit-confidence`) to numbers of the part `choose`. Results are
reported on the last 15,000 digits (`report`). The aim is 99 % of p ** n, where p is the share of single
digits that are read correctly and n is the length; if digits touch, it is 90 % of that.
"""

from __future__ import annotations

import argparse
import os
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression

from benchmarks.data import data_folder
from benchmarks.verdicts import open_model
from digitsort.classification.decide import Verdict, decide
from digitsort.classification.groups import LEAST, features_of
from digitsort.classification.numbers import read_numbers, readings_of
from digitsort.classification.pieces import MOST_PIECES, Strip, darkness_of, ink_of, strip_of
from digitsort.model.reading import Model
from digitsort.outcomes import Status
from digitsort.training.arrays import read_idx

Pixels = npt.NDArray[np.uint8]
Floats = npt.NDArray[np.float64]
Owners = npt.NDArray[np.intp]

LENGTHS = range(2, 9)
PARTS = {
    "fit": slice(1, 30_000, 2),
    "choose": slice(30_000, 45_000),
    "report": slice(45_000, 60_000),
}
"""Digits of MNIST in each part. The default model has learned from every other digit of the first
half, and from none of these."""

IS_PART = 0.5
"""Least overlap of a group with a digit that it may be (intersection over union)."""

AT_ONCE = 128
"""Numbers in a batch of the fit, or read at once by a process."""

MOST_STEPS = 150
"""Most steps of the fit."""

PENALTY = 1e-3
"""Weight of half the squared weights of standardized features, against minus the mean logarithm of the
probability of a number's labels."""

TURNS = 8
"""Turns in which numbers of each kind are made and read."""


def number_of(digits: Pixels, *, touching: bool, rng: np.random.Generator) -> Pixels:
    """Return a picture of digits in a row; shape (40, width)."""
    return drawn(digits, touching=touching, rng=rng)[0]


def drawn(digits: Pixels, *, touching: bool, rng: np.random.Generator) -> tuple[Pixels, Owners]:
    """Return a picture of digits in a row, and which digit each pixel is of, from 1; 0 is paper."""
    parts = []
    for digit in digits:
        columns = np.flatnonzero((digit > 60).any(axis=0))
        parts.append(digit[:, columns[0] : columns[-1] + 1])
    width = sum(part.shape[1] for part in parts) + 8 * len(parts) + 16
    ink = np.zeros((40, width), np.uint8)
    owners = np.zeros((40, width), np.intp)
    x = 8
    for number, part in enumerate(parts, 1):
        top = 6 + int(rng.integers(-2, 3))
        if touching and x > 8:
            x = _touching(ink, part, top, x)
        where = slice(top, top + 28), slice(x, x + part.shape[1])
        owners[where][part > ink[where]] = number
        np.maximum(ink[where], part, out=ink[where])
        x += part.shape[1] + (0 if touching else int(rng.integers(2, 7)))
    return np.asarray(255 - ink[:, : x + 8], np.uint8), owners[:, : x + 8]


def _touching(ink: Pixels, part: Pixels, top: int, x: int) -> int:
    """Return the column for a digit at which its ink just touches the ink to its left."""
    dark = ink > 60
    for at in range(x, max(x - 14, 0), -1):
        mine = np.zeros_like(dark)
        mine[top : top + 28, at : at + part.shape[1]] = part > 60
        grown = mine | np.roll(mine, -1, axis=1)
        if (grown & dark).any():
            return at
    return x


def digits_of(part: str) -> tuple[Pixels, Pixels]:
    """Return the digits of a part, and their labels."""
    folder = data_folder("mnist-train")
    images = read_idx(folder / "train-images-idx3-ubyte.gz", 3)
    labels = read_idx(folder / "train-labels-idx1-ubyte.gz", 1)
    chosen = PARTS[part]
    return images[chosen], labels[chosen]


def measure(model: Model, part: str, count: int, workers: int, *, touching: bool) -> None:
    """Print the share of numbers of each length that are read correctly."""
    images, labels = digits_of(part)
    rng = np.random.default_rng(17)
    some = rng.choice(len(images), 1000, replace=False)
    alone = decide([np.asarray(255 - image, np.uint8) for image in images[some]], model)
    single = float(
        np.mean([v.label == str(label) for v, label in zip(alone, labels[some], strict=True)])
    )
    print(f"{'touching' if touching else 'spaced'}: single digits {single:.2%} right")
    texts, pictures = [], []
    for length in LENGTHS:
        chosen = rng.choice(len(images), (count, length))
        texts += ["".join(map(str, labels[row])) for row in chosen]
        pictures += [number_of(images[row], touching=touching, rng=rng) for row in chosen]
    with _processes(workers) as pool:
        stacks = [pictures[at : at + AT_ONCE] for at in range(0, len(pictures), AT_ONCE)]
        found = [
            one.verdict for some in pool.map(partial(read_numbers, model=model), stacks) for one in some
        ]
    for at, length in enumerate(LENGTHS):
        mine = slice(at * count, (at + 1) * count)
        _print_length(single, length, texts[mine], found[mine], touching=touching)
    kinds = Counter(
        _kind(text, one.label) for text, one in zip(texts, found, strict=True) if text != one.label
    )
    print("  " + ", ".join(f"{n} {kind}" for kind, n in kinds.most_common()))


def _print_length(
    single: float, length: int, texts: Sequence[str], found: Sequence[Verdict], *, touching: bool
) -> None:
    right = [text == one.label for text, one in zip(texts, found, strict=True)]
    sure = [is_right for is_right, one in zip(right, found, strict=True) if one.status is Status.OK]
    aim = 0.99 * single**length * (0.9 if touching else 1.0)
    print(
        f"  {length} digits: {np.mean(right):.2%} right, aim {aim:.2%}; "
        f"{len(sure) / len(right):.0%} ok, {len(sure) - sum(sure)} of {len(sure)} wrong"
    )


def _processes(workers: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(workers, mp_context=get_context("fork"))


@dataclass(frozen=True, slots=True)
class Turn:
    """Numbers that one process makes and reads; each turn draws others."""

    model: Model
    part: str
    count: int
    touching: bool
    turn: int

    def numbers(self) -> Iterator[tuple[Pixels, Owners, str]]:
        """Yield pictures of numbers, the owners of their pixels, and their labels."""
        images, labels = digits_of(self.part)
        rng = np.random.default_rng([len(images), self.touching, self.turn])
        for _ in range(self.count):
            row = rng.choice(len(images), int(rng.integers(LENGTHS.start, LENGTHS.stop)))
            text = "".join(map(str, labels[row]))
            yield *drawn(images[row], touching=self.touching, rng=rng), text


_Found = TypeVar("_Found")


def fit(model: Model, count: int, workers: int) -> None:
    """Fit the weights of groups so that the labels of numbers get a high probability; print them."""
    lessons = _in_processes(_lessons_of, "fit", count, model, workers)
    every = np.concatenate([lesson.features for lesson in lessons])
    mean, spread = every.mean(axis=0), every.std(axis=0)
    spread[spread == 0] = 1.0
    weights = _fitted([replace(one, features=(one.features - mean) / spread) for one in lessons])
    weights[:-1] /= spread
    print("WEIGHTS = (" + ", ".join(f"{weight:.4f}" for weight in weights[:-1]) + ")")
    print(f"CONSTANT = {weights[-1] - weights[:-1] @ mean:.4f}")


@dataclass(frozen=True, slots=True, eq=False)
class Lesson:
    """Groups of pieces of a number whose digits are known.

    Attributes
    ----------
    spans : ndarray of shape (n, 2), intp
    features : ndarray of shape (n, d), float64
    likely : ndarray of shape (n, digits), float64
        Logarithm of the probability that each group has the label of each digit of the number; -inf if
        the two overlap too little.
    count : int
        Number of pieces.
    """

    spans: Owners
    features: Floats
    likely: Floats
    count: int


def _in_processes(
    work: Callable[[Turn], list[_Found]], part: str, count: int, model: Model, workers: int
) -> list[_Found]:
    """Return what is found of `count` spaced and as many touching numbers."""
    each = -(-count // TURNS)
    turns = [
        Turn(model, part, each, touching, turn) for touching in (False, True) for turn in range(TURNS)
    ]
    with _processes(workers) as pool:
        return [one for found in pool.map(work, turns) for one in found]


def _lessons_of(turn: Turn) -> list[Lesson]:
    lessons = (_lesson_of(*number, turn.model) for number in turn.numbers())
    return [lesson for lesson in lessons if lesson is not None]


def _lesson_of(picture: Pixels, owners: Owners, text: str, model: Model) -> Lesson | None:
    """Return the lesson of a number; None if its pieces can't be grouped into its digits."""
    strip = strip_of(picture)
    spans = strip.spans()
    features, chances = features_of([strip], [spans], model)
    labels = [model.card.classes.index(digit) for digit in text]
    likely = np.log(np.maximum(chances[:, labels], LEAST))
    overlaps = _overlaps(strip, spans, picture, owners, len(text))
    likely = np.where(overlaps >= IS_PART, likely, -np.inf)
    lesson = Lesson(np.array(spans, np.intp), features, likely, strip.count)
    is_possible = np.isfinite(Batch.of([lesson]).ways(np.zeros(len(spans)), any_label=False)[0]).all()
    return lesson if is_possible else None


def _fitted(lessons: Sequence[Lesson]) -> Floats:
    """Return the weights, and their constant last, that make the true labels most likely."""
    from scipy.optimize import minimize

    ordered = sorted(lessons, key=lambda lesson: lesson.count)  # so that a batch has little padding
    batches = [Batch.of(ordered[at : at + AT_ONCE]) for at in range(0, len(ordered), AT_ONCE)]

    def loss(weights: Floats) -> tuple[float, Floats]:
        parts = [batch.loss(weights) for batch in batches]
        slope = sum(slope for _, slope in parts) / len(lessons)
        penalty = PENALTY * np.append(weights[:-1], 0.0)
        total = sum(value for value, _ in parts) / len(lessons)
        return total + float(penalty @ weights) / 2, slope + penalty

    start = np.zeros(lessons[0].features.shape[1] + 1)
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": MOST_STEPS})
    print(f"{len(lessons)} numbers, {found.nit} steps, loss {found.fun:.4f}: {found.message}")
    return np.asarray(found.x)


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Lessons as arrays, for all ways to group the pieces of all of them at once.

    Attributes
    ----------
    features : ndarray of shape (n, d), float64
    places : ndarray of shape (n,), intp
        Place of each group in an array of shape `shape`.
    shape : (int, int, int)
        Lessons, pieces before the end of the group, pieces in the group less one.
    likely : ndarray of shape (*shape, digits), float64
    ends : ndarray of shape (lessons, 2), intp
        Numbers of pieces and of digits.
    """

    features: Floats
    places: Owners
    shape: tuple[int, int, int]
    likely: Floats
    ends: Owners

    @classmethod
    def of(cls, lessons: Sequence[Lesson]) -> Batch:
        """Return the batch of these lessons."""
        ends = np.array([(one.count, one.likely.shape[1]) for one in lessons], np.intp)
        shape = len(lessons), int(ends[:, 0].max()) + 1, MOST_PIECES
        numbers = np.repeat(np.arange(len(lessons)), [len(one.spans) for one in lessons])
        starts, stops = np.concatenate([one.spans for one in lessons]).T
        places = np.ravel_multi_index((numbers, stops, stops - starts - 1), shape)
        likely = np.full((*shape, int(ends[:, 1].max())), -np.inf)
        flat = likely.reshape(-1, likely.shape[-1])
        at = 0
        for one in lessons:
            flat[places[at : at + len(one.spans)], : one.likely.shape[1]] = one.likely
            at += len(one.spans)
        features = np.concatenate([one.features for one in lessons])
        return cls(features, np.asarray(places, np.intp), shape, likely, ends)

    def loss(self, weights: Floats) -> tuple[float, Floats]:
        """Return minus the logarithm of the probability of all true labels, and its gradient."""
        worth = self.features @ weights[:-1] + weights[-1]
        every, uses = self.ways(worth, any_label=True)
        true, true_uses = self.ways(worth, any_label=False)
        extra = uses - true_uses
        return float((every - true).sum()), np.append(self.features.T @ extra, extra.sum())

    def ways(self, worth: Floats, *, any_label: bool) -> tuple[Floats, Floats]:
        """Return the logarithm of the sum of all ways of each lesson, and how much each group is used.

        Ways are those to group the pieces into digits with the true labels, or with `any_label` into
        any number of digits.
        """
        placed = np.full(self.shape, -np.inf)
        placed.reshape(-1)[self.places] = worth
        step = 0 if any_label else 1
        worths = placed[..., None] + (0.0 if any_label else self.likely)
        lessons, ends = np.arange(self.shape[0]), self.ends[:, 0] + MOST_PIECES
        digits = self.ends[:, 1] * step
        before, shares = _sums(worths, step)
        flow = np.zeros_like(before)  # the share of all ways that pass each place
        flow[lessons, ends, digits] = 1.0
        uses = np.zeros(self.shape)
        for stop in range(self.shape[1] - 1, 0, -1):
            part = flow[:, None, stop + MOST_PIECES, step:] * shares[stop]
            uses[:, stop] = part.sum(axis=-1)
            flow[:, stop : stop + MOST_PIECES, : part.shape[-1]] += part[:, ::-1]
        return before[lessons, ends, digits], uses.reshape(-1)[self.places]


def _sums(worths: Floats, step: int) -> tuple[Floats, Floats]:
    """Return the logarithm of the sum of all ways to each place, and the share of each last group.

    Returns
    -------
    before : ndarray of shape (lessons, MOST_PIECES + pieces, digits + step)
        The first `MOST_PIECES` rows are before the first piece.
    shares : ndarray of shape (pieces, lessons, MOST_PIECES, digits)
    """
    lessons, pieces, _, digits = worths.shape
    before = np.full((lessons, MOST_PIECES + pieces, digits + step), -np.inf)
    before[:, MOST_PIECES, 0] = 0.0
    shares = np.zeros((pieces, lessons, MOST_PIECES, digits))
    for stop in range(1, pieces):
        # The last group has 1, 2, ... pieces.
        ways = before[:, stop : stop + MOST_PIECES, :digits][:, ::-1] + worths[:, stop]
        most = ways.max(axis=1, keepdims=True)
        most[np.isinf(most)] = 0.0
        each = np.exp(ways - most)
        total = each.sum(axis=1, keepdims=True)
        with np.errstate(divide="ignore"):  # no way leads to this place
            before[:, stop + MOST_PIECES, step:] = (most + np.log(total))[:, 0]
        shares[stop] = each / np.where(total > 0, total, 1.0)
    return before, shares


@dataclass(frozen=True, slots=True)
class Read:
    """A number that was read, and whether it is right."""

    evidence: tuple[float, ...]
    is_right: bool
    is_ok: bool
    digits: int


def fit_confidence(model: Model, count: int, workers: int) -> None:
    """Fit the confidence of numbers; print what `SURE` gives on each half, fitted to the other one."""
    found = _in_processes(_read_of, "choose", count, model, workers)
    every = np.array([one.evidence for one in found])
    truth = np.array([one.is_right for one in found])
    weights = _regression(every, truth)
    print("IS_RIGHT = (" + ", ".join(f"{weight:.4f}" for weight in weights) + ")")
    is_odd = np.arange(len(found)) % 2 == 1
    chances = np.zeros(len(found))
    for half in (is_odd, ~is_odd):
        weights = _regression(every[~half], truth[~half])
        chances[half] = 1 / (1 + np.exp(-(every[half] @ weights[:-1] + weights[-1])))
    print(f"mean confidence {chances.mean():.1%}, {truth.mean():.1%} of {len(found)} right")
    for sure in (0.98, 0.985, 0.99, 0.9925, 0.995):
        is_sure = chances >= sure
        accepted = [one for one, is_one in zip(found, is_sure, strict=True) if is_one and one.is_ok]
        every_length = Counter(one.digits for one in accepted)
        wrong = Counter(one.digits for one in accepted if not one.is_right)
        lengths = ", ".join(f"{wrong[n]} of {every_length[n]} ({n} digits)" for n in LENGTHS)
        share = len(accepted) / len(found)
        print(f"SURE = {sure}: {share:.1%} accepted, {wrong.total()} of them wrong: {lengths}")


def _read_of(turn: Turn) -> list[Read]:
    pictures, _, texts = zip(*turn.numbers(), strict=True)
    return [
        Read(
            reading.evidence(),
            text == "".join(digit.label for digit in reading.digits),
            all(digit.status is Status.OK for digit in reading.digits),
            len(text),
        )
        for text, reading in zip(texts, readings_of(pictures, turn.model), strict=True)
        if reading.digits
    ]


def _overlaps(
    strip: Strip, spans: Sequence[tuple[int, int]], picture: Pixels, owners: Owners, digits: int
) -> Floats:
    """Return the overlap of each group with each digit (intersection over union); shape (n, digits)."""
    mask = ink_of(darkness_of(picture))
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    cropped = owners[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    height, width = strip.pieces.shape[0] - 2, strip.pieces.shape[1] - 2
    down = ((np.arange(height) + 0.5) * cropped.shape[0] / height).astype(int)
    across = ((np.arange(width) + 0.5) * cropped.shape[1] / width).astype(int)
    owner = np.pad(cropped[np.ix_(down, across)], 1)
    counts = np.zeros((strip.count + 1, digits + 1), np.intp)
    is_ink = strip.pieces > 0
    np.add.at(counts, (strip.pieces[is_ink], owner[is_ink]), 1)
    sums, totals = counts.cumsum(axis=0), counts[:, 1:].sum(axis=0)
    starts, stops = np.array(spans).T
    shared = sums[stops] - sums[starts]
    union = shared.sum(axis=1, keepdims=True) + totals - shared[:, 1:]
    return np.asarray(shared[:, 1:] / np.maximum(union, 1))


def _regression(features: Floats, truth: npt.NDArray[np.bool_]) -> Floats:
    """Return the weights of a logistic regression, and its constant last."""
    mean, spread = features.mean(axis=0), features.std(axis=0)
    fitted = LogisticRegression(max_iter=3000).fit((features - mean) / spread, truth)
    weights = fitted.coef_[0] / spread
    return np.append(weights, fitted.intercept_[0] - weights @ mean)


def _kind(wanted: str, got: str) -> str:
    if not got:
        return "rejected"
    if len(got) < len(wanted):
        return "merged"
    return "split" if len(got) > len(wanted) else "misread"


def main() -> None:
    """Print the report for spaced and for touching digits."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--count", type=int, help="numbers of each length; of a fit, of each kind")
    parser.add_argument("--part", choices=PARTS, default="report")
    parser.add_argument("--model", type=Path)
    parser.add_argument("--workers", type=int, default=os.cpu_count())
    parser.add_argument("--fit", action="store_true", help="print the weights of groups of pieces")
    parser.add_argument("--fit-confidence", action="store_true", help="print the weights of evidence")
    arguments = parser.parse_args()
    model, count, workers = open_model(arguments.model), arguments.count, arguments.workers
    if arguments.fit:
        fit(model, count or 2000, workers)
        return
    if arguments.fit_confidence:
        fit_confidence(model, count or 1000, workers)
        return
    for touching in (False, True):
        measure(model, arguments.part, count or 200, workers, touching=touching)


if __name__ == "__main__":
    main()
