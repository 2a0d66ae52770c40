"""Measure what is read of every kind of picture that people have.

    python -m benchmarks.kinds [--model FILE] [--only NAME…] [--sheet FOLDER]

The kinds are the folders of `wild` in the development data, Semeion's and MNIST's kept halves and a
sample of optdigits, all as they are in their files. `--sheet` writes a contact sheet for each kind.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.data import data_folder, mnist_kept, optdigits, semeion_kept
from benchmarks.verdicts import (
    DIGITS,
    Counts,
    Decide,
    Judged,
    count,
    decide_with,
    judge,
    most_common,
    open_model,
    write_contact_sheet,
)
from digitsort.images.read import grays_of, read
from digitsort.recognition.canvas import Gray

MNIST_SAMPLE, OPTDIGITS_SAMPLE = 3000, 1000


@dataclass(frozen=True, slots=True)
class Kind:
    """Pictures of one kind.

    Attributes
    ----------
    name : str
    grays : list of ndarray of shape (height, width)
    truths : list of str
        Empty strings where the pictures show no digit.
    """

    name: str
    grays: list[Gray]
    truths: list[str]

    @property
    def has_digits(self) -> bool:
        """Return whether the pictures show digits; all of them do or none does."""
        return any(self.truths)


def kinds() -> list[Kind]:
    """Read all kinds: those of digits first, each group by name."""
    every = [*wild_kinds(), *collections()]
    return sorted(every, key=lambda kind: not kind.has_digits)


def wild_kinds() -> Iterator[Kind]:
    """Read the folders of `wild`; what is no digit in a folder of digits becomes a kind of its own."""
    for folder in sorted(path for path in data_folder("wild").iterdir() if path.is_dir()):
        files = sorted(path for path in folder.rglob("*") if path.is_file())
        digits = [file for file in files if file.parent.name in DIGITS]
        others = [file for file in files if file.parent.name not in DIGITS]
        if digits:
            yield Kind(folder.name, read_all(digits), [file.parent.name for file in digits])
        if others:
            name = f"{folder.name}, no digits" if digits else folder.name
            yield Kind(name, read_all(others), [""] * len(others))


def collections() -> Iterator[Kind]:
    """Read Semeion's and MNIST's kept halves and optdigits, the larger ones sampled evenly."""
    yield Kind("semeion, kept half", *semeion_kept())
    images, labels = optdigits()
    yield sampled("optdigits", images, labels, OPTDIGITS_SAMPLE)
    kept, names = mnist_kept()
    yield sampled("mnist, kept half", kept, names, MNIST_SAMPLE)


def sampled(name: str, images: Sequence[Gray] | Gray, labels: Sequence[str], number: int) -> Kind:
    """Take `number` pictures at even distances."""
    chosen = np.linspace(0, len(labels) - 1, number).astype(int).tolist()
    return Kind(name, [images[i] for i in chosen], [labels[i] for i in chosen])


def read_all(files: Sequence[Path]) -> list[Gray]:
    """Read files as the program does; raises UnreadableError for one that it can't read."""
    return grays_of([read(str(file)) for file in files])


def measure(
    decide: Decide, every: Sequence[Kind], names: Sequence[str] = DIGITS
) -> Iterator[tuple[Kind, list[Judged], Counts]]:
    """Judge each kind; `names` are the classes in the order of the verdicts' probabilities."""
    for kind in every:
        judged = judge(kind.grays, kind.truths, decide)
        yield kind, judged, count(judged, names)


def row(kind: Kind, counts: Counts) -> str:
    """Write a row of the table."""
    cells = [kind.name, str(counts.images)]
    if kind.has_digits:
        cells += [f"{counts.right:.1%}", f"{counts.guessed:.1%}", f"{counts.accepted:.1%}"]
        cells += [f"{counts.wrong_among_accepted:.1%}", most_common(counts.reasons)]
    else:
        cells += ["", "", f"{counts.accepted:.1%}", most_common(counts.taken_for)]
        cells += [most_common(counts.reasons)]
    return f"| {' | '.join(cells)} |"


def mean_row(digits: Sequence[Counts]) -> str:
    """Write the mean over the kinds of digits, each kind weighing the same."""
    columns = ("right", "guessed", "accepted", "wrong_among_accepted")
    means = [np.mean([getattr(counts, column) for counts in digits]) for column in columns]
    figures = " | ".join(f"**{mean:.1%}**" for mean in means)
    return f"| **mean of {len(digits)} kinds** | {sum(c.images for c in digits)} | {figures} | |"


def main() -> None:
    """Print the table, and write the sheets if asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, help="default: the default model")
    parser.add_argument("--only", nargs="+", help="kinds whose name contains one of these")
    parser.add_argument("--sheet", type=Path, help="folder for a contact sheet of each kind")
    options = parser.parse_args()
    model = open_model(options.model)
    chosen = [k for k in kinds() if not options.only or any(part in k.name for part in options.only)]
    print("| kind | images | right | guess right | accepted | wrong among ok | rejected as |")
    print("| --- |" + " --- |" * 6)
    digits: list[Counts] = []
    for kind, judged, counts in measure(decide_with(model), chosen, model.class_names):
        if not kind.has_digits and digits:
            print(mean_row(digits))
            digits = []
        digits += [counts] if kind.has_digits else []
        print(row(kind, counts), flush=True)
        if options.sheet:
            wanted = "failed" if kind.has_digits else "accepted"
            write_contact_sheet(judged, options.sheet / f"{kind.name}.png", wanted)
    if digits:
        print(mean_row(digits))
    print("\nOf kinds without digits: accepted, and what the accepted ones were taken for.")


if __name__ == "__main__":
    main()
