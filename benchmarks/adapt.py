"""Measure how `classify --adapt` changes doubtful rows: `python -m benchmarks.adapt [--development]`.

The command itself classifies each folder of files. The weights and limits in
`digitsort.classification.neighbours` were chosen on the development folders; results are reported on
the others.
"""

from __future__ import annotations

import argparse
import csv
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import numpy.typing as npt
from PIL import Image

from benchmarks.data import data_folder, mnist, optdigits
from benchmarks.kinds import Kind, wild_kinds
from digitsort.classification.neighbours import ADAPTED, is_doubtful
from digitsort.evaluation.certification import upper_bound
from digitsort.outcomes import Status
from digitsort.training.handwriting.generate import STYLES, draw
from digitsort.training.handwriting.hand import Floats, Hand, Stroke, write

QUIRK = 0.05
"""Distance by which a person's habit moves each knot, in units of the digit's height."""

UNSTEADY = 0.12
"""Variation within one person's writing, as a share of the variation between people."""


@dataclass(frozen=True, slots=True)
class OneHand(Hand):
    """Habits of one writer, `n` times: each draw is the same for all, with a little variation."""

    def between(self, low: float, high: float) -> Floats:
        """Draw one value from `low` to `high`, and vary it a little (n,)."""
        value = self.rng.uniform(low, high) + UNSTEADY * (high - low) * self.rng.uniform(-1, 1, self.n)
        return np.asarray(np.clip(value, low, high))

    def about(self, middle: float, spread: float) -> Floats:
        """Draw one value about `middle`, and vary it a little (n,)."""
        usual, shaken = self.rng.standard_normal(), self.rng.standard_normal(self.n)
        away = np.clip(usual, -2, 2) + UNSTEADY * np.clip(shaken, -2, 2)
        return np.asarray(middle + spread * away)

    def some(self, share: float) -> Floats:
        """Draw 1 for all with probability `share`, or else 0 for all (n,)."""
        return np.full(self.n, float(self.rng.random() < share))


def write_page(seed: int, count_per_digit: int) -> tuple[list[npt.NDArray[np.uint8]], list[str]]:
    """Return images of each digit `count_per_digit` times in one hand, dark on white, with labels."""
    grays: list[npt.NDArray[np.uint8]] = []
    labels: list[str] = []
    for label, styles in STYLES.items():
        rng = np.random.default_rng([97, seed, int(label)])
        hand = OneHand(rng, count_per_digit)
        weights = np.array([weight for _, weight in styles])
        style, _ = styles[int(rng.choice(len(styles), p=weights / weights.sum()))]
        strokes = [_with_quirk(stroke, rng) for stroke in style(hand)]
        grays += draw(hand, write(hand, strokes))
        labels += [label] * count_per_digit
    return grays, labels


def _with_quirk(stroke: Stroke, rng: np.random.Generator) -> Stroke:
    """Move each knot by this person's habit, in the same way in every copy."""
    moved = QUIRK * rng.standard_normal(stroke.knots.shape[1:])
    return Stroke(stroke.knots + moved, stroke.sharp)


HANDS, OF_A_DIGIT = 48, 60
"""Number of generated hands, and of images per digit. The first quarter is for development."""

MNIST_FILES = 6000

OPTDIGITS_FOLDERS = 30

REPORTED_WILD = (
    "grade_inset",
    "grade_lines",
    "own",
    "mdemi",
    "shyro",
    "gaspump",
    "sudoku_kd",
)
"""Without holedu, math, rgba28 and own_print, on which limits were chosen."""


@dataclass(frozen=True, slots=True)
class Counts:
    """Results for the doubtful rows of folders.

    Attributes
    ----------
    files, doubtful : int
    accepted_wrong : int
        Rows that the model alone accepted with a wrong label.
    adapted, wrong : int
        Rows that the second pass changed, and how many of them are wrong now.
    right_before : int
        Changed rows for which the model alone had the right guess.
    """

    files: int = 0
    doubtful: int = 0
    accepted_wrong: int = 0
    adapted: int = 0
    wrong: int = 0
    right_before: int = 0

    def __add__(self, other: Counts) -> Counts:
        mine, others = (
            (c.files, c.doubtful, c.accepted_wrong, c.adapted, c.wrong, c.right_before)
            for c in (self, other)
        )
        return Counts(*(a + b for a, b in zip(mine, others, strict=True)))


def folders(*, development: bool) -> Iterator[tuple[str, Kind]]:
    """Yield the folders for development or for the report, each with the name of its group."""
    for seed in range(HANDS):
        if (seed < HANDS // 4) == development:
            yield "one invented hand", Kind(f"hand {seed}", *write_page(seed, OF_A_DIGIT))
    for index, kind in enumerate(semeion_blocks()):
        if (index in (0, 1, 4)) == development:
            yield "Semeion, 10 or 20 writers", kind
    for index, kind in enumerate(optdigits_blocks()):
        if (index % 2 == 0) == development:
            yield "optdigits, 127 files in order", kind
    first = 0 if development else 30_000
    images, labels = mnist()
    some = slice(first, first + MNIST_FILES)
    yield "MNIST, hundreds of writers", Kind("mnist", list(images[some]), labels[some])
    yield from wild_folders(development=development)


def wild_folders(*, development: bool) -> Iterator[tuple[str, Kind]]:
    """Yield folders like those of users; some contain pictures without a digit."""
    of_name = {kind.name: kind for kind in wild_kinds()}
    blocks = list(semeion_blocks())
    for name in ("holedu", "rgba28", "own_print") if development else REPORTED_WILD:
        yield f"wild: {name}", of_name[name]
    mixed = {
        True: (
            (of_name["math"], of_name["math, no digits"]),
            (of_name["holedu"], of_name["ssp_none"]),
            (blocks[1], of_name["sign_none"]),
            (blocks[0], blocks[1], of_name["sudoku_kd_empty"]),
        ),
        False: (
            (of_name["grade_inset"], of_name["grade_marks"]),
            (of_name["own"], of_name["stb_none"]),
            (blocks[2], of_name["stb_none"]),
        ),
    }
    for kinds in mixed[development]:
        yield f"mixed: {' + '.join(kind.name for kind in kinds)}", joined(kinds)


def semeion_blocks() -> Iterator[Kind]:
    """Yield Semeion in order, cut where the digits start again: blocks of 10 or 20 writers."""
    files = sorted(data_folder("semeion").glob("[0-9]/*.png"), key=lambda file: int(file.stem))
    digits = np.array([int(file.parent.name) for file in files])
    starts = [0, *(np.flatnonzero(np.diff(digits) < 0) + 1).tolist(), len(files)]
    for start, end in pairwise(starts):
        grays = [np.asarray(Image.open(file).convert("L")) for file in files[start:end]]
        yield Kind(f"semeion {start}", grays, [file.parent.name for file in files[start:end]])


def optdigits_blocks() -> Iterator[Kind]:
    """Yield optdigits in order, cut into as many folders as it has writers."""
    images, labels = optdigits()
    cuts = [round(n * len(labels) / OPTDIGITS_FOLDERS) for n in range(OPTDIGITS_FOLDERS + 1)]
    for start, end in pairwise(cuts):
        yield Kind(f"optdigits {start}", images[start:end], labels[start:end])


def joined(kinds: Sequence[Kind]) -> Kind:
    """Put several kinds into one folder."""
    grays = [gray for kind in kinds for gray in kind.grays]
    return Kind("", grays, [truth for kind in kinds for truth in kind.truths])


def measure(kind: Kind, model: Path | None) -> Counts:
    """Classify pictures with and without the second pass, and count the results."""
    with TemporaryDirectory() as name:
        scans = Path(name, "scans")
        scans.mkdir()
        for index, gray in enumerate(kind.grays):
            Image.fromarray(gray).save(scans / f"{index}.png")
        before, after = (
            rows(scans, Path(name, "labels.csv"), model, more) for more in ([], ["--adapt"])
        )
    pairs = list(zip(before, after, strict=True))
    wrong = [row["label"] != kind.truths[int(Path(row["path"]).stem)] for row in before]
    adapted = [
        (new["label"] == truth, guess_of(new["reason"]) == truth)
        for _, new in pairs
        if new["reason"].startswith(ADAPTED)
        for truth in [kind.truths[int(Path(new["path"]).stem)]]
    ]
    return Counts(
        files=len(pairs),
        doubtful=sum(is_doubtful(Status(old["status"]), old["reason"]) for old in before),
        accepted_wrong=sum(
            is_wrong and old["status"] == Status.OK for old, is_wrong in zip(before, wrong, strict=True)
        ),
        adapted=len(adapted),
        wrong=sum(not is_right for is_right, _ in adapted),
        right_before=sum(was_right for _, was_right in adapted),
    )


def rows(scans: Path, output: Path, model: Path | None, more: Sequence[str]) -> list[dict[str, str]]:
    """Run the command, and read the rows that it wrote."""
    command = [sys.executable, "-m", "digitsort", "classify", str(scans), "-o", str(output)]
    named = ["--model", str(model)] if model is not None else []
    options = ["--force", "--quiet", "--workers", "0"]
    subprocess.run([*command, *named, *options, *more], check=True)
    with output.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def guess_of(reason: str) -> str:
    """Return the label that the model alone gave, from the reason of a changed row."""
    return reason.removeprefix(ADAPTED).split(" at ")[0].strip()


def row(name: str, number: int, counts: Counts) -> str:
    """Return a row of the table."""
    share = counts.adapted / max(counts.doubtful, 1)
    return (
        f"| {name} | {number} | {counts.files} | {counts.doubtful} | {counts.adapted} | {share:.0%} | "
        f"{counts.adapted - counts.right_before} | {counts.wrong} | {counts.accepted_wrong} |"
    )


def main() -> None:
    """Print the table, and a bound for the error among all changed rows that show a digit."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--development", action="store_true", help="the folders chosen on")
    parser.add_argument("--model", type=Path, help="default: the default model")
    options = parser.parse_args()
    groups: dict[str, list[Counts]] = {}
    for group, kind in folders(development=options.development):
        groups.setdefault(group, []).append(measure(kind, options.model))
    head = (
        "folders | | files | doubtful | now ok | share | model alone wrong | now wrong | wrong among ok"
    )
    print(f"| {head} before |\n| --- |{' --- |' * 8}")
    for group, every in groups.items():
        print(row(group, len(every), sum(every, Counts())))
    digits = [counts for group, every in groups.items() if "mixed" not in group for counts in every]
    total = sum(digits, Counts())
    print(row("**all folders of digits**", len(digits), total))
    bound = upper_bound(total.wrong, total.adapted)
    print(f"\nWith 95 % confidence at most {bound:.2%} of rows like these changed ones are wrong.")


if __name__ == "__main__":
    main()
