"""A labels file on its way: published whole, kept when cut off, gone on with."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from digitsort.errors import InterruptedRunError, NothingToDoError, OutputError
from digitsort.labels import Layout
from digitsort.partial import labels_file
from digitsort.records import Outcome
from digitsort.rerun import Run
from tests.conftest import read_tree
from tests.test_labels import GOLDEN_CSV, GOLDEN_JSONL, GOLDEN_PROBABILITIES, MODEL, OUTCOMES

LAYOUT = Layout("/scans", MODEL)
LAYOUT_P = Layout("/scans", MODEL, ("1", "7"))
RUN = Run.of(["/scans"], False, MODEL * 5, "settings", "csv")
FOLDER = ".labels.csv.partial"
NO_OPTIONS: dict[str, Any] = {}
PATHS = [outcome.path for outcome in OUTCOMES]

FORMS: dict[str, tuple[Layout, Any, str]] = {
    "csv": (LAYOUT, "csv", GOLDEN_CSV),
    "probabilities": (LAYOUT_P, "csv", GOLDEN_PROBABILITIES),
    "jsonl": (LAYOUT_P, "jsonl", GOLDEN_JSONL),
}


def write(
    path: Path,
    outcomes: list[Outcome] = OUTCOMES,
    *,
    stop_after: int | None = None,
    layout: Layout = LAYOUT,
    run: Run = RUN,
    error: BaseException | None = None,
    **options: Any,
) -> list[str]:
    """Write a file as `classify` does; gives the paths that were classified anew."""
    anew: list[str] = []
    by_path = {outcome.path: outcome for outcome in outcomes}

    def classified(paths: Iterator[str]) -> Iterator[Outcome]:
        for path in paths:
            if len(anew) == stop_after:
                raise error or KeyboardInterrupt
            anew.append(path)
            yield by_path[path]

    with labels_file(path, layout, run, **options) as file:
        known, rest = file.take_up(by_path)
        for outcome in known:
            file.write(outcome)
        for outcome in classified(rest):
            file.write(outcome)
        assert not path.exists() or options.get("force")
    return anew


@pytest.mark.parametrize("form", FORMS)
def test_a_file_is_utf_8_with_unix_line_ends_and_appears_at_the_end(tmp_path: Path, form: str) -> None:
    layout, kind, golden = FORMS[form]
    assert write(tmp_path / "labels.csv", layout=layout, form=kind) == PATHS
    assert {"labels.csv": golden.encode()} == read_tree(tmp_path)


def test_an_error_before_the_first_row_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(NothingToDoError):
        write(tmp_path / "labels.csv", stop_after=0, error=NothingToDoError("no images"))
    assert read_tree(tmp_path) == {}


def test_an_existing_file_is_kept_unless_forced(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    path.write_bytes(b"corrected by hand")
    for resume in (False, True):
        with pytest.raises(OutputError):
            write(path, resume=resume)
    assert read_tree(tmp_path) == {"labels.csv": b"corrected by hand"}
    write(path, force=True)
    assert {"labels.csv": GOLDEN_CSV.encode()} == read_tree(tmp_path)


@pytest.mark.parametrize(
    ("error", "raised"),
    [(KeyboardInterrupt(), InterruptedRunError), (OutputError("disk full."), OutputError)],
)
def test_what_was_done_is_kept_and_said(
    tmp_path: Path, error: BaseException, raised: type[Exception]
) -> None:
    path = tmp_path / "labels.csv"
    with pytest.raises(raised, match="3 rows are kept: go on with the same command and --resume"):
        write(path, stop_after=3, error=error)
    assert not path.exists()
    assert (tmp_path / FOLDER / "rows").read_text() == "".join(GOLDEN_CSV.splitlines(True)[:4])
    assert PATHS[3:] == write(path, resume=True)
    assert {"labels.csv": GOLDEN_CSV.encode()} == read_tree(tmp_path)


@pytest.mark.parametrize("form", FORMS)
def test_cut_off_at_any_byte_the_finished_file_is_the_same(tmp_path: Path, form: str) -> None:
    """And no path whose row was whole is classified again."""
    layout, kind, golden = FORMS[form]
    whole = golden.encode()
    path = tmp_path / "labels.csv"
    for cut in range(len(whole) + 1):
        with pytest.raises(InterruptedRunError):
            write(path, stop_after=3, layout=layout, form=kind)
        (tmp_path / FOLDER / "rows").write_bytes(whole[:cut])
        anew = write(path, layout=layout, form=kind, resume=True)
        assert whole == path.read_bytes()
        rows = whole[:cut].count(b"\n") - (kind == "csv")
        assert PATHS[max(rows, 0) :] == anew
        path.unlink()
    assert read_tree(tmp_path) == {}


def test_rows_of_an_interrupted_run_are_neither_dropped_nor_used_unasked(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    with pytest.raises(InterruptedRunError):
        write(path, stop_after=2)
    kept = read_tree(tmp_path)
    with pytest.raises(OutputError, match="--resume"):
        write(path)
    assert kept == read_tree(tmp_path)
    assert write(path, force=True) == PATHS


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("sources", '["/elsewhere"]'),
        ("links", "True"),
        ("model", "another"),
        ("settings", "Settings(min_confidence=0.5)"),
        ("format", "jsonl"),
        ("version", "9"),
    ],
)
def test_another_run_is_not_gone_on_with_and_what_differs_is_said(
    tmp_path: Path, name: str, value: str
) -> None:
    path = tmp_path / "labels.csv"
    with pytest.raises(InterruptedRunError):
        write(path, stop_after=2)
    kept = read_tree(tmp_path)
    with pytest.raises(OutputError, match=f"{name}: .*, now "):
        write(path, run=replace(RUN, **{name: value}), resume=True)
    assert kept == read_tree(tmp_path)


def test_where_the_files_part_from_the_rows_what_follows_is_done_anew(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    with pytest.raises(InterruptedRunError):
        write(path, stop_after=3)
    new = Outcome("/scans/new.png", OUTCOMES[0].status, label="7")
    outcomes = [OUTCOMES[0], new, *OUTCOMES[1:]]
    assert [o.path for o in outcomes[1:]] == write(path, outcomes, resume=True)
    resumed = path.read_bytes()
    write(path, outcomes, force=True)
    assert resumed == path.read_bytes()


def test_rows_of_files_that_are_gone_are_dropped(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    with pytest.raises(InterruptedRunError):
        write(path, stop_after=3)
    assert write(path, OUTCOMES[:2], resume=True) == []
    assert path.read_text() == "".join(GOLDEN_CSV.splitlines(True)[:3])


def test_resume_begins_where_there_is_nothing_to_go_on_with(tmp_path: Path) -> None:
    assert write(tmp_path / "labels.csv", resume=True) == PATHS


def test_one_run_at_a_time_writes_a_file(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    with labels_file(path, LAYOUT, RUN) as file:
        known, _ = file.take_up(PATHS)
        assert list(known) == []
        for options in NO_OPTIONS, {"force": True}, {"resume": True}:
            with pytest.raises(OutputError, match="Another run is writing"):
                write(path, **options)
        file.write(OUTCOMES[0])
    assert path.read_text() == "".join(GOLDEN_CSV.splitlines(True)[:2])


def test_a_long_list_of_sources_is_compared_by_its_hash() -> None:
    many = [f"/scans/{index}" for index in range(1000)]
    runs = [Run.of(sources, False, MODEL, "s", "csv") for sources in (many, many[::-1], many)]
    assert runs[0] == runs[2] != runs[1]
    assert len(runs[0].sources) < 200
