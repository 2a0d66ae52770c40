"""Name the sources that the shipped model is fitted to, with their licences and weights.

They never include the data that measures the model: the second half of MNIST's training digits, and
every other digit of Semeion.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
from PIL import Image

from digitsort.training.arrays import read_idx_folder
from digitsort.training.choose_dataset import digits_to_gray, fetched
from digitsort.training.examples import Dataset, LabelledGray
from digitsort.training.handwriting.generate import write_digits
from digitsort.training.paper import draw_look, put_on_paper
from digitsort.training.printed import find_faces, name_of_faces, print_digits

DATA_VARIABLE = "DIGITSORT_DEV_DATA"
"""Variable that names a folder with mnist-train/, optdigits/, semeion/; default: use OpenML."""

MNIST_SEEN = 30_000
"""Number of digits at the start of MNIST that may be used in a fit."""

DIGITS_SEEN = 1740
"""Number of digits at the start of load_digits that may be used in a fit; the other 57 were sample
scans of an earlier version."""

SYNTHETIC_COUNT, PRINTED_COUNT = 2000, 1000
"""Number of generated and of printed images of each digit."""

Pixels = npt.NDArray[np.uint8]
Images = tuple[Sequence[Pixels], Sequence[str]]


@dataclass(frozen=True, slots=True)
class DataSource:
    """Source of some of the shipped model's images.

    Attributes
    ----------
    name : str
        Name on the model card.
    family : str
        Name shared by sources of the same people, which are left out together; empty if no person
        wrote the images.
    weight : float
        Weight of each image in the fit.
    load : callable
        Function that returns images and labels.
    on_paper : int
        Step between images that are also simulated as scans on paper; 0 for none.
    every : int
        Step between images that are used as they are.
    dark : bool
        Whether the ink is dark.
    """

    name: str
    licence: str
    family: str
    weight: float
    load: Callable[[], Images]
    on_paper: int = 0
    dark: bool = False
    every: int = 1


class Collection(NamedTuple):
    """Data set on OpenML.

    Attributes
    ----------
    name : str
        Name on OpenML.
    largest : int
        Pixel value of full ink.
    """

    name: str
    version: int
    side_px: int
    largest: int


MNIST = Collection("mnist_784", 1, 28, 255)
OPTDIGITS = Collection("optdigits", 1, 8, 16)
SEMEION = Collection("semeion", 1, 16, 1)


def _load_mnist() -> Images:
    folder = _folder("mnist-train")
    images, labels = _fetched(MNIST) if folder is None else _load_idx(folder)
    return images[:MNIST_SEEN], labels[:MNIST_SEEN]


def _load_digits() -> Images:
    from sklearn.datasets import load_digits

    digits = load_digits()
    images = [digits_to_gray(image) for image in digits.images[:DIGITS_SEEN]]
    return images, [str(label) for label in digits.target[:DIGITS_SEEN]]


def _load_optdigits() -> Images:
    """Return the training part of optdigits; load_digits is the test part, by other writers."""
    folder = _folder("optdigits")
    if folder is None:
        images, labels = _fetched(OPTDIGITS)
        return images[:3823], labels[:3823]
    rows = np.loadtxt(folder / "optdigits.tra.csv", np.uint16, delimiter=",", skiprows=1)
    return [digits_to_gray(row[:64].reshape(8, 8)) for row in rows], [str(row[64]) for row in rows]


def _load_semeion() -> Images:
    """Return every other digit of Semeion; the rest is for measuring the model."""
    folder = _folder("semeion")
    if folder is None:
        images, labels = _fetched(SEMEION)
    else:
        files = sorted(folder.glob("[0-9]/*.png"))
        images = [np.asarray(Image.open(file).convert("L")) for file in files]
        labels = [file.parent.name for file in files]
    return images[1::2], labels[1::2]


def _load_synthetic() -> Images:
    pairs = list(write_digits(SYNTHETIC_COUNT, seed=0))
    return [gray for gray, _ in pairs], [label for _, label in pairs]


def _load_printed() -> Images:
    pairs = list(print_digits(PRINTED_COUNT, 0, find_faces()))
    return [gray for gray, _ in pairs], [label for _, label in pairs]


def sources() -> list[DataSource]:
    """Return the sources of the shipped model."""
    printed = f"printed:{PRINTED_COUNT} ({name_of_faces(find_faces())})"
    own, uci = "digitsort's own", "CC BY 4.0"
    return [
        DataSource(
            "mnist, half of its first 30,000",
            "CC BY-SA 3.0",
            "mnist",
            1.0,
            _load_mnist,
            every=2,
            on_paper=6,
        ),
        DataSource("digits", uci, "optdigits", 2.0, _load_digits, on_paper=1),
        DataSource("optdigits, training part", uci, "optdigits", 1.0, _load_optdigits, on_paper=2),
        DataSource("semeion, every other", uci, "semeion", 2.0, _load_semeion, on_paper=1),
        DataSource(
            f"synthetic:{SYNTHETIC_COUNT}", own, "", 0.5, _load_synthetic, on_paper=3, dark=True
        ),
        DataSource(printed, "free fonts, see docs/default-model.md", "", 0.5, _load_printed),
    ]


def dataset_of(source: DataSource) -> Dataset:
    """Return the images of a source, with simulated scans of some of them."""
    images, labels = source.load()
    plain, scans = range(0, len(images), source.every), range(0)
    if source.on_paper:
        scans = range(0, len(images), source.on_paper)

    def load() -> Iterator[LabelledGray]:
        for index in plain:
            yield images[index], labels[index]
        for index in scans:
            yield scanned(images[index], index, source.dark), labels[index]

    return Dataset(source.name, len(plain) + len(scans), load, weight=source.weight)


def scanned(image: Pixels, seed: int, dark: bool) -> Pixels:
    """Simulate a scan of one image; the seed determines paper, pen and light."""
    rng = np.random.default_rng([SCAN_SEED, seed])
    ink = 255 - image if dark else image
    return np.asarray(put_on_paper(ink, draw_look(rng), rng).convert("L"))


SCAN_SEED = 14


def _folder(name: str) -> Path | None:
    root = os.environ.get(DATA_VARIABLE)
    return Path(root, name) if root else None


def _load_idx(folder: Path) -> Images:
    images, labels = read_idx_folder(folder)
    return list(images), [str(label) for label in labels]


def _fetched(collection: Collection) -> Images:
    """Download a collection through OpenML, light on dark."""
    found: Any = fetched(collection.name, collection.version)
    values = np.asarray(found.data, np.float64) * (255 / collection.largest)
    side = collection.side_px
    images = np.rint(values).astype(np.uint8).reshape(-1, side, side)
    return list(images), [_digit(label) for label in found.target]


def _digit(label: str) -> str:
    """Convert a class of Semeion to a digit: OpenML numbers its classes from 1."""
    return str(int(float(label)))
