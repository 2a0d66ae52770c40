"""Measure how many numbers of several digits are read correctly.

    python -m benchmarks.numbers [--count N] [--part choose|report|fit] [--model FILE] [--fit]

Numbers of 2 to 8 digits are made from MNIST's second half, which was never used for training. In one
half of them the digits are spaced; in the other, neighbours touch. The weights of groups of pieces are
fitted (`--fit`) to numbers of those digits of MNIST's first half that the default model has not learned
from (`fit`), and the confidence (`--fit-confidence`) to numbers of the part `choose`. Results are
reported on the last 15,000 digits (`report`). The aim is 99 % of p ** n, where p is the share of single
digits that are read correctly and n is the length; if digits touch, it is 90 % of that.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
from sklearn.linear_model import LogisticRegression

from benchmarks.data import data_folder
from benchmarks.verdicts import open_model
from digitsort.classification.decide import decide
from digitsort.classification.groups import LEAST, features_of
from digitsort.classification.numbers import read_numbers, readings_of
from digitsort.classification.pieces import Strip, darkness_of, ink_of, strip_of
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

EPOCHS, AT_ONCE, FASTEST = 12, 16, 0.02
"""How often each number is learned from, how many at once, and the first rate of learning."""


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


def measure(model: Model, part: str, count: int, *, touching: bool) -> None:
    """Print the share of numbers of each length that are read correctly."""
    images, labels = digits_of(part)
    rng = np.random.default_rng(17)
    some = rng.choice(len(images), 1000, replace=False)
    alone = decide([np.asarray(255 - image, np.uint8) for image in images[some]], model)
    single = float(
        np.mean([v.label == str(label) for v, label in zip(alone, labels[some], strict=True)])
    )
    print(f"{'touching' if touching else 'spaced'}: single digits {single:.2%} right")
    failures: Counter[str] = Counter()
    for length in LENGTHS:
        chosen = rng.choice(len(images), (count, length))
        pictures = [number_of(images[row], touching=touching, rng=rng) for row in chosen]
        found = read_numbers(pictures, model)
        texts = ["".join(map(str, labels[row])) for row in chosen]
        got = [number.verdict.label for number in found]
        right = float(np.mean([a == b for a, b in zip(texts, got, strict=True)]))
        sure = [a == b for a, b, n in zip(texts, got, found, strict=True) if n.verdict.status == "ok"]
        aim = 0.99 * single**length * (0.9 if touching else 1.0)
        print(
            f"  {length} digits: {right:.2%} right, aim {aim:.2%}; "
            f"{len(sure) / count:.0%} ok, {sum(sure) / max(len(sure), 1):.2%} of them right",
            flush=True,
        )
        failures.update(_kind(a, b) for a, b in zip(texts, got, strict=True) if a != b)
    print("  " + ", ".join(f"{n} {kind}" for kind, n in failures.most_common()))


def fit(model: Model, count: int) -> None:
    """Fit the weights of groups so that the labels of numbers get a high probability; print them."""
    lessons = [
        _lesson_of(picture, owners, text, model)
        for touching in (False, True)
        for picture, owners, text in examples("fit", count, touching=touching, seed=11)
    ]
    every = np.concatenate([lesson.features for lesson in lessons])
    mean, spread = every.mean(axis=0), every.std(axis=0)
    weights = _descend([replace(one, features=(one.features - mean) / spread) for one in lessons])
    weights[:-1] /= spread
    print("WEIGHTS =", tuple(round(float(weight), 4) for weight in weights[:-1]))
    print("CONSTANT =", round(float(weights[-1] - weights[:-1] @ mean), 4))


@dataclass(frozen=True, slots=True, eq=False)
class Lesson:
    """Groups of pieces of a number whose digits are known.

    Attributes
    ----------
    spans : list of (int, int)
    features : ndarray of shape (n, d), float64
    likely : ndarray of shape (n, digits), float64
        Logarithm of the probability that each group has the label of each digit of the number; -inf if
        the two overlap too little.
    count : int
        Number of pieces.
    """

    spans: list[tuple[int, int]]
    features: Floats
    likely: Floats
    count: int


def _lesson_of(picture: Pixels, owners: Owners, text: str, model: Model) -> Lesson:
    strip = strip_of(picture)
    spans = strip.spans()
    features, chances = features_of([strip], [spans], model)
    labels = [model.card.classes.index(digit) for digit in text]
    likely = np.log(np.maximum(chances[:, labels], LEAST))
    overlaps = _overlaps(strip, spans, picture, owners, len(text))
    return Lesson(spans, features, np.where(overlaps >= IS_PART, likely, -np.inf), strip.count)


def _descend(lessons: Sequence[Lesson]) -> Floats:
    """Return the weights, and their constant last, that make the true labels most likely (Adam)."""
    rng = np.random.default_rng(13)
    weights = np.zeros(lessons[0].features.shape[1] + 1)
    first, second = np.zeros_like(weights), np.zeros_like(weights)
    steps = EPOCHS * len(lessons) // AT_ONCE
    for step in range(1, steps + 1):
        some = rng.integers(0, len(lessons), AT_ONCE)
        slope = sum(_slope(lessons[at], weights) for at in some.tolist()) / AT_ONCE
        first, second = 0.9 * first + 0.1 * slope, 0.999 * second + 0.001 * slope**2
        move = first / (1 - 0.9**step) / (np.sqrt(second / (1 - 0.999**step)) + 1e-8)
        weights -= FASTEST * (1 - step / (steps + 1)) * move
    return weights


def _slope(lesson: Lesson, weights: Floats) -> Floats:
    """Return the gradient of minus the logarithm of the probability of a number's labels."""
    worth = lesson.features @ weights[:-1] + weights[-1]
    any_label = np.zeros((len(worth), 1))
    uses = _uses(lesson.spans, worth[:, None] + any_label, lesson.count, any_count=True)
    true_uses = _uses(lesson.spans, worth[:, None] + lesson.likely, lesson.count, any_count=False)
    if uses is None or true_uses is None:
        return np.zeros_like(weights)
    extra = uses - true_uses
    return np.append(lesson.features.T @ extra, extra.sum())


def _uses(
    spans: Sequence[tuple[int, int]], worth: Floats, count: int, *, any_count: bool
) -> Floats | None:
    """Return how probable it is that each group is used; None if there is no way to group the pieces.

    `worth` has a column for each digit of the number; the only column is for all digits if the number
    may have `any_count` of digits.
    """
    step = 0 if any_count else 1
    # A column more than there are digits: sums before the first digit and after each one.
    shape = count + 1, worth.shape[1] + step
    before, after = np.full(shape, -np.inf), np.full(shape, -np.inf)
    before[0, 0], after[-1, -1] = 0.0, 0.0
    digits = worth.shape[1]
    for at, (start, stop) in enumerate(spans):
        way = before[start, :digits] + worth[at]
        before[stop, step:] = np.logaddexp(before[stop, step:], way)
    for at in range(len(spans) - 1, -1, -1):
        start, stop = spans[at]
        way = after[stop, step:] + worth[at]
        after[start, :digits] = np.logaddexp(after[start, :digits], way)
    total = before[-1, -1]
    if not np.isfinite(total):
        return None
    starts, stops = np.array(spans).T
    used = np.exp(before[starts, :digits] + worth + after[stops, step:] - total)
    return np.asarray(used.sum(axis=1))


def fit_confidence(model: Model, count: int) -> None:
    """Fit the confidence of numbers to half of them; print what `SURE` gives on the rest."""
    evidence, right, are_ok = [], [], []
    for touching in (False, True):
        pictures, texts = zip(
            *((p, text) for p, _, text in examples("choose", count, touching=touching, seed=12)),
            strict=True,
        )
        for text, reading in zip(texts, readings_of(pictures, model), strict=True):
            if reading.digits:
                evidence.append(reading.evidence())
                right.append(text == "".join(digit.label for digit in reading.digits))
                are_ok.append(all(digit.status is Status.OK for digit in reading.digits))
    every, truth, ok = np.array(evidence), np.array(right), np.array(are_ok)
    weights = _regression(every[::2], truth[::2])
    print("IS_RIGHT =", tuple(round(float(weight), 4) for weight in weights))
    chances = 1 / (1 + np.exp(-(every @ weights[:-1] + weights[-1])))[1::2]
    for sure in (0.9, 0.95, 0.97, 0.98, 0.99, 0.995):
        accepted = ok[1::2] & (chances >= sure)
        wrong = accepted & ~truth[1::2]
        print(f"SURE = {sure}: {accepted.mean():.1%} accepted, {wrong.sum()} of {accepted.sum()} wrong")
    print(f"mean confidence {chances.mean():.1%}, {truth[1::2].mean():.1%} right")


def examples(
    part: str, count: int, *, touching: bool, seed: int
) -> Iterator[tuple[Pixels, Owners, str]]:
    """Yield pictures of numbers, the owners of their pixels, and their labels."""
    images, labels = digits_of(part)
    rng = np.random.default_rng([seed, touching])
    for _ in range(count):
        row = rng.choice(len(images), int(rng.integers(LENGTHS.start, LENGTHS.stop)))
        text = "".join(map(str, labels[row]))
        yield *drawn(images[row], touching=touching, rng=rng), text


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
    parser.add_argument("--count", type=int, default=200, help="numbers of each length")
    parser.add_argument("--part", choices=PARTS, default="report")
    parser.add_argument("--model", type=Path)
    parser.add_argument("--fit", action="store_true", help="print the weights for `numbers`")
    parser.add_argument("--fit-confidence", action="store_true", help="the same for whole numbers")
    arguments = parser.parse_args()
    model = open_model(arguments.model)
    if arguments.fit:
        fit(model, arguments.count)
        return
    if arguments.fit_confidence:
        fit_confidence(model, arguments.count)
        return
    for touching in (False, True):
        measure(model, arguments.part, arguments.count, touching=touching)


if __name__ == "__main__":
    main()
