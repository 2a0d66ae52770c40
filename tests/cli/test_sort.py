"""`digitsort sort`."""

from __future__ import annotations

import hashlib
import io
import os
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from digitsort import load_model, read_labels
from digitsort.classification.decide import decide
from tests.conftest import Link, Tree, digit_image, digit_png, invoke, make_tree, png, read_tree
from tests.sorting.tying import bind

BLANK = png(Image.new("L", (64, 64), 255))
MIXED = png(Image.blend(digit_image(1), digit_image(0), 0.5))

SCANS: Tree = {
    "a.png": digit_png(7),
    "b.png": digit_png(1),
    "blank.png": BLANK,
    "mixed.png": MIXED,
    "broken.png": b"",
    "notes.txt": b"",
    "sub": {"a.png": digit_png(7, example=1), "b.png": digit_png(1)},
}

SORTED: Tree = {
    "1": {"b.png": digit_png(1)},
    "7": {"a.png": digit_png(7), "a_2.png": digit_png(7, example=1)},
    "_rejected": {"blank.png": BLANK},
    "_uncertain": {"mixed.png": MIXED},
}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with scans/ in it."""
    monkeypatch.chdir(make_tree(tmp_path, {"scans": SCANS}))
    return tmp_path


def best_guess(model_file: Path, min_confidence: float | None = None) -> str:
    """What a model takes MIXED for; where the first look is not confident enough, it looks again."""
    picture = np.asarray(Image.open(io.BytesIO(MIXED)))
    return decide([picture], load_model(model_file), min_confidence)[0].label


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def folders(dest: Path) -> dict[str, Any]:
    return {n: tree for n, tree in read_tree(dest).items() if n not in ("labels.csv", ".digitsort")}


def test_files_are_copied_into_the_folders_of_their_labels(here: Path, model_file: Path) -> None:
    """Unreadable ones stay and are listed; equal names are numbered, equal files skipped."""
    done = invoke("sort", "scans", "sorted", "-m", model_file)
    assert (done.exit_code, done.stdout) == (1, "")
    assert folders(here / "sorted") == SORTED
    assert read_tree(here / "scans") == SCANS
    shown = " ".join(done.stderr.split())
    assert "5 copied, 1 already there, 1 skipped: scans/broken.png: empty file" in shown
    assert "Sorted into" in shown


def test_a_labels_csv_sorts_as_the_folder_does(here: Path, model_file: Path) -> None:
    invoke("classify", "scans", "-m", model_file)
    by_labels = invoke("sort", "labels.csv", "by labels")
    by_folder = invoke("sort", "scans", "by folder", "-m", model_file)
    assert by_labels.exit_code == by_folder.exit_code == 1
    assert folders(here / "by labels") == folders(here / "by folder")
    books = [(here / dest / "labels.csv").read_text() for dest in ("by labels", "by folder")]
    assert books[0] == books[1]


def test_labels_csv_in_dest_says_what_is_what(here: Path, model_file: Path) -> None:
    invoke("sort", "scans", "sorted", "-m", model_file)
    rows = {
        os.path.relpath(r.path, here / "sorted"): r for r in read_labels(here / "sorted/labels.csv")
    }
    assert {path: os.path.relpath(row.source, here) for path, row in rows.items()} == {
        "1/b.png": "scans/b.png",
        "7/a.png": "scans/a.png",
        "7/a_2.png": "scans/sub/a.png",
        "_rejected/blank.png": "scans/blank.png",
        "_uncertain/mixed.png": "scans/mixed.png",
    }
    assert rows["_rejected/blank.png"].reason == "blank"
    assert rows["_uncertain/mixed.png"].label == best_guess(model_file)


def test_a_second_run_copies_nothing(here: Path, model_file: Path) -> None:
    invoke("sort", "scans", "sorted", "-m", model_file)
    before = read_tree(here / "sorted")
    done = invoke("sort", "scans", "sorted", "-m", model_file)
    assert "0 copied, 6 already there" in " ".join(done.stderr.split())
    assert before == read_tree(here / "sorted")


def test_accept_uncertain_puts_best_guesses_into_their_folder(here: Path, model_file: Path) -> None:
    invoke("sort", "scans", "sorted", "-m", model_file, "--accept-uncertain")
    found = folders(here / "sorted")
    assert found[best_guess(model_file)]["mixed.png"] == MIXED
    assert "_uncertain" not in found


def test_min_confidence_is_the_users(here: Path, model_file: Path) -> None:
    make_tree(here, {"one": {"mixed.png": MIXED}})
    invoke("sort", "one", "strict", "-m", model_file, "--min-confidence", "1")
    invoke("sort", "one", "lenient", "-m", model_file, "--min-confidence", "0")
    assert folders(here / "strict") == {"_uncertain": {"mixed.png": MIXED}}
    assert folders(here / "lenient") == {best_guess(model_file, 0): {"mixed.png": MIXED}}


@pytest.mark.parametrize("existing", [{}, {"7": {"a.png": b"another"}, "labels.csv": b""}])
def test_a_dry_run_prints_the_plan_of_the_real_run_and_touches_nothing(
    here: Path, model_file: Path, existing: dict[str, Any]
) -> None:
    make_tree(here, {"sorted": existing} if existing else {})
    if existing:  # a DEST sorted before
        (here / "sorted" / "labels.csv").write_text("path,label,status\n7/a.png,7,ok\n")
    before = read_tree(here)
    dry = invoke("sort", "scans", "sorted", "-m", model_file, "--dry-run")
    assert before == read_tree(here)
    assert "Nothing was done." in dry.stderr
    done = invoke("sort", "scans", "sorted", "-m", model_file)
    assert dry.exit_code == done.exit_code == 1
    lines = dry.stdout.splitlines()
    planned = dict(
        line.removeprefix("copy  ").split(" -> ") for line in lines if line.startswith("copy")
    )
    found = {row.source: row.path for row in read_labels(here / "sorted" / "labels.csv") if row.source}
    assert {str(here / source): target for source, target in planned.items()} == found
    first = "a_2.png" if existing else "a.png"
    assert planned["scans/a.png"] == str(here / "sorted" / "7" / first)
    assert [f"same  scans/sub/b.png = {here}/sorted/1/b.png"] == [x for x in lines if x[:4] == "same"]
    assert [x for x in lines if x[:5] == "leave"] == ["leave scans/broken.png: empty file"]
    assert len(lines) == 7


def test_dest_inside_source_is_no_input(here: Path, model_file: Path) -> None:
    first = invoke("sort", "scans", "scans/sorted", "-m", model_file)
    assert folders(here / "scans" / "sorted") == SORTED
    before = read_tree(here)
    second = invoke("sort", "scans", "scans/sorted", "-m", model_file)
    assert first.exit_code == second.exit_code == 1
    assert "0 copied, 6 already there" in " ".join(second.stderr.split())
    assert before == read_tree(here)


def test_dest_is_source_under_another_name(here: Path, model_file: Path) -> None:
    before = read_tree(here)
    assert invoke("sort", "scans/sub/..", "./scans", "-m", model_file).exit_code == 2
    assert before == read_tree(here)


def test_a_persons_labels_are_carried_out(here: Path) -> None:
    make_tree(
        here,
        {
            "l.csv": "path,label,status,human\nscans/a.png,7,ok,4\nscans/b.png,1,uncertain,1\n"
            "scans/blank.png,,rejected,\nscans/mixed.png,0,ok,_none\nscans/broken.png,,error,9\n"
        },
    )
    assert invoke("sort", "l.csv", "sorted").exit_code == 0
    assert folders(here / "sorted") == {
        "1": {"b.png": digit_png(1)},
        "4": {"a.png": digit_png(7)},
        "9": {"broken.png": b""},
        "_rejected": {"blank.png": BLANK, "mixed.png": MIXED},
    }


def test_a_labels_csv_that_moved_is_read_with_its_root(here: Path, model_file: Path) -> None:
    invoke("classify", "scans", "-m", model_file)
    make_tree(here, {"elsewhere": {}})
    (here / "labels.csv").rename(here / "elsewhere" / "labels.csv")
    assert invoke("sort", "elsewhere/labels.csv", "lost").exit_code == 1
    assert not (here / "lost").exists()
    invoke("sort", "elsewhere/labels.csv", "sorted", "--root", ".")
    assert folders(here / "sorted") == SORTED


def test_a_source_that_changed_since_is_left_and_said(here: Path, model_file: Path) -> None:
    invoke("classify", "scans/sub", "-m", model_file)
    (here / "scans" / "sub" / "a.png").write_bytes(digit_png(2))
    done = invoke("sort", "labels.csv", "sorted")
    assert done.exit_code == 1
    assert "sub/a.png: changed since it was labelled" in "".join(done.stderr.split("\n"))
    assert (here / "sorted" / "1" / "b.png").read_bytes() == digit_png(1)
    assert not (here / "sorted" / "7" / "a.png").exists()


def test_where_nothing_is_copied_nothing_is_said_to_be_sorted(here: Path) -> None:
    make_tree(here, {"l.csv": "path,label,status\ngone.png,7,ok\n"})
    done = invoke("sort", "l.csv", "sorted")
    assert done.exit_code == 1
    assert "Sorted into" not in done.stderr
    assert not (here / "sorted" / "labels.csv").exists()


@pytest.mark.usefixtures("here")
def test_quiet_says_nothing(model_file: Path) -> None:
    done = invoke("sort", "scans/sub", "sorted", "-m", model_file, "-q")
    assert (done.exit_code, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("option", [("-m", "x.pkl"), ("--min-confidence", "0.5")])
def test_what_only_a_folder_takes_is_refused_with_a_labels_csv(
    here: Path, option: tuple[str, str]
) -> None:
    make_tree(here, {"labels.csv": "path,label,status\na.png,1,ok\n"})
    done = invoke("sort", "labels.csv", "sorted", *option)
    assert done.exit_code == 2
    assert "already labelled" in done.output
    assert not (here / "sorted").exists()


def test_a_labels_csv_saved_with_semicolons_is_sorted(here: Path) -> None:
    make_tree(here, {"labels.csv": "path;label;status\nscans/a.png;1;ok\n"})
    done = invoke("sort", "labels.csv", "sorted")
    assert done.exit_code == 0, done.output
    assert (here / "sorted" / "1" / "a.png").is_file()


LISTED = "path,label,status,sha256\nscans/a.png,7,ok,\nscans/b.png,1,ok,\nscans/sub/b.png,1,ok,\n"


@pytest.mark.parametrize(
    "option", [(), ("--copy",), ("--move",), ("--link", "hard"), ("--link", "sym")]
)
def test_a_dry_run_is_the_plan_of_every_kind_of_run(here: Path, option: tuple[str, ...]) -> None:
    make_tree(here, {"l.csv": LISTED, "scans/sub/b.png": digit_png(1, example=1)})
    before = read_tree(here)
    dry = invoke("sort", "l.csv", "sorted", *option, "--dry-run")
    assert read_tree(here) == before
    assert invoke("sort", "l.csv", "sorted", *option).exit_code == 0
    planned = dict(line.split("  ", 1)[1].split(" -> ") for line in dry.stdout.splitlines())
    done = {row.source: row.path for row in read_labels(here / "sorted" / "labels.csv")}
    assert planned == done
    total = sum(os.path.getsize(p) for p in planned.values())
    assert f"3 to {dry.stdout.split()[0]} ({total:,} bytes)" in dry.stderr


def test_corrections_win_over_labels_and_over_human(here: Path) -> None:
    """Matched by path and content, wherever the file lies; one that holds for no file is told."""
    labels = "path,label,status,sha256,human\nscans/a.png,7,ok,{a},9\nscans/b.png,1,ok,{b},\n"
    digests = {"a": sha(digit_png(7)), "b": sha(digit_png(1))}
    stale = "scans/mixed.png,0,ok,{a},3\n".replace("{a}", "0" * 64)
    header, a, _ = labels.format(**digests).splitlines()
    make_tree(
        here,
        {
            "l.csv": labels.format(**digests),
            "Downloads": {"c.csv": f"{header}\n{a.removesuffix('9')}4\n{stale}"},
        },
    )
    done = invoke("sort", "l.csv", "sorted", "--corrections", "Downloads/c.csv")
    assert done.exit_code == 0
    assert folders(here / "sorted") == {"1": {"b.png": digit_png(1)}, "4": {"a.png": digit_png(7)}}
    assert "this correction matches no file here" in done.stderr
    assert "mixed.png" in done.stderr


def test_keep_folders_of_a_labels_csv_starts_where_its_files_share_a_folder(
    here: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    make_tree(here, {"l.csv": LISTED})
    invoke("sort", "l.csv", "below", "--keep-folders")
    assert folders(here / "below")["1"] == {
        "scans": {"b.png": digit_png(1), "sub": {"b.png": digit_png(1)}}
    }
    elsewhere = make_tree(tmp_path_factory.mktemp("elsewhere"), {"scans": SCANS})
    text = LISTED.replace("scans/", f"{elsewhere}/scans/")
    make_tree(here, {"l.csv": text})
    invoke("sort", "l.csv", "apart", "--keep-folders")
    assert folders(here / "apart")["1"] == {"b.png": digit_png(1), "sub": {"b.png": digit_png(1)}}


@pytest.mark.parametrize(
    "option",
    [("--copy", "--move"), ("--move", "--link", "hard"), ("--link", "soft"), ("--on-conflict", "x")],
)
def test_options_that_cannot_be_meant(here: Path, option: tuple[str, ...]) -> None:
    make_tree(here, {"l.csv": LISTED})
    assert invoke("sort", "l.csv", "sorted", *option).exit_code == 2
    assert not (here / "sorted").exists()


def test_a_conflict_that_is_an_error_leaves_nothing(here: Path) -> None:
    make_tree(here, {"l.csv": LISTED, "sorted": {"7": {"a.png": b"another"}}})
    before = read_tree(here)
    done = invoke("sort", "l.csv", "sorted", "--on-conflict", "error")
    assert done.exit_code == 5
    assert "7 already has a different file named a.png" in " ".join(done.output.split())
    assert read_tree(here) == before


def test_a_dest_that_leads_nowhere_is_made_where_the_link_points(here: Path) -> None:
    make_tree(here, {"l.csv": LISTED, "sorted": Link("real")})
    assert invoke("sort", "l.csv", "sorted").exit_code == 0
    assert (here / "real" / "7" / "a.png").read_bytes() == digit_png(7)


def test_dest_inside_source_moved(here: Path, model_file: Path) -> None:
    """What lies in DEST is no input, so that a second move moves nothing."""
    invoke("sort", "scans", "scans/sorted", "--move", "-m", model_file)
    assert folders(here / "scans" / "sorted") == SORTED
    before = read_tree(here / "scans" / "sorted" / "7")
    invoke("sort", "scans", "scans/sorted", "--move", "-m", model_file)
    assert read_tree(here / "scans" / "sorted" / "7") == before


def test_a_folder_of_dest_that_is_mounted_in_source_is_no_input(here: Path, model_file: Path) -> None:
    """What a person put there stays; named itself, the folder is sorted again."""
    invoke("sort", "scans", "sorted", "--move", "-m", model_file)
    make_tree(here, {"sorted": {"7": {"by hand.png": digit_png(1)}}, "scans": {"view": {}}})
    make_tree(here, {"scans": {"c.png": digit_png(3)}})
    words = ("sorted", "--move", "-m", model_file)
    with ExitStack() as stack:
        bind(stack, here / "sorted/7", here / "scans/view")
        bind(stack, here / "sorted/7", here / "sorted/7")
        assert "1 moved" in invoke("sort", "scans", *words).stderr
        assert (here / "sorted/7/by hand.png").exists()
        assert "1 moved" in invoke("sort", "sorted/7", *words).stderr
        assert (here / "sorted/1/by hand.png").exists()


def test_a_folder_of_dest_sorted_again_leaves_no_row_behind(here: Path, model_file: Path) -> None:
    """With another threshold, say; the files move on within DEST, and so do their rows."""
    invoke("sort", "scans", "sorted", "--move", "-m", model_file)
    done = invoke(
        "sort", "sorted/_uncertain", "sorted", "--move", "-m", model_file, "--min-confidence", "0"
    )
    assert done.exit_code == 0
    rows = [os.path.relpath(r.path, here / "sorted") for r in read_labels(here / "sorted/labels.csv")]
    assert f"{best_guess(model_file, 0)}/mixed.png" in rows
    assert "_uncertain/mixed.png" not in rows
    assert invoke("verify", "sorted").exit_code == 0
    assert invoke("undo", "sorted", "--all").exit_code == 0
    assert (here / "scans" / "mixed.png").read_bytes() == MIXED


def test_renamed_files_of_another_machine_are_found_by_content(here: Path, model_file: Path) -> None:
    """Those in a sorted folder are not looked at: they are copies, or belong to another sort."""
    tree = {"a.png": digit_png(7), "b.png": digit_png(1), "c.png": digit_png(3)}
    make_tree(here / "old", tree)
    invoke("classify", "old", "-m", model_file, "-q")
    table = here / "labels.csv"
    table.write_text(table.read_text().replace("old/", "D:/me/old/"))
    new = {"x": {"IMG 1.png": digit_png(7), "a.png": b"another a"}, "b copy.png": digit_png(1)}
    make_tree(here / "new", new)
    invoke("sort", "old", "new/sorted", "-m", model_file, "--move")
    done = invoke("sort", "labels.csv", "by content", "--root", "new")
    assert "3 files not found by name, 2 of them found by content in new" in done.stderr
    assert folders(here / "by content") == {
        "1": {"b copy.png": digit_png(1)},
        "7": {"IMG 1.png": digit_png(7)},
    }
    assert done.exit_code == 1


def test_classes_that_look_like_formulas_are_escaped_in_the_manifest(here: Path) -> None:
    rows = ["a.png,7,ok,,=x", "b.png,1,ok,,@x"]
    table = "\n".join(["path,label,status,sha256,human", *rows])
    make_tree(here, {"l.csv": table, "a.png": digit_png(7), "b.png": digit_png(1)})
    done = invoke("sort", "l.csv", "sorted", "--new-class", "=x", "--new-class", "@x")
    assert (done.exit_code, sorted(folders(here / "sorted"))) == (0, ["=x", "@x"])
    lines = (here / "sorted" / "labels.csv").read_text().splitlines()[1:]
    cells = [cell for line in lines for cell in line.split(",") if cell]
    assert {"'=x", "'@x"} <= set(cells)
    assert not [cell for cell in cells if cell.startswith(("=", "@"))]
