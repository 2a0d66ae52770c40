"""A labels file on its way: published whole, kept when cut off, gone on with."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import asdict, replace
from itertools import chain
from pathlib import Path
from typing import Any

import pytest

from digitsort.errors import InterruptedRunError, NothingToDoError, OutputError
from digitsort.labels.labels_csv import Layout
from digitsort.labels.partial import Beginning, labels_file
from digitsort.labels.resume import RunSettings
from digitsort.outcomes import Outcome
from tests.conftest import Link, make_tree, read_tree
from tests.interrupted_calls import CLOSED_LATE, interrupted_at_each_call
from tests.labels.test_labels import GOLDEN_CSV, GOLDEN_JSONL, GOLDEN_PROBABILITIES, MODEL, OUTCOMES

LAYOUT = Layout("/scans", MODEL)
LAYOUT_P = Layout("/scans", MODEL, ("1", "7"))
RUN = RunSettings.of(["/scans"], False, MODEL * 5, "settings", "csv")
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
    run: RunSettings = RUN,
    error: BaseException | None = None,
    form: Any = "csv",
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

    with labels_file(path, layout, run, form=form, beginning=Beginning(**options)) as file:
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
    with pytest.raises(raised, match=r"Kept 3 rows\."):
        write(path, stop_after=3, error=error)
    assert not path.exists()
    assert (tmp_path / FOLDER / "rows").read_text() == "".join(GOLDEN_CSV.splitlines(True)[:4])
    assert PATHS[3:] == write(path, resume=True)
    assert {"labels.csv": GOLDEN_CSV.encode()} == read_tree(tmp_path)


@CLOSED_LATE
@pytest.mark.parametrize("every", [pytest.param(3, marks=pytest.mark.slow), 17])
def test_interrupted_at_any_call_it_leaves_whole_rows_or_nothing(tmp_path: Path, every: int) -> None:
    path, rows = tmp_path / "labels.csv", tmp_path / FOLDER / "rows"
    expected = "".join(GOLDEN_CSV.splitlines(True)[:3])
    said = set[object]()
    for raised in interrupted_at_each_call(lambda: write(path, OUTCOMES[:2]), every):
        said.add(raised)
        if (tmp_path / FOLDER).exists():
            assert rows.read_text()
            write(path, OUTCOMES[:2], resume=True)
        elif not path.exists():
            assert raised is KeyboardInterrupt
            write(path, OUTCOMES[:2])
        assert {"labels.csv": expected.encode()} == read_tree(tmp_path)
        path.unlink()
    assert {KeyboardInterrupt, InterruptedRunError} <= said


def test_interrupted_before_its_first_row_a_resumed_run_keeps_the_rows(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    with pytest.raises(InterruptedRunError):
        write(path, stop_after=3)
    with (
        pytest.raises(InterruptedRunError, match=r"Kept the rows of the earlier run\."),
        labels_file(path, LAYOUT, RUN, beginning=Beginning(resume=True)),
    ):
        raise KeyboardInterrupt
    assert PATHS[3:] == write(path, resume=True)


def test_rows_of_files_that_changed_are_not_said_to_be_kept(tmp_path: Path) -> None:
    """Interrupted before the first new row, nothing is left of the earlier run."""
    path = tmp_path / "labels.csv"
    with pytest.raises(InterruptedRunError):
        write(path, stop_after=3)

    def is_still(path: str, sha256: str) -> bool:
        return False

    def go_on() -> None:
        with labels_file(path, LAYOUT, RUN, beginning=Beginning(resume=True)) as file:
            assert list(file.take_up(PATHS, is_still)[0]) == []
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        go_on()
    assert read_tree(tmp_path) == {}


def test_a_run_that_replaces_a_file_is_resumed_too(tmp_path: Path) -> None:
    (tmp_path / "labels.csv").write_bytes(b"an earlier run")
    with pytest.raises(InterruptedRunError):
        write(tmp_path / "labels.csv", stop_after=3, error=KeyboardInterrupt(), force=True)
    assert PATHS[3:] == write(tmp_path / "labels.csv", force=True, resume=True)
    assert {"labels.csv": GOLDEN_CSV.encode()} == read_tree(tmp_path)


@pytest.mark.parametrize("form", FORMS)
def test_cut_off_at_any_byte_the_finished_file_is_the_same(tmp_path: Path, form: str) -> None:
    """What lies behind a cut can't be what was sealed, and is done again."""
    layout, kind, golden = FORMS[form]
    whole = golden.encode()
    path = tmp_path / "labels.csv"
    for cut in {*range(0, len(whole), 9), len(whole) - 1, len(whole)}:
        with pytest.raises(InterruptedRunError):
            write(path, stop_after=3, layout=layout, form=kind)
        sealed = (tmp_path / FOLDER / "rows").read_bytes()
        (tmp_path / FOLDER / "rows").write_bytes(whole[:cut])
        anew = write(path, layout=layout, form=kind, resume=True)
        assert whole == path.read_bytes()
        rows = 3 if len(sealed) <= cut else 0
        assert PATHS[rows:] == anew
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
    runs = [RunSettings.of(sources, False, MODEL, "s", "csv") for sources in (many, many[::-1], many)]
    assert runs[0] == runs[2] != runs[1]
    assert len(runs[0].sources) < 200


MANY = [OUTCOMES[0]._replace(path=f"/scans/{index}.png") for index in range(1000)]


@pytest.mark.parametrize("share", [0.0, 0.2, 0.5, 0.9, 0.999])
def test_a_run_that_was_killed_goes_on_from_its_last_seal(tmp_path: Path, share: float) -> None:
    """Rows are sealed with each write; a power cut may leave fewer of them, or zeros in their place."""
    path = tmp_path / "labels.csv"
    write(path, MANY)
    whole = path.read_bytes()
    path.unlink()
    for damage in ("cut off", "zeros"):
        with pytest.raises(InterruptedRunError):
            write(path, MANY, stop_after=900)
        rows = tmp_path / FOLDER / "rows"
        content = rows.read_bytes()
        left = content[: int(len(content) * share)]
        rows.write_bytes(left if damage == "cut off" else left.ljust(len(content), b"\0"))
        anew = write(path, MANY, resume=True)
        assert whole == path.read_bytes()
        assert left.count(b"\n") - 150 < len(MANY) - len(anew) <= max(left.count(b"\n"), 1)
        path.unlink()


def test_a_changed_row_is_done_again(tmp_path: Path) -> None:
    """Every flipped bit: in the rows, in their seals, in what was asked for."""
    path = tmp_path / "labels.csv"
    with pytest.raises(InterruptedRunError):
        write(path, stop_after=3)
    kept = read_tree(tmp_path / FOLDER)
    refused = set()
    for name in ("rows", "seals", "run.json"):
        for place in range(0, len(kept[name]), 11):
            changed = bytearray(kept[name])
            changed[place] ^= 1 << place % 8
            make_tree(tmp_path / FOLDER, {**kept, name: bytes(changed)})
            try:
                write(path, resume=True)
            except OutputError:
                refused.add(name)
                write(path, force=True)
            assert path.read_bytes() == GOLDEN_CSV.encode()
            path.unlink()
    assert refused == {"run.json"}


FORGED: dict[str, Any] = {
    "rows alone": {"rows": GOLDEN_CSV},
    "a run without seals": {
        "rows": GOLDEN_CSV.replace(",7,", ",\x1b[31m,"),
        "run.json": json.dumps({"run": json.dumps(asdict(RUN)), "seal": "0" * 32}),
    },
    "the run of an earlier version": {"rows": GOLDEN_CSV, "run.json": json.dumps(asdict(RUN))},
    "rows is a link": {"rows": Link("../../victim")},
    "run.json is a link": {"rows": "x", "run.json": Link("../../victim")},
    "lock is a link": {"lock": Link("../../victim")},
    "lock is a link to nowhere": {"lock": Link("../../new")},
    "lock is a folder": {"lock": {"inside": "x"}},
    "rows is a folder": {"rows": {"inside": "x"}},
    "run.json is a folder": {"run.json": {"inside": "x"}},
    "deep JSON": {"run.json": "[" * 100_000},
    "JSON of another kind": {"run.json": "[1, 2]"},
    "no JSON": {"run.json": b"\xff\xfe"},
    "a large run.json": {"run.json": " " * 2**21},
}


@pytest.mark.parametrize("name", FORGED)
@pytest.mark.parametrize("options", [{}, {"resume": True}], ids=["plain", "resume"])
def test_what_a_stranger_left_is_neither_believed_nor_touched(
    tmp_path: Path, name: str, options: dict[str, Any]
) -> None:
    make_tree(tmp_path, {"victim": b"mine", "here": {FOLDER: FORGED[name]}})
    before = read_tree(tmp_path)
    with pytest.raises(OutputError) as caught:
        write(tmp_path / "here" / "labels.csv", **options)
    assert before == {**read_tree(tmp_path)} | {"here": {FOLDER: before["here"][FOLDER]}}
    after = read_tree(tmp_path / "here" / FOLDER)
    assert {**after} == {**before["here"][FOLDER]} | {n: after[n] for n in after if n == "lock"}
    assert str(caught.value).isprintable()


@pytest.mark.parametrize("name", FORGED)
def test_to_start_over_removes_what_a_stranger_left_and_no_more(tmp_path: Path, name: str) -> None:
    """A folder, or a link in the place of the lock, a person has to remove."""
    make_tree(tmp_path, {"victim": b"mine", "here": {FOLDER: FORGED[name]}})
    path = tmp_path / "here" / "labels.csv"
    if "folder" in name or "lock" in name:
        with pytest.raises(OutputError, match="Check it"):
            write(path, force=True)
    else:
        write(path, force=True)
        assert {"labels.csv": GOLDEN_CSV.encode()} == read_tree(path.parent)
    assert (tmp_path / "victim").read_bytes() == b"mine"
    assert not (tmp_path / "new").exists()


@pytest.mark.parametrize("options", [{}, {"resume": True}, {"force": True}])
@pytest.mark.parametrize("kind", ["link", "file", "link to nowhere"])
def test_no_folder_in_the_place_of_the_folder(
    tmp_path: Path, kind: str, options: dict[str, Any]
) -> None:
    content = {"link": Link("../there"), "link to nowhere": Link("../new"), "file": b"x"}[kind]
    tree = {"there": {"rows": b"1", "lock": b"2", "run.json": b"3"}, "here": {FOLDER: content}}
    make_tree(tmp_path, tree)
    with pytest.raises(OutputError, match="is not your folder"):
        write(tmp_path / "here" / "labels.csv", **options)
    assert read_tree(tmp_path) == tree


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
@pytest.mark.parametrize("name", ["rows", "seals", "run.json", "lock"])
def test_a_pipe_is_not_waited_for(tmp_path: Path, name: str) -> None:
    path = tmp_path / "labels.csv"
    with pytest.raises(InterruptedRunError):
        write(path, stop_after=3)
    (tmp_path / FOLDER / name).unlink(missing_ok=True)
    os.mkfifo(tmp_path / FOLDER / name)
    with pytest.raises(OutputError, match=f"{name}.* was not written by your digitsort"):
        write(path, resume=True)


def test_a_hard_link_to_a_file_of_ones_own_is_not_written_to(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    with pytest.raises(InterruptedRunError):
        write(path, stop_after=3)
    make_tree(tmp_path, {"victim": b"mine"})
    (tmp_path / FOLDER / "rows").unlink()
    (tmp_path / FOLDER / "rows").hardlink_to(tmp_path / "victim")
    with pytest.raises(OutputError, match="rows was not written by your digitsort"):
        write(path, resume=True)
    assert (tmp_path / "victim").read_bytes() == b"mine"


def test_rows_of_another_user_are_not_gone_on_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their key is another one; so is that of the same user on another machine."""
    path = tmp_path / "labels.csv"
    with monkeypatch.context() as other:
        other.setenv("DIGITSORT_STATE", str(tmp_path / "other"))
        with pytest.raises(InterruptedRunError):
            write(path, stop_after=3)
    with pytest.raises(OutputError, match="did not write"):
        write(path, resume=True)
    assert write(path, force=True) == PATHS


def test_a_folder_that_is_replaced_meanwhile_is_not_published_from(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    make_tree(tmp_path, {"forged": {"rows": b"forged"}})

    def classified() -> Iterator[Outcome]:
        yield OUTCOMES[0]
        (tmp_path / FOLDER).rename(tmp_path / "away")
        (tmp_path / FOLDER).symlink_to("forged")

    with ExitStack() as stack:
        file = stack.enter_context(labels_file(path, LAYOUT, RUN))
        known, _ = file.take_up(PATHS)
        for outcome in chain(known, classified()):
            file.write(outcome)
        with pytest.raises(OutputError, match="was replaced during the run"):
            stack.close()
    assert not path.exists()
    assert read_tree(tmp_path / "forged") == {"rows": b"forged"}
