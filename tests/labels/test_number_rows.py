"""Rows of `classify --number`: any number is a label."""

from __future__ import annotations

from pathlib import Path

import pytest

from digitsort.errors import UsageError
from digitsort.labels.cells import Findings, length_name
from digitsort.labels.labels_csv import read_labels
from tests.conftest import invoke

HEADER = "path,label,confidence,status,reason,model,human\n"


def table(folder: Path, model: str, labels: range, human: str = "") -> Path:
    rows = [f"{n}.png,{n},0.99,ok,,{model},{human}\n" for n in labels]
    (folder / "labels.csv").write_text(HEADER + "".join(rows))
    return folder / "labels.csv"


def test_a_table_has_any_number_of_numbers(tmp_path: Path) -> None:
    """Only those of single digits are classes."""
    findings = Findings()
    rows = list(read_labels(table(tmp_path, "m+number", range(1, 3000)), findings=findings))
    assert len(rows) == 2999
    assert (findings.names - {""}, findings.has_numbers) == (set("123456789"), True)


def test_other_tables_have_few_labels(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="over 1000 different labels"):
        list(read_labels(table(tmp_path, "m", range(1, 3000))))


def test_a_person_may_give_any_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    table(tmp_path, "m+number", range(10, 20), human="1984")
    done = invoke("evaluate", "labels.csv")
    assert done.exit_code == 0
    assert "(0 of 10 right)" in done.stdout
    assert " 4 digits       10" in done.stdout
    table(tmp_path, "m+number", range(10, 20), human="19B4")
    assert "are not classes: '19B4' (10)" in invoke("evaluate", "labels.csv").stderr
    table(tmp_path, "m", range(10, 20), human="1984")
    assert invoke("evaluate", "labels.csv").exit_code == 2


def test_numbers_are_counted_by_length(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong number of the right length is not right."""
    monkeypatch.chdir(tmp_path)
    table(tmp_path, "m+number", range(10, 14))
    (tmp_path / "truth.csv").write_text("path,label\n10.png,10\n11.png,111\n12.png,21\n13.png,3\n")
    done = invoke("evaluate", "labels.csv", "--truth", "truth.csv")
    lines = [line.split() for line in done.stdout.splitlines()]
    assert ["2", "digits", "2", "25.0%", "50.0%"] in lines
    assert ["3", "digits", "1", "-", "0.0%"] in lines
    assert length_name("_none") == "_none"
