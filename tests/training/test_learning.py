"""What a person corrects is learned, and the rest is not forgotten."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from digitsort import Model, load_model
from digitsort.recognition.score import predict, score
from digitsort.recognition.vectorize import vectorize
from tests.conftest import invoke
from tests.writers import WRITERS, Writer

CORRECTIONS, UNSEEN = 20, 200


def answers(model: Model, features: npt.NDArray[np.float32]) -> npt.NDArray[np.str_]:
    return np.array(model.class_names)[predict(score(features, model.machine))]


def points(model: Model, features: npt.NDArray[np.float32], truth: npt.NDArray[np.str_]) -> float:
    """Accuracy in percent."""
    return 100 * float((answers(model, features) == truth).mean())


@pytest.fixture(scope="module")
def others() -> dict[str, tuple[npt.NDArray[np.float32], npt.NDArray[np.str_]]]:
    """MNIST's training digits and Semeion: what must not be forgotten."""
    root = os.environ.get("DIGITSORT_DEV_DATA")
    if not root:
        pytest.skip("set DIGITSORT_DEV_DATA to a folder that holds mnist-train/ and semeion/")
    from benchmarks.data import mnist, semeion

    (images, labels), (small, small_labels) = mnist(), semeion()
    return {
        "MNIST": (vectorize(list(images)).features, np.array(labels)),
        "Semeion": (vectorize(small).features, np.array(small_labels)),
    }


@pytest.fixture(scope="module")
def default() -> Model:
    from digitsort import default_model

    return default_model()


def correct(writer: Writer, folder: Path) -> Path:
    """Classify a folder of the writer's digits, and correct the first that were read wrong."""
    scans = folder / "scans"
    scans.mkdir()
    for index, gray in enumerate(writer.write(80)):
        Image.fromarray(gray).save(scans / f"{index}.png")
    assert invoke("classify", scans, "-o", folder / "labels.csv", "-q").exit_code == 0
    header, *rows = (folder / "labels.csv").read_text().splitlines()
    wrong = [row for row in rows if row.split(",")[1] != writer.digit][:CORRECTIONS]
    assert len(wrong) == CORRECTIONS
    lines = [f"{header},human", *(f"{row},{writer.digit}" for row in wrong)]
    (folder / "corrections.csv").write_text("\n".join(lines) + "\n")
    return folder / "labels.csv"


@pytest.mark.slow
@pytest.mark.parametrize("name", WRITERS)
def test_an_odd_hand_is_learned_from_twenty_corrections(
    name: str,
    default: Model,
    others: dict[str, tuple[npt.NDArray[np.float32], npt.NDArray[np.str_]]],
    tmp_path: Path,
) -> None:
    """At least 95 % of its unseen digits are right; MNIST and Semeion lose 0.2 points at most."""
    writer = WRITERS[name]
    labels = correct(writer, tmp_path)
    corrections = tmp_path / "corrections.csv"
    done = invoke(
        *("train", "-d", "default", "-d", labels, "--corrections", corrections),
        *("-o", tmp_path / "mine.pkl"),
    )
    assert done.exit_code == 0, done.stderr
    assert "20 labels from a person" in done.stdout
    learned = load_model(tmp_path / "mine.pkl")
    unseen = vectorize(writer.write(UNSEEN, seed=1)).features
    truth = np.full(UNSEEN, writer.digit)
    before, after = points(default, unseen, truth), points(learned, unseen, truth)
    print(f"\n{name}: {before:.1f} -> {after:.1f}")
    lost = {}
    for other, (features, labels_of_other) in others.items():
        was, now = (points(m, features, labels_of_other) for m in (default, learned))
        lost[other] = was - now
        print(f"  {other}: {was:.3f} -> {now:.3f}")
    print("\n".join(line for line in done.stdout.splitlines() if "->" in line))
    assert before <= 60
    assert after >= 95
    assert max(lost.values()) <= 0.2
