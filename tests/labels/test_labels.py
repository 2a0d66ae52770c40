"""labels.csv: what is written and what is read."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from digitsort.errors import ExitCode, NothingToDoError, UsageError
from digitsort.images.limits import FIRST_OF_SEVERAL
from digitsort.labels.labels_csv import (
    COLUMNS,
    LabelsWriter,
    Layout,
    outcome_of,
    read_labels,
    require_rows,
    row_of,
)
from digitsort.labels.resume import outcome_of as resumed
from digitsort.labels.row import Row
from digitsort.labels.table import escaped, write_table
from digitsort.outcomes import OF_A_RUN, Outcome, Status
from tests.conftest import write_rows

SHA = "ab" * 32
MODEL = "0123456789ab"

# Golden: the columns and their format are a public interface. Change it only with a major version.
OUTCOMES = [
    Outcome(
        "/scans/office/7.png",
        Status.OK,
        label="7",
        confidence=0.99996,
        second="1",
        second_confidence=0.00004,
        sha256=SHA,
        probabilities=(0.00004, 0.99996),
    ),
    Outcome(
        '/scans/=a,"b".png',
        Status.UNCERTAIN,
        label="1",
        confidence=0.61254,
        reason="low confidence",
        second="7",
        second_confidence=0.3,
        sha256=SHA,
        probabilities=(0.61254, 0.38746),
    ),
    Outcome("/scans/empty\n.png", Status.REJECTED, reason="blank", sha256=SHA),
    Outcome("/elsewhere/é.png", Status.ERROR, reason="no such file"),
]

GOLDEN_CSV = f"""\
path,label,confidence,status,reason,second,second_confidence,sha256,model
office/7.png,7,1.0000,ok,,1,0.0000,{SHA},{MODEL}
"./=a,""b"".png",1,0.6125,uncertain,low confidence,7,0.3000,{SHA},{MODEL}
file:empty%0A.png,,,rejected,blank,,,{SHA},{MODEL}
/elsewhere/é.png,,,error,no such file,,,,{MODEL}
"""

GOLDEN_PROBABILITIES = f"""\
path,label,confidence,status,reason,second,second_confidence,sha256,model,p_1,p_7
office/7.png,7,1.0000,ok,,1,0.0000,{SHA},{MODEL},0.0000,1.0000
"./=a,""b"".png",1,0.6125,uncertain,low confidence,7,0.3000,{SHA},{MODEL},0.6125,0.3875
file:empty%0A.png,,,rejected,blank,,,{SHA},{MODEL},,
/elsewhere/é.png,,,error,no such file,,,,{MODEL},,
"""

GOLDEN_JSONL = (
    '{"path": "office/7.png", "label": "7", "confidence": 1.0, "status": "ok", "reason": "", '
    f'"second": "1", "second_confidence": 0.0, "sha256": "{SHA}", "model": "{MODEL}", '
    '"p_1": 0.0, "p_7": 1.0}\n'
    '{"path": "./=a,\\"b\\".png", "label": "1", "confidence": 0.6125, "status": "uncertain", '
    f'"reason": "low confidence", "second": "7", "second_confidence": 0.3, "sha256": "{SHA}", '
    f'"model": "{MODEL}", "p_1": 0.6125, "p_7": 0.3875}}\n'
    '{"path": "file:empty%0A.png", "label": "", "confidence": null, "status": "rejected", '
    f'"reason": "blank", "second": "", "second_confidence": null, "sha256": "{SHA}", '
    f'"model": "{MODEL}", "p_1": null, "p_7": null}}\n'
    '{"path": "/elsewhere/é.png", "label": "", "confidence": null, "status": "error", '
    '"reason": "no such file", "second": "", "second_confidence": null, "sha256": "", '
    f'"model": "{MODEL}", "p_1": null, "p_7": null}}\n'
)


def written(form: Any = "csv", *classes: str) -> str:
    stream = io.StringIO(newline="")
    writer = LabelsWriter(stream, Layout("/scans", MODEL, classes), form)
    for outcome in OUTCOMES:
        writer.write(outcome)
    return stream.getvalue()


def test_the_csv_is_the_golden_one() -> None:
    assert written() == GOLDEN_CSV


def test_the_csv_with_probabilities_is_the_golden_one() -> None:
    assert written("csv", "1", "7") == GOLDEN_PROBABILITIES


def test_the_json_lines_are_the_golden_ones() -> None:
    assert written("jsonl", "1", "7") == GOLDEN_JSONL


def test_json_lines_have_the_columns_of_the_csv() -> None:
    columns = [*COLUMNS, "p_1", "p_7"]
    assert [columns] * 4 == [list(json.loads(line)) for line in GOLDEN_JSONL.splitlines()]


def read(tmp_path: Path, text: str | bytes, root: Path | None = None) -> list[Row]:
    path = tmp_path / "labels.csv"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return list(read_labels(path, root))


def test_rows_come_back_with_paths_resolved_against_the_files_folder(tmp_path: Path) -> None:
    rows = read(tmp_path, GOLDEN_CSV)
    expected = ["office/7.png", '=a,"b".png', "empty\n.png", "/elsewhere/é.png"]
    assert [str(tmp_path / name) for name in expected] == [row.path for row in rows]
    assert [row.label for row in rows] == ["7", "1", "", ""]
    assert list(OF_A_RUN) == [row.status for row in rows]
    assert [row.reason for row in rows] == ["", "low confidence", "blank", "no such file"]
    assert [row.sha256 for row in rows] == [SHA, SHA, SHA, ""]
    assert {MODEL} == {row.model for row in rows}
    assert {("", "")} == {(row.human, row.source) for row in rows}


def test_a_root_takes_the_place_of_the_files_folder(tmp_path: Path) -> None:
    rows = read(tmp_path, GOLDEN_CSV, Path("/scans"))
    assert [outcome.path for outcome in OUTCOMES] == [row.path for row in rows]


def test_a_relative_root_is_taken_from_the_working_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert str(tmp_path / "far" / "office" / "7.png") == read(tmp_path, GOLDEN_CSV, Path("far"))[0].path


def test_a_row_read_back_is_the_row_of_its_outcome(tmp_path: Path) -> None:
    layout = Layout("/scans", MODEL, ("1", "7"))
    rows = read(tmp_path, GOLDEN_PROBABILITIES, Path("/scans"))
    assert [row_of(outcome, layout) for outcome in OUTCOMES] == rows


def test_human_and_source_are_read_and_other_columns_kept(tmp_path: Path) -> None:
    (row,) = read(
        tmp_path, "path,label,status,human,source,my notes\n0/a.png,6,ok, 0 ,file:/s%FF/a.png,dim\n"
    )
    assert (row.label, row.human) == ("6", "0")
    assert row.source == "/s\udcff/a.png"
    assert row.cells["my notes"] == "dim"


@pytest.mark.parametrize(
    "change",
    [
        lambda text: b"\xef\xbb\xbf" + text,
        lambda text: text.replace(b"\n", b"\r\n"),
        lambda text: text.rstrip(b"\n"),
        lambda text: b"\n".join(b",".join(f'"{c}"'.encode() for c in line) for line in cells_of(text)),
    ],
    ids=["byte order mark", "Windows line ends", "no end of the last line", "all quoted"],
)
def test_what_a_spreadsheet_makes_of_the_file_is_read_alike(tmp_path: Path, change: Any) -> None:
    plain = f"path,label,status,sha256\n7.png,7,ok,{SHA}\n'x'.png,,rejected,\n"
    assert read(tmp_path, plain) == read(tmp_path, change(plain.encode()))


def cells_of(text: bytes) -> list[list[str]]:
    return list(csv.reader(text.decode().splitlines()))


HEADER = "path,label,status\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no columns path, label and status"),
        ("\n", "no columns path, label and status"),
        ("path|label|status\n7.png|7|ok\n", "no columns path, label and status"),
        ("path,label\n7.png,7\n", "no column status"),
        ('{"path": "7.png"}\n', "no columns label and status"),
        (HEADER + "7.png,7\n", "line 2: a row with too few or many cells"),
        (HEADER + "7.png,7,ok,more\n", "line 2: a row with too few or many cells"),
        (HEADER + "7.png,7,ok\n8.png,8,fine\n", "line 3: 'fine' is no status; they are ok, uncertain"),
        (HEADER + '7.png,7,ok\n"8.png,8,ok\n', "line 3: unexpected end of data"),
        (HEADER + '7.png,7,ok\n"8".png,8,ok\n', "line 3: "),
        ((HEADER + "7.png,7,ok\n").encode() + b"\xff\xfe.png,8,ok\n", "line .*byte 0xff is not UTF-8"),
        (b"\x89PNG\r\n\x1a\n\0\0\0", "it is a PNG picture"),
        (HEADER.encode("utf-16")[:-1], "line 1: .*truncated data"),
        (HEADER + "x" * 200_000 + ",7,ok\n", "line 2: field larger than"),
        (HEADER + "a\0b.png,7,ok\n", "line 2: a cell holds a NUL"),
        (HEADER + "file:a%00b.png,7,ok\n", "line 2: .* is no path"),
        (HEADER + ",7,ok\n", "line 2: .* is no path"),
    ],
    ids=[
        *"empty,blank,bars,no status,JSON lines,too few cells,too many cells".split(","),
        *"unknown status,open quote,stray quote,not UTF-8,a picture,half of UTF-16,endless cell".split(
            ","
        ),
        *"NUL,NUL in a reference,no path".split(","),
    ],
)
def test_what_is_no_labels_csv_is_a_usage_error_that_names_the_line(
    tmp_path: Path, text: str | bytes, said: str
) -> None:
    with pytest.raises(UsageError, match=said) as caught:
        read(tmp_path, text)
    assert caught.value.exit_code is ExitCode.USAGE
    assert str(tmp_path / "labels.csv") in str(caught.value)


ODD = [
    "",
    "./=1.png,1,ok,,",
    "file:%FF.png,1,ok,,",
    "/else/where/1.png,1,ok,,",
    "sub//1.png,1,ok,,",
    "../1.png,1,ok,,",
    "sub/,1,ok,,",
    ".hidden/1.png,1,ok,,",
    "1.png,1,rejected, _none ,",
    "1.png,1,ok,,/from/1.png",
    '"1,\n2.png","a\r\nb",ok,"",from.png',
]


@pytest.mark.parametrize("odd", ODD)
def test_a_row_among_thousands_is_read_as_it_is_alone(tmp_path: Path, odd: str) -> None:
    """Whatever its neighbours are: many are looked at together."""
    header = "path,label,status,human,source\n"
    plain = [f"ward/{n}.png,{n % 10},ok,," for n in range(2500)]
    lines = [*plain[:1500], odd, *plain[1500:]]
    alone = [row for line in [plain[0], odd, plain[-1]] for row in read(tmp_path, f"{header}{line}\n")]
    rows = read(tmp_path, header + "".join(f"{line}\n" for line in lines))
    assert len(rows) == 2500 + bool(odd)
    assert [rows[0], *rows[1500 : 1500 + bool(odd)], rows[-1]] == alone
    assert [row.path for row in rows if row not in alone[1:-1]] == [
        str(tmp_path / f"ward/{n}.png") for n in range(2500)
    ]


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        ("7.png,7,fine", "'fine' is no status"),
        ("7.png,7", "too few or many cells"),
        (",7,ok", "'' is no path"),
        ('"7.png,7,ok', "unexpected end of data"),
        ('"7".png,7,ok', "expected after"),
    ],
)
def test_what_is_no_row_is_found_after_those_before_it(tmp_path: Path, bad: str, said: str) -> None:
    """Its line is named, cells of several lines before it counted; what comes first is said first."""
    good = [f"{n}.png,7,ok" for n in range(1500)]
    good[1200] = '"a\nb.png",7,ok'
    text = HEADER + "".join(f"{line}\n" for line in [*good, bad, "8.png,8,worse"])
    (tmp_path / "labels.csv").write_text(text, newline="")
    rows = read_labels(tmp_path / "labels.csv")
    assert len([next(rows) for _ in good]) == 1500
    with pytest.raises(UsageError, match=f"line 1503: .*{said}"):
        next(rows)


@pytest.mark.parametrize("name", ["gone.csv", "."])
def test_a_file_that_cannot_be_opened_is_a_usage_error(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match=r"can't be read: .*digitsort classify"):
        list(read_labels(tmp_path / name))


def test_a_labels_csv_without_rows_is_nothing_to_do(tmp_path: Path) -> None:
    with pytest.raises(NothingToDoError, match="has no rows"):
        require_rows(read(tmp_path, HEADER), tmp_path / "labels.csv")


CELLS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)


@given(rows=st.lists(st.tuples(CELLS, CELLS), max_size=5))
def test_rows_of_any_cells_come_back(
    tmp_path_factory: pytest.TempPathFactory, rows: list[tuple[str, str]]
) -> None:
    path = tmp_path_factory.mktemp("rows") / "labels.csv"
    columns = ["path", "label", "status", "notes"]
    cells = [dict(zip(columns, ("7.png", label, "ok", note), strict=True)) for label, note in rows]
    write_rows(path, columns, cells)
    assert cells == [row.cells for row in read_labels(path)]


@given(rows=st.lists(st.lists(CELLS, min_size=3, max_size=3), max_size=5))
def test_the_text_is_that_of_the_csv_module(rows: list[list[str]]) -> None:
    """Also where no cell needs quotes, and it is made in another way; formulas aside."""
    columns = ["path", "label", "status"]
    rows = [[cell.replace("\r", "").lstrip("\ufeff") for cell in row] for row in rows]
    expected = io.StringIO(newline="")
    escaped_rows = [list(map(escaped, row)) for row in rows]
    csv.writer(expected, lineterminator="\n").writerows([columns, *escaped_rows])
    file = io.BytesIO()
    write_table(file, columns, [dict(zip(columns, row, strict=True)) for row in rows])
    assert file.getvalue().decode() == expected.getvalue()


@pytest.mark.parametrize(
    ("reason", "note", "cell"),
    [
        ("", "", ""),
        ("blank", "", "blank"),
        ("", FIRST_OF_SEVERAL, "first of several pages"),
        ("low confidence", FIRST_OF_SEVERAL, "low confidence; first of several pages"),
    ],
)
def test_a_file_of_several_pages_says_so_in_its_row(
    tmp_path: Path, reason: str, note: str, cell: str
) -> None:
    layout = Layout("/scans", MODEL)
    outcome = Outcome("/scans/a.tif", Status.UNCERTAIN, label="7", reason=reason, note=note)
    cells = layout.cells(outcome)
    assert cells[4] == cell
    assert row_of(outcome, layout).reason == cell
    assert outcome_of(row_of(outcome, layout)) == outcome
    assert resumed("/scans/a.tif", dict(zip(COLUMNS, cells, strict=True)), layout) == outcome


def test_cells_that_a_row_lacks_are_empty(tmp_path: Path) -> None:
    path = tmp_path / "labels.csv"
    write_rows(path, ["path", "label", "status"], [{"path": "7.png", "status": "rejected"}])
    assert path.read_bytes() == b"path,label,status\n7.png,,rejected\n"
