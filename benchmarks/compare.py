"""The tutorial's program and digitsort on the same 60,000 PNG files, in one run.

python -m benchmarks.compare [--limit N] [--rounds N]
"""

from __future__ import annotations

import argparse
import csv
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.data import export_png, mnist

COMMAND = (sys.executable, "-m", "digitsort")


def user_environment() -> dict[str, str]:
    """The environment without what keeps Python from keeping compiled modules."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def run_digitsort(*arguments: str | Path, **options: Any) -> None:
    """Run it to its end; raises CalledProcessError where it fails."""
    subprocess.run([*COMMAND, *map(str, arguments)], check=True, env=user_environment(), **options)


Answers = dict[str, str]
"""File name to label."""


def tutorial(folder: Path) -> Answers:
    """Do what the tutorial does: open, gray, resize to 8x8, `SVC.predict` one by one."""
    import numpy as np
    from PIL import Image
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split
    from sklearn.svm import SVC

    digits = load_digits()
    train_x, _, train_y, _ = train_test_split(digits.data, digits.target, test_size=0.2, random_state=0)
    model = SVC().fit(train_x, train_y)
    answers = {}
    for path in sorted(path for path in folder.rglob("*") if path.suffix in (".png", ".jpg")):
        small = Image.open(path).convert("L").resize((8, 8))
        row = np.asarray(small, np.float64).reshape(1, -1) * (16 / 255)
        answers[path.name] = str(model.predict(row)[0])
    return answers


def digitsort(folder: Path, *options: str) -> Answers:
    """Run the command as a user would, with the default model."""
    labels = folder.parent / "labels.csv"
    run_digitsort("classify", folder, "-o", labels, "-q", "--force", *options)
    with labels.open(encoding="utf-8", newline="") as file:
        return {Path(row["path"]).name: row["label"] for row in csv.DictReader(file)}


def measure(
    programs: dict[str, Callable[[Path], Answers]], folder: Path, truth: Answers, rounds: int
) -> None:
    """Run the programs in turn, and print accuracy and speed."""
    seconds: dict[str, list[float]] = {name: [] for name in programs}
    accuracy: dict[str, float] = {}
    for _ in range(rounds):
        for name, program in programs.items():
            start = time.perf_counter()
            answers = program(folder)
            seconds[name].append(time.perf_counter() - start)
            accuracy[name] = sum(answers[file] == label for file, label in truth.items()) / len(truth)
    print(f"{len(truth)} PNG files of MNIST's training digits, {rounds} alternating rounds, median\n")
    print("| program | accuracy | images/s | µs an image | min-max |")
    print("| --- | --- | --- | --- | --- |")
    for name in programs:
        each = [s / len(truth) * 1e6 for s in seconds[name]]
        middle = statistics.median(each)
        print(
            f"| {name} | {accuracy[name]:.2%} | {1e6 / middle:,.0f} | {middle:.0f} "
            f"| {min(each):.0f}-{max(each):.0f} |"
        )


def main() -> None:
    """Export the files, warm up, measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--limit", type=int, default=60_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    images, labels = mnist()
    images, labels = images[: options.limit], labels[: options.limit]
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary, "scans")
        export_png(images, labels, folder)
        digitsort(next(folder.iterdir()))  # trains the default model, if need be
        truth = {f"{index}.png": label for index, label in enumerate(labels)}
        measure({"tutorial": tutorial, "digitsort": digitsort}, folder, truth, options.rounds)


if __name__ == "__main__":
    main()
