"""Folders that can't be listed, entered or reached: every command says so, with the right exit code."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from digitsort.images.discover import Walk
from tests.conftest import digit_png, invoke, make_tree

CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH = 1, 2
PR_CAPBSET_DROP = 24


def as_an_ordinary_user() -> None:
    """Let permissions count for root too: give up the right to pass over them."""
    if os.geteuid() == 0:
        libc = ctypes.CDLL(None, use_errno=True)
        for capability in (CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH):
            libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)


def run(cwd: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "digitsort", *arguments],
        cwd=cwd,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
        preexec_fn=as_an_ordinary_user,
    )


@pytest.fixture
def here(tmp_path: Path, model_file: Path) -> Iterator[Path]:
    """Folders that may be listed but not entered (r--), or neither (---), among others."""
    if not sys.platform.startswith("linux"):
        pytest.skip("rights are given up as on Linux")
    one = {"7.png": digit_png(7)}
    make_tree(
        tmp_path,
        {
            "good": {"a": one, "listed": {**one, "inner": one}, "shut": one},
            "listed": {**one, "inner": one, "labels.csv": "path,label,status\n7.png,7,ok\n"},
            "known": {"7": one, "1": one, "shut": one},
            "learn": {"7": {**one, "shut": one}, "1": one},
            "only": {"shut": one},
        },
    )
    (tmp_path / "m.pkl").symlink_to(model_file)
    modes = {"good/listed": 0o444, "good/shut": 0, "listed": 0o444, "known/shut": 0, "only/shut": 0}
    modes["learn/7/shut"] = 0
    for name, mode in modes.items():
        (tmp_path / name).chmod(mode)
    if run(tmp_path, "inspect", "listed/7.png").returncode == 0:
        pytest.skip("permissions don't count here")
    yield tmp_path
    for name in modes:
        (tmp_path / name).chmod(0o755)


CASES = {
    "classify good -m m.pkl": (1, "good/shut can't be listed"),
    "classify good -m m.pkl --workers 2 -o 2.csv": (1, "good/shut can't be listed"),
    "classify good -m m.pkl --follow-links": (1, "good/listed/inner can't be listed"),
    "classify only -m m.pkl": (1, "only/shut can't be listed"),
    "classify listed/inner": (2, "listed/inner: Permission denied"),
    "sort good sorted -m m.pkl": (1, "good/shut can't be listed"),
    "sort good sorted -m m.pkl --dry-run": (1, "good/shut can't be listed"),
    "sort good sorted -m m.pkl --move --quiet": (1, "good/shut can't be listed"),
    "sort only sorted -m m.pkl": (1, "only/shut can't be listed"),
    "sort listed/inner sorted -m m.pkl": (2, ""),
    "sort listed/labels.csv sorted": (2, "listed/labels.csv: Permission denied"),
    "sort good/a listed -m m.pkl": (5, "can't be listed"),
    "evaluate known -m m.pkl": (1, "known/shut can't be listed"),
    "evaluate only -m m.pkl": (1, "only/shut can't be listed"),
    "evaluate listed/labels.csv": (2, "Permission denied"),
    "review listed/labels.csv": (2, "can't be read: Permission denied"),
    "train -d known -o n.pkl": (4, "known/shut can't be listed"),
    "train -d learn -o n.pkl": (4, "learn/7/shut can't be listed"),
    "train -d good/shut -o n.pkl": (2, "Path"),
    "train -d listed/labels.csv -o n.pkl": (4, "Permission denied"),
    "watch good watched -m m.pkl --once --settle 0": (1, "good/shut can't be listed"),
    "watch only watched -m m.pkl --once --settle 0 --move -q": (1, "only/shut can't be listed"),
    "cut good cells": (1, "good/shut can't be listed"),
    "cut only cells": (1, "only/shut can't be listed"),
    "table listed/labels.csv": (2, "Permission denied"),
    "verify listed": (5, "can't be listed"),
    "undo listed": (5, "can't be listed"),
    "classify good/a -m m.pkl -o listed/l.csv": (5, "can't be written"),
}


@pytest.mark.parametrize("command", CASES)
def test_what_can_not_be_listed_is_said(here: Path, command: str) -> None:
    code, said = CASES[command]
    done = run(here, *command.split())
    shown = " ".join(done.stderr.split())
    assert "Traceback" not in shown
    if "good/shut -o" in command:  # said in other words by the command line itself, or by us
        assert done.returncode in (2, 4), shown
        return
    assert done.returncode == code, shown
    assert said in shown


def test_a_folder_that_vanishes_meanwhile_is_among_the_unlisted(tmp_path: Path) -> None:
    make_tree(tmp_path, {"a": {"1.png": b"x"}, "b": {"2.png": b"x"}, "c": {"3.png": b"x"}})
    walk = Walk([str(tmp_path)])
    files = walk.files()
    found = [next(files)]
    (tmp_path / "b" / "2.png").unlink()
    (tmp_path / "b").rmdir()
    found += files
    assert [os.path.basename(path) for path in found] == ["1.png", "3.png"]
    assert [(str(tmp_path / "b"), "No such file or directory")] == walk.unreadable


@pytest.fixture
def deep(tmp_path: Path) -> Iterator[Path]:
    """A scan below 1,000 nested folders, which are gone afterwards: pytest's own way is recursive."""
    top = folder = tmp_path / "deep"
    folder.mkdir()
    for _ in range(1000):  # `parents=True` makes them by recursion
        folder = folder / "d"
        folder.mkdir()
    make_tree(folder, {"7.png": digit_png(7)})
    yield top
    subprocess.run(["rm", "-rf", str(top)], check=True)


@pytest.mark.skipif(os.name != "posix", reason="shorter paths there")
@pytest.mark.parametrize(
    "command", ["classify", "sort", "sort --dry-run", "evaluate", "train", "review"]
)
def test_a_thousand_nested_folders(tmp_path: Path, deep: Path, model_file: Path, command: str) -> None:
    """No recursion by depth, and no cubic time."""
    folder = deep.joinpath(*["d"] * 1000)
    model: list[str | Path] = ["-m", model_file]
    if command == "review":
        (tmp_path / "labels.csv").write_text(f"path,label,status\n{folder}/7.png,7,ok\n")
        assert invoke("review", tmp_path / "labels.csv", "-o", tmp_path / "r.html").exit_code == 0
    elif command == "classify":
        assert invoke("classify", deep, *model, "-o", tmp_path / "l.csv").exit_code == 0
    elif command.startswith("sort"):
        name, *options = command.split()
        assert invoke(name, deep, tmp_path / "sorted", *model, *options).exit_code == 0
    elif command == "evaluate":
        assert invoke("evaluate", deep, *model).exit_code == 4
    else:
        assert invoke("train", "-d", deep, "-o", tmp_path / "n.pkl").exit_code == 4


def test_folders_deeper_than_a_path_can_be_are_said(tmp_path: Path, model_file: Path) -> None:
    before = os.getcwd()
    (tmp_path / "deep").mkdir()
    try:
        os.chdir(tmp_path / "deep")
        for _ in range(30):
            os.mkdir("d" * 200)
            os.chdir("d" * 200)
    finally:
        os.chdir(before)
    done = invoke("classify", tmp_path / "deep", "-m", model_file, "-o", tmp_path / "l.csv")
    subprocess.run(["rm", "-rf", str(tmp_path / "deep")], check=True)
    assert done.exit_code == 1
    assert "can't be listed: File name too long" in " ".join(done.stderr.split())
