"""Draw a sheet of invented handwriting: `python -m benchmarks.handwriting_sheet [-o FILE]`."""

from __future__ import annotations

import argparse
from pathlib import Path

from PIL import Image

from digitsort.training.handwriting.generate import write_digits

DOCS = Path(__file__).parent.parent / "docs"
CELL_PX, COLUMNS, SEED = 40, 24, 0


def draw_sheet() -> Image.Image:
    """A row of each digit, styles in the order of their module."""
    sheet = Image.new("L", (COLUMNS * CELL_PX, 10 * CELL_PX), 255)
    seen = dict.fromkeys("0123456789", 0)
    for gray, label in write_digits(COLUMNS, SEED):
        image = Image.fromarray(gray)
        image.thumbnail((CELL_PX - 6, CELL_PX - 6))
        left = seen[label] * CELL_PX + (CELL_PX - image.width) // 2
        top = int(label) * CELL_PX + (CELL_PX - image.height) // 2
        sheet.paste(image, (left, top))
        seen[label] += 1
    return sheet


def main() -> None:
    """Write the sheet."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", type=Path, default=DOCS / "handwriting.png")
    draw_sheet().quantize(16).save(parser.parse_args().o, optimize=True)


if __name__ == "__main__":
    main()
