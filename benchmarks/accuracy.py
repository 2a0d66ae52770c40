"""Measure the default model on digits in files of several kinds.

    python -m benchmarks.accuracy [--limit N]

Every image goes through a file's bytes and the program's own reader.
"""

from __future__ import annotations

import argparse
import io
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from benchmarks.data import Pixels, mnist, semeion
from digitsort import classify_files, default_model, open_datasets, train
from digitsort.training.finish import TrainingOptions

if TYPE_CHECKING:
    from digitsort import Model

CHUNK = 2000


def inverted(pixels: Pixels) -> Image.Image:
    """Dark on white."""
    return Image.fromarray(255 - pixels)


def on_a_sheet(pixels: Pixels) -> Image.Image:
    """Dark on a white sheet four times as large, anywhere on it."""
    height, width = pixels.shape
    place = np.random.default_rng(int(pixels.sum())).integers(0, 3 * min(pixels.shape), 2)
    sheet = np.full((4 * height, 4 * width), 255, np.uint8)
    sheet[place[0] : place[0] + height, place[1] : place[1] + width] = 255 - pixels
    return Image.fromarray(sheet)


def enlarged(pixels: Pixels) -> Image.Image:
    """Eight times as large, smoothly."""
    height, width = pixels.shape
    return Image.fromarray(pixels).resize((8 * width, 8 * height), Image.Resampling.BICUBIC)


def in_blocks(pixels: Pixels) -> Image.Image:
    """Eight times as large, in blocks."""
    return Image.fromarray(np.kron(pixels, np.ones((8, 8), np.uint8)))


def transparent(pixels: Pixels) -> Image.Image:
    """RGBA: dark blue ink on nothing."""
    ink = Image.fromarray(pixels)
    return Image.merge("RGBA", [Image.new("L", ink.size, c) for c in (20, 20, 90)] + [ink])


WAYS: dict[str, Callable[[Pixels], Image.Image]] = {
    "as it is": Image.fromarray,
    "inverted": inverted,
    "on a sheet": on_a_sheet,
    "8 times as large": enlarged,
    "8 times, in blocks": in_blocks,
    "RGBA": transparent,
}


def read_labels(
    images: Sequence[Pixels], way: Callable[[Pixels], Image.Image], model: Model
) -> Iterable[tuple[str, str]]:
    """Label and status of each image, written as PNG and read back, some thousand at a time."""
    for start in range(0, len(images), CHUNK):
        with TemporaryDirectory() as folder:
            paths = []
            for index, pixels in enumerate(images[start : start + CHUNK]):
                path = Path(folder, f"{index}.png")
                file = io.BytesIO()
                way(pixels).save(file, "PNG", compress_level=1)
                path.write_bytes(file.getvalue())
                paths.append(str(path))
            for outcome in classify_files(paths, model):
                yield outcome.label, outcome.status.value


def row(name: str, images: Sequence[Pixels], truth: list[str], way: str, model: Model) -> None:
    """Print a row of the table."""
    found = list(read_labels(images, WAYS[way], model))
    right = [label == true for (label, _), true in zip(found, truth, strict=True)]
    status = Counter(s for _, s in found)
    accepted = [r for r, (_, s) in zip(right, found, strict=True) if s == "ok"]
    error = 1 - sum(accepted) / max(len(accepted), 1)
    print(
        f"| {name} | {way} | {len(truth)} | {sum(right) / len(right):.2%} | "
        f"{status['ok'] / len(truth):.1%} | {error:.2%} | {status['rejected']} |",
        flush=True,
    )


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--limit", type=int, default=60_000)
    options = parser.parse_args()
    datasets = open_datasets(["digits"])
    seeds = [train(datasets, TrainingOptions(seed=s)).card.held_out_accuracy for s in range(10)]
    print(f"train -d digits, held out, 10 seeds: mean {np.mean(seeds):.2%}, lowest {min(seeds):.2%}\n")
    model = default_model()
    print("| digits | as | images | accuracy | ok | errors among ok | rejected |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    images, truth = mnist()
    for way in WAYS:
        row("MNIST", list(images[: options.limit]), truth[: options.limit], way, model)
    row("Semeion", *semeion(), "as it is", model)


if __name__ == "__main__":
    main()
