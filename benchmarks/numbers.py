"""Measure how many numbers of several digits are read correctly.

    python -m benchmarks.numbers [--count N] [--part choose|report] [--model FILE]

Numbers of 2 to 8 digits are made from MNIST's second half, which was never used for training. In one
half of them the digits are spaced; in the other, neighbours touch. Parameters are chosen on the first
15,000 of these digits (`choose`), and results are reported on the others (`report`). The aim is 99 % of
p ** n, where p is the share of single digits that are read correctly and n is the length; if digits
touch, it is 90 % of that.
"""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.data import data_folder
from benchmarks.verdicts import open_model
from digitsort.classification.decide import decide
from digitsort.classification.numbers import read_numbers
from digitsort.model.reading import Model
from digitsort.training.idx import read_idx

Pixels = npt.NDArray[np.uint8]

LENGTHS = range(2, 9)
FIRST, MIDDLE = 30_000, 45_000
"""Index of the first digit of MNIST's second half, and of the first one that is reported."""


def number_of(digits: Pixels, *, touching: bool, rng: np.random.Generator) -> Pixels:
    """Return a picture of digits in a row; shape (40, width)."""
    parts = []
    for digit in digits:
        columns = np.flatnonzero((digit > 60).any(axis=0))
        parts.append(digit[:, columns[0] : columns[-1] + 1])
    width = sum(part.shape[1] for part in parts) + 8 * len(parts) + 16
    ink = np.zeros((40, width), np.uint8)
    x = 8
    for part in parts:
        top = 6 + int(rng.integers(-2, 3))
        if touching and x > 8:
            x = _touching(ink, part, top, x)
        view = ink[top : top + 28, x : x + part.shape[1]]
        np.maximum(view, part, out=view)
        x += part.shape[1] + (0 if touching else int(rng.integers(2, 7)))
    return np.asarray(255 - ink[:, : x + 8], np.uint8)


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


def measure(model: Model, part: str, count: int, *, touching: bool) -> None:
    """Print the share of numbers of each length that are read correctly."""
    low, high = (FIRST, MIDDLE) if part == "choose" else (MIDDLE, 60_000)
    folder = data_folder("mnist-train")
    images = read_idx(folder / "train-images-idx3-ubyte.gz", 3)[low:high]
    labels = read_idx(folder / "train-labels-idx1-ubyte.gz", 1)[low:high]
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
    parser.add_argument("--part", choices=("choose", "report"), default="report")
    parser.add_argument("--model", type=Path)
    arguments = parser.parse_args()
    model = open_model(arguments.model)
    for touching in (False, True):
        measure(model, arguments.part, arguments.count, touching=touching)


if __name__ == "__main__":
    main()
