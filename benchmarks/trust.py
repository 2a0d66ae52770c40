"""Measure how far the confidence and the status of the default model can be trusted.

    python -m benchmarks.trust [--model FILE] [--limit N] [--count N] [--others] [--only NAME…]
        [--sheet FOLDER]

Calibration, coverage and error among the accepted on digits that entered no fit, clean and on simulated
scans; and what becomes of images that are no digits (`--others`: these alone). The seeds are used here
only. `--sheet` writes a contact sheet of what was accepted of each kind of non-digit.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from zlib import crc32

import numpy as np

from benchmarks import nondigits
from benchmarks.data import Pixels, mnist, mnist_kept, semeion
from benchmarks.verdicts import (
    Decide,
    Judged,
    count,
    decide_with,
    judge,
    most_common,
    open_model,
    write_contact_sheet,
)
from digitsort.classification.decide import Verdict
from digitsort.outcomes import Status
from digitsort.training.handwriting.generate import write_digits
from digitsort.training.paper import draw_look, put_on_paper

SEED = 91_117
BANDS = 15


def on_paper(images: Sequence[Pixels], rng: np.random.Generator) -> list[Pixels]:
    """Simulated scans of light-on-dark ink."""
    return [np.asarray(put_on_paper(image, draw_look(rng), rng).convert("L")) for image in images]


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


def digits_row(name: str, images: Sequence[Pixels], truth: Sequence[str], decide: Decide) -> None:
    """Print a row about digits."""
    judged = judge(images, truth, decide)
    counts = count(judged)
    rejected = counts.reasons.total() / counts.images
    print(
        f"| {name} | {counts.images} | {counts.right:.2%} | {counts.accepted:.1%} | "
        f"{counts.wrong_among_accepted:.2%} | {rejected:.2%} | "
        f"{calibration_error([one.verdict for one in judged], truth):.2%} |",
        flush=True,
    )


def others_row(name: str, judged: Sequence[Judged]) -> None:
    """Print a row about what is no digit."""
    counts = count(judged)
    status = Counter(one.verdict.status for one in judged)
    cells = [name, str(counts.images)]
    cells += [str(status[s]) for s in (Status.OK, Status.UNCERTAIN, Status.REJECTED)]
    cells += [f"{counts.accepted:.1%}", most_common(counts.taken_for), most_common(counts.reasons)]
    print(f"| {' | '.join(cells)} |", flush=True)


def digits_table(limit: int, decide: Decide) -> None:
    """Print what becomes of digits."""
    rng = np.random.default_rng(SEED)
    print("| digits | images | accuracy | ok | errors among ok | rejected | calibration error |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    images, labels = mnist_kept()
    chosen = rng.permutation(len(labels))[:limit]
    unseen, truth = [images[i] for i in chosen], [labels[i] for i in chosen]
    invented = list(write_digits(limit // 10, SEED))
    inks, names = [255 - g for g, _ in invented], [label for _, label in invented]
    for name, pixels, right in (
        ("invented, another seed", inks, names),
        ("MNIST, second half", unseen, truth),
        ("Semeion", *semeion()),
    ):
        digits_row(name, pixels, right, decide)
        digits_row(f"{name}, simulated scans", on_paper(pixels, rng), right, decide)


def others() -> dict[str, nondigits.Invent]:
    """Return what invents a picture of each kind that shows no digit."""
    seen, _ = mnist()
    kept, labels = mnist_kept()
    upside_down = [ink for ink, label in zip(kept, labels, strict=True) if label in "347"]
    lying = [ink for ink, label in zip(kept, labels, strict=True) if label not in "01"]
    return {
        **nondigits.KINDS,
        "2 digits side by side": lambda rng: nondigits.side_by_side(drawn(seen, 2, rng), rng),
        "3 digits side by side": lambda rng: nondigits.side_by_side(drawn(seen, 3, rng), rng),
        "2 digits in one frame": lambda rng: nondigits.two_in_a_frame(drawn(kept, 2, rng), rng),
        "turned by 90°, 2-9": lambda rng: nondigits.turned(drawn(lying, 1, rng)[0], (1, 3), rng),
        "turned by 180°, 3 4 7": lambda rng: nondigits.turned(drawn(upside_down, 1, rng)[0], (2,), rng),
    }


def drawn(images: Sequence[Pixels] | Pixels, number: int, rng: np.random.Generator) -> list[Pixels]:
    """Draw so many of the images."""
    return [images[i] for i in rng.integers(0, len(images), number)]


def judge_others(
    number: int, decide: Decide, parts: Sequence[str] = ("",)
) -> Iterator[tuple[str, list[Judged]]]:
    """Judge so many pictures of each kind without a digit whose name contains one of the parts."""
    for name, invent in others().items():
        if any(part in name for part in parts):
            rng = np.random.default_rng([SEED, crc32(name.encode())])
            yield name, judge([invent(rng) for _ in range(number)], [""] * number, decide)


def others_table(
    number: int, decide: Decide, parts: Sequence[str] = ("",), sheets: Path | None = None
) -> None:
    """Print what becomes of images that are no digits, and draw those that were accepted."""
    print("| no digit | images | ok | uncertain | rejected | accepted | taken for | rejected as |")
    print("| --- |" + " --- |" * 7)
    for name, judged in judge_others(number, decide, parts):
        others_row(name, judged)
        if sheets:
            write_contact_sheet(judged, sheets / f"{name}.png", "accepted")


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, help="default: the default model")
    parser.add_argument("--limit", type=int, default=6000, help="digits of each kind")
    parser.add_argument("--count", type=int, default=500, help="images of each kind of non-digit")
    parser.add_argument("--others", action="store_true", help="only what is no digit")
    parser.add_argument("--only", nargs="+", default=("",), help="of these, names that contain one")
    parser.add_argument("--sheet", type=Path, help="folder for contact sheets of accepted non-digits")
    options = parser.parse_args()
    decide = decide_with(open_model(options.model))
    if not options.others:
        digits_table(options.limit, decide)
        print()
    others_table(options.count, decide, options.only, options.sheet)


if __name__ == "__main__":
    main()
