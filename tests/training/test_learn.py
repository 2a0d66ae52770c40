"""What a model knows is fitted together with new images; its own training images are not needed."""

from __future__ import annotations

import io
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from digitsort import Model, load_model
from digitsort.errors import ModelError, TrainingDataError, UsageError
from digitsort.model.reading import parse_model
from digitsort.progress import silent
from digitsort.recognition.score import predict, score
from digitsort.recognition.vectorize import vectorize
from digitsort.training import examples as module
from digitsort.training.condense import Contests, plays
from digitsort.training.examples import Dataset, Known, examples_of, known_to_bytes, parse_known
from digitsort.training.finish import TrainingOptions
from digitsort.training.fit import fit_beside, train
from tests.conftest import invoke
from tests.training.test_fit import SMALL, some
from tests.training.test_taught import by_hand
from tests.writers import WRITERS, Writer


@pytest.fixture(scope="module")
def known() -> Known:
    """What a small model of 0, 1 and 4 knows."""
    trained = train([some(SMALL)], TrainingOptions(seed=3))
    model = parse_model(trained.data)
    return Known(model, np.ones(model.card.support_vectors), trained.held_out)


@pytest.fixture
def default(known: Known) -> Dataset:
    return Dataset("default", len(known.weights), lambda: iter(()), known=known)


def test_what_a_person_calls_otherwise_is_learned(known: Known, default: Dataset) -> None:
    """Digits of a class that the model does not have become one; what it knew is still read."""
    trained = train([default, replace(some({"7": 12}), by_hand=True, weight=4.0)])
    learned = parse_model(trained.data)
    assert learned.class_names == ("0", "1", "4", "7")
    assert len(trained.taught.learned) == 10
    unseen = examples_of([some({"7": 40})], silent).features[12:]
    assert (predict(score(unseen, learned.machine)) == 3).mean() >= 0.9
    held_out = known.held_out
    before, after = (
        np.array(m.class_names)[predict(score(held_out.features, m.machine))]
        for m in (known.model, learned)
    )
    assert (before == after).mean() >= 0.9


def test_calibration_stays_and_held_out_images_certify_and_test(known: Known, default: Dataset) -> None:
    was, card = known.model.card, train([default, by_hand(["4"] * 10)]).card
    for name in ("temperature", "ok_familiarity", "min_familiarity"):
        assert getattr(card, name) == getattr(was, name)
    assert card.splits["certification"] == card.held_out_count == len(known.held_out) // 2
    assert card.splits["fit"] == was.support_vectors + 8
    assert card.gamma == was.gamma


def test_other_data_is_held_out_as_always(default: Dataset) -> None:
    trained = train([default, some({"7": 20, "8": 20})])
    assert set(trained.card.classes) == {"0", "1", "4", "7", "8"}
    assert trained.card.counts["7"] == 16


@pytest.mark.parametrize(("count", "tested"), [(1, 0), (20, 3)])
def test_a_folder_of_one_known_class_is_learned(default: Dataset, count: int, tested: int) -> None:
    """Also one image alone: what the model knows has the other classes."""
    alone = train([default])
    trained = train([default, some({"4": count})])
    assert trained.copies < count
    new = count - trained.copies  # some are among the images that the model holds out
    assert trained.card.classes == ("0", "1", "4")
    assert trained.card.counts["4"] == alone.card.counts["4"] + new - tested
    assert trained.card.held_out_count == alone.card.held_out_count + tested


@pytest.mark.parametrize(
    ("others", "options", "error", "says"),
    [
        ([], TrainingOptions(tune=True), UsageError, "--tune needs all images"),
        ([some({"7": 9, "8": 2})], TrainingOptions(), TrainingDataError, "Class '8' has 2 images"),
        ([by_hand(["4"] * 5)], TrainingOptions(max_error=0.001), TrainingDataError, "at least 2995"),
    ],
)
def test_what_cannot_be_learned_is_refused(
    default: Dataset,
    others: list[Dataset],
    options: TrainingOptions,
    error: type[Exception],
    says: str,
) -> None:
    with pytest.raises(error, match=says):
        train([default, *others], options)


def test_what_a_fit_does_not_give_again_is_kept(known: Known) -> None:
    """The default model is condensed: a fit to its support vectors gives another machine."""
    was = known.model.machine
    changed = replace(was, dual_coef=was.dual_coef * 1.5, intercept=was.intercept + 0.25)
    other = replace(known, model=replace(known.model, machine=changed))
    new = examples_of([some({"3": 6})], silent)  # between the classes 1 and 4
    before, after = (Contests.of(fit_beside(one, new).machine()) for one in (known, other))
    is_of_3 = plays(np.array([2]), before.first, before.second)[0]
    moved = after.intercepts - before.intercepts
    assert moved == pytest.approx(np.where(is_of_3, 0, 0.25))
    assert np.abs(after.coefficients - before.coefficients)[:, ~is_of_3].max() > 0.1
    assert np.abs(after.coefficients - before.coefficients)[:, is_of_3].max() == pytest.approx(0)


def to_bytes(known: Known) -> bytes:
    return known_to_bytes(known.weights, known.held_out, known.model.card.fingerprint)


def test_what_is_known_is_written_and_read_back(known: Known) -> None:
    data = to_bytes(known)
    read = parse_known(known.model, data)
    assert np.array_equal(read.weights, known.weights)
    assert np.array_equal(read.held_out.features, known.held_out.features)
    assert list(read.held_out.labels) == list(known.held_out.labels)
    assert data == to_bytes(known)


def zeroed(data: bytes, at: int) -> bytes:
    return data[:at] + bytes(8) + data[at + 8 :]


DAMAGES = [
    lambda data: b"",
    lambda data: data[: len(data) // 2],
    lambda data: b"\x80\x04N.",  # a pickle
    lambda data: zeroed(data, 0),
    lambda data: zeroed(data, len(data) // 2),
    lambda data: zeroed(data, len(data) - 22),
]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_of_what_is_known_is_refused(
    known: Known, damage: Callable[[bytes], bytes]
) -> None:
    data = to_bytes(known)
    with pytest.raises(ModelError, match=r"default\.npz .* damaged\. Install digitsort again"):
        parse_known(known.model, damage(data))


@pytest.mark.parametrize("dtype", [object, np.float64, np.int8])
def test_an_array_of_another_form_is_refused(known: Known, dtype: type) -> None:
    """One of objects is a pickle: it is not opened."""
    file = io.BytesIO()
    normal, labels = known.held_out.normal, np.zeros(len(known.held_out), np.uint8)
    mark = np.array(known.model.card.fingerprint)
    np.savez(file, weights=known.weights.astype(dtype), normal=normal, labels=labels, fingerprint=mark)
    with pytest.raises(ModelError, match="damaged"):
        parse_known(known.model, file.getvalue())


def test_what_another_model_knows_is_refused(known: Known) -> None:
    """Of another number of support vectors, or of a model with another fingerprint."""
    mark = known.model.card.fingerprint
    for first, fingerprint in ((1, mark), (0, mark[::-1])):
        data = known_to_bytes(known.weights[first:], known.held_out, fingerprint)
        with pytest.raises(ModelError, match="does not belong to the default model"):
            parse_known(known.model, data)


def test_without_the_file_of_what_is_known_there_is_a_sentence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "KNOWN_FILE", "none.npz")
    with pytest.raises(ModelError, match=r"none\.npz .* No such file or directory\. Install"):
        module.known_to_default()


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
def shipped() -> Model:
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
    shipped: Model,
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
    before, after = points(shipped, unseen, truth), points(learned, unseen, truth)
    print(f"\n{name}: {before:.1f} -> {after:.1f}")
    lost = {}
    for other, (features, labels_of_other) in others.items():
        was, now = (points(m, features, labels_of_other) for m in (shipped, learned))
        lost[other] = was - now
        print(f"  {other}: {was:.3f} -> {now:.3f}")
    print("\n".join(line for line in done.stdout.splitlines() if "->" in line))
    assert before <= 60
    assert after >= 95
    assert max(lost.values()) <= 0.2
