"""A cell is a cell: whatever it holds, every writer's file gives it back and no spreadsheet runs it."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from digitsort.evaluation.truth import read_truth
from digitsort.labels.labels_csv import LabelsWriter, Layout, read_labels
from digitsort.labels.table import Table, escaped, line_of, text_of, unescaped
from digitsort.outcomes import Outcome, Status
from digitsort.review.page import _line
from digitsort.sorting.books import Booking, Sorted, columns_of_books
from tests.conftest import write_rows

ODD = "\",\n\r\t\0 '=+-@;|\v\f\x1c\x85\u2028\u2029\ufeff\uff1d\uff0b\uff0d\uff20a1.Eé\U0001f600"

CELLS = st.one_of(
    st.text(st.sampled_from(ODD), max_size=6),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=6),
    st.sampled_from(
        ['=HYPERLINK("http://x","y")', "@SUM(1)", "-2+3", "-2.5", "+1e5", "'=x", "''=x", "-"]
    ),
)
ROWS = st.integers(1, 5).flatmap(
    lambda width: st.lists(st.lists(CELLS, min_size=width, max_size=width), min_size=1, max_size=5)
)


def by_the_rfc(text: str) -> list[list[str]]:
    """Read CSV as RFC 4180 and spreadsheets do, one character after another."""
    rows, row, cell, quoted, at = [], list[str](), "", False, 0
    while at < len(text):
        char, pair = text[at], text[at : at + 2]
        at += 1
        if quoted and pair == '""':
            cell, at = cell + '"', at + 1
        elif char == '"' and (quoted or not cell):
            quoted = not quoted
        elif quoted or char not in ",\r\n":
            cell += char
        else:
            row.append(cell)
            cell = ""
            if char != ",":
                at += pair == "\r\n"
                rows.append(row)
                row = []
    assert (quoted, cell, row) == (False, "", []), "a file ends with the end of a line"
    return rows


def by_csv(text: str) -> list[list[str]]:
    """Read as Python does, from a file with a byte order mark or without."""
    file = io.TextIOWrapper(io.BytesIO(text.encode()), encoding="utf-8-sig", newline="")
    return list(csv.reader(file, strict=True))


def in_a_table(rows: Sequence[Sequence[str]]) -> str:
    """Rows of a `Table` whose columns are the first of them."""
    columns = [f"{place}{name}" for place, name in enumerate(rows[0])]
    cells = [dict(zip(columns, row, strict=True)) for row in rows]
    header, *blocks = Table(columns).blocks(cells)
    assert [columns] == by_csv(header)
    return "".join(blocks)


WRITERS: dict[str, Callable[[Sequence[Sequence[str]]], str]] = {
    "line by line": lambda rows: "".join(map(line_of, rows)),
    "text": text_of,
    "table": in_a_table,
    "page": lambda rows: "".join(f"{_line(row)}\n" for row in rows),
}


@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)
@given(rows=ROWS)
@example(rows=[["a\nb", "x"]])
@example(rows=[["a\rb", "x"]])
@example(rows=[["\ufeffa", "x"]])
@example(rows=[[""]])
@example(rows=[["a", "=x", "b"], ["a", "b", "c"]])
def test_any_cell_comes_back_and_none_is_a_formula(
    write: Callable[[Sequence[Sequence[str]]], str], rows: list[list[str]]
) -> None:
    text = write(rows)
    assert by_csv(text) == by_the_rfc(text)
    found = by_csv(text)
    assert rows == [list(map(unescaped, row)) for row in found]
    assert not [cell for row in found for cell in row if runs(cell)]


def runs(cell: str) -> bool:
    """Whether a spreadsheet could run a cell, in other words than the writer's."""
    begins = cell.lstrip(" \t\r\n")[:1] in set("=+-@\uff1d\uff0b\uff0d\uff20") - {""}
    is_number = re.fullmatch(r"[-+]?\d+(\.\d+)?([eE][-+]?\d+)?", cell, re.ASCII) is not None
    return (
        len(cell) > 1
        and not is_number
        and ((begins and bool(cell.strip(" \t\r\n"))) or cell[0] in "\t\r\n")
    )


@given(CELLS)
def test_an_apostrophe_is_taken_away_again(cell: str) -> None:
    assert cell == unescaped(escaped(cell))
    assert escaped(cell) in (cell, f"'{cell}")


@pytest.mark.parametrize("cell", ["-", "+", "=", "-5", "+5", "-0.5", "+1.5e-3", "a=b", "1-2", "", "'a"])
def test_what_is_harmless_is_written_as_it_is(cell: str) -> None:
    assert f"x,{cell}\n" == line_of(["x", cell])


@given(rows=st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=4))
def test_read_labels_gives_back_the_cells_of_a_written_table(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]]
) -> None:
    """And of the table that is written of what was read; NUL, which no table has, aside."""
    rows = [(name.replace("\0", ""), note.replace("\0", "")) for name, note in rows]
    folder = tmp_path_factory.mktemp("rows")
    columns = ["path", "label", "status", "=notes", "my\nnotes"]
    cells = [dict(zip(columns, ("7.png", "7", "ok", *row), strict=True)) for row in rows]
    write_rows(folder / "labels.csv", columns, cells)
    read = [row.cells for row in read_labels(folder / "labels.csv")]
    assert cells == read
    write_rows(folder / "again.csv", columns, read)
    assert (folder / "labels.csv").read_bytes() == (folder / "again.csv").read_bytes()


@given(rows=st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=4))
def test_the_labels_csv_of_sorted_files_holds_the_cells_of_a_strangers_table(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]]
) -> None:
    rows = [(label.replace("\0", ""), note.replace("\0", "")) for label, note in rows]
    folder = tmp_path_factory.mktemp("books")
    file = io.StringIO(newline="")
    writer = csv.writer(file, quoting=csv.QUOTE_ALL)  # as a stranger's program writes
    writer.writerow(["path", "label", "status", "@note"])
    writer.writerows([f"{number}.png", label, "ok", note] for number, (label, note) in enumerate(rows))
    (folder / "given.csv").write_text(file.getvalue(), encoding="utf-8", newline="")
    given_rows = list(read_labels(folder / "given.csv"))
    dest = str(folder / "sorted")
    booking = Booking(dest)
    booked = [
        booking.cells(Sorted(f"{dest}/7/{n}.png", r.path, r.cells)) for n, r in enumerate(given_rows)
    ]
    text = "".join(Table(columns_of_books(booked)).blocks(booked))
    found = by_csv(text)
    assert by_the_rfc(text) == found
    assert not [cell for row in found for cell in row if runs(cell)]
    (folder / "labels.csv").write_text(text, encoding="utf-8", newline="")
    assert [(unescaped(a.label), unescaped(a.cells["@note"])) for a in given_rows] == [
        (unescaped(row.label), unescaped(row.cells["@note"]))
        for row in read_labels(folder / "labels.csv")
    ]


NAMES = st.binary(min_size=1, max_size=8).map(
    lambda raw: raw.replace(b"\0", b"0").replace(b"/", b"=").decode("utf-8", "surrogateescape")
)


@given(names=st.lists(NAMES, min_size=1, max_size=3), label=CELLS, reason=CELLS)
@example(names=["'=x.png"], label="=x", reason="@y")
@example(names=["\\", "a\\..\\b.png", "C:", "C:\\7.png"], label="", reason="")
def test_any_file_name_and_label_comes_back_from_classify_s_table(
    tmp_path_factory: pytest.TempPathFactory, names: list[str], label: str, reason: str
) -> None:
    """File names are bytes: what is no UTF-8 of them is a lone surrogate here."""
    names = [name for name in names if name not in (".", "..")]
    label, reason = label.replace("\0", ""), reason.replace("\0", "")
    outcomes = [Outcome(f"/scans/{n}", Status.OK, label=label, reason=reason) for n in names]
    streams = {form: io.StringIO(newline="") for form in ("csv", "jsonl")}
    for form, stream in streams.items():
        writer = LabelsWriter(stream, Layout("/scans", "m"), form)  # type: ignore[arg-type]
        for outcome in outcomes:
            writer.write(outcome)
    text = streams["csv"].getvalue()
    assert by_the_rfc(text) == by_csv(text)
    assert not [cell for row in by_csv(text) for cell in row if runs(cell)]
    path = tmp_path_factory.mktemp("named") / "labels.csv"
    path.write_text(text, encoding="utf-8", newline="")
    rows = list(read_labels(path, Path("/scans")))
    assert [(o.path, label, reason) for o in outcomes] == [(r.path, r.label, r.reason) for r in rows]
    lines = streams["jsonl"].getvalue().encode().split(b"\n")
    assert [label] * len(names) == [json.loads(line)["label"] for line in lines[:-1]]


@given(labels=st.lists(CELLS, min_size=1, max_size=4))
def test_a_truth_csv_gives_back_its_labels(
    tmp_path_factory: pytest.TempPathFactory, labels: list[str]
) -> None:
    labels = [label.replace("\0", "") for label in labels]
    path = tmp_path_factory.mktemp("truth") / "truth.csv"
    cells = [{"path": f"{n}.png", "label": label} for n, label in enumerate(labels)]
    write_rows(path, ["path", "label"], cells)
    assert [label.strip() for label in labels] == list(read_truth(path).values())
