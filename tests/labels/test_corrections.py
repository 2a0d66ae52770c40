"""corrections.csv: read, and matched with files."""

from __future__ import annotations

from pathlib import Path

import pytest

from digitsort.errors import UsageError
from digitsort.labels.corrections import Corrections, read_corrections
from digitsort.labels.labels_csv import read_labels
from digitsort.labels.row import Row
from digitsort.outcomes import Status

A, B = "aa" * 32, "bb" * 32

LABELS = f"path,label,status,sha256\nscans/1.png,7,ok,{A}\nscans/2.png,,rejected,{B}\n"


def write(folder: Path, text: str, name: str = "corrections.csv") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def correction(path: str, sha256: str, human: str) -> Row:
    return Row(path, "7", Status.OK, sha256=sha256, human=human)


def test_a_row_of_the_labels_csv_with_a_persons_label_corrects_it(tmp_path: Path) -> None:
    """`_none` is a label, an empty cell none; other cells stay as they were read."""
    labels = write(tmp_path, LABELS, "labels.csv")
    path = write(
        tmp_path,
        f"path,label,status,sha256,human\nscans/1.png,7,ok,{A},_none\nscans/2.png,,rejected,{B},\n",
    )
    rows = list(read_corrections(path).correct(read_labels(labels)))
    assert [row.human for row in rows] == ["_none", ""]
    assert rows[0].cells == {
        "path": "scans/1.png",
        "label": "7",
        "status": "ok",
        "sha256": A,
        "human": "_none",
    }
    assert rows[1] == list(read_labels(labels))[1]


def test_relative_paths_start_from_the_folder_of_the_labels_csv(tmp_path: Path) -> None:
    """A browser saves the file in a folder of its own choice."""
    path = write(tmp_path / "Downloads", f"path,label,status,sha256,human\nx.png,7,ok,{A},1\n")
    assert read_corrections(path).rows[0].path == str(tmp_path / "Downloads" / "x.png")
    assert read_corrections(path, tmp_path).rows[0].path == str(tmp_path / "x.png")


MATCHES = {
    "path and content": ([("/x", A, "1")], ("/x", A), "1"),
    "the content is another one by now": ([("/x", A, "1")], ("/x", B), ""),
    "the content elsewhere": ([("/x", A, "1")], ("/y", A), "1"),
    "neither": ([("/x", A, "1")], ("/y", B), ""),
    "two of a path, by content": ([("/x", A, "1"), ("/x", B, "2")], ("/x", A), "1"),
    "two of a content, by path": ([("/x", A, "1"), ("/y", A, "2")], ("/x", A), "1"),
    "two of a content elsewhere, agreed": ([("/x", A, "1"), ("/y", A, "1")], ("/z", A), "1"),
    "two of a content elsewhere, not agreed": ([("/x", A, "1"), ("/y", A, "2")], ("/z", A), ""),
    "the later of two": ([("/x", A, "1"), ("/x", A, "2")], ("/x", A), "2"),
    "the row's content is not known": ([("/x", A, "1")], ("/x", ""), "1"),
    "the correction's content is not known": ([("/x", "", "1")], ("/x", A), "1"),
    "no content known elsewhere": ([("/x", "", "1")], ("/y", ""), ""),
}


@pytest.mark.parametrize(("corrections", "file", "expected"), MATCHES.values(), ids=MATCHES.keys())
def test_matches(corrections: list[tuple[str, str, str]], file: tuple[str, str], expected: str) -> None:
    known = Corrections(tuple(correction(*each) for each in corrections))
    assert known.label_for(*file) == expected


def test_what_holds_for_no_file_is_told() -> None:
    stale, used = correction("/x", A, "1"), correction("/y", B, "2")
    corrections = Corrections((stale, used))
    assert corrections.unused() == [stale, used]
    rows = [Row("/x", "7", Status.OK, sha256="cc" * 32), Row("/y", "7", Status.OK, sha256=B)]
    assert [row.human for row in corrections.correct(rows)] == ["", "2"]
    assert corrections.unused() == [stale]


def test_a_file_without_the_column_human_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no column human"):
        read_corrections(write(tmp_path, LABELS))


def test_an_empty_corrections_csv_corrects_nothing(tmp_path: Path) -> None:
    """A person looked at all rows and touched none."""
    path = write(tmp_path, "path,label,status,sha256,human\n")
    assert read_corrections(path).rows == ()


def test_what_was_unclear_at_first_contradicts_no_label() -> None:
    """The later of the two counts, as with other labels."""
    labels = "7", "_unclear", "1", "_unclear"
    known = Corrections(tuple(correction(f"/{n // 2}", A, label) for n, label in enumerate(labels)))
    assert known.contradicted == 0
    assert [row.human for row in known.rows] == ["_unclear", "_unclear"]
    assert Corrections((correction("/x", A, "1"), correction("/x", A, "7"))).contradicted == 1
