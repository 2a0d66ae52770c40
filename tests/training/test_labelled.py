"""Who labelled an image: a person, in a table or by moving the file, or the machine."""

from __future__ import annotations

from pathlib import Path

import pytest

from digitsort.errors import TrainingDataError
from digitsort.labels.corrections import read_corrections
from digitsort.training.choose_dataset import open_datasets
from digitsort.training.examples import Dataset
from digitsort.training.labelled import COULD_NOT_TELL, Found, labelled_folder, labelled_rows
from tests.conftest import digit_png, invoke, make_tree


def by_name(found: Found) -> dict[str, dict[str, str]]:
    """Labels by file name, of persons and of the machine."""
    return {
        who: {Path(image.path).name: image.label for image in images.values()}
        for who, images in (("human", found.human), ("machine", found.machine))
    }


@pytest.fixture
def sorted_folder(tmp_path: Path, model_file: Path) -> Path:
    """DEST as `sort` leaves it: nine pictures, three of each of 1, 4 and 7."""
    scans = {f"{d}{e}.png": digit_png(d, example=e) for d in (1, 4, 7) for e in range(3)}
    make_tree(tmp_path, {"scans": scans})
    done = invoke("sort", tmp_path / "scans", tmp_path / "sorted", "-m", model_file, "-q")
    assert done.exit_code == 0
    return tmp_path / "sorted"


def move(folder: Path, source: str, target: str) -> None:
    (folder / target).parent.mkdir(exist_ok=True)
    (folder / source).rename(folder / target)


def test_what_nobody_moved_is_the_machines_opinion(sorted_folder: Path) -> None:
    found = labelled_folder(sorted_folder, None)
    assert (len(found.human), len(found.machine), found.moved) == (0, 9, 0)


def test_a_moved_file_is_found_by_its_content(sorted_folder: Path) -> None:
    """Also under another name, and where two files have changed places."""
    move(sorted_folder, "1/10.png", "7/renamed.png")
    move(sorted_folder, "4/40.png", "1/10.png")
    found = labelled_folder(sorted_folder, None)
    assert by_name(found)["human"] == {"renamed.png": "7", "10.png": "1"}
    assert (len(found.machine), found.moved) == (7, 2)


def test_a_file_that_was_only_renamed_was_not_moved(sorted_folder: Path) -> None:
    move(sorted_folder, "1/10.png", "1/renamed.png")
    assert labelled_folder(sorted_folder, None).human == {}


def test_a_file_that_a_person_added_is_theirs(sorted_folder: Path) -> None:
    make_tree(sorted_folder, {"9": {"mine.png": digit_png(9)}})
    assert by_name(labelled_folder(sorted_folder, None))["human"] == {"mine.png": "9"}


def test_none_is_a_label_and_other_folders_with_an_underscore_are_not(sorted_folder: Path) -> None:
    move(sorted_folder, "1/10.png", "_none/10.png")
    move(sorted_folder, "1/11.png", "_later/11.png")
    found = labelled_folder(sorted_folder, None)
    assert by_name(found)["human"] == {"10.png": "_none"}
    assert len(found.machine) == 7


def test_a_persons_label_in_the_table_counts_where_the_file_was_not_moved(sorted_folder: Path) -> None:
    table = sorted_folder / "labels.csv"
    header, *rows = table.read_text().splitlines()
    human = [f"{row},{'7' if row.startswith('1/1') else ''}" for row in rows]
    table.write_text("\n".join([f"{header},human", *human, ""]))
    move(sorted_folder, "1/10.png", "4/10.png")
    found = labelled_folder(sorted_folder, None)
    assert by_name(found)["human"] == {"10.png": "4", "11.png": "7", "12.png": "7"}


def test_a_broken_file_is_counted_and_left(sorted_folder: Path) -> None:
    make_tree(sorted_folder, {"9": {"broken.png": b"x"}})
    assert dict(labelled_folder(sorted_folder, None).left) == {"not a supported image": 1}


def test_the_rows_that_a_person_labelled(tmp_path: Path, model_file: Path) -> None:
    """A correction holds for the content that the person saw."""
    make_tree(tmp_path, {f"{d}.png": digit_png(d) for d in (1, 4, 7)})
    table = tmp_path / "labels.csv"
    assert invoke("classify", tmp_path, "-m", model_file, "-o", table, "-q").exit_code == 0
    header, *rows = table.read_text().splitlines()
    corrected = [f"{row},{label}" for row, label in zip(rows, ("7", "4", "_none"), strict=True)]
    (tmp_path / "c.csv").write_text("\n".join([f"{header},human", *corrected[:2], ""]))
    found = labelled_rows(table, read_corrections(tmp_path / "c.csv"))
    assert by_name(found) == {"human": {"1.png": "7", "4.png": "4"}, "machine": {"7.png": "7"}}
    (tmp_path / "4.png").write_bytes(digit_png(4, example=5))
    (tmp_path / "1.png").unlink()
    found = labelled_rows(table, read_corrections(tmp_path / "c.csv"))
    assert found.human == {}
    assert dict(found.left) == {"changed since they were labelled": 1, "file not found": 1}


def names(datasets: list[Dataset]) -> list[tuple[str, int, bool]]:
    return [(dataset.name, dataset.count, dataset.by_hand) for dataset in datasets]


def test_machine_labels_are_data_only_where_they_are_trusted(sorted_folder: Path) -> None:
    move(sorted_folder, "1/10.png", "7/10.png")
    careful = open_datasets([str(sorted_folder)])
    trusting = open_datasets([str(sorted_folder)], trust_machine=True)
    assert names(careful) == [("by hand:sorted", 1, True)]
    assert names(trusting) == [("by hand:sorted", 1, True), ("machine:sorted", 8, False)]
    assert careful[0].note == (
        "1 label from a person, 1 of them by moving the file, "
        "8 from the model not used (--trust-machine)"
    )
    assert [label for _, label in careful[0].load()] == ["7"]


def test_a_folder_that_nobody_touched_teaches_nothing(sorted_folder: Path) -> None:
    with pytest.raises(TrainingDataError, match="move misfiled images"):
        open_datasets([str(sorted_folder)])


def test_corrections_alone_are_data_too(tmp_path: Path) -> None:
    make_tree(tmp_path, {"a.png": digit_png(3), "c.csv": "path,label,status,human\na.png,5,ok,3\n"})
    (dataset,) = open_datasets([], read_corrections(tmp_path / "c.csv"))
    assert [label for _, label in dataset.load()] == ["3"]


def test_nothing_is_learned_from_what_a_person_could_not_read(sorted_folder: Path) -> None:
    """Neither the person's label nor the machine's; moving the file still says what it is."""
    table = sorted_folder / "labels.csv"
    header, *rows = table.read_text().splitlines()
    human = [f"{row},{'_unclear' if row.startswith('1/1') else ''}" for row in rows]
    table.write_text("\n".join([f"{header},human", *human, ""]))
    found = labelled_rows(table, None)
    assert (found.human, len(found.machine), found.left) == ({}, 6, {COULD_NOT_TELL: 3})
    move(sorted_folder, "1/10.png", "4/10.png")
    found = labelled_folder(sorted_folder, None)
    assert by_name(found)["human"] == {"10.png": "4"}
    assert (len(found.machine), found.left) == (6, {COULD_NOT_TELL: 2})
