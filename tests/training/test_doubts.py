"""Training data as people have it: what is said of it before the fit, and of its labels after it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from digitsort import open_datasets, train
from digitsort.errors import TrainingDataError
from digitsort.evaluation.certification import are_among
from digitsort.progress import silent
from digitsort.training.doubts import MOST_DOUBTS, describe_contradictions, describe_imbalance
from digitsort.training.examples import Dataset, LabelledGray, examples_of
from digitsort.training.finish import DEFAULTS
from digitsort.training.fit import _hold_out, split_by_hand
from tests.conftest import digit_image, digit_png, invoke, make_tree


def some(labels: dict[str, list[int]], name: str = "some", *, by_hand: bool = False) -> Dataset:
    """Images by label: 103 is the fourth example of a 1."""
    images = [(n, label) for label, numbers in labels.items() for n in numbers]

    def load() -> Iterator[LabelledGray]:
        for n, label in images:
            yield np.asarray(digit_image(n // 100, example=n % 100)), label

    paths = [f"{label}/{n}.png" for n, label in images]
    return Dataset(name, len(images), load, by_hand=by_hand, paths=paths)


BASE = {str(d): list(range(100 * d, 100 * d + 8)) for d in (0, 1, 4)}


def test_wrong_labels_are_named_before_and_after_the_fit() -> None:
    """Two pictures are in two classes, and one image of a 0 is in a wrong class only."""
    data = {**BASE, "1": [*BASE["1"], 400, 401, 10]}
    said: list[str] = []
    trained = train([some(data)], DEFAULTS, silent, said.append)
    assert said == [
        "2 pictures have several labels: 1/400.png as 1 and 4/400.png as 4; 1/401.png as 1 and "
        "4/401.png as 4. Remove the wrong ones."
    ]
    wrong = {(doubt.name, doubt.label, doubt.read) for doubt in trained.doubts[:5]}
    assert ("1/10.png", "1", "0") in wrong
    assert all(doubt.label != doubt.read for doubt in trained.doubts)
    assert len(trained.doubts) <= MOST_DOUBTS


def test_a_picture_in_two_classes_never_tests_what_it_has_taught() -> None:
    examples = examples_of([some({"0": BASE["0"], "1": [*BASE["1"], *BASE["0"]]})], silent)
    fitted, test = _hold_out(examples, DEFAULTS)
    assert not are_among(test.normal, fitted.normal).any()
    assert set(test.labels) == {"1"}


def test_a_person_who_contradicts_the_other_data_is_told() -> None:
    base = examples_of([some({"4": [400], "1": [110]})], silent)
    by_hand = examples_of([some({"1": [400, 110, 111]}, by_hand=True)], silent)
    expected = "1/400.png as 1, before 4/400.png as 4. Check which are right."
    assert describe_contradictions(by_hand, base) == [
        f"1 label contradicts an earlier one of the same picture: {expected}"
    ]
    assert describe_contradictions(base, base) == []


def test_a_very_small_class_is_named() -> None:
    labels = np.array(["0"] * 700 + ["1"] * 500 + ["7"] * 6 + ["8"] * 7)
    (said,) = describe_imbalance(labels)
    assert "Few images beside the 700 of class 0: 7 (6); 8 (7)." in said
    assert describe_imbalance(labels[:-7:]) != describe_imbalance(labels[:1200])
    assert describe_imbalance(labels[:1200]) == []


def folder(count: int = 1) -> dict[str, Any]:
    return {str(d): {f"{i}.png": digit_png(d, example=i) for i in range(count)} for d in (0, 1)}


def test_folders_that_are_no_classes_are_left_out_and_named(tmp_path: Path) -> None:
    tree = folder()
    for name in ("lost+found", "$RECYCLE.BIN", "@eaDir", "__MACOSX", ".old", "_rejected", "raw scans"):
        tree[name] = {"x.png": digit_png(7)}
    tree["1"] |= {"@eaDir": {"t.png": digit_png(7)}, "raw 1.png": digit_png(7)}
    (dataset,) = open_datasets([str(make_tree(tmp_path / "data", tree))], exclude=["raw*"])
    assert sorted(label for _, label in dataset.load()) == ["0", "1"]
    assert dataset.note == (
        "left out $RECYCLE.BIN (no data), .old (hidden), @eaDir (no data), __MACOSX (no data), "
        "_rejected (begins with _), lost+found (no data), raw scans (--exclude), left out by name: "
        "@eaDir (1), raw* (1)"
    )


@pytest.mark.parametrize("names", [("train", "test"), ("Training", "VAL")])
def test_parts_of_a_data_set_are_no_classes(tmp_path: Path, names: tuple[str, str]) -> None:
    make_tree(tmp_path / "data", dict.fromkeys(names, folder()))
    with pytest.raises(TrainingDataError, match=f"has no classes, but .*-d .*data/{names[0]}"):
        open_datasets([str(tmp_path / "data")])


def test_pictures_of_a_train_may_be_a_class(tmp_path: Path) -> None:
    make_tree(tmp_path, {name: {"x.png": digit_png(1)} for name in ("train", "test")})
    assert open_datasets([str(tmp_path)])[0].count == 2


def test_all_classes_that_are_too_small_are_named(tmp_path: Path) -> None:
    make_tree(tmp_path, folder(2))
    done = invoke("train", "-d", tmp_path, "-o", tmp_path / "m.pkl")
    said = "digitsort: 2 of 2 classes have too few images: 0 (2), 1 (2). Training and testing need"
    assert (done.exit_code, done.stderr.startswith(said)) == (4, True)


def test_the_command_line_tells_before_and_after_the_fit(tmp_path: Path) -> None:
    tree = folder(8)
    tree["1"]["x.png"] = digit_png(0, example=9)
    tree["1"]["y.png"] = tree["0"]["0.png"]
    tree["@eaDir"] = {}
    make_tree(tmp_path / "data", tree)
    done = invoke("train", "-d", tmp_path / "data", "-o", tmp_path / "m.pkl")
    assert done.exit_code == 0, done.output
    assert done.stdout.startswith("folder:data: left out @eaDir (no data).\n")
    assert "digitsort: 1 picture has several labels: " in done.stderr
    listed = done.stdout.partition("The model disagrees most with these labels. Check them:\n")[2]
    assert f"  {tmp_path}/data/1/x.png: 1, read as 0 at 0." in listed


def test_what_a_person_labelled_twice_is_named(tmp_path: Path) -> None:
    rows = ["a.png,7,ok,,1", "b.png,7,ok,,2", "c.png,7,ok,,3"]
    tree = {"a.png": digit_png(1), "b.png": digit_png(1), "c.png": digit_png(3)}
    make_tree(tmp_path, {**tree, "l.csv": "\n".join(["path,label,status,sha256,human", *rows])})
    (dataset,) = open_datasets([str(tmp_path / "l.csv")])
    assert split_by_hand([dataset])[0][0].note == (
        "2 labels from a person, 1 contradiction (the last label of each counts): "
        f"{tmp_path / 'b.png'} (1, then 2)"
    )
