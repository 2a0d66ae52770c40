"""`digitsort undo` and `digitsort verify`."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.conftest import invoke, make_tree, read_tree

LABELS = "path,label,status\nscans/a.png,7,ok\nscans/b.png,1,ok\nscans/c.png,7,uncertain\n"
SCANS = {"a.png": b"a", "b.png": b"b", "c.png": b"c"}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with scans/ sorted into sorted/."""
    monkeypatch.chdir(make_tree(tmp_path, {"scans": SCANS, "labels.csv": LABELS}))
    assert invoke("sort", "labels.csv", "sorted", "--move").exit_code == 0
    return tmp_path


def test_undo_puts_everything_back(here: Path) -> None:
    done = invoke("undo", "sorted")
    assert (done.exit_code, done.stdout) == (0, "")
    assert "Undid 1 sort (3 files)." in done.stderr
    assert read_tree(here) == {"scans": SCANS, "labels.csv": LABELS.encode()}


def test_what_was_left_is_listed_and_the_exit_code_says_so(here: Path) -> None:
    (here / "sorted" / "7" / "a.png").write_bytes(b"edited")
    done = invoke("undo", "sorted")
    assert done.exit_code == 1
    assert "1 left as they are:" in done.stderr
    assert "sorted/7/a.png: changed since it was sorted" in "".join(done.stderr.split("\n"))


def test_verify_proves_that_all_is_there(here: Path) -> None:
    done = invoke("verify", "sorted")
    assert (done.exit_code, done.stdout) == (0, "")
    assert "3 files = 3 same + 0 changed + 0 missing + 0 unknown" in done.stderr
    assert invoke("verify", "sorted", "--all").stdout == "= 1/b.png\n= 7/a.png\n= _uncertain/c.png\n"


def test_verify_lists_what_differs(here: Path) -> None:
    """Litter of file managers, labels.csv and the journal are no part of it."""
    (here / "sorted" / "7" / "a.png").write_bytes(b"edited")
    (here / "sorted" / "1" / "b.png").unlink()
    make_tree(here / "sorted", {"7": {".DS_Store": b"", "Thumbs.db": b"", "b.png": b"a person's"}})
    done = invoke("verify", "sorted")
    assert done.exit_code == 6
    assert done.stdout == "- 1/b.png\n* 7/a.png\n+ 7/b.png\n"
    assert "4 files = 1 same + 1 changed + 1 missing + 1 unknown" in done.stderr


def test_verify_knows_the_tables_that_digitsort_kept(here: Path) -> None:
    """It says what to do with them, and that works; a stranger with a like name is unknown."""
    table = here / "sorted/labels.csv"
    header, first, *rest = table.read_text().splitlines()
    corrected = "\n".join([f"{header},human", f"{first},4", *(f"{line}," for line in rest), ""])
    kept = make_tree(here / "sorted", {"labels_saved_meanwhile.csv": corrected})
    done = invoke("verify", "sorted", "--all")
    assert (done.exit_code, "labels" in done.stdout) == (0, False)
    assert "digitsort sort sorted/labels_saved_meanwhile.csv sorted, then delete it" in done.stderr
    assert invoke("sort", "sorted/labels_saved_meanwhile.csv", "sorted").exit_code == 0
    assert (kept / "4" / Path(first.split(",")[0]).name).exists()
    (kept / "labels_saved_meanwhile.csv").rename(kept / "labels_before_undo_12.csv")
    make_tree(kept, {"7/labels_saved_meanwhile.csv": "", "labels_saved_meanwhile_2.csv.bak": ""})
    done = invoke("verify", "sorted")
    assert done.exit_code == 6
    assert done.stdout == "+ 7/labels_saved_meanwhile.csv\n+ labels_saved_meanwhile_2.csv.bak\n"
    assert "add --corrections sorted/labels_before_undo_12.csv to the next sort" in done.stderr


def test_verify_after_undo_of_one_of_two_runs(here: Path) -> None:
    make_tree(here, {"more.csv": "path,label,status\nmore.png,3,ok\n", "more.png": b"more"})
    invoke("sort", "more.csv", "sorted")
    assert invoke("verify", "sorted", "--all").stdout.count("=") == 4
    invoke("undo", "sorted")
    assert invoke("verify", "sorted").exit_code == 0


def test_verify_of_a_run_that_was_killed_is_no_proof(here: Path) -> None:
    journal = here / "sorted" / ".digitsort" / "run-000001.jsonl"
    lines = journal.read_text().splitlines(keepends=True)
    assert lines[-1].startswith('{"end":"done"}')
    journal.write_text("".join(lines[:-1]))
    done = invoke("verify", "sorted")
    assert done.exit_code == 6
    assert "interrupted" in done.stderr


@pytest.mark.parametrize("command", ["undo", "verify"])
def test_where_nothing_was_sorted(here: Path, command: str) -> None:
    done = invoke(command, "scans")
    assert done.exit_code == 2
    assert "has no journal of a sort or a cut" in done.output


def test_a_copied_dest_is_shown_before_it_is_adopted(here: Path) -> None:
    """What the refusal tells a person to type works as it is."""
    shutil.copytree(here / "sorted", here / "copied")
    assert invoke("undo", here / "copied").exit_code == 5
    shown = invoke("undo", here / "copied", "--dry-run")
    assert shown.exit_code == 0
    assert str(here / "scans") in shown.stdout
