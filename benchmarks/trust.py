"""Whether the default model knows when it does not know.

    python -m benchmarks.trust [--limit N]

Calibration, coverage and error among the accepted on digits that entered no fit, clean and on simulated
scans; and what becomes of images that are no digits. The seeds are used here only.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Sequence

import numpy as np
from PIL import Image

from benchmarks.data import Pixels, mnist, semeion
from digitsort import Model, default_model
from digitsort.decide import Verdict, decide
from digitsort.records import Status
from digitsort.training.handwriting.generate import write_digits
from digitsort.training.nondigits import KINDS, side_by_side
from digitsort.training.paper import draw_look, put_on_paper

SEED = 91_117
BANDS = 15


def decide_all(images: Sequence[Pixels], model: Model) -> list[Verdict]:
    """Decide some hundred at a time."""
    return [v for i in range(0, len(images), 256) for v in decide(images[i : i + 256], model)]


def on_paper(images: Sequence[Pixels], rng: np.random.Generator) -> list[Pixels]:
    """Simulated scans of light-on-dark ink."""
    return [gray(put_on_paper(image, draw_look(rng), rng)) for image in images]


def gray(image: Image.Image) -> Pixels:
    """Gray pixels."""
    return np.asarray(image.convert("L"))


def calibration_error(verdicts: Sequence[Verdict], truth: Sequence[str]) -> float:
    """Expected calibration error over 15 bands of confidence (Guo et al. 2017), the rejected aside."""
    pairs = [
        (v.confidence, v.label == t)
        for v, t in zip(verdicts, truth, strict=True)
        if v.confidence is not None
    ]
    confidence = np.array([c for c, _ in pairs])
    right = np.array([r for _, r in pairs])
    band = np.minimum((confidence * BANDS).astype(int), BANDS - 1)
    gaps = [
        abs(confidence[band == b].mean() - right[band == b].mean()) * (band == b).mean()
        for b in np.unique(band)
    ]
    return float(sum(gaps))


def digits_row(name: str, images: Sequence[Pixels], truth: Sequence[str], model: Model) -> None:
    """Print a row about digits."""
    verdicts = decide_all(images, model)
    right = [v.label == t for v, t in zip(verdicts, truth, strict=True)]
    accepted = [r for r, v in zip(right, verdicts, strict=True) if v.status is Status.OK]
    rejected = sum(v.status is Status.REJECTED for v in verdicts)
    n = len(truth)
    print(
        f"| {name} | {n} | {sum(right) / n:.2%} | {len(accepted) / n:.1%} | "
        f"{1 - sum(accepted) / max(len(accepted), 1):.2%} | {rejected / n:.2%} | "
        f"{calibration_error(verdicts, truth):.2%} |",
        flush=True,
    )


def others_row(name: str, images: Sequence[Pixels], model: Model) -> None:
    """Print a row about what is no digit."""
    verdicts = decide_all(images, model)
    status = Counter(v.status for v in verdicts)
    reasons = Counter(v.reason for v in verdicts if v.status is Status.REJECTED)
    why = ", ".join(f"{reason} {count}" for reason, count in reasons.most_common(3))
    counts = " | ".join(str(status[s]) for s in (Status.OK, Status.UNCERTAIN, Status.REJECTED))
    print(f"| {name} | {len(images)} | {counts} | {why} |", flush=True)


def digits_table(limit: int, model: Model, rng: np.random.Generator) -> None:
    """Print what becomes of digits."""
    print("| digits | images | accuracy | ok | errors among ok | rejected | calibration error |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    images, labels = mnist()
    chosen = 30_000 + rng.permutation(30_000)[:limit]
    unseen, truth = [images[i] for i in chosen], [labels[i] for i in chosen]
    invented = list(write_digits(limit // 10, SEED))
    inks, names = [255 - g for g, _ in invented], [label for _, label in invented]
    for name, pixels, right in (
        ("invented, another seed", inks, names),
        ("MNIST, second half", unseen, truth),
        ("Semeion", *semeion()),
    ):
        digits_row(name, pixels, right, model)
        digits_row(f"{name}, simulated scans", on_paper(pixels, rng), right, model)


def others_table(count: int, model: Model, rng: np.random.Generator) -> None:
    """Print what becomes of images that are no digits."""
    print("\n| no digit | images | ok | uncertain | rejected | why |")
    print("| --- | --- | --- | --- | --- | --- |")
    for name, kind in KINDS.items():
        others_row(name, [gray(kind(rng)) for _ in range(count)], model)
    images, _ = mnist()
    for number in (2, 3):
        drawn = [
            gray(side_by_side([images[i] for i in rng.integers(0, len(images), number)], rng))
            for _ in range(count)
        ]
        others_row(f"{number} digits side by side", drawn, model)


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--limit", type=int, default=6000, help="digits of each kind")
    parser.add_argument("--count", type=int, default=500, help="images of each kind of non-digit")
    options = parser.parse_args()
    rng = np.random.default_rng(SEED)
    model = default_model()
    digits_table(options.limit, model, rng)
    others_table(options.count, model, rng)


if __name__ == "__main__":
    main()
