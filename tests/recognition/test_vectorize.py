"""One way from gray to vectors; and what a digit may go through on it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image

from digitsort.classification.decide import decide
from digitsort.recognition import vectorize as module
from digitsort.recognition.canvas import Gray
from digitsort.recognition.score import FEATURE_COUNT
from digitsort.recognition.vectorize import vectorize
from tests.drawing import Pixels, framed, scans

if TYPE_CHECKING:
    from digitsort.model.reading import Model

COUNT = 90


def test_vectors_do_not_depend_on_the_stack() -> None:
    """Alone, and as part of more than one stack, an image gives the same vector."""
    grays = scans(5) * (module.STACK // 4)
    together = vectorize(grays).features
    alone = np.concatenate([vectorize([gray]).features for gray in grays[:5]])
    assert (together.reshape(-1, 5, FEATURE_COUNT) == alone).all()


def test_no_images_no_vectors() -> None:
    empty = vectorize([])
    assert empty.features.shape == (0, FEATURE_COUNT)
    assert len(empty.ink.parts) == len(empty.normal) == 0


def grown(scan: Pixels, factor: int) -> Pixels:
    return np.kron(scan, np.ones((factor, factor), np.uint8))


def resized(scan: Pixels, side: int) -> Pixels:
    return np.asarray(Image.fromarray(scan).resize((side, side), Image.Resampling.BICUBIC))


def on_tinted_paper(scan: Pixels) -> Pixels:
    y, x = np.indices(scan.shape) / len(scan)
    return np.asarray(np.clip(0.4 * scan + 110 - 50 * x - 20 * y, 0, 255), np.uint8)


WAYS: dict[str, tuple[Callable[[Pixels], Gray], int]] = {
    "inverted": (lambda s: 255 - s, 0),
    "padded": (lambda s: framed(s, 60, 255), 1),
    "on a sheet": (lambda s: np.pad(s, ((150, 20), (40, 130)), constant_values=255), 1),
    "twice as large": (lambda s: grown(s, 2), 0),
    "20 times as large": (lambda s: grown(s, 20), 0),
    "shrunk to 20 px": (lambda s: resized(s, 20), 2),
    "pale": (lambda s: (s // 8 + 200).astype(np.uint8), 0),
    "16-bit": (lambda s: s.astype(np.uint16) * 257, 0),
    "1-bit": (lambda s: s > 127, 1),
    "in a shadow": (on_tinted_paper, 1),
}
"""What is done to 90 scans, and how many labels may change by it (seen: at most that many)."""


@pytest.mark.parametrize("way", WAYS)
def test_the_label_stays(way: str, model: Model) -> None:
    """The same digit, presented otherwise, is read the same."""
    change, most = WAYS[way]
    originals = scans(COUNT)
    before = [verdict.label for verdict in decide(originals, model)]
    after = [verdict.label for verdict in decide([change(s) for s in originals], model)]
    assert sum(a != b for a, b in zip(after, before, strict=True)) <= most
