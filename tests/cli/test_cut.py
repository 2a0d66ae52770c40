"""`digitsort cut` and `digitsort table`."""

from __future__ import annotations

import csv
import importlib.util
import os
import runpy
import shlex
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter

from digitsort.pages.cut_folder import CutFolder
from digitsort.pages.cutting import FoundPage
from tests.conftest import invoke
from tests.pages_forms import digit, form, grid, sheet


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_page_becomes_pictures_and_a_table(here: Path) -> None:
    (here / "scans").mkdir()
    form().save(here / "scans" / "form.pdf", resolution=300)
    (here / "scans" / "broken.pdf").write_bytes(b"%PDF-1.7")
    done = invoke("cut", "scans", "out", "--preview")
    assert done.exit_code == 1
    assert "scans/broken.pdf: broken PDF." in done.stderr
    assert "2 pages in 2 files = 1 with cells + 0 without + 1 unreadable" in done.stderr
    assert "12 cells = 1 with ink + 11 blank" in done.stderr
    (picture,) = (here / "out" / "cells").iterdir()
    (here / "labels.csv").write_text(f"path,label,status\nout/cells/{picture.name},7,uncertain\n")
    done = invoke("table", "labels.csv", "--cells", "out/cells.csv", "-o", "-")
    assert done.exit_code == 0
    assert "scans/form.pdf,1,1,2,,,7,,3,\n" in done.stdout


def test_a_dry_run_writes_nothing(here: Path) -> None:
    (here / "empty.pdf").write_bytes(b"%PDF-1.7")
    done = invoke("cut", "empty.pdf", "out", "--dry-run")
    assert (done.exit_code, done.stdout) == (1, "empty.pdf: broken PDF\n")
    assert os.listdir(here) == ["empty.pdf"]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["scans"], 2, "digitsort cut SOURCE... DEST"),
        (["missing", "out"], 2, "missing: No such file"),
        (["scans", "scans"], 5, "scans already exists. Choose another DEST"),
        (["scans", "out"], 4, "No pages found. 1 file skipped (not images): 1 .txt"),
    ],
)
def test_what_can_not_be_done(here: Path, arguments: list[str], code: int, message: str) -> None:
    (here / "scans").mkdir()
    (here / "scans" / "notes.txt").touch()
    done = invoke("cut", *arguments)
    assert done.exit_code == code
    assert message in done.stderr
    assert os.listdir(here) == ["scans"]


def test_a_dest_below_a_file(here: Path) -> None:
    """Nothing of that name exists already, and there is no --force."""
    form().save(here / "form.png")
    (here / "file").write_text("mine")
    done = invoke("cut", "form.png", "file/cells")
    assert (done.exit_code, (here / "file").read_text()) == (5, "mine")
    assert "Not a directory" in done.stderr


def test_a_missing_extra_is_named(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    done = invoke("cut", "a.png", "out")
    assert done.exit_code == 2
    assert "pip install opencv-python-headless" in done.stderr


def test_a_table_replaces_nothing(here: Path) -> None:
    (here / "labels.csv").write_text("path,label,status\n")
    (here / "cells.csv").write_text("path,source,page,block,row,column,kind\n")
    (here / "table.csv").write_text("mine")
    assert invoke("table", "labels.csv").exit_code == 5
    assert invoke("table", "labels.csv", "--force").exit_code == 4  # no rows
    assert (here / "table.csv").read_text() == "mine"


def test_pages_without_cells_are_named_a_few_at_a_time(here: Path) -> None:
    for number in range(7):
        (here / f"{number}.pdf").write_bytes(b"%PDF-1.7")
    done = invoke("cut", ".", "out")
    assert done.exit_code == 1
    assert done.stderr.count("broken PDF") == 6
    assert "… and 2 more pages: broken PDF." in done.stderr
    assert "No cells were found: no picture was written. See out/cells.csv." in done.stderr
    assert "Next:" not in done.stderr


def test_each_table_that_is_missing_has_its_own_remedy(here: Path) -> None:
    (here / "labels.csv").write_text("path,label,status\na.png,7,ok\n")
    done = invoke("table", "labels.csv")
    assert (done.exit_code, "cells.csv" in done.stderr) == (2, True)
    assert "Name the cells.csv of `digitsort cut` with --cells." in done.stderr
    done = invoke("review", "labels.csv", "--truth", "t.csv")
    assert (done.exit_code, "Name a table with the columns path and label." in done.stderr) == (2, True)
    assert "Name a labels.csv" in invoke("table", "none.csv").stderr


PRINTED = "147368529417468"


def blurred_page() -> Image.Image:
    """Return a page with printed digits, some of which the model reads wrong."""
    page = sheet(480, 250)
    grid(page, (60, 50), 3, 5)
    for place, label in enumerate(PRINTED):
        digit(page, label, (60, 50), place // 5 + 1, place % 5 + 1)
    return page.filter(ImageFilter.GaussianBlur(2.4))


def test_doubtful_cells_are_compared_with_the_print_of_their_page(here: Path) -> None:
    blurred_page().save(here / "page.png")
    assert invoke("cut", "page.png", "out", "-q").exit_code == 0
    read = ("classify", "out/cells", "--cells", "out/cells.csv")
    done = invoke(*read, "-o", "labels.csv")
    assert "changed after comparison with the print of the page" in done.stderr
    rows = list(csv.DictReader((here / "labels.csv").read_text().splitlines()))
    changed = [
        (row["label"], label)
        for row, label in zip(rows, PRINTED, strict=True)
        if "by the print of its page" in row["reason"]
    ]
    assert changed
    assert all(label == wanted for label, wanted in changed)
    _check_wrong_cells(here, read)
    sheet(480, 250).save(here / "page.png")
    done = invoke(*read, "-o", "again.csv")
    assert "1 page file changed, can't be read, or can't have such cells, such as" in done.stderr


def _check_wrong_cells(here: Path, read: tuple[str, ...]) -> None:
    """Cells that can't be on their page, or are not in the table, are not compared; this is said."""
    whole = (here / "out" / "cells.csv").read_text()
    header, *lines = list(csv.reader(whole.splitlines()))
    start = header.index("x1")
    table = here / "out" / "wrong.csv"
    for corners in (
        "-9e5 -9e5 9e5 -9e5 9e5 9e5 -9e5 9e5",
        "9e5 9e5 9.1e5 9e5 9.1e5 9.1e5 9e5 9.1e5",
        "0 " * 8,
    ):
        wrong = [[*line[:start], *corners.split(), *line[start + 8 :]] for line in lines]
        table.write_text("\n".join(map(",".join, [header, *wrong])))
        done = invoke(*read[:-1], table, "-o", "wrong.csv", "--force")
        assert done.exit_code == 0
        assert "1 page file changed, can't be read, or can't have such cells" in done.stderr
    table.write_text(whole.replace("cells/page", "cells/other"))
    done = invoke(*read[:-1], table, "-o", "wrong.csv", "--force")
    assert "15 pictures not found in " in done.stderr
    mixed = [
        line
        for cells in lines
        for line in (cells, ["", "/other.png", *cells[2:6], "blank", *cells[7:]])
    ]
    table.write_text("\n".join(map(",".join, [header, *mixed])))
    done = invoke(*read[:-1], table, "-o", "wrong.csv", "--force")
    assert "changed after comparison with the print of the page" in done.stderr


def test_a_wrong_line_of_cells_csv_ends_the_run_before_its_work(here: Path) -> None:
    digit_png_here = here / "a.png"
    sheet().save(digit_png_here)
    lines = (
        "path,source,page,block,row,column,kind\na.png,p.png,1,1,1,1,cell\na.png,p.png,1,1,x,1,cell\n"
    )
    (here / "cells.csv").write_text(lines)
    done = invoke("classify", "a.png", "--cells", "cells.csv")
    assert (done.exit_code, "line 3: row is 'x'" in done.stderr) == (2, True)
    assert sorted(path.name for path in here.iterdir()) == ["a.png", "cells.csv"]


def test_where_a_layout_is_saved(here: Path) -> None:
    sheet().save(here / "page.png")
    cut = ("cut", "page.png", "out", "--save-layout")
    done = invoke(*cut, "form.toml", "--dry-run")
    assert (done.exit_code, "a dry run writes nothing" in done.stderr) == (2, True)
    for path in ("out", "out/form.toml", "out/x/../form.toml"):
        done = invoke(*cut, path)
        assert (done.exit_code, "outside of DEST" in done.stderr) == (2, True)
    (here / "form.toml").write_text("mine")
    done = invoke(*cut, "form.toml")
    assert (done.exit_code, "Choose another file." in done.stderr) == (5, True)
    assert "--force" not in done.stderr  # `cut` has no such option
    assert sorted(path.name for path in here.iterdir()) == ["form.toml", "page.png"]


def test_a_page_without_cells_that_is_unreadable_leaves_the_others(here: Path) -> None:
    large = Image.new("L", (1000, 1000), 255)
    large.save(here / "pages.tif", save_all=True, append_images=[blurred_page()])
    limit = ("--max-pixels", "500000")
    assert invoke("cut", "pages.tif", "out", "-q", *limit).exit_code == 1
    done = invoke("classify", "out/cells", "--cells", "out/cells.csv", "-o", "labels.csv", *limit)
    assert "changed after comparison with the print of the page" in done.stderr
    assert "can't be read" not in done.stderr


def test_choose_one_second_pass(here: Path) -> None:
    (here / "a.png").touch()
    done = invoke("classify", "a.png", "--adapt", "--cells", "cells.csv")
    assert (done.exit_code, "Choose one of --adapt and --cells." in done.stderr) == (2, True)


def test_a_layout_is_saved_edited_and_applied(here: Path) -> None:
    form().save(here / "page.png")
    sheet().save(here / "empty.png")
    assert invoke("cut", "page.png", "one", "--save-layout", "form.toml", "-q").exit_code == 0
    text = (here / "form.toml").read_text()
    (here / "form.toml").write_text(text.replace("block 1", "score").replace('"digit"', '"number"', 2))
    done = invoke("cut", "page.png", "empty.png", "two", "--layout", "form.toml", "--preview")
    assert done.exit_code == 1
    assert "empty.png, page 1: the layout does not fit this page." in done.stderr
    rows = list(csv.DictReader((here / "two" / "cells.csv").read_text().splitlines()))
    (written,) = (row for row in rows if row["path"])
    assert (written["path"], written["field"]) == ("numbers/page_p1_b1_r02_c03.png", "score")
    assert rows[-1]["reason"] == "the layout does not fit this page"
    done = invoke("cut", "page.png", "one.more", "--save-layout", "form.toml")
    assert (done.exit_code, "form.toml already exists" in done.stderr) == (5, True)


def test_a_layout_that_fits_badly_is_told(here: Path) -> None:
    form().save(here / "page.png")
    x, y = [60, 107, 140, 187, 220], [50, 90, 130, 170]
    (here / "form.toml").write_text(f"[[field]]\nx = {x}\ny = {y}\n")
    done = invoke("cut", "page.png", "out", "--layout", "form.toml")
    assert done.exit_code == 1
    assert "page.png, page 1: the layout fits this page badly." in done.stderr
    assert "The layout fits 1 page badly: look at their cells with --preview. Save" in done.stderr
    rows = list(csv.DictReader((here / "out" / "cells.csv").read_text().splitlines()))
    assert {row["reason"] for row in rows} == {"the layout fits this page badly"}


def test_the_next_steps_make_a_table_of_digits_and_numbers(here: Path) -> None:
    """They are typed as they are printed, with a folder whose name has a space."""
    page = sheet()
    for top, shown in ((50, "7"), (200, "42"), (290, "8")):
        grid(page, (60, top), 1, 4)
        digit(page, shown, (60, top), 1, 3)
    page.save(here / "page.png")
    assert invoke("cut", "page.png", "one", "--save-layout", "form.toml", "-q").exit_code == 0
    first, *fields = (here / "form.toml").read_text().split("[[field]]")
    kinds = ("digit", "number", "mark")
    text = [field.replace('"digit"', f'"{kind}"') for field, kind in zip(fields, kinds, strict=True)]
    (here / "form.toml").write_text("[[field]]".join([first, *text]))
    done = invoke("cut", "page.png", "my cells", "--layout", "form.toml")
    assert "my cells/marks has the pictures of marks. They are not read" in done.stderr
    steps = [line for line in done.stderr.splitlines() if line.startswith("digitsort ")]
    assert [step.split()[1] for step in steps] == ["classify", "classify", "table"]
    for step in steps:
        _, *arguments = shlex.split(step)
        assert invoke(*arguments, "-q").exit_code == 0
    table = (here / "my cells" / "table.csv").read_text().splitlines()
    assert [line.split(",")[6] for line in table[1:]] == ["7", "42", ""]
    assert [line.split(",")[8] for line in table[1:]] == ["", "", "3"]


def test_a_cut_is_verified_and_undone(here: Path) -> None:
    sheet(60, 40).save(here / "page.png")
    assert invoke("cut", "page.png", "out", "--preview", "-q").exit_code == 0
    done = invoke("verify", "out", "--all")
    assert (done.exit_code, done.stdout) == (0, "= cells.csv\n= previews/page_p1.jpg\n")
    assert "2 files = 2 same + 0 changed + 0 missing + 0 unknown" in done.stderr
    assert (
        invoke("undo", "out", "--dry-run").stdout == "remove cells.csv\nremove previews/page_p1.jpg\n"
    )
    (here / "out" / "cells.csv").write_text("changed")
    assert invoke("verify", "out").exit_code == 6
    done = invoke("undo", "out")
    assert done.exit_code == 1
    assert "Removed 1 file." in done.stderr
    assert "cells.csv was changed since and stays." in done.stderr
    assert (here / "out" / "cells.csv").read_text() == "changed"


def test_pictures_of_a_page_that_is_gone_are_not_removed(here: Path) -> None:
    form().save(here / "page.png")
    assert invoke("cut", "page.png", "out", "-q").exit_code == 0
    (here / "page.png").unlink()
    pictures = sorted((here / "out" / "cells").iterdir())
    assert invoke("undo", "out", "--dry-run").stdout == ""
    done = invoke("undo", "out")
    assert done.exit_code == 1
    said = " ".join(done.stderr.split())
    assert (
        f"{len(pictures) + 1} files of pages that are gone or were changed will not be removed" in said
    )
    assert sorted((here / "out" / "cells").iterdir()) == pictures


def test_a_cut_of_another_user_is_undone_only_when_adopted(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sheet(60, 40).save(here / "page.png")
    assert invoke("cut", "page.png", "out", "-q").exit_code == 0
    monkeypatch.setenv("DIGITSORT_STATE", str(here / "state"))
    assert "written by another user or machine" in invoke("verify", "out").stderr
    done = invoke("undo", "out")
    assert (done.exit_code, "add --adopt" in done.stderr) == (5, True)
    assert invoke("undo", "out", "--adopt").exit_code == 0
    assert not (here / "out").exists()


def test_what_an_interrupted_cut_left_is_removed(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sheet(60, 40).save(here / "page.png")

    def interrupted(self: CutFolder, page: FoundPage, layout: str = "") -> None:
        add(self, page, layout)
        raise KeyboardInterrupt

    add = CutFolder.add
    monkeypatch.setattr(CutFolder, "add", interrupted)
    done = invoke("cut", "page.png", "out")
    assert done.exit_code == 130
    assert "interrupted. Kept 1 page." in done.stderr
    assert "--resume" in done.stderr
    assert (here / ".out.partial").is_dir()
    assert "interrupted run" in invoke("undo", "out", "--dry-run").stdout
    assert invoke("undo", "out").exit_code == 0
    assert os.listdir(here) == ["page.png"]


SAMPLES = Path(__file__).parents[2] / "sample_images" / "forms"


@pytest.mark.slow
def test_the_sample_form_is_cut_by_a_layout_and_by_none(here: Path) -> None:
    """The layout is that of the flat form; the sample is a photo of it, printed as PDF."""
    make_form = runpy.run_path(str(SAMPLES / "make_form.py"))
    make_form["filled"]().save(here / "flat.png")
    assert invoke("cut", "flat.png", "flat", "--save-layout", "form.toml", "-q").exit_code == 0
    form_pdf = str(SAMPLES / "form.pdf")
    assert invoke("cut", form_pdf, "none", "-q").exit_code == 0
    assert invoke("cut", form_pdf, "layout", "--layout", "form.toml", "-q").exit_code == 0
    none, layout = (
        list(csv.DictReader((here / name / "cells.csv").read_text().splitlines()))
        for name in ("none", "layout")
    )
    for name, rows in (("none", none), ("layout", layout)):
        assert len(rows) == len(make_form["NUMBER"]) + sum(map(len, make_form["DEFECTS"])), name
        done = invoke("classify", f"{name}/cells", "-o", f"{name}/labels.csv", "-q")
        assert done.exit_code == 0
        done = invoke("table", f"{name}/labels.csv", "-o", "-", "--check-sum", "row:2")
        read = [line.split(",")[4:10] for line in done.stdout.splitlines()[1:]]
        wanted = [make_form["NUMBER"], *make_form["DEFECTS"]]
        assert ["".join(label or " " for label in labels).rstrip() for labels in read] == wanted
        assert "5 sums = 5 ok + 0 wrong + 0 doubtful" in done.stderr
    assert {row["field"] for row in layout} == {"block 1", "block 2"}
    corners = [
        np.array([[float(row[f"{axis}{n}"]) for n in range(1, 5) for axis in "xy"] for row in rows])
        for rows in (none, layout)
    ]
    side = np.median(np.ptp(corners[0].reshape(-1, 4, 2), axis=1))
    # The cells that were found are the exact ones; a flat layout fits a page in perspective less well.
    assert np.abs(corners[0] - corners[1]).max() < 0.12 * side
