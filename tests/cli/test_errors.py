"""Bad input ends with a sentence and the right exit code, never with a traceback."""

from __future__ import annotations

import os
import pickle
import struct
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import IO

import pytest
import typer

from digitsort.cli import COMMANDS
from digitsort.cli.errors import reports_errors
from digitsort.errors import (
    DigitsortError,
    ExitCode,
    ModelError,
    NothingToDoError,
    OutputError,
    TrainingDataError,
    UsageError,
    VerificationError,
)
from tests.conftest import Link, Tree, digit_png, invoke, make_tree, read_tree, run_digitsort


def bare_svc() -> bytes:
    """The model file that a tutorial makes."""
    from sklearn.svm import SVC

    return pickle.dumps(SVC().fit([[0.0], [1.0]], [0, 1]))


def idx(kind: int, *shape: int, short: int = 0) -> bytes:
    """An IDX file of zeros, `short` bytes of it cut off."""
    size = 1
    for side in shape:
        size *= side
    header = struct.pack(f">HBB{len(shape)}I", 0, kind, len(shape), *shape)
    return header + bytes(size - short)


GOOD: Tree = {"scans": {"7.png": digit_png(7)}}
ONE_CLASS: Tree = {"scans": {"0": {"a.png": digit_png(0), "b.png": digit_png(0, example=1)}}}
ONE_IMAGE: Tree = {
    "scans": {
        "0": {f"{i}.png": digit_png(0, example=i) for i in range(6)},
        "1": {"x.png": digit_png(1)},
    }
}
BROKEN_IMAGE: Tree = {"scans": {"0": {"a.png": b""}, "1": {"b.png": digit_png(1)}}}
IMAGES, LABELS = "train-images-idx3-ubyte", "train-labels-idx1-ubyte"
IDX_CUT: Tree = {"idx": {IMAGES: idx(8, 9, 28, 28, short=5), LABELS: idx(8, 9)}}
IDX_OTHER: Tree = {"idx": {IMAGES: idx(8, 9, 28, 28), LABELS: idx(8, 8)}}
BAD_STATUS: Tree = {"l.csv": b"path,label,status\na,7,ok\nb,7,fine\n"}
BAD_LABEL: Tree = {"l.csv": b"path,label,status\na,../up,ok\n"}
NO_ROWS: Tree = {"l.csv": b"path,label,status\n"}

# What is typed, the exit code, what is said on stderr, and what is in the working folder.
Case = tuple[str, int, str, Tree]

CASES: dict[str, Case] = {
    # what the command can't mean: 2
    "missing folder": ("classify gone", 2, "gone: No such file or directory", {}),
    "no source": ("classify", 2, "Nothing to classify", {}),
    "unknown command": ("clasify scans", 2, "No such command", {}),
    "unknown option": ("classify scans --gpu", 2, "No such option", {}),
    "no number": ("train --seed x", 2, "digitsort: --seed must be a whole number, got x. See", {}),
    "small number": ("train --seed -1", 2, "digitsort: --seed must be 0 or more, got -1. See", {}),
    "no argument": ("undo", 2, "digitsort: Missing argument 'DEST'. See", {}),
    "too many arguments": ("undo a b", 2, "digitsort: Too many arguments: (b). See", {}),
    "misspelt option": ("classify --form csv", 2, "Did you mean --force or --format? See", {}),
    "percent": ("classify scans --min-confidence 90", 2, "between 0 and 1", GOOD),
    "unknown format": ("classify scans --format xml", 2, "'xml' is no format", GOOD),
    "sort from nothing": ("sort gone sorted", 2, "gone: No such file or directory", {}),
    "sort onto itself": ("sort scans scans -m MODEL", 2, "DEST and SOURCE are the same folder", GOOD),
    "sort into a file": ("sort scans f -m MODEL", 2, "DEST f is a file", {**GOOD, "f": b""}),
    "sort by a picture": ("sort scans/7.png sorted", 2, "it is a PNG picture", GOOD),
    "sort by a bad row": ("sort l.csv sorted", 2, "l.csv, line 3: 'fine' is no status", BAD_STATUS),
    "sort out of DEST": ("sort l.csv sorted", 2, "'../up' can't be the name of a folder", BAD_LABEL),
    "evaluate nothing": ("evaluate gone", 2, "gone: No such file or directory", {}),
    "missing truth": ("evaluate scans --truth t.csv -m MODEL", 2, "t.csv can't be read", GOOD),
    "train on nothing": ("train -d gone", 2, "gone is not there", {}),
    "hold out all": ("train -d digits --held-out 1.5", 2, "between 0 and 1", {}),
    "inspect nothing": ("inspect gone.png", 2, "gone.png: No such file or directory", {}),
    # models: 3
    "unknown model": ("classify scans -m gone", 3, "Model gone can't be read: No such", GOOD),
    "a folder for a model": ("classify scans -m scans", 3, "Model scans refused. It is a folder", GOOD),
    "no model": ("classify scans -m m", 3, "It is no pickle", {**GOOD, "m": b"I am a model"}),
    "an empty model": ("model m", 3, "It is empty", {"m": b""}),
    "a bare SVC": ("sort scans d -m m", 3, "bare scikit-learn SVC", {**GOOD, "m": bare_svc()}),
    # no images, or none to learn from: 4
    "empty folder": ("classify scans -m MODEL", 4, "No images found", {"scans": {}}),
    "other files": ("classify scans -m MODEL", 4, "No images found", {"scans": {"notes": b""}}),
    "sort an empty folder": ("sort scans d -m MODEL", 4, "No images found in scans", {"scans": {}}),
    "sort by no rows": ("sort l.csv d", 4, "l.csv has no rows", NO_ROWS),
    "no truth known": ("evaluate scans -m MODEL", 4, "No picture in scans has a known", GOOD),
    "train on an empty folder": ("train -d scans", 4, "no folders named by class", {"scans": {}}),
    "train on no images": ("train -d scans", 4, "scans/0 has no images", {"scans": {"0": {}}}),
    "train on one class": ("train -d scans", 4, "only one class, '0'", ONE_CLASS),
    "a class of one image": ("train -d scans", 4, "Class '1' has one image", ONE_IMAGE),
    "train on a broken image": ("train -d scans", 4, "scans/0/a.png: empty file", BROKEN_IMAGE),
    "IDX files cut off": ("train -d idx", 4, IMAGES, IDX_CUT),
    "IDX files that do not match": ("train -d idx", 4, "labels", IDX_OTHER),
    # outputs: 5
    "existing output": (
        "classify scans -m MODEL",
        5,
        "labels.csv already exists",
        {**GOOD, "labels.csv": b"my corrections"},
    ),
    # refused before the data are looked at
    "existing model": ("train -d gone", 5, "model.pkl already exists", {"model.pkl": b"another"}),
    "output is a folder": ("classify scans -m MODEL -o scans --force", 5, "is a folder", GOOD),
    "unwritable output": (
        "classify scans -m MODEL -o f/l.csv",
        5,
        "f/l.csv can't be written: Not a directory",
        {**GOOD, "f": b""},
    ),
    "sort through a link": (
        "sort scans sorted -m MODEL",
        5,
        "sorted/7: it is a symbolic link",
        {**GOOD, "sorted": {"7": Link("../scans")}},
    ),
    # some files could not be read: 1
    "unreadable image": ("inspect f.png -m MODEL", 1, "f.png: empty file", {"f.png": b""}),
    "truncated PNG": ("inspect f.png -m MODEL", 1, "broken", {"f.png": digit_png(7)[:-40]}),
    "inspect a folder": ("inspect scans -m MODEL", 1, "scans: not a regular file", GOOD),
}

IN_A_PROCESS = [
    *("missing folder", "unknown option", "sort by a picture", "unknown model", "no model"),
    *("a bare SVC", "empty folder", "a class of one image", "IDX files cut off"),
    *("existing output", "unwritable output", "truncated PNG"),
]


def words_of(command: str, model_file: Path) -> list[str]:
    return [str(model_file) if word == "MODEL" else word for word in command.split()]


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_bad_input_ends_with_a_sentence_and_its_exit_code(
    tmp_path: Path, case: Case, model_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing on stdout, nothing written, nothing raised."""
    command, code, said, tree = case
    monkeypatch.chdir(make_tree(tmp_path, tree))
    done = invoke(*words_of(command, model_file))
    assert said in " ".join(done.stderr.split())
    assert (code, "") == (done.exit_code, done.stdout)
    assert tree == read_tree(tmp_path)


@pytest.mark.parametrize("name", IN_A_PROCESS)
def test_so_does_a_process_of_its_own_without_a_traceback(
    tmp_path: Path, name: str, model_file: Path
) -> None:
    command, code, said, tree = CASES[name]
    done = run_digitsort(*words_of(command, model_file), cwd=make_tree(tmp_path, tree))
    assert said in " ".join(done.stderr.split())
    assert (code, "") == (done.returncode, done.stdout)
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("raised", "code"),
    [
        (DigitsortError("x"), 1),
        (UsageError("x"), 2),
        (ModelError("x"), 3),
        (NothingToDoError("x"), 4),
        (TrainingDataError("x"), 4),
        (OutputError("x"), 5),
        (VerificationError("x"), 6),
        (KeyboardInterrupt(), 130),
    ],
    ids=lambda value: type(value).__name__,
)
def test_each_error_has_its_exit_code(
    raised: BaseException, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    def command() -> ExitCode:
        raise raised

    with pytest.raises(typer.Exit) as caught:
        reports_errors(command)()
    assert code == caught.value.exit_code
    shown = capsys.readouterr()
    assert (shown.out, shown.err.strip().startswith("digitsort: ")) == ("", True)


def test_the_code_that_a_command_returns_is_that_of_the_process() -> None:
    def command() -> ExitCode:
        return ExitCode.SOME_FAILED

    with pytest.raises(typer.Exit) as caught:
        reports_errors(command)()
    assert caught.value.exit_code == 1


def test_the_exit_codes_are_those_of_the_design() -> None:
    assert list(ExitCode) == [0, 1, 2, 3, 4, 5, 6, 7, 130, 141]


posix = pytest.mark.skipif(os.name != "posix", reason="no POSIX pipes and signals here")


def run_into(stdout: int | IO[str], *words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run digitsort in a process whose stdout is this file."""
    return subprocess.run(
        [sys.executable, "-m", "digitsort", *words],
        cwd=cwd,
        stdout=stdout,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        check=False,
        timeout=300,
    )


@posix
@pytest.mark.parametrize(
    "command",
    ["classify scans -o - -m MODEL -q", "sort scans sorted --dry-run -m MODEL", "model MODEL"],
    ids=lambda command: command.split()[0],
)
def test_a_reader_that_went_away_ends_the_run_without_a_word(
    tmp_path: Path, model_file: Path, command: str
) -> None:
    """As in `digitsort classify scans -o - | head`."""
    make_tree(tmp_path, GOOD)
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = run_into(writer, *words_of(command, model_file), cwd=tmp_path)
    finally:
        os.close(writer)
    assert done.returncode == 141
    assert "Error" not in done.stderr
    assert "digitsort:" not in done.stderr


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no /dev/full here")
def test_a_full_disk_behind_stdout_is_an_output_error(tmp_path: Path, model_file: Path) -> None:
    make_tree(tmp_path, GOOD)
    command = words_of("classify scans -o - -m MODEL", model_file)
    with open("/dev/full", "w") as full:  # noqa: PTH123
        done = run_into(full, *command, cwd=tmp_path)
    assert "digitsort: cannot write to stdout: No space left on device" in done.stderr
    assert done.returncode == 5
    assert "Traceback" not in done.stderr


INTERRUPTED = """
import signal, sys
import digitsort.classification.classify
from digitsort.cli import main

def interrupt(path, limits):
    signal.raise_signal(signal.SIGINT)

line = digitsort.classification.classify.Line
digitsort.classification.classify.Line = lambda model, settings: line(model, settings, interrupt)
sys.argv = ["digitsort", *sys.argv[1:]]
main()
"""


@posix
@pytest.mark.parametrize("command", ["classify scans -m MODEL", "sort scans sorted -m MODEL"])
def test_ctrl_c_ends_with_130_and_leaves_nothing_half_done(
    tmp_path: Path, model_file: Path, command: str
) -> None:
    make_tree(tmp_path, GOOD)
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED, *words_of(command, model_file)],
        cwd=tmp_path,
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=300,
    )
    assert (done.returncode, done.stdout) == (130, "")
    assert f" with: digitsort {' '.join(words_of(command, model_file))}\n" in done.stderr
    assert "Traceback" not in done.stderr
    assert read_tree(tmp_path) == GOOD


MANY = """
import sys
from collections.abc import Sequence
from digitsort.cli import main
for command in sys.argv[1].splitlines():
    sys.argv = ["digitsort", *command.split("|")]
    try:
        main()
    except SystemExit as end:
        print("ended with", end.code)
"""

SHOWING_NAMES = [
    *("classify|S|-m|MODEL", "sort|S|sorted|--dry-run|-m|MODEL", "sort|S|sorted|-m|MODEL"),
    *("evaluate|S|-m|MODEL", "inspect|S/7/7.png|S/1/1.png|-m|MODEL", "train|-d|few|-o|S.pkl"),
    *("classify|SGONE", "sort|SGONE|sorted", "evaluate|SGONE", "inspect|SGONE", "model|SGONE"),
]


@pytest.mark.parametrize(
    ("folder", "encoding"),
    [(b"caf\xe9", "utf-8"), ("[bold]é".encode(), "ascii"), (b"line\x0bbreak\x1b[31m", "utf-8")],
    ids=["not UTF-8", "not ASCII", "control characters"],
)
def test_names_that_a_terminal_cannot_show_are_no_trouble(
    tmp_path: Path, model_file: Path, folder: bytes, encoding: str
) -> None:
    """Whatever the encoding of the terminal; control characters do not get through to it."""
    name = os.fsdecode(folder)
    try:
        make_tree(tmp_path, {name: {d: {f"{d}.png": digit_png(int(d))} for d in "17"}})
        few = {d: {f"{e}.png": digit_png(int(d), example=e, side=16) for e in range(6)} for d in "17"}
        make_tree(tmp_path, {"few": few})
    except OSError as error:
        pytest.skip(f"this file system does not take the name: {error}")
    commands = "\n".join(SHOWING_NAMES).replace("S", "{S}").replace("MODEL", str(model_file))
    commands = commands.replace("{S}", name)
    done = subprocess.run(
        [sys.executable, "-c", MANY.replace("splitlines()", "split('\\n')"), commands],
        cwd=tmp_path,
        env={**os.environ, "PYTHONIOENCODING": encoding},
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=300,
    )
    codes = [line.split()[2] for line in done.stdout.splitlines() if line.startswith("ended with")]
    assert codes == ["0"] * 6 + ["2"] * 4 + ["3"], done.stderr
    assert "Traceback" not in done.stderr
    assert "\x1b" not in done.stdout + done.stderr


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("words", [("",), ("scans", ""), ("scans", "sorted", "--root=")])
def test_an_empty_argument_is_not_the_working_folder(name: str, words: Sequence[str]) -> None:
    done = invoke(name, *words)
    assert done.exit_code == 2
    assert done.stderr.startswith(
        "digitsort: An argument is empty. Is a variable of your shell not set?"
    )
