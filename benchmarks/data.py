"""The development data that benchmarks measure on; it is not part of the project."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from digitsort.training.arrays import read_idx_folder

Pixels = npt.NDArray[np.uint8]

VARIABLE = "DIGITSORT_DEV_DATA"

MNIST_SEEN = 30_000
"""Training digits of MNIST at the start of its file that choices are made on or that fits may see."""


def data_folder(name: str) -> Path:
    """A folder below DIGITSORT_DEV_DATA; ends the program, saying so, where there is none."""
    root = os.environ.get(VARIABLE)
    folder = Path(root or "", name)
    if not root or not folder.is_dir():
        print(f"skipped: set {VARIABLE} to a folder that holds {name}/", file=sys.stderr)
        raise SystemExit(0)
    return folder


def mnist() -> tuple[Pixels, list[str]]:
    """MNIST's 60,000 training digits (n, 28, 28), light on dark, and their labels."""
    images, labels = read_idx_folder(data_folder("mnist-train"))
    return images, [str(label) for label in labels]


def semeion() -> tuple[list[Pixels], list[str]]:
    """Semeion's 1,593 digits of 16x16, light on dark, and their labels."""
    files = sorted(data_folder("semeion").glob("[0-9]/*.png"))
    images = [np.asarray(Image.open(file).convert("L")) for file in files]
    return images, [file.parent.name for file in files]


def mnist_kept() -> tuple[Pixels, list[str]]:
    """Return the half of MNIST's training digits that no fit and no choice has seen: 30,000-59,999."""
    images, labels = mnist()
    return images[MNIST_SEEN:], labels[MNIST_SEEN:]


def semeion_kept() -> tuple[list[Pixels], list[str]]:
    """Return every other digit of Semeion; `benchmarks.choose` looks at the others."""
    images, labels = semeion()
    return images[::2], labels[::2]


def optdigits() -> tuple[list[Pixels], list[str]]:
    """Return the 3,823 training digits of optdigits, 8x8, light on dark, and their labels."""
    file = data_folder("optdigits") / "optdigits.tra.csv"
    rows = np.loadtxt(file, np.uint16, delimiter=",", skiprows=1)
    images = np.rint(rows[:, :64] * (255 / 16)).astype(np.uint8).reshape(-1, 8, 8)
    return list(images), [str(label) for label in rows[:, 64]]


def export_png(images: Pixels, labels: list[str], folder: Path) -> None:
    """Write images as PNG files into a folder for each label, 1,000 at most in a sub-folder."""
    for index, (image, label) in enumerate(zip(images, labels, strict=True)):
        place = folder / label / f"{index // 10_000}"
        place.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(place / f"{index}.png")
