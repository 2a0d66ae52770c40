"""Tables as people, spreadsheets and pandas save them: read right, or a sentence names the value."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from digitsort.errors import UsageError
from digitsort.evaluation.truth import find_truth, read_truth
from digitsort.images.discover import Walk
from digitsort.labels.cells import Findings, check_human, describe_findings, likely_classes
from digitsort.labels.elsewhere import PathFinder
from digitsort.labels.labels_csv import COLUMNS, confidence_of, read_labels
from digitsort.labels.read_table import KNOWN_COLUMNS
from digitsort.labels.row import HUMAN, SOURCE, Row
from tests.conftest import digit_png, invoke, make_tree

SHA = "ab" * 32

PLAIN = f"""\
path,label,confidence,status,sha256,human
a.png,3,0.9983,ok,{SHA},
b.png,,,rejected,,7
"""


def rows_of(folder: Path, content: str | bytes, findings: Findings | None = None) -> list[Row]:
    path = folder / "labels.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return list(read_labels(path, findings=findings))


def summed(rows: list[Row]) -> list[tuple[str, str, float | None, str, str, str]]:
    return [
        (Path(row.path).name, row.label, confidence_of(row), row.status, row.sha256, row.human)
        for row in rows
    ]


RIGHT = [("a.png", "3", 0.9983, "ok", SHA, ""), ("b.png", "", None, "rejected", "", "7")]


def as_json(text: str) -> str:
    header, *lines = (line.split(",") for line in text.splitlines())
    return "".join(json.dumps(dict(zip(header, line, strict=True))) + "\n" for line in lines)


def in_numbers() -> str:
    """JSON with numbers and null, and a key that only one object has."""
    first = {"path": "a.png", "label": 3, "confidence": 0.9983, "status": "ok", "sha256": SHA}
    second = {"path": "b.png", "label": None, "confidence": None, "status": "rejected", "human": 7.0}
    return f"\n{json.dumps(first)}\n{json.dumps(second)}\n"


SAVED: dict[str, str | bytes] = {
    "semicolons": PLAIN.replace(",", ";"),
    "semicolons and decimal commas": PLAIN.replace(",", ";").replace("0.9983", "0,9983"),
    "quoted semicolons": "".join(
        ";".join(f'"{cell}"' for cell in line.split(",")) + "\r\n" for line in PLAIN.splitlines()
    ),
    "tabs": PLAIN.replace(",", "\t"),
    "Excel's first line": "sep=;\r\n" + PLAIN.replace(",", ";"),
    "UTF-16": PLAIN.encode("utf-16"),
    "UTF-16, big end first": b"\xfe\xff" + PLAIN.encode("utf-16-be"),
    "UTF-16 without a mark": PLAIN.encode("utf-16-le"),
    "UTF-16 without a mark, big end first": PLAIN.encode("utf-16-be"),
    "UTF-16, tabs and CRLF, as Excel's Unicode text": (
        PLAIN.replace(",", "\t").replace("\n", "\r\n").encode("utf-16")
    ),
    "byte order mark and semicolons": b"\xef\xbb\xbf" + PLAIN.replace(",", ";").encode(),
    "columns in capitals": PLAIN.replace("path,label", " Path ,LABEL").replace("human", "Human"),
    "empty rows": PLAIN.replace("b.png", ",,,,,\n\n , ,,,,\nb.png") + ",,\n",
    "empty cells at the end": PLAIN.replace("\n", ",,\n"),
    "labels of pandas": PLAIN.replace("a.png,3,", "a.png,3.0,"),
    "labels as spreadsheets write them": PLAIN.replace(",7\n", ',"7,0"\n'),
    "spaces around a label": PLAIN.replace(",7\n", ", 7 \n"),
    "full-width digits": PLAIN.replace(",7\n", ",\uff17\n"),
    "JSON lines": as_json(PLAIN),
    "JSON lines, CRLF and a mark": b"\xef\xbb\xbf" + as_json(PLAIN).replace("\n", "\r\n").encode(),
    "JSON lines with numbers and null": in_numbers(),
}


@pytest.mark.parametrize("name", SAVED)
def test_a_table_is_read_as_it_was_meant(tmp_path: Path, name: str) -> None:
    assert summed(rows_of(tmp_path, SAVED[name])) == RIGHT


def test_what_was_skipped_and_understood_is_counted(tmp_path: Path) -> None:
    """Alike among few rows and among thousands, which are looked at together."""
    many = "".join(f"{n}.png,{n % 10}.0,,ok,,\n" for n in range(2000))
    findings = Findings()
    rows = rows_of(
        tmp_path, PLAIN.replace("b.png", ",,,,\nb.png").replace(",7\n", ",7 \n") + many, findings
    )
    assert findings.empty_rows == 1
    assert findings.understood == {("7 ", "7"): 1, **{(f"{n}.0", str(n)): 200 for n in range(10)}}
    assert findings.human == {"7": 1}
    assert findings.names == {"", *"0123456789"}
    assert [row.cells["label"] for row in rows[2:5]] == ["0", "1", "2"]
    said = describe_findings("l.csv", findings)
    assert said[0] == "l.csv: 1 empty row skipped."
    assert said[1].startswith("l.csv: converted 2001 labels: '0.0' to '0' (200), '1.0' to '1' (200)")
    assert said[1].endswith("and 1 more.")


STAYS = ["x", "07", "7.5", "10.01", "v1.0", "NONE", "seven", "-", "_none", "\u0667"]


@pytest.mark.parametrize("label", STAYS)
def test_other_labels_stay_as_they_are(tmp_path: Path, label: str) -> None:
    (row,) = rows_of(tmp_path, f"path,label,status,human\na.png,{label},ok,{label}\n")
    assert (row.label, row.human) == (label, label)


def test_a_wide_digit_stays_where_the_model_has_such_a_class(tmp_path: Path) -> None:
    (row,) = rows_of(tmp_path, "path,label,status,human\na.png,\uff17,ok,\uff17\n")
    assert row.human == "\uff17"


REFUSED: dict[str, tuple[str | bytes, str]] = {
    "a hash that became a number": (
        PLAIN.replace(SHA, "1.23E+63"),
        r"line 2: '1.23E\+63' is not a SHA-256: a spreadsheet turned it into a number",
    ),
    "the same with a decimal comma": (
        PLAIN.replace(",", ";").replace(SHA, "1,23E+63"),
        r"line 2: '1,23E\+63' is not a SHA-256: a spreadsheet turned",
    ),
    "a column like human": (
        PLAIN.replace("human", "Human label"),
        "has a column 'Human label', but no",
    ),
    "another one": (PLAIN.replace("human", "humans"), "has a column 'humans', but no column human"),
    "a column like path": (
        PLAIN.replace("path", "File path"),
        "Rename the column 'File path', if that is path",
    ),
    "two columns but for case": (PLAIN.replace("path,label", "path,Path"), "has no column label"),
    "twice but for case": ("path,label,status,Status\n", "has 2 columns status"),
    "columns of corrections that a person wrote": ("path,human\n", "no columns label and status.*Copy"),
    "Windows' encoding": (
        PLAIN.replace("b.png", "Größe.png").encode("cp1252"),
        "byte 0xf6 is not UTF-8. Save the table as UTF-8",
    ),
    "a zip": (b"PK\x03\x04\x14\0", r"it is a zip file, as spreadsheets \(.xlsx, .ods\) are"),
    "a photo": (b"\xff\xd8\xff\xe0\0", "it is a JPEG picture"),
    "a PDF": (b"%PDF-1.7\n", "it is a PDF"),
    "no JSON": (as_json(PLAIN) + '{"path": \n', "line 3: this is not JSON"),
    "JSON without end": ('{"a":' * 100_000, "line 1: this is not JSON"),
    "JSON of too many digits": (
        '{"path": "a", "label": "7", "status": ' + "7" * 5000 + "}",
        "no status",
    ),
    "a list in JSON": ('{"path": ["a"], "label": "7", "status": "ok"}\n', "line 1: a value is a list"),
    "JSON objects without most of the keys": (
        '{"path": "a", "label": "", "status": "error"'
        + "".join(f', "k{i}": 0' for i in range(1900))
        + "}\n"
        + '{"path": "a", "status": "error"}\n' * 1000,
        "line [0-9]+: most objects up to here lack most of the keys",
    ),
    "half a character in JSON": ('{"path": "\\ud800", "label": "", "status": "ok"}\n', "surrogates"),
    "NUL in JSON": ('{"path": "a\\u0000", "label": "", "status": "ok"}\n', "line 1: .* NUL"),
    "no object in JSON": (
        '{"path": "a", "label": "7", "status": "ok"}\n[1]\n',
        "line 2: this is not a JSON ob",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_table_is_named(tmp_path: Path, name: str) -> None:
    content, said = REFUSED[name]
    with pytest.raises(UsageError, match=said):
        rows_of(tmp_path, content)


def test_json_lines_keep_every_character(tmp_path: Path) -> None:
    """No apostrophe is taken away: JSON has none before a formula."""
    record = {"path": "a.png", "label": "'=7", "status": "ok", "notes": "'=1+1\n'"}
    (row,) = rows_of(tmp_path, json.dumps(record))
    assert dict(row.cells) == record


def test_the_known_columns_are_those_that_are_read() -> None:
    assert {*COLUMNS, HUMAN, SOURCE} == KNOWN_COLUMNS


DIGITS = tuple("0123456789")


@pytest.mark.parametrize(
    ("names", "classes"),
    [([], DIGITS), (["3", ""], DIGITS), (["plus", "_none"], ["plus"]), (["3", "A"], ["3", "A"])],
)
def test_classes_that_gave_some_labels(names: list[str], classes: list[str]) -> None:
    assert likely_classes(names) == set(classes)


def test_labels_that_are_no_class_are_listed_with_their_counts() -> None:
    human = Counter({"x": 3, "NONE": 1, "7": 40, "_none": 2, "07": 3})
    with pytest.raises(UsageError) as caught:
        check_human("c.csv", human, DIGITS)
    assert str(caught.value) == (
        "c.csv: 7 of 49 labels in the column `human` are not classes: '07' (3), 'x' (3), 'NONE' (1). "
        "The classes are 0-9, _none for none of them, and _unclear for what a person can't read. "
        "Correct the column, or accept a new class with --new-class '07'."
    )
    check_human("c.csv", human, DIGITS, ["x", "NONE", "07"])
    with pytest.raises(
        UsageError, match=r"1 of 1 label in the column `human` is not a class: 'x' \(1\)\. The "
    ):
        check_human("c.csv", Counter("x"), ["plus", "minus"])


TABLE = "path,label,status,human\na.png,3,ok,{}\n"

CELLS = "path,source,page,block,row,column,kind\na.png,p.png,1,1,1,1,cell\n"

COMMANDS = {
    "sort": ["sort", "labels.csv", "sorted"],
    "sort with corrections": ["sort", "good.csv", "sorted", "--corrections", "labels.csv"],
    "review": ["review", "labels.csv"],
    "review with corrections": ["review", "good.csv", "--corrections", "labels.csv"],
    "evaluate": ["evaluate", "labels.csv"],
    "evaluate with corrections": ["evaluate", "good.csv", "--corrections", "labels.csv"],
    "train": ["train", "-d", "labels.csv", "-o", "model.pkl"],
    "table": ["table", "labels.csv", "--cells", "cells.csv"],
}


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_checks_what_a_person_said(
    tmp_path: Path, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    tables = {"labels.csv": TABLE.format("x"), "good.csv": TABLE.format(""), "cells.csv": CELLS}
    make_tree(tmp_path, {**tables, "a.png": digit_png(3)})
    done = invoke(*COMMANDS[command])
    assert (done.exit_code, done.stdout) == (2, "")
    assert "labels.csv: 1 of 1 label in the column `human` is not a class: 'x' (1)" in done.stderr
    assert {path.name for path in tmp_path.iterdir()} == {*tables, "a.png"}
    if command != "train":
        done = invoke(*COMMANDS[command], "--new-class", "x", "-q")
        assert done.exit_code == 0, done.output


def test_what_was_understood_is_said(tmp_path: Path) -> None:
    make_tree(tmp_path, {"labels.csv": "path,label,status\n,,\na.png,3.0,ok\n", "a.png": b"x"})
    done = invoke("sort", tmp_path / "labels.csv", tmp_path / "sorted")
    assert (tmp_path / "sorted" / "3" / "a.png").is_file()
    assert "labels.csv: 1 empty row skipped." in done.stderr
    assert "labels.csv: converted 1 label: '3.0' to '3' (1)." in done.stderr
    assert "3/a.png,3,,ok" in (tmp_path / "sorted" / "labels.csv").read_text()


TREE = {
    "scans": {"a.png": b"", "sub": {"b.png": b""}},
    "back\\slash.png": b"",
    "top.png": b"",
}


@pytest.mark.skipif("os.sep != '/'", reason="there a backslash is a separator anyway")
@pytest.mark.parametrize(
    ("cell", "root", "expected"),
    [
        ("scans\\a.png", False, "scans/a.png"),
        ("scans\\sub\\b.png", False, "scans/sub/b.png"),
        (".\\scans\\a.png", False, "scans/a.png"),
        ("back\\slash.png", False, "back\\slash.png"),
        ("scans\\gone.png", False, "scans\\gone.png"),
        ("C:\\Users\\me\\scans\\sub\\b.png", False, "scans/sub/b.png"),
        ("C:/Users/me/scans/sub/b.png", False, "scans/sub/b.png"),
        ("\\\\server\\share\\scans\\a.png", False, "scans/a.png"),
        ("D:\\top.png", False, "top.png"),
        ("D:\\gone.png", False, "D:\\gone.png"),
        ("/old/scans/sub/b.png", True, "scans/sub/b.png"),
        ("/old/top.png", True, "top.png"),
        ("/old/scans/gone.png", True, "scans/gone.png"),
        ("/old/scans/a.png", False, "/old/scans/a.png"),
        ("/old/gone.png", True, "/old/gone.png"),
        ("scans/a.png", True, "scans/a.png"),
    ],
)
def test_paths_of_another_machine(tmp_path: Path, cell: str, root: bool, expected: str) -> None:
    base = str(make_tree(tmp_path, TREE))
    finder = PathFinder(base, base if root else None)
    whole = expected if expected.startswith("/") else f"{base}/{expected}"
    assert [finder.path(cell), *finder.paths([cell, "x.png"])] == [whole, whole, f"{base}/x.png"]
    table = make_tree(tmp_path, {"truth.csv": f"path,label\n{cell},7\n"}) / "truth.csv"
    if not root:
        assert read_truth(table) == {whole: "7"}


def test_rows_of_a_truth_that_match_no_file_are_said(tmp_path: Path) -> None:
    rows = (
        "path;Label\nscans/a.png;7.0\n;\nscans\\sub\\b.png;\uff17\ngone.png;1\nalso.png;2\nempty.png;\n"
    )
    make_tree(tmp_path, {**TREE, "truth.csv": rows})
    findings = Findings()
    found = find_truth(Walk([str(tmp_path)]), DIGITS, findings=findings)
    known = {Path(path).name: label for path, label in found.labels.items() if label}
    assert known == {"a.png": "7", "b.png": "7"}
    assert [Path(path).name for path in found.unmatched] == ["also.png", "gone.png"]
    assert (found.rows, findings.empty_rows) == (4, 1)
    assert findings.understood == {("7.0", "7"): 1, ("\uff17", "7"): 1}


@pytest.mark.parametrize("command", ["evaluate", "review"])
def test_rows_of_a_truth_that_match_no_row_are_said(tmp_path: Path, command: str) -> None:
    truth = "path,label\na.png,3\ngone.png,4\n"
    make_tree(tmp_path, {"labels.csv": TABLE.format(""), "truth.csv": truth, "a.png": b""})
    option = ["-o", str(tmp_path / "review.html")] if command == "review" else []
    done = invoke(command, tmp_path / "labels.csv", "--truth", tmp_path / "truth.csv", *option)
    assert done.exit_code == 0, done.output
    assert "truth.csv: 1 of 2 rows matches no row of the table: " in done.stderr


def test_a_truth_that_matches_no_row_says_where_its_paths_start(tmp_path: Path) -> None:
    """Its paths may lack a folder: that is no reason to label rows anew."""
    truth = make_tree(
        tmp_path, {"labels.csv": TABLE.format(""), "t": {"truth.csv": "path,label\na,3\n"}}
    )
    done = invoke("evaluate", tmp_path / "labels.csv", "--truth", truth / "t" / "truth.csv")
    assert done.exit_code == 4
    assert f"Its relative paths start at {tmp_path / 't'}." in done.stderr
    assert "No row of the table has a label in the truth." in done.stderr


def test_a_truth_with_other_columns_names_them(tmp_path: Path) -> None:
    (tmp_path / "truth.csv").write_text("filename,digit\na.png,3\n")
    with pytest.raises(UsageError, match=r"It has filename, digit\. Rename them\."):
        read_truth(tmp_path / "truth.csv")


def test_a_truth_in_the_encoding_of_windows_is_named(tmp_path: Path) -> None:
    (tmp_path / "truth.csv").write_bytes("path,label\nGröße.png,3\n".encode("cp1252"))
    with pytest.raises(UsageError, match=r"byte 0xf6 is not UTF-8\. Save the table as UTF-8"):
        read_truth(tmp_path / "truth.csv")
