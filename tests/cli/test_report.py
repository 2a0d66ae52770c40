"""How an evaluation is shown in a terminal, whatever its width and the names of the classes."""

from __future__ import annotations

from string import ascii_uppercase

import pytest

from digitsort.cli.report import print_evaluation
from digitsort.evaluation.judge import evaluate


def shown(names: list[str], capsys: pytest.CaptureFixture[str], columns: int = 80) -> list[str]:
    """Lines printed for three images of each class, one of the first read as the last."""
    truth = [name for name in names for _ in range(3)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("COLUMNS", str(columns))
        print_evaluation(evaluate(truth, [names[-1], *truth[1:]]), "letters")
    return capsys.readouterr().out.splitlines()


def test_a_matrix_of_26_classes_is_folded_with_all_names(capsys: pytest.CaptureFixture[str]) -> None:
    lines = shown(list(ascii_uppercase), capsys)
    assert max(map(len, lines)) <= 80
    matrix = lines[lines.index("Confusion matrix: rows are the truth, columns are what was read") :]
    rows = [line.split() for line in matrix if line.startswith(" ") and "─" not in line]
    headers = [row for row in rows if row[0] not in ascii_uppercase or row[1].isalpha()]
    assert list(ascii_uppercase) == [name for header in headers for name in header]
    of_a = [row for row in rows if row[0] == "A" and row not in headers]
    assert ["2", *["·"] * 24, "1"] == [cell for row in of_a for cell in row[1:]]
    assert [line for line in rows if line[0] == "Z" and line not in headers][-1][-1] == "3"


def test_a_matrix_that_fits_is_in_one_piece(capsys: pytest.CaptureFixture[str]) -> None:
    truth = ["plus", "plus", "minus", "multiplication"]
    print_evaluation(evaluate(truth, ["equals", *truth[1:]]), "operators")
    lines = capsys.readouterr().out.splitlines()
    assert sum("─" in line for line in lines) == 2  # one of the table by class
    assert "                  equals   minus   multiplication   plus" in lines
    assert ["plus", "1", "·", "·", "1"] in map(str.split, lines)


@pytest.mark.parametrize(
    "names", [[f"class {n}" for n in range(70)], [f"{n}{'x' * 60}" for n in "abc"]]
)
def test_of_too_many_or_too_long_names_the_confusions_are_listed(
    names: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    lines = shown(names, capsys)
    assert ["1 confusion, the most frequent first:", f"  1 of {names[0]} read as {names[-1]}"] == lines[
        -2:
    ]
