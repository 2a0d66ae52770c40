"""Draw what the default model still misreads.

    python -m benchmarks.misread [-o FILE] [--limit N]

Each picture is a digit as it came, below it what the model saw, its truth and what it was read as. The
sheet
shows other people's data and is not kept with the project.
"""

from __future__ import annotations

import argparse
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw

from benchmarks.data import Pixels, mnist, semeion
from digitsort import default_model
from digitsort.classification.decide import decide_vectors
from digitsort.recognition.vectorize import vectorize

CELL_PX, NOTE_PX, COLUMNS = 66, 40, 20


def misread(images: Sequence[Pixels], truth: Sequence[str]) -> list[tuple[Pixels, Pixels, str]]:
    """Picture, normalized ink and note of each digit that was given another label."""
    model, found = default_model(), []
    for start in range(0, len(images), 256):
        batch = images[start : start + 256]
        vectors = vectorize(batch)
        for index, verdict in enumerate(decide_vectors(vectors, model)):
            right = truth[start + index]
            if verdict.label and verdict.label != right:
                sure = "!" if verdict.status.value == "ok" else ""
                found.append((batch[index], vectors.normal[index], f"{right}>{verdict.label}{sure}"))
    return sorted(found, key=lambda item: item[2])


def draw_sheet(found: Sequence[tuple[Pixels, Pixels, str]]) -> Image.Image:
    """All of them, by truth and label."""
    height = CELL_PX + NOTE_PX
    rows = max(1, -(-len(found) // COLUMNS))
    sheet = Image.new("L", (COLUMNS * CELL_PX, rows * height), 255)
    pen = ImageDraw.Draw(sheet)
    for number, (pixels, normal, note) in enumerate(found):
        left, top = number % COLUMNS * CELL_PX, number // COLUMNS * height
        side = CELL_PX - 6
        picture = Image.fromarray(pixels).resize((side, side), Image.Resampling.BICUBIC)
        sheet.paste(picture, (left + 3, top + 3))
        sheet.paste(Image.fromarray(255 - normal), (left + 3, top + CELL_PX))
        pen.text((left + 38, top + CELL_PX + 8), note, fill=0)
    return sheet


def main() -> None:
    """Write the sheet and print how often each digit was taken for which."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", type=Path, default=Path("misread.png"))
    parser.add_argument("--limit", type=int, default=20_000, help="of MNIST's training digits")
    options = parser.parse_args()
    images, labels = mnist()
    found = misread(list(images[: options.limit]), labels[: options.limit])
    found += misread(*semeion())
    draw_sheet(found).save(options.o)
    print(f"{len(found)} misread digits drawn to {options.o}; ! was accepted as ok")
    counts = Counter(note.removesuffix("!") for _, _, note in found)
    print(
        np.array2string(np.array([f"{n} {c}" for n, c in counts.most_common(30)]), max_line_width=100)
    )


if __name__ == "__main__":
    main()
