"""Measure learning from a few corrections: `python -m benchmarks.learning [--corrections N …]`.

Three invented people, each with an odd way of writing one digit, correct some of their scans. The
corrections are added to the default model's data as `digitsort train -d default -d labels.csv
--corrections` does; a fifth of them is kept and not learned from.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from benchmarks.data import mnist, semeion
from digitsort import Model, default_model, open_datasets, train
from digitsort.model.reading import parse_model
from digitsort.recognition.score import predict, score
from digitsort.recognition.vectorize import vectorize
from digitsort.training.examples import Dataset, LabelledGray
from digitsort.training.labelled import HAND_WEIGHT
from tests.writers import WRITERS, Writer

UNSEEN = 500

Known = tuple[npt.NDArray[np.float32], npt.NDArray[np.str_]]


def corrected(writer: Writer, count: int) -> Dataset:
    """The first `count` scans of a hand, labelled by its owner."""

    def load() -> Iterator[LabelledGray]:
        for gray in writer.write(count):
            yield gray, writer.digit

    return Dataset("corrections", count, load, weight=HAND_WEIGHT, by_hand=True)


def accuracy(model: Model, known: Known) -> float:
    """Share read right, 0-1."""
    features, truth = known
    best = predict(score(features, model.machine))
    return float((np.array(model.class_names)[best] == truth).mean())


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corrections", type=int, nargs="+", default=[5, 20])
    options = parser.parse_args()
    (images, labels), (small, small_labels) = mnist(), semeion()
    others = [
        (vectorize(list(images)).features, np.array(labels)),
        (vectorize(small).features, np.array(small_labels)),
    ]
    print("| hand | corrections | its unseen digits | MNIST | Semeion |")
    print("| --- | --- | --- | --- | --- |")
    for name, writer in WRITERS.items():
        unseen = vectorize(writer.write(UNSEEN, seed=1)).features, np.full(UNSEEN, writer.digit)
        for count in (0, *options.corrections):
            model = default_model() if not count else learned(corrected(writer, count))
            shares = [accuracy(model, known) for known in (unseen, *others)]
            figures = f"{shares[0]:.1%} | {shares[1]:.2%} | {shares[2]:.2%}"
            print(f"| {name}, taken for a {writer.taken_for} | {count} | {figures} |", flush=True)


def learned(corrections: Dataset) -> Model:
    """Fit the knowledge of the default model and the corrections together."""
    datasets = [*open_datasets(["default"]), corrections]
    return parse_model(train(datasets).data)


if __name__ == "__main__":
    main()
