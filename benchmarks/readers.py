"""The tutorial's program, a small CNN, Tesseract and digitsort on the same simulated scans.

    python -m benchmarks.readers [--limit N]

The CNN (PyTorch) is trained on the first 50,000 of MNIST's training digits, the scans are made of the
other 10,000. What is not installed is skipped, saying so. digitsort's default model has seen none of
them.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import time
from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from PIL import Image

from benchmarks.data import Pixels, mnist
from digitsort import default_model
from digitsort.classification.decide import decide
from digitsort.recognition.vectorize import vectorize
from digitsort.training.paper import draw_look, put_on_paper

SEED = 2026
TRAINING = 50_000

Reader = Callable[[Sequence[Pixels]], list[str]]
"""Gray images to labels."""


def tutorial(images: Sequence[Pixels]) -> list[str]:
    """Resize to 8x8, SVC on load_digits."""
    from sklearn.datasets import load_digits
    from sklearn.svm import SVC

    digits = load_digits()
    model = SVC().fit(digits.data, digits.target)
    small = [np.asarray(Image.fromarray(i).resize((8, 8)), np.float64).ravel() for i in images]
    return [str(label) for label in model.predict(np.array(small) * (16 / 255))]


def digitsort(images: Sequence[Pixels]) -> list[str]:
    """Classify with the default model."""
    model = default_model()
    verdicts = [v for i in range(0, len(images), 256) for v in decide(images[i : i + 256], model)]
    return [verdict.label for verdict in verdicts]


def tesseract(images: Sequence[Pixels]) -> list[str]:
    """Read each with `tesseract --psm 10`, digits only."""
    command = [
        "tesseract",
        "stdin",
        "stdout",
        "--psm",
        "10",
        "-c",
        "tessedit_char_whitelist=0123456789",
    ]
    labels = []
    with TemporaryDirectory() as folder:
        for image in images:
            path = Path(folder, "scan.png")
            Image.fromarray(image).save(path)
            with path.open("rb") as file:
                done = subprocess.run(command, stdin=file, capture_output=True, text=True, check=False)
            labels.append(done.stdout.strip())
    return labels


def make_cnn(images: Pixels, labels: list[str]) -> Any:
    """Train a small CNN on MNIST as a tutorial does: two convolutions, two layers, five epochs."""
    torch: Any = import_module("torch")
    nn = torch.nn
    torch.manual_seed(0)
    torch.set_num_threads(2)
    x = torch.from_numpy(images.astype(np.float32) / 255)[:, None]
    y = torch.tensor([int(label) for label in labels])
    model = nn.Sequential(
        *(nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Dropout(0.3), nn.Linear(32 * 49, 128), nn.ReLU(), nn.Linear(128, 10)),
    )
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for _ in range(5):
        for batch in torch.randperm(len(x)).split(128):
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(x[batch]), y[batch]).backward()
            optimizer.step()
    return model.eval()


def cnn_reader(model: Any, prepare: Callable[[Pixels], Pixels]) -> Reader:
    """Read with the CNN what `prepare` makes of each image."""

    def read(images: Sequence[Pixels]) -> list[str]:
        torch: Any = import_module("torch")
        ready = np.stack([prepare(image) for image in images]).astype(np.float32) / 255
        with torch.no_grad():
            return [str(int(k)) for k in model(torch.from_numpy(ready)[:, None]).argmax(1)]

    return read


def just_resized(image: Pixels) -> Pixels:
    """28x28, light on dark."""
    return np.asarray(Image.fromarray(light_on_dark(image)).resize((28, 28)))


def like_mnist(image: Pixels) -> Pixels:
    """Otsu, cropped to the ink, 20 pixels on the longer side, centred by mass: as MNIST was made."""
    flat = light_on_dark(image)
    counts = np.bincount(flat.ravel(), minlength=256).astype(np.float64)
    below, total = np.cumsum(counts), flat.size
    mean = np.cumsum(counts * np.arange(256))
    with np.errstate(divide="ignore", invalid="ignore"):
        between = (mean[-1] * below / total - mean) ** 2 / (below * (total - below))
    limit = int(np.nanargmax(between))
    ys, xs = np.nonzero(flat > limit)
    if not len(ys):
        return np.zeros((28, 28), np.uint8)
    box = Image.fromarray(flat).crop((xs.min(), ys.min(), xs.max() + 1, ys.max() + 1))
    low, high = float(np.median(flat[flat <= limit])), float(flat.max())
    scale = 20 / max(box.size)
    size = (max(1, round(box.width * scale)), max(1, round(box.height * scale)))
    ink = (np.asarray(box.resize(size), np.float64) - low) * 255 / max(high - low, 1)
    return _centred(np.clip(ink, 0, 255).astype(np.uint8))


def light_on_dark(image: Pixels) -> Pixels:
    """Invert where the border is light."""
    rim = np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]])
    return 255 - image if np.median(rim) > 127 else image


def _centred(ink: Pixels) -> Pixels:
    height, width = ink.shape
    mass = max(float(ink.sum()), 1.0)
    y = float((ink.sum(axis=1) * np.arange(height)).sum()) / mass
    x = float((ink.sum(axis=0) * np.arange(width)).sum()) / mass
    top = int(np.clip(round(14 - y), 0, 28 - height))
    left = int(np.clip(round(14 - x), 0, 28 - width))
    sheet = np.zeros((28, 28), np.uint8)
    sheet[top : top + height, left : left + width] = ink
    return sheet


def readers(images: Pixels, labels: list[str]) -> dict[str, Reader]:
    """All that are installed."""
    found: dict[str, Reader] = {"tutorial (8x8, SVC on load_digits)": tutorial}
    if find_spec("torch"):
        model = make_cnn(images, labels)
        found["CNN on MNIST, scan resized"] = cnn_reader(model, just_resized)
        found["CNN on MNIST, cropped like MNIST"] = cnn_reader(model, like_mnist)
    else:
        print("CNN skipped: PyTorch is not installed")
    if shutil.which("tesseract"):
        found["Tesseract --psm 10 (first 300)"] = tesseract
    else:
        print("Tesseract skipped: it is not installed")
    return found | {"digitsort, default model": digitsort}


def main() -> None:
    """Make the scans, read them, print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--limit", type=int, default=3000)
    options = parser.parse_args()
    images, labels = mnist()
    rng = np.random.default_rng(SEED)
    chosen = TRAINING + rng.permutation(len(images) - TRAINING)[: options.limit]
    clean = [images[i] for i in chosen]
    truth = [labels[i] for i in chosen]
    scans = [np.asarray(put_on_paper(i, draw_look(rng), rng).convert("L")) for i in clean]
    vectorize(clean[:1])
    print(f"{len(scans)} MNIST digits that no reader was trained on\n")
    print("| reader | clean | simulated scans | µs an image |")
    print("| --- | --- | --- | --- |")
    for name, reader in readers(images[:TRAINING], labels[:TRAINING]).items():
        row(name, reader, clean, scans, truth)


def row(name: str, reader: Reader, clean: list[Pixels], scans: list[Pixels], truth: list[str]) -> None:
    """Print a row of the table."""
    count = 300 if name.startswith("Tesseract") else len(truth)
    first = share_right(reader(clean[:count]), truth)
    start = time.perf_counter()
    second = share_right(reader(scans[:count]), truth)
    each = (time.perf_counter() - start) / count * 1e6
    print(f"| {name} | {first:.1%} | {second:.1%} | {each:,.0f} |", flush=True)


def share_right(labels: list[str], truth: list[str]) -> float:
    """Share of the labels that are the truth's."""
    return sum(a == b for a, b in zip(labels, truth, strict=False)) / len(labels)


if __name__ == "__main__":
    main()
