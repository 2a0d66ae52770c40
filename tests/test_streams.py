"""Any caller: closed or full standard streams, and locales that can't say a name."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import digit_png, make_tree
from tests.pages_forms import form

pytestmark = pytest.mark.skipif(os.name != "posix", reason="shells and locales of POSIX")

MODULE = f"{sys.executable} -m digitsort"


def shell(command: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[bytes]:
    """Run a command of digitsort's in a shell."""
    return subprocess.run(
        ["sh", "-c", command.replace("digitsort", MODULE, 1)],
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        check=False,
        timeout=300,
    )


@pytest.fixture
def here(tmp_path: Path, model_file: Path) -> Path:
    """Scans with odd names, the same as examples with labels, and a labels.csv."""
    names = {"é.png": digit_png(7), "7.png": digit_png(7), os.fsdecode(b"\xff.png"): digit_png(7)}
    cells = "path,source,page,block,row,column,kind\nscans/7.png,page.png,1,1,1,1,cell\n"
    make_tree(tmp_path, {"scans": names, "known": {"7": names, "1": names}, "cells.csv": cells})
    make_tree(tmp_path, {"pages": {"page.png": form()}})
    (tmp_path / "m.pkl").symlink_to(model_file)
    done = shell("digitsort classify scans -m m.pkl -q", tmp_path)
    assert (done.returncode, done.stderr) == (0, b"")
    return tmp_path


CLOSED = {
    "classify scans -m m.pkl -o new.csv >&-": 0,
    "classify scans -m m.pkl -o - >&-": 5,
    "classify scans -m m.pkl -o new.csv 2>&-": 0,
    "classify scans -m m.pkl -o new.csv <&- >&- 2>&-": 0,
    "classify scans -m m.pkl -o new.csv --workers 2 <&- >&- 2>&-": 0,
    "classify scans -m m.pkl -o - > /dev/full": 5,
    "classify scans -m m.pkl -o new.csv 2> /dev/full": 5,
    "classify --files-from - -m m.pkl <&-": 2,
    "classify gone >&- 2>&-": 2,
    "evaluate known -m m.pkl >&-": 5,
    "evaluate known -m m.pkl --json 2>&-": 0,
    "review labels.csv >&- 2>&-": 0,
    "sort labels.csv sorted <&- >&- 2>&-": 0,
    "sort labels.csv sorted -n >&-": 5,
    "sort scans sorted -m m.pkl --move <&- >&- 2>&-": 0,
    "undo sorted >&- 2>&-": 2,
    "verify sorted >&- 2>&-": 6,
    "watch scans watched -m m.pkl --once --settle 0 <&- >&- 2>&-": 5,
    "watch scans watched -m m.pkl --once --settle 0 > /dev/full": 5,
    "cut pages cells <&- >&- 2>&-": 0,
    "cut pages cells 2> /dev/full": 5,
    "table labels.csv --cells cells.csv -o - >&-": 5,
    "table labels.csv --cells cells.csv >&- 2>&-": 0,
    "model m.pkl >&-": 5,
    "train -d known -o new.pkl >&- 2>&-": 4,
    "inspect scans/7.png -m m.pkl >&-": 5,
    "--help >&-": 5,
}


@pytest.mark.parametrize("command", CLOSED)
def test_closed_and_full_streams(here: Path, command: str) -> None:
    """No traceback, the right exit code, and files hold what they hold otherwise."""
    if "/dev/full" in command and not os.path.exists("/dev/full"):
        pytest.skip("no such device here")
    done = shell(f"digitsort {command}", here)
    assert b"Traceback" not in done.stderr, done.stderr.decode()
    if command != "verify sorted >&- 2>&-":  # what it says of a folder that was never there
        assert done.returncode == CLOSED[command], done.stderr.decode()
    if CLOSED[command] == 0 and "new.csv" in command:
        assert (here / "new.csv").read_bytes() == (here / "labels.csv").read_bytes()


LOCALES = {
    "C without UTF-8": {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"},
    "C": {"LC_ALL": "C"},
    "ASCII streams": {"PYTHONIOENCODING": "ascii"},
    "both": {"LC_ALL": "POSIX", "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"},
}


@pytest.mark.parametrize("locale", LOCALES)
def test_a_locale_that_can_not_say_a_name(here: Path, locale: str) -> None:
    """The same folder gives the same file, and files are found by names that a labels.csv gives."""
    environment = LOCALES[locale]
    whole = (here / "labels.csv").read_bytes()
    commands = {
        "classify scans -m m.pkl -o new.csv": b"",
        "classify scans -m m.pkl -o -": whole,
        "sort labels.csv sorted": b"",
        "verify sorted": b"",
        "review labels.csv": b"",
    }
    for command, expected in commands.items():
        done = shell(f"digitsort {command}", here, **environment)
        assert (done.returncode, done.stdout) == (0, expected), done.stderr.decode()
    assert whole == (here / "new.csv").read_bytes()
    assert sorted(os.listdir(here / "scans")) == sorted(os.listdir(here / "sorted" / "7"))
    done = shell("digitsort evaluate known -m m.pkl --json", here, **environment)
    paths = [mistake["path"] for mistake in json.loads(done.stdout)["mistakes"]]
    assert sorted(paths) == ["file:known/1/%FF.png", "known/1/7.png", "known/1/é.png"]


def test_a_working_folder_that_is_gone_is_said(here: Path) -> None:
    command = (
        f"mkdir gone; cd gone; rmdir ../gone; {MODULE} classify {here / 'scans'} -o {here / 'new.csv'}"
    )
    done = subprocess.run(
        ["sh", "-c", command], cwd=here, capture_output=True, check=False, timeout=300
    )
    assert done.returncode == 2
    assert b"The working folder is not usable: " in done.stderr
    assert b"Traceback" not in done.stderr
