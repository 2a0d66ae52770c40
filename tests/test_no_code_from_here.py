"""Nothing is imported from the working folder, by any command or any process that it starts."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from zipfile import ZipFile

import pyarrow as pa
import pytest
import zstandard
from pyarrow import parquet

from tests.conftest import digit_png, encoded, make_tree
from tests.hostile_folder import all_names, executed, lay_traps
from tests.pages_forms import form

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.name != "posix", reason="the folder's names are those of Linux"),
]

SCRIPT = "import re\nimport sys\nfrom digitsort.start import main\nsys.exit(main())\n"
"""What an installer writes as the command."""

MANY = 600
"""More files than are done without workers."""

WITH_PROCESSES = ["classify, 2 workers", "classify on Dask", "review, workers", "evaluate"]

COMMANDS = {
    "help": "--help",
    "classify in line": "classify . -o a.csv -m MODEL --workers 0",
    "classify, 1 worker": "classify . -o a.csv -m MODEL --workers 1",
    "classify, 2 workers": "classify . -o a.csv -m MODEL --workers 2",
    "classify on Dask": "classify . -o a.csv -m MODEL --dask local --workers 2",
    "review": "review labels.csv -o a.html",
    "review, workers": "review labels.csv -o a.html --workers 2",
    "classify, as many workers as fit": "classify . -o a.csv -m MODEL",
    "sort": "sort many.csv sorted",
    "sort --move": "sort many.csv sorted --move",
    "sort a folder": "sort . sorted -m MODEL --workers 2",
    "verify": "verify before",
    "undo": "undo before",
    "evaluate": "evaluate truth.csv -m MODEL --workers 2 --report a.html",
    "train": "train -d synthetic:5 -o a.pkl",
    "inspect": "inspect 3.png -m MODEL",
    "model": "model MODEL --verify",
    "the default model": "classify 3.png -o a.csv",
    "classify --adapt": "classify . -o a.csv -m MODEL --workers 2 --adapt",
    "classify --update": "classify . -o labelled.csv -m MODEL --workers 2 --update",
    "sort by corrections": "sort labels.csv before --corrections corrections.csv",
    "cut": "cut ../pages cells --preview --workers 1",
    "table": "table labels.csv --cells cells.csv -o a.csv",
    "watch": "watch . ../watched -m MODEL --settle 0 --once",
    "a Parquet file": "sort many.parquet sorted",
    "a Parquet file is written": "classify . -o a.parquet -m MODEL --workers 2",
    "numbers": "classify . -o a.csv -m MODEL --workers 2 --number",
    "archives": "classify ../batch.zip ../batch.tar.zst -o a.csv -m MODEL --workers 2",
    "an address": "classify http://127.0.0.1:9/3.png -o a.csv -m MODEL",
    "cut, 2 workers": "cut ../pages cells --workers 2",
    "cut on Dask": "cut ../pages cells --dask local --workers 2",
    "verify a cut": "verify ../cut",
    "undo a cut": "undo ../cut",
    "a workbook": "table labels.csv --cells cells.csv -o a.xlsx",
}

CODES = {"an address": (2, 7)}
"""Exit codes other than 0: aiohttp is missing, or nobody listens at this address."""

Environment = dict[str, str | None]

ENVIRONMENTS: dict[str, Environment] = {
    "as it is": {},
    "no PYTHONPATH": {"PYTHONPATH": None},
    "PYTHONSAFEPATH": {"PYTHONSAFEPATH": "1"},
    "both": {"PYTHONPATH": None, "PYTHONSAFEPATH": "1"},
}


class Place:
    """The folder, and what is around it."""

    def __init__(self, top: Path, model: Path) -> None:
        self.top, self.marks, self.model = top, top / "marks", model
        self.folder = top / "scans"
        make_tree(self.folder, {f"{digit}.png": digit_png(digit) for digit in range(10)})
        (self.folder / "many").mkdir()
        for number in range(MANY):
            (self.folder / "many" / f"{number}.png").hardlink_to(self.folder / f"{number % 10}.png")
        (self.folder / "truth.csv").write_text(
            "path,label\n" + "".join(f"{digit}.png,{digit}\n" for digit in range(10))
        )
        rows = "".join(f"many/{n}.png,{n % 10},ok\n" for n in range(MANY))
        (self.folder / "many.csv").write_text("path,label,status\n" + rows)
        columns = {"path": [f"many/{n}.png" for n in range(MANY)], "status": ["ok"] * MANY}
        table = {**columns, "label": [str(n % 10) for n in range(MANY)]}
        parquet.write_table(pa.table(table), self.folder / "many.parquet")
        few = "".join(f"{digit}.png,{digit},ok\n" for digit in range(10))
        (self.folder / "labels.csv").write_text("path,label,status\n" + few)
        (self.folder / "labelled.csv").write_text("path,label,status\n" + few)
        (self.folder / "corrections.csv").write_text("path,label,status,human\n3.png,3,ok,4\n")
        cells = "".join(f"{digit}.png,page.png,1,1,1,{digit + 1},cell\n" for digit in range(10))
        head = "path,source,page,block,row,column,kind\n"
        (self.folder / "cells.csv").write_text(head + cells)
        make_tree(
            top / "pages", {"page.png": form(), "page.pdf": encoded(form(), "PDF", resolution=300)}
        )
        self.script = top / "bin" / "digitsort"
        make_tree(top / "bin", {"digitsort": SCRIPT})
        make_archives(top, self.folder)
        for words in ("sort labels.csv before", "cut ../pages ../cut"):
            assert self.run([sys.executable, str(self.script), *words.split()], {})[0] == 0

    def run(self, command: Sequence[str], environment: Environment) -> tuple[int, str]:
        changed = {**os.environ, "DIGITSORT_CACHE": str(self.top / "cache"), **environment}
        done = subprocess.run(
            command,
            cwd=self.folder,
            env={name: value for name, value in changed.items() if value is not None},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            check=False,
            timeout=300,
        )
        return done.returncode, done.stderr

    def words(self, command: str) -> list[str]:
        return [str(self.model) if word == "MODEL" else word for word in command.split()]

    def traps(self, names: Sequence[str]) -> None:
        shutil.rmtree(self.marks, ignore_errors=True)
        lay_traps(self.folder, self.marks, names)


def make_archives(top: Path, scans: Path) -> None:
    """Make a zip archive and a compressed tar archive of ten scans."""
    plain = io.BytesIO()
    with ZipFile(top / "batch.zip", "w") as packed, tarfile.open(fileobj=plain, mode="w") as tar:
        for digit in range(10):
            packed.write(scans / f"{digit}.png", f"{digit}.png")
            tar.add(scans / f"{digit}.png", f"{digit}.png")
    (top / "batch.tar.zst").write_bytes(zstandard.compress(plain.getvalue()))


@pytest.fixture
def place(tmp_path: Path, model_file: Path) -> Iterator[Place]:
    yield Place(tmp_path, model_file)
    shutil.rmtree(tmp_path, ignore_errors=True)  # some ten thousand files


def is_installed(python: str) -> bool:
    return subprocess.run([python, "-P", "-c", "import digitsort"], cwd="/", env={}).returncode == 0


@pytest.mark.parametrize("environment", ENVIRONMENTS)
@pytest.mark.parametrize("name", COMMANDS)
def test_nothing_is_executed(place: Place, name: str, environment: str) -> None:
    if "PYTHONPATH" in ENVIRONMENTS[environment] and not is_installed(sys.executable):
        pytest.skip("digitsort is not installed")
    place.traps(all_names())
    command = [sys.executable, str(place.script), *place.words(COMMANDS[name])]
    code, said = place.run(command, ENVIRONMENTS[environment])
    assert executed(place.marks) == {}
    assert code in CODES.get(name, (0,)), said


def test_a_service_executes_nothing(place: Place) -> None:
    """A `watch` that waits for changes, until it is ended."""
    place.traps(all_names())
    words = place.words("watch . ../watched -m MODEL --settle 0")
    service = subprocess.Popen([sys.executable, str(place.script), *words], cwd=place.folder)
    while service.poll() is None and not (place.top / "watched/labels.csv").exists():
        time.sleep(0.05)
    service.terminate()
    assert service.wait() == 143
    assert executed(place.marks) == {}


@pytest.fixture
def empty(tmp_path: Path) -> Path:
    """A folder with a package that does nothing, and a script that does no more than ours to begin."""
    make_tree(tmp_path / "nothing", {"nothing": {"__init__.py": "", "__main__.py": ""}})
    (tmp_path / "nothing" / "script").write_text("import re\nimport sys\n")
    return tmp_path / "nothing"


@pytest.mark.parametrize("name", ["help", "classify in line", *WITH_PROCESSES])
def test_python_m_executes_no_more_than_python_itself(place: Place, empty: Path, name: str) -> None:
    """Python looks there before digitsort can take the folder off the path: see the README."""
    names = [name for name in all_names() if name != "digitsort"]
    path = os.pathsep.join([str(empty), os.environ.get("PYTHONPATH", "")])
    place.traps(names)
    assert place.run([sys.executable, "-m", "nothing"], {"PYTHONPATH": path})[0] == 0
    by_python = executed(place.marks).keys()
    place.traps(names)
    code, said = place.run([sys.executable, "-m", "digitsort", *place.words(COMMANDS[name])], {})
    assert executed(place.marks).keys() - by_python == set()
    assert code == 0, said


@pytest.mark.parametrize("entry", ["", ".", "../scans"])
@pytest.mark.parametrize("name", ["help", "classify in line", *WITH_PROCESSES])
def test_a_pythonpath_that_means_the_working_folder(
    place: Place, empty: Path, name: str, entry: str
) -> None:
    """What Python itself and the script look for before digitsort begins is found there; no more."""
    path: Environment = {"PYTHONPATH": os.pathsep.join([entry, os.environ.get("PYTHONPATH", "")])}
    names = [name for name in all_names() if name not in ("encodings", "digitsort")]  # no start at all
    place.traps(names)
    assert place.run([sys.executable, str(empty / "script")], path)[0] == 0
    by_python = executed(place.marks).keys()
    place.traps(names)
    command = [sys.executable, str(place.script), *place.words(COMMANDS[name])]
    code, said = place.run(command, path)
    assert executed(place.marks).keys() - by_python == set()
    assert code == 0, said


@pytest.mark.parametrize("name", WITH_PROCESSES)
def test_children_of_a_python_that_ignores_its_environment(place: Place, name: str) -> None:
    if not is_installed(sys.executable):
        pytest.skip("digitsort is not installed")
    place.traps(all_names())
    command = [sys.executable, "-E", str(place.script), *place.words(COMMANDS[name])]
    code, said = place.run(command, {})
    assert executed(place.marks) == {}
    assert code == 0, said


def test_a_trap_is_sprung(place: Place) -> None:
    """The test can fail: a process that is started in the usual way runs what it finds."""
    place.traps(all_names())
    assert place.run([sys.executable, "-c", "import random, numpy"], {"PYTHONSAFEPATH": None})[0] == 0
    assert {"random", "numpy"} <= executed(place.marks).keys()
