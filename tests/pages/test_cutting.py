"""Pages become a new folder of pictures: complete, or not there."""

from __future__ import annotations

import csv
import hashlib
import os
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from digitsort.errors import InterruptedRunError, OutputError
from digitsort.images.limits import Limits
from digitsort.labels.resume import RunSettings
from digitsort.pages import cutting
from digitsort.pages.blocks import Block, Cell
from digitsort.pages.cut_folder import CutFolder, cut_folder, drop_partial
from digitsort.pages.cut_manifest import read_cut_manifest, uncut, verify_cut
from digitsort.pages.cutting import (
    Account,
    CutOptions,
    FoundPage,
    Stems,
    cut_files,
    cut_page,
    files_of,
    rows_of,
)
from digitsort.pages.page_files import Leaf
from digitsort.workers.choose_engine import chosen_engine
from digitsort.workers.engine import Job
from tests.interrupted_calls import CLOSED_LATE, interrupted_at_each_call
from tests.pages_forms import CELL, form
from tests.workers.faults import Cuts

RUN = RunSettings.of(["/scans"], False, "", "options", "csv")


def square(row: int, column: int) -> Cell:
    left, top = 60 + CELL * (column - 1), 50 + CELL * (row - 1)
    corners = [[left, top], [left + CELL, top], [left + CELL, top + CELL], [left, top + CELL]]
    return Cell(row, column, np.array(corners, float) + 2)


def pages() -> Iterator[FoundPage]:
    """A page with two cells, one of them blank; one without cells; and a file that can't be read."""
    block = Block((square(2, 3), square(2, 4)))
    blank = frozenset({(1, 2, 4)})
    picture = (b"png",)
    yield FoundPage(
        1, "", "1f", (block,), blank, pictures=picture, preview=b"jpg", source="/p.png", stem="p"
    )
    yield FoundPage(1, "", "2f", preview=b"jpg", source="/q.png", stem="q")
    yield FoundPage(0, "broken PDF", "3f", source="/r.pdf", stem="r")


def fill(dest: Path, found: Iterable[FoundPage] | None = None) -> None:
    with cut_folder(dest, RUN, ("cells", "previews")) as folder:
        folder.take_up([])
        for page in pages() if found is None else found:
            folder.add(page)


def rows(dest: Path) -> list[dict[str, str]]:
    with (dest / "cells.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def content(folder: Path) -> dict[str, bytes]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def test_every_page_is_in_the_table(tmp_path: Path) -> None:
    fill(tmp_path / "new" / "out")
    out = tmp_path / "new" / "out"
    kinds = [(row["path"], row["kind"], row["reason"]) for row in rows(out)]
    assert kinds == [
        ("cells/p_p1_b1_r02_c03.png", "cell", ""),
        ("", "blank", ""),
        ("", "none", "no ruled cells found"),
        ("", "error", "broken PDF"),
    ]
    assert sorted(os.listdir(out / "cells")) == ["p_p1_b1_r02_c03.png"]
    assert sorted(os.listdir(out / "previews")) == ["p_p1.jpg", "q_p1.jpg"]
    assert os.listdir(tmp_path / "new") == ["out"]


def test_every_page_is_in_the_account() -> None:
    account = Account()
    for page in pages():
        account.count(page.facts)
    assert (account.pages, account.empty, account.unreadable) == (3, 1, 1)
    assert (account.cells, account.blank, account.written) == (2, 1, 1)


def test_blank_cells_are_written_on_demand(monkeypatch: pytest.MonkeyPatch) -> None:
    leaf = Leaf(1, np.asarray(form()))
    monkeypatch.setattr(cutting, "find_blocks", lambda _: [Block((square(2, 3), square(2, 4)))])
    found = {blank: cut_page(leaf, CutOptions(blank=blank, as_it_is=True)) for blank in (False, True)}
    assert [len(list(files_of(page))) for page in found.values()] == [1, 2]
    assert [sum(bool(row[0]) for row in rows_of(page, "/")) for page in found.values()] == [1, 2]


@pytest.mark.parametrize("what", ["file", "folder", "link"])
def test_nothing_is_replaced(tmp_path: Path, what: str) -> None:
    dest = tmp_path / "out"
    if what == "file":
        dest.write_text("mine")
    elif what == "folder":
        dest.mkdir()
    else:
        dest.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(OutputError, match="already exists"):
        fill(dest)
    assert os.listdir(tmp_path) == ["out"]


@pytest.mark.parametrize("what", ["folder", "link"])
def test_a_dest_that_appears_meanwhile_is_kept(tmp_path: Path, what: str) -> None:
    dest = tmp_path / "out"

    def appears() -> Iterator[FoundPage]:
        yield from pages()
        if what == "folder":
            dest.mkdir()
        else:
            dest.symlink_to(tmp_path)

    with pytest.raises(OutputError, match=r"already exists.*Kept 3 pages"):
        fill(dest, appears())
    assert sorted(os.listdir(tmp_path)) == [".out.partial", "out"]
    assert what == "link" or os.listdir(dest) == []


def _ctrl_c(page: FoundPage) -> FoundPage:
    raise KeyboardInterrupt


def test_a_run_that_is_interrupted_at_its_first_page_leaves_nothing(tmp_path: Path) -> None:
    nothing = map(_ctrl_c, pages())
    with pytest.raises(KeyboardInterrupt):
        fill(tmp_path / "out", nothing)
    assert os.listdir(tmp_path) == []


def test_names_are_safe_and_each_another() -> None:
    stems = Stems()
    names = [
        stems.name(path) for path in ("a/p.png", "b/P.jpg", "=x y\n.png", "...", "é" * 300 + ".png")
    ]
    assert all(name.isascii() and name.isprintable() and len(name) < 70 for name in names)
    assert names[:2] == ["p", "P~2"]


@pytest.fixture
def scans(tmp_path: Path) -> list[str]:
    """Three files: a picture, a TIFF with three pages, a broken file."""
    folder = tmp_path / "scans"
    folder.mkdir()
    form().save(folder / "a.png")
    others = [form().rotate(angle, fillcolor=245) for angle in (1, 2)]
    form().save(folder / "b.tif", save_all=True, append_images=others)
    (folder / "c.png").write_text("no picture")
    return [str(folder / name) for name in ("a.png", "b.tif", "c.png")]


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Find the same cells on every page, without looking."""

    def cut_page(leaf: Leaf, *_: object) -> FoundPage:
        if leaf.gray is None:
            return FoundPage(leaf.number, leaf.reason, leaf.sha256)
        block, picture = Block((square(2, 3), square(2, 4))), leaf.gray.tobytes()
        blank = frozenset({(1, 2, 4)})
        return FoundPage(
            leaf.number, "", leaf.sha256, (block,), blank, pictures=(picture,), preview=picture
        )

    monkeypatch.setattr(cutting, "cut_page", cut_page)


def cut(scans: list[str], dest: Path, workers: int = 0, stop: int = 99, *, resume: bool = False) -> int:
    """Cut pages, and press Ctrl-C before page `stop`; return the number of pages that were kept."""
    account = Account()
    with cut_folder(dest, RUN, ("cells", "previews"), resume=resume) as folder:
        known, files, begun = folder.take_up(scans)
        for page in cut_files(files, CutOptions(preview=True), account, begun, workers=workers):
            if len(known) + folder.written == stop:
                raise KeyboardInterrupt
            folder.add(page)
    return len(known)


@pytest.mark.slow
def test_workers_make_the_same_bytes(tmp_path: Path, scans: list[str]) -> None:
    for workers in range(3):
        cut(scans, tmp_path / f"w{workers}", workers)
    first = content(tmp_path / "w0")
    assert len(first) == 4 + 4 + 3  # pictures, previews; cells.csv, manifest and its seal
    assert content(tmp_path / "w1") == content(tmp_path / "w2") == first


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("stop", [1, 2, 3, 4])
def test_an_interrupted_run_is_continued(tmp_path: Path, scans: list[str], stop: int) -> None:
    cut(scans, tmp_path / "whole")
    with pytest.raises(InterruptedRunError, match=f"Kept {stop} page"):
        cut(scans, tmp_path / "out", stop=stop)
    assert sorted(os.listdir(tmp_path)) == [".out.partial", "scans", "whole"]
    (tmp_path / ".out.partial" / "tree" / "cells" / "unfinished.png").touch()
    with pytest.raises(OutputError, match="Continue it with --resume"):
        cut(scans, tmp_path / "out")
    assert cut(scans, tmp_path / "out", resume=True) == stop
    assert content(tmp_path / "out") == content(tmp_path / "whole")
    assert sorted(os.listdir(tmp_path)) == ["out", "scans", "whole"]


@CLOSED_LATE
@pytest.mark.slow
@pytest.mark.usefixtures("quick")
def test_interrupted_at_any_call_it_leaves_pages_to_go_on_with_or_nothing(
    tmp_path: Path, scans: list[str]
) -> None:
    dest, partial = tmp_path / "out", tmp_path / ".out.partial"
    cut(scans, tmp_path / "whole")
    whole, said = content(tmp_path / "whole"), set[object]()
    for raised in interrupted_at_each_call(lambda: cut(scans, dest), every=73):
        said.add(raised)
        assert not (dest.exists() and partial.exists())
        if not dest.exists():
            cut(scans, dest, resume=partial.exists())
        assert content(dest) == whole
        shutil.rmtree(dest)
    assert {KeyboardInterrupt, InterruptedRunError} <= said


@pytest.mark.usefixtures("quick")
def test_interrupted_before_its_first_page_a_resumed_run_keeps_the_pages(
    tmp_path: Path, scans: list[str]
) -> None:
    interrupted(scans, tmp_path / "out")
    with (
        pytest.raises(InterruptedRunError, match=r"Kept the pages of the earlier run\."),
        cut_folder(tmp_path / "out", RUN, ("cells", "previews"), resume=True),
    ):
        raise KeyboardInterrupt
    assert cut(scans, tmp_path / "out", resume=True) == 4


def interrupted(scans: list[str], dest: Path) -> Path:
    """Interrupt a run at its last page; return the folder of what was kept."""
    with pytest.raises(InterruptedRunError):
        cut(scans, dest, stop=4)
    return dest.parent / f".{dest.name}.partial"


@pytest.mark.usefixtures("quick")
def test_what_changed_since_is_cut_again(tmp_path: Path, scans: list[str]) -> None:
    partial = interrupted(scans, tmp_path / "out")
    with Image.open(scans[0]) as picture:
        picture.rotate(1, fillcolor=245).save(scans[0])
    assert cut(scans, tmp_path / "out", resume=True) == 0
    partial = interrupted(scans, tmp_path / "other")
    (partial / "tree" / "cells" / "b_p2_b1_r02_c03.png").write_text("another")
    assert cut(scans, tmp_path / "other", resume=True) == 2
    assert content(tmp_path / "other") == content(tmp_path / "out")


@pytest.mark.usefixtures("quick")
def test_pages_of_other_settings_or_another_user_are_refused(tmp_path: Path, scans: list[str]) -> None:
    partial = interrupted(scans, tmp_path / "out")
    other = RunSettings.of(["/others"], False, "", "options", "csv")
    with (
        pytest.raises(OutputError, match="other sources or options"),
        cut_folder(tmp_path / "out", other, (), resume=True),
    ):
        pass
    (partial / "run.json").write_text("{}")
    with pytest.raises(OutputError, match="did not write"):
        cut(scans, tmp_path / "out", resume=True)
    with (partial / "pages").open("ab") as file:
        file.write(b"{}\n")
    assert drop_partial(tmp_path / "out")
    assert sorted(os.listdir(tmp_path)) == ["scans"]


@pytest.mark.usefixtures("quick")
def test_lines_of_others_are_not_taken_up(tmp_path: Path, scans: list[str]) -> None:
    partial = interrupted(scans, tmp_path / "out")
    lines = (partial / "pages").read_bytes().splitlines(keepends=True)
    (partial / "pages").write_bytes(
        lines[0] + lines[1].replace(b'"cells": 2', b'"cells": 3') + lines[2]
    )
    assert cut(scans, tmp_path / "out", resume=True) == 1


def test_two_runs_do_not_fill_one_dest(tmp_path: Path) -> None:
    with cut_folder(tmp_path / "out", RUN, ()) as folder:
        assert isinstance(folder, CutFolder)
        with pytest.raises(OutputError, match="Another run is filling"):
            drop_partial(tmp_path / "out")
        folder.take_up([])
    assert os.path.isdir(tmp_path / "out")


@pytest.mark.slow
@pytest.mark.parametrize("harm", ["crash", "hang"])
def test_a_page_that_kills_its_worker_is_a_row(
    tmp_path: Path, scans: list[str], monkeypatch: pytest.MonkeyPatch, harm: str
) -> None:
    """Page 2 of the TIFF; and the whole TIFF, if its pages can't even be counted."""
    ends = "b.tif\0002", "b.tif"
    options = CutOptions(Limits(pixels=10))  # so that no page takes time
    reason = "crashed the decoder" if harm == "crash" else "timed out"
    found = []
    for end in ends:

        def harmed(job: Job, *rest: Any, end: str = end, **named: Any) -> Any:
            return chosen_engine(Cuts(job, end, harm), *rest, **named)

        monkeypatch.setattr(cutting, "chosen_engine", harmed)
        pages = cut_files(scans, options, Account(), workers=1)
        found.append([(page.number, page.unread) for page in pages])
    large, text = "over 10 pixels: raise --max-pixels", "not a supported image"
    assert found[0] == [(1, large), (1, large), (2, reason), (3, large), (1, text)]
    assert found[1] == [(1, large), (0, reason), (1, text)]


def test_a_cut_is_verified_and_undone(tmp_path: Path) -> None:
    fill(tmp_path / "out")
    (tmp_path / "out" / "labels.csv").write_text("mine")
    marks = {path: mark for mark, path in verify_cut(read_cut_manifest(tmp_path / "out"))}
    assert marks == dict.fromkeys(
        ("cells.csv", "cells/p_p1_b1_r02_c03.png", "previews/p_p1.jpg", "previews/q_p1.jpg"), "="
    )
    (tmp_path / "out" / "cells.csv").write_text("changed")
    (tmp_path / "out" / "cells" / "mine.png").touch()
    (tmp_path / "out" / "previews" / "q_p1.jpg").unlink()
    manifest = read_cut_manifest(tmp_path / "out")
    assert not manifest.foreign
    marks = {path: mark for mark, path in verify_cut(manifest) if mark != "="}
    assert marks == {"cells.csv": "*", "cells/mine.png": "+", "previews/q_p1.jpg": "-"}
    undone = uncut(manifest)
    assert (undone.removed, undone.left) == (2, ("cells.csv",))
    (tmp_path / "out" / "cells.csv").unlink()
    assert uncut(read_cut_manifest(tmp_path / "out")).left == ()
    assert content(tmp_path) == {"out/labels.csv": b"mine", "out/cells/mine.png": b""}


@pytest.fixture
def page(tmp_path: Path) -> Path:
    """A page that was cut into out."""
    path = tmp_path / "p.png"
    path.write_bytes(b"page")
    digest = hashlib.sha256(b"page").hexdigest()
    first, second, _ = pages()
    found = (replace(each, source=str(path), sha256=digest) for each in (first, second))
    fill(tmp_path / "out", found)
    return path


def test_an_untouched_cut_goes_as_a_whole(tmp_path: Path, page: Path) -> None:
    assert uncut(read_cut_manifest(tmp_path / "out")).removed == 4
    assert list(tmp_path.iterdir()) == [page]


def test_pictures_whose_page_is_gone_or_another_stay(tmp_path: Path, page: Path) -> None:
    """They may be all that is left of it."""
    page.write_bytes(b"another page")
    undone = uncut(read_cut_manifest(tmp_path / "out"))
    assert (undone.removed, undone.left) == (2, ())
    assert undone.alone == ("cells.csv", "cells/p_p1_b1_r02_c03.png")
    page.unlink()
    assert uncut(read_cut_manifest(tmp_path / "out")).alone == undone.alone
    assert {f"out/{path}" for path in undone.alone} <= content(tmp_path).keys()
    page.write_bytes(b"page")
    assert uncut(read_cut_manifest(tmp_path / "out")).removed == 2
    assert list(tmp_path.iterdir()) == [page]


@pytest.mark.parametrize("path", ["../mine.txt", "/etc/passwd", "cells/../../mine.txt", ".digitsort/x"])
def test_a_made_up_manifest_reaches_nothing_outside(tmp_path: Path, path: str) -> None:
    fill(tmp_path / "out")
    (tmp_path / "out" / ".digitsort" / "cut.jsonl").write_text(f'{{"path": "{path}", "sha256": ""}}\n')
    with pytest.raises(OutputError, match="outside of its folder"):
        read_cut_manifest(tmp_path / "out")


def test_a_changed_manifest_is_foreign_and_no_link_is_followed(tmp_path: Path) -> None:
    fill(tmp_path / "out")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "a.txt").write_text("")
    (tmp_path / "out" / "linked").symlink_to(tmp_path / "mine")
    nothing = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    with (tmp_path / "out" / ".digitsort" / "cut.jsonl").open("a") as file:
        file.write(f'{{"path": "linked/a.txt", "sha256": "{nothing}"}}\n')
    manifest = read_cut_manifest(tmp_path / "out")
    assert manifest.foreign
    assert uncut(manifest).left == ("linked/a.txt",)
    assert (tmp_path / "mine" / "a.txt").exists()


def test_what_a_person_keeps_beside_the_pages_of_a_run_stays(tmp_path: Path) -> None:
    """A folder of that name may have been there before."""
    (tmp_path / ".out.partial").mkdir()
    (tmp_path / ".out.partial" / "note.txt").write_text("mine")
    fill(tmp_path / "out")
    assert (tmp_path / ".out.partial" / "note.txt").read_text() == "mine"
    assert os.listdir(tmp_path / ".out.partial") == ["note.txt"]


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("what", ["tree", "tree/cells", "tree/previews"])
def test_no_link_in_the_pages_of_a_run_is_followed(tmp_path: Path, scans: list[str], what: str) -> None:
    """A folder of a person's, put there by a link, keeps its files; nothing is written into it."""
    partial = interrupted(scans, tmp_path / "out")
    mine = tmp_path / "mine" / "cells"
    mine.mkdir(parents=True)
    (mine / "note.txt").write_text("mine")
    (mine.parent / "note.txt").write_text("mine too")
    (partial / what).rename(tmp_path / "away")
    (partial / what).symlink_to(mine.parent if what == "tree" else mine)
    with pytest.raises(OutputError):
        cut(scans, tmp_path / "out", resume=True)
    drop_partial(tmp_path / "out")
    assert content(tmp_path / "mine") == {"cells/note.txt": b"mine", "note.txt": b"mine too"}
