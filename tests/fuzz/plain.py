"""Ask plain Python for the answers of model files that digitsort accepts.

As a program it takes the names of files and prints a line for each: a file that crashes it is the first
one without a line.
"""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import tempfile
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from digitsort.model.reading import Model, parse_model
from digitsort.recognition.score import probabilities, score
from digitsort.recognition.vectorize import vectorize
from tests.drawing import scans
from tests.fuzz.report import REPOSITORY

SAME, EXCEPTION, OTHER, SIGNAL = "same answers", "EXCEPTION", "OTHER ANSWER", "SIGNAL"


AT_A_TIME = 200
"""Files kept on the disk, and loaded by one process."""


class PlainPython:
    """Model files that digitsort accepts, and what plain Python makes of them."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        self.bad: list[str] = []
        self._waiting: list[tuple[str, bytes]] = []

    def ask(self, name: str, data: bytes) -> None:
        """Load a file, now or with the next ones."""
        self._waiting.append((name, data))
        if len(self._waiting) == AT_A_TIME:
            self.finish()

    def finish(self) -> None:
        """Load all files that wait."""
        with tempfile.TemporaryDirectory() as folder:
            for number, (_, data) in enumerate(self._waiting):
                Path(folder, str(number)).write_bytes(data)
            lines = _ask([Path(folder, str(number)) for number in range(len(self._waiting))])
        for (name, _), line in zip(self._waiting, lines, strict=True):
            self.counts[f"plain Python: {line.split(':')[0]}"] += 1
            if line != SAME:
                self.bad.append(f"{name}: {line}")
        self._waiting.clear()


def _ask(paths: list[Path]) -> list[str]:
    lines: list[str] = []
    while len(lines) < len(paths):
        found, ended = _run(paths[len(lines) :])
        lines += found
        if len(lines) < len(paths):
            lines.append(f"{SIGNAL}: the process ended with {ended}")
    return lines


def _run(paths: list[Path]) -> tuple[list[str], int]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.fuzz.plain"],
        input="\n".join(map(str, paths)),
        env={**os.environ, "PYTHONPATH": str(REPOSITORY), "OPENBLAS_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        check=False,
    )
    return done.stdout.splitlines(), done.returncode


def main() -> None:
    """Print a line for each file named on stdin."""
    images = scans(12)
    images.append(np.full((40, 40), 255, np.uint8))
    for path in sys.stdin.read().splitlines():
        with np.errstate(all="ignore"), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # one of another version of scikit-learn is not an error
            line = _compare(Path(path).read_bytes(), images)
        print(line, flush=True)


def _compare(data: bytes, images: list[Any]) -> str:
    model = parse_model(data)
    try:
        estimator = pickle.loads(data)
        chances = estimator.predict_proba(images)
        labels, votes = estimator.predict(images), estimator.decision_function(images)
        duels = _duels(estimator, images)
    except Exception as error:  # noqa: BLE001
        return f"{EXCEPTION}: {type(error).__name__}: {str(error)[:200]}".replace("\n", " ")
    return _judge(model, images, labels, chances, votes, duels)


def _duels(estimator: Any, images: list[Any]) -> Any:
    """The one-against-one decision values, which scikit-learn gives away under another setting."""
    svc = pickle.loads(pickle.dumps(estimator.svc_))
    svc.break_ties, svc.decision_function_shape = False, "ovo"
    values = svc.decision_function(estimator._project(vectorize(images).features))
    return values[:, None] if values.ndim == 1 else values


def _judge(model: Model, images: list[Any], labels: Any, chances: Any, votes: Any, duels: Any) -> str:
    """Compare with digitsort's answers, up to what rounding of the kernel to 2**-23 may change."""
    machine, k = model.machine, len(model.class_names)
    scores = score(vectorize(images).features, machine)
    slack = 1e-9 + float(np.abs(machine.dual_coef).sum()) * 2.0**-22
    margins = np.full((len(images), k), np.inf)
    for column, (a, b) in enumerate(zip(*np.triu_indices(k, 1), strict=True)):
        value = duels[:, column] * (-1 if k == 2 else 1)
        margins[:, a], margins[:, b] = (
            np.minimum(margins[:, a], value),
            np.minimum(margins[:, b], -value),
        )
    if not np.allclose(chances, probabilities(scores, model.card.temperature), rtol=0, atol=1e-9):
        return f"{OTHER}: predict_proba"
    if not np.allclose(margins, scores.margin, rtol=1e-9, atol=slack):
        return f"{OTHER}: decision values, by {np.abs(margins - scores.margin).max():g}"
    clear = scores.margin.max(axis=1) > slack
    best = np.array(model.class_names)[scores.margin.argmax(axis=1)]
    if (np.asarray(labels)[clear] != best[clear]).any():
        return f"{OTHER}: predict"
    undecided = (np.abs(duels) <= slack).any(axis=1)
    expected = scores.decision[:, 1] - 0.5 if k == 2 else scores.decision
    if k > 2 and not np.allclose(votes[~undecided], expected[~undecided], rtol=0, atol=k * slack):
        return f"{OTHER}: decision_function"
    return SAME


if __name__ == "__main__":
    main()
