"""Measure combinations of parameters, with load_digits and generated digits, on development data.

    python -m benchmarks.choose [--count N]… [-C C]… [--gamma G]… [--components M]… [--folds K]
        [--fold-seeds S]

A row for each combination: share read right of MNIST's first 20,000 training digits, of every other
digit of Semeion, and of load_digits in folds, the invented digits in every fit: the mean over S ways to
draw the folds, and how many digits were misread in each. The rest of MNIST and of Semeion is kept for
the figures.
"""

from __future__ import annotations

import argparse
from dataclasses import replace
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.data import mnist, semeion
from digitsort.model.estimator import DigitClassifier
from digitsort.progress import silent
from digitsort.recognition.canvas import Gray
from digitsort.recognition.vectorize import vectorize
from digitsort.training.choose_dataset import open_datasets
from digitsort.training.examples import Examples, gather
from digitsort.training.fit import INVENTED_PARAMETERS

REAL_WEIGHT = 8.0
"""Weight of each digit of load_digits, compared with the many generated ones."""

LOOKED_AT = 20_000
"""Number of MNIST's training digits that choices are made on."""

Features = npt.NDArray[np.float32]


def features_of(images: list[Gray]) -> Features:
    """Features, some hundred images at a time."""
    parts = [vectorize(images[i : i + 256]).features for i in range(0, len(images), 256)]
    return np.concatenate(parts)


def known(count: int) -> tuple[Examples, int]:
    """Return load_digits with `count` generated images of each digit, and the size of load_digits."""
    datasets = open_datasets(["digits", f"synthetic:{count}"])
    datasets[0] = replace(datasets[0], weight=REAL_WEIGHT)
    return gather(datasets, silent).examples, datasets[0].count


def misread_in_folds(
    examples: Examples, real: int, folds: int, seed: int, parameters: dict[str, Any]
) -> int:
    """Return how many of load_digits are misread by models that were not fitted to their fold."""
    from sklearn.model_selection import StratifiedKFold

    misread, invented = 0, np.arange(real, len(examples))
    splitter = StratifiedKFold(folds, shuffle=True, random_state=seed)
    for fitted, judged in splitter.split(np.zeros(real), examples.labels[:real]):
        machine = examples[np.concatenate([fitted, invented])].fit(DigitClassifier(**parameters))
        read = machine.predict_features(examples.features[judged])
        misread += int((read != examples.labels[judged]).sum())
    return misread


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, action="append", help="invented images of each digit")
    parser.add_argument("-C", type=float, action="append")
    parser.add_argument("--gamma", type=float, action="append")
    parser.add_argument("--components", type=int, action="append")
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--fold-seeds", type=int, default=1, help="ways to draw the folds")
    chosen = parser.parse_args()
    images, labels = mnist()
    digits, truth = features_of(list(images[:LOOKED_AT])), np.array(labels[:LOOKED_AT])
    others, other_truth = semeion()
    italian, italian_truth = features_of(others[1::2]), np.array(other_truth[1::2])
    print("| a digit | C | gamma | components | vectors | MNIST | Semeion | load_digits | misread |")
    print("| --- |" + " --- |" * 8)
    for count in chosen.count or [1500]:
        examples, real = known(count)
        for values in product(*(getattr(chosen, k) or [v] for k, v in INVENTED_PARAMETERS.items())):
            parameters = dict(zip(INVENTED_PARAMETERS, values, strict=True))
            machine = examples.fit(DigitClassifier(**parameters))
            misread = [
                misread_in_folds(examples, real, chosen.folds, seed, parameters)
                for seed in range(chosen.fold_seeds)
            ]
            shares = [
                (machine.predict_features(digits) == truth).mean(),
                (machine.predict_features(italian) == italian_truth).mean(),
                1 - np.mean(misread) / real,
            ]
            cells = [count, *values, len(machine.svc_.support_), *(f"{s:.2%}" for s in shares), misread]
            print("| " + " | ".join(str(cell) for cell in cells) + " |", flush=True)


if __name__ == "__main__":
    main()
