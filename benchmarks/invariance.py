"""Measure how often a digit keeps its label when its scan is made in another way.

    python -m benchmarks.invariance [--limit N]

Each digit goes through a file's bytes and the program's own reader, as it is and changed.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageOps

from benchmarks.accuracy import WAYS, read_labels
from benchmarks.data import Pixels, mnist, semeion
from digitsort import default_model

Change = Callable[[Pixels], Image.Image]


def scaled(factor: float) -> Change:
    """Enlarge or reduce."""

    def change(pixels: Pixels) -> Image.Image:
        height, width = pixels.shape
        size = (round(width * factor), round(height * factor))
        return Image.fromarray(255 - pixels).resize(size, Image.Resampling.BICUBIC)

    return change


def shrunk(pixels: Pixels) -> Image.Image:
    """20 pixels wide and high."""
    return Image.fromarray(255 - pixels).resize((20, 20), Image.Resampling.BOX)


def coloured(pixels: Pixels) -> Image.Image:
    """Blue ballpoint on cream paper."""
    return ImageOps.colorize(Image.fromarray(255 - pixels), (40, 60, 170), (246, 238, 214))


def one_bit(pixels: Pixels) -> Image.Image:
    """Black and white, at twice the size."""
    return scaled(2)(pixels).point(lambda value: 255 * (value > 127), mode="1")


def deep(pixels: Pixels) -> Image.Image:
    """16 bits."""
    return Image.fromarray((255 - pixels).astype(np.uint16) * 257)


CHANGES: dict[str, Change] = {
    **{name: way for name, way in WAYS.items() if name != "as it is"},
    "2 times as large": scaled(2),
    "20 times as large": scaled(20),
    "20 px": shrunk,
    "blue on cream": coloured,
    "1 bit": one_bit,
    "16 bit": deep,
    "palette": lambda pixels: coloured(pixels).quantize(16),
}


def main() -> None:
    """Print a row for each change."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--limit", type=int, default=1000, help="of MNIST's training digits")
    options = parser.parse_args()
    model = default_model()
    digits = {"MNIST": list(mnist()[0][: options.limit]), "Semeion": semeion()[0]}
    plain = {name: list(read_labels(images, Image.fromarray, model)) for name, images in digits.items()}
    print("| change | same label, " + " | ".join(digits) + " |")
    print("| --- |" + " --- |" * len(digits))
    for name, change in CHANGES.items():
        shares = []
        for kind, images in digits.items():
            pairs = zip(plain[kind], read_labels(images, change, model), strict=True)
            shares.append(sum(label == changed for (label, _), (changed, _) in pairs) / len(images))
        print(f"| {name} | " + " | ".join(f"{share:.1%}" for share in shares) + " |", flush=True)


if __name__ == "__main__":
    main()
