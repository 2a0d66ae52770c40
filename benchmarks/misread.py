"""Draw what the default model misreads: `python -m benchmarks.misread [-o FILE] [--limit N]`.

The sheet shows other people's data and is not kept with the project.
"""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path

from benchmarks.data import mnist, semeion
from benchmarks.verdicts import decide_with, draw_contact_sheet, judge, most_common
from digitsort import default_model


def main() -> None:
    """Write the sheet and print how often each digit was taken for which."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", type=Path, default=Path("misread.png"))
    parser.add_argument("--limit", type=int, default=20_000, help="of MNIST's training digits")
    options = parser.parse_args()
    images, labels = mnist()
    decide = decide_with(default_model())
    judged = judge(list(images[: options.limit]), labels[: options.limit], decide)
    judged += judge(*semeion(), decide)
    found = [one for one in judged if one.verdict.label and not one.is_right]
    found.sort(key=lambda one: (one.truth, one.verdict.label))
    draw_contact_sheet(found).save(options.o)
    print(f"{len(found)} misread digits drawn to {options.o}")
    print(most_common(Counter(f"{one.truth}>{one.verdict.label}" for one in found), 30))


if __name__ == "__main__":
    main()
