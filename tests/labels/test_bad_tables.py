"""Tables of strangers, and damaged ones: a sentence with file, line and value, and bounded memory."""

from __future__ import annotations

import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from digitsort.errors import UsageError
from digitsort.evaluation.judge import evaluate
from digitsort.evaluation.truth import read_truth
from digitsort.labels.cells import MOST_LABEL_CHARS, MOST_LABELS
from digitsort.labels.labels_csv import read_labels
from tests.conftest import digit_png, invoke, make_tree

COLUMNS = "path,label,confidence,status,reason,second,second_confidence,sha256,model,human,source"
GOOD = f"7.png,7,0.9983,ok,,1,0.0001,{'ab' * 32},0123456789ab,7,/from/7.png"

COMMANDS: dict[str, Callable[[Path, Path], list[Any]]] = {
    "sort": lambda table, folder: ["sort", table, folder / "sorted"],
    "sort dry": lambda table, folder: ["sort", table, folder / "sorted", "-n"],
    "sort corrections": lambda table, folder: [
        *["sort", folder / "good.csv", folder / "sorted", "--corrections", table]
    ],
    "review": lambda table, folder: ["review", table, "-o", folder / "review.html"],
    "review truth": lambda table, folder: [
        *["review", folder / "good.csv", "--truth", table, "-o", folder / "review.html"]
    ],
    "evaluate": lambda table, _: ["evaluate", table],
    "evaluate truth": lambda table, folder: ["evaluate", folder / "good.csv", "--truth", table],
    "train": lambda table, folder: ["train", "-d", table, "-o", folder / "model.pkl"],
    "table": lambda table, folder: [
        *["table", table, "--cells", folder / "good.csv", "-o", folder / "cells_table.csv"]
    ],
}


def mutants() -> dict[str, tuple[str, str]]:
    """Cells that can't be, by name: the row, and what is said of it."""
    cells = GOOD.split(",")
    wrong = {
        "path": ["", "a\0b", "file:%00"],
        "label": ["x" * (MOST_LABEL_CHARS + 1), "7" * 5000],
        "confidence": ["high", "1.1", "-0.1", "nan", "inf", "0.99x3", "0..9"],
        "status": ["oK", "erzor", "", "ok "],
        "reason": ["x" * 5000],
        "second": ["7" * 5000],
        "second_confidence": ["2"],
        "sha256": ["xy" * 32, "AB" * 32, "ab" * 33, "ab " * 20],
        "model": ["x" * 5000],
        "human": ["7" * 5000],
        "source": ["file:%00"],
    }
    found = {}
    for place, column in enumerate(COLUMNS.split(",")):
        for number, value in enumerate(wrong[column]):
            row = ",".join([*cells[:place], value, *cells[place + 1 :]])
            found[f"{column} {number}"] = (row, value)
    return found


MUTANTS = mutants()


@pytest.mark.parametrize("name", MUTANTS)
@pytest.mark.parametrize("before", [0, 3000])
def test_every_cell_is_checked_and_named(tmp_path: Path, name: str, before: int) -> None:
    """Alone, and among many that are looked at together."""
    row, value = MUTANTS[name]
    table = tmp_path / "labels.csv"
    lines = [COLUMNS, *[GOOD.replace("7.png", f"{n}.png") for n in range(before)], row, GOOD]
    table.write_text("".join(f"{line}\n" for line in lines))
    with pytest.raises(UsageError, match=rf"labels.csv, line {before + 2}: ") as caught:
        list(read_labels(table))
    said = str(caught.value)
    assert value[:20] in said or "NUL" in said
    assert said.isprintable()
    assert len(said) < 400 + len(str(tmp_path))


@pytest.mark.parametrize("name", ["status 0", "status 1", "label 1", "confidence 0", "sha256 0"])
@pytest.mark.parametrize("command", [name for name in COMMANDS if not name.endswith("truth")])
def test_every_command_says_so(tmp_path: Path, name: str, command: str) -> None:
    make_tree(
        tmp_path,
        {
            "7.png": digit_png(7),
            "good.csv": f"{COLUMNS}\n{GOOD}\n",
            "labels.csv": f"{COLUMNS}\n{GOOD}\n{MUTANTS[name][0]}\n",
        },
    )
    done = invoke(*COMMANDS[command](tmp_path / "labels.csv", tmp_path))
    assert done.exit_code == 2, done.output
    assert "labels.csv, line 3: " in done.stderr
    assert not (tmp_path / "review.html").exists()


@pytest.mark.parametrize("flip", range(8))
def test_a_flipped_bit_of_a_status_in_a_sorted_folder_is_said(tmp_path: Path, flip: int) -> None:
    make_tree(tmp_path, {"scans": {"7.png": digit_png(7)}})
    table = tmp_path / "labels.csv"
    table.write_text("path,label,status\nscans/7.png,7,ok\n")
    assert invoke("sort", table, tmp_path / "sorted").exit_code == 0
    books = tmp_path / "sorted" / "labels.csv"
    content = bytearray(books.read_bytes())
    content[content.index(b",ok,") + 1] ^= 1 << flip
    books.write_bytes(content)
    for command in ("sort", "undo"):
        sources = [table] if command == "sort" else []
        done = invoke(command, *sources, tmp_path / "sorted")
        assert done.exit_code == 2, done.output
        assert "labels.csv" in done.stderr


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("kind", ["picture", "zip", "folder", "pipe", "zeros", "long line", "binary"])
def test_what_is_no_table_is_said_by_every_command(tmp_path: Path, command: str, kind: str) -> None:
    make_tree(tmp_path, {"7.png": digit_png(7), "good.csv": f"{COLUMNS}\n{GOOD}\n"})
    table = tmp_path / "bad.csv"
    if kind == "folder":
        table.mkdir()
    elif kind == "pipe":
        os.mkfifo(table)
    elif kind == "zeros":
        table.symlink_to("/dev/zero")
    else:
        content = {
            "picture": digit_png(7),
            "zip": b"PK\x03\x04\x14\0\x08\0\0\0" * 100,
            "long line": b"path,label,status" + b",x" * 600_000,
            "binary": bytes(range(256)) * 100,
        }
        table.write_bytes(content[kind])
    done = invoke(*COMMANDS[command](table, tmp_path))
    takes_folders = command in ("evaluate", "sort", "sort dry")
    assert done.exit_code in ((2, 4) if kind == "folder" and takes_folders else (2,)), done.output
    assert "bad.csv" in done.stderr.replace("\n", "")


ENDLESS = {
    "a line": b"x",
    "a quoted cell": b'path,label,status\n"x',
    "many cells": b"path,label,status\n7.png,7,",
    "NUL": b"path,label,status\n\0",
}


@pytest.mark.slow
@pytest.mark.parametrize("kind", ENDLESS)
@pytest.mark.parametrize("command", ["sort", "review", "evaluate truth"])
def test_a_line_of_three_gigabytes_takes_little_memory(tmp_path: Path, command: str, kind: str) -> None:
    """The file is one long hole, which takes no room on the disk."""
    make_tree(tmp_path, {"7.png": digit_png(7), "good.csv": f"{COLUMNS}\n{GOOD}\n"})
    table = tmp_path / "bad.csv"
    table.write_bytes(ENDLESS[kind])
    os.truncate(table, 3 * 2**30)
    arguments = [str(argument) for argument in COMMANDS[command](table, tmp_path)]
    done = subprocess.run(
        [sys.executable, "-m", "digitsort", *arguments],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_AS, (2**30, 2**30)),
    )
    assert done.returncode == 2, done.stderr
    assert "bad.csv" in done.stderr.replace("\n", "")


def many_labels(count: int) -> str:
    return "path,label,status\n" + "".join(f"{n}.png,{n},ok\n" for n in range(count))


@pytest.mark.parametrize("command", ["sort", "sort dry", "review", "train"])
def test_a_table_of_many_labels_is_refused(tmp_path: Path, command: str) -> None:
    make_tree(tmp_path, {"labels.csv": many_labels(50_000)})
    done = invoke(*COMMANDS[command](tmp_path / "labels.csv", tmp_path))
    assert done.exit_code == 2, done.output
    assert f"over {MOST_LABELS} different labels" in done.stderr


def test_a_truth_of_many_labels_is_refused(tmp_path: Path) -> None:
    make_tree(tmp_path, {"truth.csv": many_labels(MOST_LABELS + 1)})
    with pytest.raises(UsageError, match=f"over {MOST_LABELS} different labels"):
        read_truth(tmp_path / "truth.csv")
    make_tree(tmp_path, {"truth.csv": many_labels(MOST_LABELS)})
    assert len(read_truth(tmp_path / "truth.csv")) == MOST_LABELS


def test_labels_of_two_tables_can_be_compared_but_not_of_more() -> None:
    names = [str(n) for n in range(2 * MOST_LABELS)]
    assert evaluate(names, names).accuracy == 1
    with pytest.raises(UsageError, match="different labels"):
        evaluate([*names, "x"], [*names, "x"])


def test_a_matrix_of_many_classes_is_not_drawn(tmp_path: Path) -> None:
    """It took minutes, and nobody could read it."""
    many = many_labels(900)
    make_tree(tmp_path, {"labels.csv": many, "truth.csv": many, "0.png": b""})
    page = tmp_path / "review.html"
    truth = tmp_path / "truth.csv"
    done = invoke("review", tmp_path / "labels.csv", "--truth", truth, "-o", page, "-q")
    assert done.exit_code == 0, done.output
    assert "not shown: there are more than 300 classes" in page.read_text(encoding="utf-8")
    done = invoke("evaluate", tmp_path / "labels.csv", "--truth", tmp_path / "truth.csv")
    assert done.exit_code == 0, done.output
    assert "No confusions." in done.stdout


@pytest.mark.parametrize("twice", ["path", "status", "human"])
def test_a_column_that_is_there_twice_is_said(tmp_path: Path, twice: str) -> None:
    make_tree(tmp_path, {"labels.csv": f"{COLUMNS},{twice}\n{GOOD},x\n"})
    with pytest.raises(UsageError, match=f"has 2 columns {twice}"):
        list(read_labels(tmp_path / "labels.csv"))


def test_a_decimal_comma_is_read(tmp_path: Path) -> None:
    make_tree(tmp_path, {"labels.csv": 'path,label,status,confidence\n7.png,7,ok,"0,9983"\n'})
    from digitsort.labels.labels_csv import confidence_of

    assert [confidence_of(row) for row in read_labels(tmp_path / "labels.csv")] == [0.9983]
