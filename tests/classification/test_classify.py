"""Files in, outcomes out."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from digitsort import Model, Outcome, Settings, Status, classify_files, classify_folder
from digitsort.classification.classify import Line, run_line
from digitsort.errors import UsageError
from digitsort.images.discover import Walk
from digitsort.images.limits import CRASHED, Limits
from digitsort.images.read import FIRST_OF_SEVERAL, Picture, read
from digitsort.labels.labels_csv import Layout
from digitsort.workers.loop import FIRST_SIZE
from tests.conftest import Link, digit_image, digit_png, encoded, make_tree, png
from tests.workers.faults import read_poisoned

BLANK = Image.new("L", (64, 64), 255)


def scans() -> dict[str, bytes]:
    """Thirty digits, some of them hard to read, and a blank sheet."""
    tree = {f"{d}_{e}.png": digit_png(d, example=e) for d in range(10) for e in range(2)}
    for digit in range(9):
        mixed = Image.blend(digit_image(digit), digit_image(digit + 1), 0.5)
        tree[f"mixed_{digit}.png"] = png(mixed)
    return {**tree, "blank.png": png(BLANK)}


BROKEN: dict[str, Any] = {
    "0_0a empty.png": b"",
    "1_0a text.png": b"7\n",
    "5_1a cut.png": digit_png(5)[:-60],
    "mixed_4a gone.png": Link("nowhere"),
    "zz.png": b"\x89PNG\r\n\x1a\n",
}


def by_name(outcomes: list[Outcome]) -> dict[str, Outcome]:
    return {os.path.basename(outcome.path): outcome for outcome in outcomes}


def test_every_digit_is_read_right_and_a_blank_sheet_is_rejected(tmp_path: Path, model: Model) -> None:
    make_tree(tmp_path, scans())
    outcomes = by_name(list(classify_folder(tmp_path, model=model)))
    digits = {name: o.label for name, o in outcomes.items() if name[0].isdigit()}
    assert {name: name[0] for name in digits} == digits
    blank = outcomes["blank.png"]
    assert (blank.status, blank.reason, blank.label) == (Status.REJECTED, "blank", "")
    assert (blank.confidence, blank.second, blank.second_confidence) == (None, "", None)


def test_there_is_one_outcome_for_each_file_in_natural_order(tmp_path: Path, model: Model) -> None:
    names = ["2.png", "10.png", "a/1.png", "a/b/3.png", "c.png/4.png"]
    make_tree(tmp_path, {**dict.fromkeys(names, digit_png(3)), "notes.txt": b""})
    found = [os.path.relpath(o.path, tmp_path) for o in classify_folder(tmp_path, model=model)]
    assert names == found


def test_a_file_will_do_as_well_as_a_folder(tmp_path: Path, model: Model) -> None:
    data = digit_png(4)
    make_tree(tmp_path, {"scan": data})
    (outcome,) = classify_folder(tmp_path / "scan", model=model)
    assert (outcome.label, outcome.status) == ("4", Status.OK)
    assert hashlib.sha256(data).hexdigest() == outcome.sha256


def test_a_folder_that_does_not_exist_is_a_usage_error(tmp_path: Path, model: Model) -> None:
    with pytest.raises(UsageError):
        list(classify_folder(tmp_path / "gone", model=model))


def rows(folder: Path, model: Model) -> list[list[str]]:
    """What a labels.csv with probabilities would hold."""
    layout = Layout(str(folder), model.card.short, model.class_names)
    settings = Settings(probabilities=True)
    return [layout.cells(o) for o in classify_folder(folder, model=model, settings=settings)]


def test_rows_do_not_depend_on_the_batch(tmp_path: Path, model: Model) -> None:
    """Probabilities included; a file alone has the row that it has among others."""
    make_tree(tmp_path, {**scans(), **BROKEN})
    line = Line(model, Settings(probabilities=True))
    paths = list(Walk([str(tmp_path)]).files())
    expected = line(paths, lambda _: None)
    assert {"ok", "uncertain", "rejected", "error"} == {fields[0] for fields in expected}
    for size in (1, 2, 7, 32):
        parts = [line(paths[i : i + size], lambda _: None) for i in range(0, len(paths), size)]
        assert expected == [fields for part in parts for fields in part]


def test_large_pictures_are_worked_on_a_few_at_a_time(tmp_path: Path, model: Model) -> None:
    """And say that more than one is in hand while they are."""
    make_tree(tmp_path, {f"{d}.png": digit_png(d) for d in range(5)})

    def read_large(path: str, limits: Limits) -> Picture:
        return read(path, limits)._replace(content=np.zeros((4096, 4096), np.uint8))

    line = Line(model, Settings(), read_large)
    said: list[int | None] = []
    outcomes = line([str(path) for path in sorted(tmp_path.iterdir())], said.append)
    assert said == [0, None, 1, None, 2, None, 3, None, 4, None, None]
    assert [fields[0] for fields in outcomes] == [Status.REJECTED] * 5


@pytest.mark.parametrize("workers", [1, 2, 4])
def test_outcomes_do_not_depend_on_the_workers(tmp_path: Path, model: Model, workers: int) -> None:
    make_tree(tmp_path, {**scans(), **BROKEN})
    paths = [*Walk([str(tmp_path)]).files()] * 8
    assert list(classify_files(paths, model)) == list(classify_files(paths, model, workers=workers))


@pytest.mark.parametrize("poison", ["segfault", "sigkill", "exit"])
def test_a_file_that_kills_its_worker_is_one_error_row(
    tmp_path: Path, model: Model, poison: str
) -> None:
    tree = {f"{i} {poison if i % 13 == 5 else ''}.png": digit_png(i % 10) for i in range(40)}
    make_tree(tmp_path, tree)
    paths = list(Walk([str(tmp_path)]).files())
    good = dict(zip(paths, classify_files(paths, model), strict=True))
    line = Line(model, Settings(), read_poisoned)
    for outcome in run_line(line, paths, workers=2):
        if poison in outcome.path:
            assert outcome == Outcome(outcome.path, Status.ERROR, reason=CRASHED)
        else:
            assert outcome == good[outcome.path]


def test_rows_do_not_depend_on_the_order(tmp_path: Path, model: Model) -> None:
    make_tree(tmp_path, scans())
    paths = sorted(str(path) for path in tmp_path.iterdir())
    layout = Layout(str(tmp_path), model.card.short)
    forth = [layout.cells(outcome) for outcome in classify_files(paths, model)]
    back = [layout.cells(outcome) for outcome in classify_files(reversed(paths), model)]
    assert forth == back[::-1]


def test_broken_files_change_no_other_outcome(tmp_path: Path, model: Model) -> None:
    make_tree(tmp_path, scans())
    without = rows(tmp_path, model)
    make_tree(tmp_path, BROKEN)
    assert without == [cells for cells in rows(tmp_path, model) if cells[0] not in BROKEN]


def test_each_broken_file_is_a_row_with_its_reason(tmp_path: Path, model: Model) -> None:
    make_tree(tmp_path, BROKEN)
    broken = by_name(list(classify_folder(tmp_path, model=model)))
    assert {Status.ERROR} == {outcome.status for outcome in broken.values()}
    assert {name: outcome.reason for name, outcome in broken.items()} == {
        "0_0a empty.png": "empty file",
        "1_0a text.png": "not a supported image",
        "5_1a cut.png": "broken image",
        "mixed_4a gone.png": "broken link",
        "zz.png": "broken image",
    }
    assert broken["5_1a cut.png"].sha256 == hashlib.sha256(BROKEN["5_1a cut.png"]).hexdigest()


def test_nothing_in_nothing_out(model: Model) -> None:
    assert list(classify_files([], model)) == []


def test_files_are_read_as_outcomes_are_taken(tmp_path: Path, model: Model) -> None:
    """A stream: memory does not grow with the number of files."""
    make_tree(tmp_path, {"7.png": digit_png(7)})
    taken = 0

    def endless() -> Any:
        nonlocal taken
        while True:
            taken += 1
            yield str(tmp_path / "7.png")

    outcomes = classify_files(endless(), model)
    for _ in range(3):
        assert next(outcomes).label == "7"
    assert taken == FIRST_SIZE


def test_confidences_are_probabilities_and_labels_the_likeliest(tmp_path: Path, model: Model) -> None:
    make_tree(tmp_path, scans())
    for outcome in classify_folder(tmp_path, model=model, settings=Settings(probabilities=True)):
        if outcome.status is Status.REJECTED:
            assert outcome.probabilities == ()
            continue
        chances = dict(zip(model.class_names, outcome.probabilities, strict=True))
        # Where votes run in a circle, the winner shares the first place with another.
        order = [name for name, _ in sorted(chances.items(), key=lambda pair: -pair[1])]
        order.remove(outcome.label)
        assert abs(sum(chances.values()) - 1) < 1e-9
        assert chances[outcome.label] == outcome.confidence == max(chances.values())
        assert (order[0], chances[order[0]]) == (outcome.second, outcome.second_confidence)


def test_probabilities_are_given_only_when_asked_for(tmp_path: Path, model: Model) -> None:
    make_tree(tmp_path, {"7.png": digit_png(7)})
    (outcome,) = classify_folder(tmp_path, model=model)
    assert outcome.probabilities == ()


@pytest.mark.parametrize(
    ("min_confidence", "expected"),
    [(0.0, Status.OK), (1.0, Status.UNCERTAIN), (None, Status.UNCERTAIN)],
)
def test_min_confidence_divides_ok_from_uncertain(
    tmp_path: Path, model: Model, min_confidence: float | None, expected: Status
) -> None:
    mixed = Image.blend(digit_image(1), digit_image(0), 0.5)
    make_tree(tmp_path, {"mixed.png": mixed})
    settings = Settings(min_confidence)
    (outcome,) = classify_folder(tmp_path, model=model, settings=settings)
    assert expected == outcome.status
    assert ("" if expected is Status.OK else "low confidence") == outcome.reason
    assert outcome.label


@pytest.mark.parametrize("value", [-0.01, 1.01, 90.0, float("nan")])
def test_a_min_confidence_that_is_no_probability_is_a_usage_error(value: float) -> None:
    with pytest.raises(UsageError, match=r"between 0 and 1"):
        Settings(value)


def test_of_several_pages_the_first_is_read_and_noted(tmp_path: Path, model: Model) -> None:
    pages = encoded(digit_image(3), "TIFF", save_all=True, append_images=[digit_image(8)])
    make_tree(tmp_path, {"pages.tif": pages})
    (outcome,) = classify_folder(tmp_path, model=model)
    assert (outcome.label, outcome.note) == ("3", FIRST_OF_SEVERAL)


def test_the_default_model_is_used_where_none_is_given(tmp_path: Path) -> None:
    make_tree(tmp_path, {"7.png": digit_png(7)})
    (outcome,) = classify_folder(str(tmp_path))
    assert (outcome.label, outcome.status) == ("7", Status.OK)


DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda data: b"",
    "cut": lambda data: data[: len(data) // 2],
    "text": lambda data: b"7\n",
    "other bytes": lambda data: bytes(255 - byte for byte in data),
    "noise inside": lambda data: data[:50] + bytes(30) + data[80:],
    "large": lambda data: data[:16] + b"\xff" * 8 + data[24:],
}


@given(st.lists(st.tuples(st.integers(0, 40), st.sampled_from(sorted(DAMAGE))), min_size=1, max_size=9))
@settings(max_examples=12, deadline=None)
def test_broken_files_anywhere_change_no_other_outcome(
    model: Model, damaged: list[tuple[int, str]]
) -> None:
    """Damaged files between, before and behind good ones, however many, in whatever batch."""
    with TemporaryDirectory() as folder:
        tree = {f"{n:02} good.png": digit_png(n % 10, example=n) for n in range(0, 40, 3)}
        make_tree(Path(folder), tree)
        without = rows(Path(folder), model)
        bad = {f"{n:02} a{i}.png": DAMAGE[how](digit_png(n % 10)) for i, (n, how) in enumerate(damaged)}
        make_tree(Path(folder), bad)
        found = rows(Path(folder), model)
    assert without == [cells for cells in found if cells[0] not in bad]
    assert {"error"} == {cells[3] for cells in found if cells[0] in bad}
    assert len(found) == len(without) + len(bad)
