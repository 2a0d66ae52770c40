"""Measure what is read of digits that have something beside, around, over or under them.

    python -m benchmarks.beside [--model FILE] [--only NAME…] [--bases NAME…] [--sheet FOLDER]

300 digits of MNIST's kept half and 200 of Semeion's are put on paper at scan size, once for each
condition of `benchmarks.conditions`. All seeds are fixed; a digit's size, ink and paper are the
same in each condition. `--sheet` writes a contact sheet for each condition, and examples of them all.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from zlib import crc32

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from benchmarks.conditions import CONDITIONS, Condition
from benchmarks.data import data_folder, mnist_kept, semeion_kept
from benchmarks.kinds import read_all
from benchmarks.page import Ink, Page, lay_out, to_bytes
from benchmarks.verdicts import (
    DIGITS,
    Counts,
    Decide,
    Judged,
    count,
    decide_with,
    judge,
    open_model,
    write_contact_sheet,
)
from digitsort.recognition.canvas import Gray

SEED = 140_614
MNIST_COUNT, SEMEION_COUNT = 300, 200
EXAMPLES, EXAMPLE_PX, NAME_PX = 10, 104, 250


@dataclass(frozen=True, slots=True)
class Base:
    """Digits to be put on paper.

    Attributes
    ----------
    name : str
    inks : list of ndarray of shape (height, width), uint8
        255 where there is ink.
    truths : list of str
    smooth : float
        Sigma, in their pixels, that makes their edges look like a pen's.
    """

    name: str
    inks: list[Ink]
    truths: list[str]
    smooth: float
    _pages: dict[int, Page] = field(default_factory=dict, repr=False)

    def page(self, index: int) -> Page:
        """Lay out a digit once; the same index always gives the same page."""
        if index not in self._pages:
            self._pages[index] = self._laid_out(index)
        return self._pages[index]

    def _laid_out(self, index: int) -> Page:
        rng = np.random.default_rng([SEED, crc32(self.name.encode()), index])
        other = self.inks[(index + 1) % len(self.inks)]
        return lay_out(self.inks[index], other, rng, self.smooth)


def mnist_base() -> Base:
    """Take MNIST digits at even distances."""
    images, labels = mnist_kept()
    chosen = _evenly(len(labels), MNIST_COUNT)
    return Base("MNIST", [images[i] for i in chosen], [labels[i] for i in chosen], 0.35)


def semeion_base() -> Base:
    """Take Semeion digits at even distances."""
    images, labels = semeion_kept()
    chosen = _evenly(len(labels), SEMEION_COUNT)
    return Base("Semeion", [images[i] for i in chosen], [labels[i] for i in chosen], 0.6)


def grade_base() -> Base:
    """Take the ink of score-sheet cells that were cut without their frame."""
    files = sorted((data_folder("wild") / "grade_inset").glob("[0-9]/*.png"))
    inks = [_ink_of(gray) for gray in read_all(files)]
    return Base("score sheets", inks, [file.parent.name for file in files], 0.5)


BASES = {"mnist": mnist_base, "semeion": semeion_base, "grade": grade_base}


def render(base: Base, condition: Condition) -> tuple[list[Gray], list[str]]:
    """Render a condition around the digits of a base; return the pictures and what they show.

    The truth is empty where a picture shows no digit any more.
    """
    seeds = [SEED, crc32(base.name.encode()), crc32(condition.name.encode())]
    chosen = [i for i, truth in enumerate(base.truths) if truth in condition.digits]
    pictures: list[Gray] = [
        to_bytes(condition.render(base.page(i), np.random.default_rng([*seeds, i]))) for i in chosen
    ]
    return pictures, [base.truths[i] if condition.is_digit else "" for i in chosen]


def measure(
    decide: Decide,
    bases: Sequence[Base],
    conditions: Sequence[Condition] = CONDITIONS,
    names: Sequence[str] = DIGITS,
) -> Iterator[tuple[Condition, dict[str, list[Judged]], dict[str, Counts]]]:
    """Judge each condition; what was judged and the counts come by the names of the bases.

    `names` are the classes in the order of the verdicts' probabilities.
    """
    for condition in conditions:
        judged = {base.name: judge(*render(base, condition), decide) for base in bases}
        yield condition, judged, {name: count(every, names) for name, every in judged.items()}


def chosen_conditions(parts: Sequence[str] | None) -> list[Condition]:
    """Return the conditions whose name contains one of the parts, and the bare one; all by default."""
    return [
        condition
        for condition in CONDITIONS
        if not parts or condition.name == "bare" or any(part in condition.name for part in parts)
    ]


def head(bases: Sequence[Base]) -> str:
    """Write the head of the table."""
    columns = ("right", "to bare", "accepted", "acc. wrong")
    cells = [f"{base.name}: {column}" for base in bases for column in columns]
    return f"| beside the digit | {' | '.join(cells)} |\n| --- |{' --- |' * len(cells)}"


def row(condition: Condition, counts: Mapping[str, Counts], bare: Mapping[str, Counts]) -> str:
    """Write a row of the table; the shares are of all pictures, differences in points."""
    cells = [condition.name]
    for name, those in counts.items():
        if condition.is_digit:
            difference = (those.right - bare[name].right) * 100
            cells += [f"{those.right:.1%}", f"{difference:+.1f}", f"{those.accepted:.1%}"]
            cells += [f"{those.accepted_wrong:.1%}"]
        else:
            cells += ["", "", f"{those.accepted:.1%}", ""]
    return f"| {' | '.join(cells)} |"


def mean_row(every: Sequence[Mapping[str, Counts]], bare: Mapping[str, Counts]) -> str:
    """Write the mean over the conditions that show digits, the bare one aside."""
    cells = [f"**mean of {len(every)} conditions**"]
    for name in bare:
        columns = ("right", "accepted", "accepted_wrong")
        right, accepted, wrong = (
            float(np.mean([getattr(counts[name], column) for counts in every])) for column in columns
        )
        cells += [f"**{right:.1%}**", f"{(right - bare[name].right) * 100:+.1f}"]
        cells += [f"{accepted:.1%}", f"{wrong:.2%}"]
    return f"| {' | '.join(cells)} |"


def draw_examples(bases: Sequence[Base], conditions: Sequence[Condition]) -> Image.Image:
    """Draw a row of pictures for each condition."""
    side = EXAMPLE_PX - 4
    sheet = Image.new("L", (NAME_PX + EXAMPLES * EXAMPLE_PX, len(conditions) * EXAMPLE_PX), 190)
    pen, font = ImageDraw.Draw(sheet), ImageFont.load_default(12)
    for number, condition in enumerate(conditions):
        pen.text((4, number * EXAMPLE_PX + side // 2), condition.name, fill=0, font=font)
        pictures = [p for base in bases for p in _examples(base, condition)]
        for column, picture in enumerate(pictures[:EXAMPLES]):
            image = Image.fromarray(picture)
            scale = side / max(image.size)
            size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
            how = Image.Resampling.NEAREST if scale > 2 else Image.Resampling.BICUBIC
            sheet.paste(image.resize(size, how), (NAME_PX + column * EXAMPLE_PX, number * EXAMPLE_PX))
    return sheet


def _examples(base: Base, condition: Condition) -> list[Gray]:
    few = Base(base.name, base.inks[:20], base.truths[:20], base.smooth)
    return render(few, condition)[0][: EXAMPLES // 2]


def _evenly(size: int, number: int) -> list[int]:
    return [int(i) for i in np.linspace(0, size - 1, number)]


def _ink_of(gray: Gray) -> Ink:
    """Return how much ink a clean scan has, 0-255: dark against its median."""
    values = np.asarray(gray, np.float32)
    paper, darkest = np.median(values), np.percentile(values, 0.5)
    amount = (paper - values) / max(float(paper - darkest), 1.0)
    return np.asarray(np.clip(np.rint((amount * 1.5 - 0.4) * 255), 0, 255), np.uint8)


def main() -> None:
    """Print the table, and write the sheets if asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, help="default: the default model")
    parser.add_argument("--only", nargs="+", help="conditions whose name contains one of these")
    parser.add_argument("--bases", nargs="+", choices=BASES, default=["mnist", "semeion"])
    parser.add_argument("--sheet", type=Path, help="folder for a contact sheet of each condition")
    options = parser.parse_args()
    model = open_model(options.model)
    bases = [BASES[name]() for name in options.bases]
    conditions = chosen_conditions(options.only)
    print(head(bases))
    bare: dict[str, Counts] = {}
    others: list[dict[str, Counts]] = []
    for condition, judged, counts in measure(decide_with(model), bases, conditions, model.class_names):
        bare = bare or counts
        if condition.is_digit and counts is not bare:
            others.append(counts)
        print(row(condition, counts, bare), flush=True)
        for name, every in judged.items() if options.sheet else ():
            wanted = "failed" if condition.is_digit else "accepted"
            write_contact_sheet(every, options.sheet / f"{condition.name}, {name}.png", wanted)
    if others:
        print(mean_row(others, bare))
    if options.sheet:
        draw_examples(bases, conditions).save(options.sheet / "examples.png")


if __name__ == "__main__":
    main()
