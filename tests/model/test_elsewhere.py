"""A model does not depend on the scikit-learn and numpy that it was saved under."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from pathlib import Path

import numpy as np
import pytest

from digitsort.model.reading import Model, load_model, parse_model
from digitsort.recognition.score import predict, probabilities, score
from digitsort.recognition.vectorize import vectorize
from tests.conftest import REPOSITORY
from tests.drawing import digit_inks, scans
from tests.model.hostile.case import good_model, unframed

PROGRAM = """
import sys, pickle
import numpy, sklearn
sys.path.insert(0, {repository!r})
from digitsort import open_datasets, train
from tests.drawing import scans
data = train(open_datasets(["digits"])).data
open({model!r}, "wb").write(data)
found = pickle.loads(data)
numpy.savez({answers!r}, labels=found.predict(scans(60)), chances=found.predict_proba(scans(60)))
print(sklearn.__version__, numpy.__version__)
"""


def trained_elsewhere(folder: Path, *packages: str) -> tuple[str, Model, dict[str, np.ndarray]]:
    """Train on load_digits in an environment of its own.

    Gives the versions, the model as this process reads it, and what plain Python answered there.
    """
    environment = folder / "venv"
    venv.create(environment, with_pip=True)
    python = environment / ("Scripts" if os.name == "nt" else "bin") / "python"
    needed = ["pillow", "platformdirs", "rich", "threadpoolctl", "typer"]
    installed = subprocess.run(
        [python, "-m", "pip", "install", "--quiet", *needed, *packages],
        capture_output=True,
        text=True,
        check=False,
    )
    assert installed.returncode == 0, f"needs a package index:\n{installed.stderr}"
    model, answers = folder / "model.pkl", folder / "answers.npz"
    program = PROGRAM.format(repository=str(REPOSITORY), model=str(model), answers=str(answers))
    program = program.replace("from digitsort import", VERSION + "from digitsort import")
    done = subprocess.run([python, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    with np.load(answers) as found:
        return done.stdout.strip(), load_model(model), dict(found)


VERSION = """
import importlib.metadata as metadata
known = metadata.version
metadata.version = lambda name: "elsewhere" if name == "digitsort" else known(name)
"""
"""digitsort itself is not installed there, only its source is used."""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("packages", "versions", "module"),
    [
        (["scikit-learn==1.5.*", "numpy<2"], "1.5. 1.", b"numpy.core.multiarray"),
        (["scikit-learn"], "", b"numpy._core.multiarray"),
    ],
    ids=["oldest", "newest"],
)
def test_a_model_saved_elsewhere_answers_alike(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    packages: list[str],
    versions: str,
    module: bytes,
) -> None:
    """As plain Python does there, and as a model trained here."""
    found, model, answers = trained_elsewhere(tmp_path, *packages)
    with capsys.disabled():
        print(f"\nscikit-learn, numpy: {found}, fingerprint {model.card.short}")
    for part, expected in zip(found.split(), versions.split(), strict=False):
        assert part.startswith(expected)
    data = (tmp_path / "model.pkl").read_bytes()
    assert data[:2] == b"\x80\x04"
    assert module in data
    scores = score(vectorize(scans(60)).features, model.machine)
    assert [model.class_names[i] for i in predict(scores)] == list(answers["labels"])
    chances = probabilities(scores, model.card.temperature)
    assert chances == pytest.approx(answers["chances"], abs=1e-9)


@pytest.mark.slow
def test_both_of_numpy_s_names_are_read_as_the_same() -> None:
    good = good_model()
    old, new = b"\x8c\x15numpy.core.multiarray", b"\x8c\x16numpy._core.multiarray"
    other = old if new in good else new
    changed = unframed(good).replace(new if new in good else old, other)
    assert changed != unframed(good)
    assert parse_model(changed).card == parse_model(good).card


@pytest.mark.slow
def test_plain_python_predicts_what_digitsort_does_on_every_image(
    model_file: Path, model: Model
) -> None:
    """`pickle.load` in a fresh process, on all of load_digits."""
    program = (
        "import pickle, sys; from tests.drawing import digit_inks\n"
        "model = pickle.load(open(sys.argv[1], 'rb'))\n"
        "print(*model.predict(list(digit_inks()[0])))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(model_file)],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=True,
    )
    scores = score(vectorize(digit_inks()[0]).features, model.machine)
    assert done.stdout.split() == [model.class_names[i] for i in predict(scores)]
