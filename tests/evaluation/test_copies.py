"""Copies of a picture count once, in a certificate and in training."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from digitsort.errors import TrainingDataError
from digitsort.model.reading import load_model
from digitsort.progress import silent
from digitsort.training.examples import Dataset, LabelledGray, examples_of, gather, without_copies
from digitsort.training.finish import TrainingOptions
from digitsort.training.fit import train
from tests.conftest import digit_image, digit_png, encoded, invoke, make_tree
from tests.drawing import digit_inks
from tests.training.test_fit import SMALL, some


def certified(folder: Path, model_file: Path, *options: str | Path) -> tuple[int, str]:
    """Exit code and output of a certificate for an error of 5 %, which 59 right labels give."""
    copy = folder.parent / "certified.pkl"
    asked: tuple[str | Path, ...] = ("--certify", copy, "--max-error", "0.05", *options)
    done = invoke("evaluate", folder, "-m", model_file, *asked)
    return done.exit_code, done.output.replace("\n", " ")


def near_copies(digit: int, example: int) -> dict[str, bytes]:
    """One picture as files of other bytes: other formats, another compression, a comment."""
    image = digit_image(digit, example=example)
    file = io.BytesIO()
    image.save(file, "PNG", compress_level=0)
    forms = {
        f"{example}.{form.lower()}": encoded(image, form) for form in ("PNG", "BMP", "TIFF", "GIF")
    }
    return {**forms, f"{example}-stored.png": file.getvalue()}


def test_copies_of_few_pictures_certify_nothing(tmp_path: Path, model_file: Path) -> None:
    """20 pictures, each four times: 80 right labels, and yet only 20."""
    copies = {
        str(d): {f"{i}-{n}.png": digit_png(d, example=i) for i in range(2) for n in range(4)}
        for d in range(10)
    }
    code, said = certified(make_tree(tmp_path / "scans", copies), model_file)
    assert code == 4
    assert "of 20 that could be accepted" in said
    assert "60 of 80 images are copies" in said


def test_copies_in_other_bytes_certify_nothing_either(tmp_path: Path, model_file: Path) -> None:
    """Once they are normalized they are the same picture."""
    scans = {str(d): {k: v for i in range(2) for k, v in near_copies(d, i).items()} for d in range(10)}
    code, said = certified(make_tree(tmp_path / "scans", scans), model_file)
    assert code == 4
    assert "of 20 that could be accepted" in said
    assert "80 of 100 images are copies" in said


def test_a_certificate_tells_of_the_copies(tmp_path: Path, model_file: Path) -> None:
    scans = {str(d): {f"{i}.png": digit_png(d, example=i) for i in range(7)} for d in range(10)}
    for d in range(10):
        scans[str(d)] |= {f"copy of {i}.png": digit_png(d, example=i) for i in range(3)}
    code, said = certified(make_tree(tmp_path / "scans", scans), model_file)
    assert code == 0, said
    assert "30 of 100 images are copies of others and count once" in said
    assert load_model(tmp_path / "certified.pkl").card.certified_accepted <= 70


def test_of_different_pictures_nothing_is_said(tmp_path: Path, model_file: Path) -> None:
    scans = {str(d): {f"{i}.png": digit_png(d, example=i) for i in range(7)} for d in range(10)}
    code, said = certified(make_tree(tmp_path / "scans", scans), model_file)
    assert code == 0
    assert "count once" not in said


def test_copies_under_two_labels_are_one_mistake(tmp_path: Path, model_file: Path) -> None:
    """One of the labels is wrong; which one, nobody knows."""
    scans = {str(d): {f"{i}.png": digit_png(d, example=i) for i in range(7)} for d in range(10)}
    scans["8"] |= {f"three {n}.png": digit_png(3, example=0) for n in range(5)}
    code, said = certified(make_tree(tmp_path / "scans", scans), model_file, "--max-error", "0.1")
    assert code == 0, said
    assert "1 image has copies with different labels" in said
    assert load_model(tmp_path / "certified.pkl").card.certified_errors == 1


# --- training ---------------------------------------------------------------------------------------


def repeated(times: int, *, pictures: int = 6, wrong: int = 0) -> Dataset:
    """The first pictures of three digits, each so many times, the first `wrong` once mislabelled."""
    inks, labels = digit_inks()
    chosen = [
        (ink, digit)
        for digit in ("0", "1", "4")
        for ink in [i for i, label in zip(inks, labels, strict=True) if label == digit][:pictures]
    ]

    def load() -> Iterator[LabelledGray]:
        for number in range(times):
            for index, (ink, digit) in enumerate(chosen):
                mistaken = number == 0 and index < wrong
                yield ink, "1" if mistaken else digit

    return Dataset("repeated", times * len(chosen), load)


def test_training_sees_each_picture_once() -> None:
    gathered = gather([repeated(5)], silent)
    assert (len(gathered.examples), gathered.copies, gathered.disputed) == (18, 72, 0)
    once = gather([repeated(1)], silent).examples
    assert (gathered.examples.features == once.features).all()


def test_a_picture_under_two_labels_is_seen_under_both() -> None:
    gathered = gather([repeated(5, wrong=2)], silent)
    assert (len(gathered.examples), gathered.copies, gathered.disputed) == (20, 70, 2)


def test_copies_make_no_model_that_the_pictures_do_not() -> None:
    few, many = train([repeated(1)]), train([repeated(7)])
    assert few.card.fingerprint == many.card.fingerprint
    assert (few.copies, many.copies) == (0, 6 * 18)


def test_copies_do_not_certify_an_error() -> None:
    """18 pictures can't certify 5 %, a hundred times each or not."""
    with pytest.raises(TrainingDataError, match="certification split has"):
        train([repeated(100)], TrainingOptions(max_error=0.05))


def test_copies_do_not_make_a_class_large_enough() -> None:
    with pytest.raises(TrainingDataError, match="have too few different images"):
        gather([repeated(10, pictures=4)], silent)


def test_what_a_person_labelled_again_is_no_new_picture() -> None:
    """Else it would be learned from by hand, and certify and test the model from the other data."""
    base = some(SMALL)
    again = Dataset("mine", base.count, base.load, weight=4.0, by_hand=True)
    trained = train([base, again])
    assert len(trained.taught.learned) + len(trained.taught.kept) == 0
    assert trained.copies == base.count
    assert trained.card.fingerprint == train([base]).card.fingerprint


def test_the_command_line_tells_of_copies(tmp_path: Path) -> None:
    images = {
        str(d): {f"{i}-{n}.png": digit_png(d, example=i) for i in range(6) for n in range(2)}
        for d in (1, 7)
    }
    make_tree(tmp_path / "data", images)
    done = invoke("train", "-d", tmp_path / "data", "-o", tmp_path / "m.pkl")
    assert done.exit_code == 0, done.output
    assert "12 of 24 images are copies of others and count once" in done.output.replace("\n", " ")


def test_many_images_are_compared_quickly() -> None:
    """100,000 normalized images; by comparing each with each it would take hours."""
    from digitsort.evaluation.certification import picture_hashes

    normal = np.random.default_rng(0).integers(0, 256, (2_000, 32, 32), np.uint8)
    assert len(set(picture_hashes(np.concatenate([normal] * 50)))) == 2_000


def test_an_image_of_nothing_is_a_picture_too() -> None:
    blank = np.asarray(Image.new("L", (20, 20), 255))
    dataset = Dataset("blank", 12, lambda: iter([(blank, "a")] * 12))
    assert without_copies(examples_of([dataset], silent)).copies == 11
