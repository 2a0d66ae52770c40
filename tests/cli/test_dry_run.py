"""`sort --dry-run` is true: the counts and the exit code are those of the run."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from digitsort import Model
from digitsort.cli.summary import hint_to_root
from tests.conftest import digit_png, invoke, make_tree, read_tree, use_model

SCANS = {f"{n}.png": bytes([n]) * 10 for n in range(5)} | {"sub/0.png": b"\0" * 10}

LISTED = "path,label,status\na.png,7,ok\nb.png,7,ok\n"

MODES = [("--copy",), ("--move",), ("--link", "hard"), ("--link", "sym")]


def table(scans: dict[str, bytes]) -> str:
    rows = [f"scans/{n},7,ok,{sha256(content).hexdigest()}\n" for n, content in scans.items()]
    return "path,label,status,sha256\n" + "".join(rows)


@pytest.fixture(scope="module", autouse=True)
def _imported(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Import everything now: another user may not read it."""
    folder = make_tree(tmp_path_factory.mktemp("first"), {"a.png": b"", "l.csv": LISTED})
    for options in (["--dry-run"], ["--copy"], ["--move"], ["--link", "hard"], ["--link", "sym"]):
        invoke("sort", folder / "l.csv", folder / options[-1], *options)
    invoke("sort", folder, folder / "sorted")


def test_the_hint_to_root_is_for_missing_files_only(monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that may not be entered was not renamed."""
    failures = [("gone/a.png", "Permission denied")]
    assert list(hint_to_root(failures))

    def denied(path: str) -> os.stat_result:
        raise PermissionError(13, "Permission denied", path)

    monkeypatch.setattr(os, "lstat", denied)
    assert not list(hint_to_root(failures))


def scans_in(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    tree = {"scans": SCANS, "labels.csv": table(SCANS), "other": {"0.png": SCANS["0.png"]}}
    monkeypatch.chdir(make_tree(folder, tree))
    return folder


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder, with six files, two of one content, and a table of them."""
    return scans_in(tmp_path, monkeypatch)


def counts(stderr: str) -> list[int]:
    """Files that are delivered, are there already, and are skipped."""
    flat = " ".join(stderr.split())
    found = re.search(r"(\d+) (?:to )?\w+(?: \(.*? bytes\))?, (\d+) already there(?:, (\d+))?", flat)
    assert found, stderr
    return [int(group or 0) for group in found.groups()]


def remove(folder: Path) -> None:
    (folder / "scans" / "0.png").unlink()
    (folder / "scans" / "3.png").unlink()


def change(folder: Path) -> None:
    (folder / "scans" / "0.png").write_bytes(b"another")


def replace(folder: Path) -> None:
    (folder / "scans" / "2.png").unlink()
    (folder / "scans" / "2.png").mkdir()


def deny(folder: Path) -> None:
    (folder / "scans" / "4.png").chmod(0)


def lock(folder: Path) -> None:
    (folder / "scans").chmod(0o500)


def remove_twins(folder: Path) -> None:
    remove(folder)
    (folder / "scans" / "sub" / "0.png").unlink()


def obstruct(folder: Path) -> None:
    make_tree(folder, {"sorted": {"7": {"1.png": b"another", "4.png": SCANS["4.png"]}}})


OBSTACLES = [remove, change, replace, deny, lock, remove_twins, obstruct]


@pytest.mark.parametrize(
    "mode",
    [*MODES[:2], *(pytest.param(mode, marks=pytest.mark.slow) for mode in MODES[2:])],
    ids=["copy", "move", "hard", "symbolic"],
)
@pytest.mark.parametrize("obstacle", OBSTACLES, ids=lambda obstacle: obstacle.__name__)
def test_the_run_does_what_the_dry_run_says(
    unprivileged: Path,
    monkeypatch: pytest.MonkeyPatch,
    mode: tuple[str, ...],
    obstacle: Callable[[Path], None],
) -> None:
    folder = scans_in(unprivileged, monkeypatch)
    obstacle(folder)
    dry = invoke("sort", "labels.csv", "sorted", *mode, "--dry-run")
    run = invoke("sort", "labels.csv", "sorted", *mode)
    if os.path.exists("scans"):
        os.chmod("scans", 0o700)
    assert (dry.exit_code, counts(dry.stderr)) == (run.exit_code, counts(run.stderr))
    skipped = [line.removeprefix("leave ") for line in dry.stdout.splitlines() if line[:6] == "leave "]
    assert [line for line in skipped if line not in run.stderr.replace("\n  ", "\n")] == []


def test_a_file_that_is_gone_lets_its_twin_take_its_place(here: Path) -> None:
    remove(here)
    dry = invoke("sort", "labels.csv", "sorted", "--dry-run")
    assert counts(dry.stderr) == [4, 0, 2]
    assert f"copy  {here}/scans/sub/0.png -> {here}/sorted/7/0.png" in dry.stdout.splitlines()


@pytest.mark.parametrize("mode", MODES, ids=lambda mode: mode[-1])
@pytest.mark.parametrize("inner", ["", "7"])
def test_a_dest_that_can_not_be_written(
    unprivileged: Path, monkeypatch: pytest.MonkeyPatch, mode: tuple[str, ...], inner: str
) -> None:
    """DEST, or a folder in it, whose files are left."""
    folder = make_tree(scans_in(unprivileged, monkeypatch), {"sorted": {"7": {}}})
    (folder / "sorted" / inner).chmod(0o500)
    dry = invoke("sort", "labels.csv", "sorted", *mode, "--dry-run")
    run = invoke("sort", "labels.csv", "sorted", *mode)
    (folder / "sorted" / inner).chmod(0o700)
    assert dry.exit_code == run.exit_code == (1 if inner else 5)


class Room:
    """A file system with little room, as `os.statvfs` tells of it."""

    f_frsize = 1
    f_blocks = 1000

    def __init__(self, free: int) -> None:
        self.f_bavail = free


@pytest.mark.parametrize(("mode", "code"), list(zip(MODES, [5, 0, 0, 0], strict=True)))
def test_a_dest_without_room(
    here: Path, monkeypatch: pytest.MonkeyPatch, mode: tuple[str, ...], code: int
) -> None:
    """Only copies need room: 5 files of 10 bytes, and a duplicate."""
    monkeypatch.setattr(os, "statvfs", lambda _: Room(49))
    dry = invoke("sort", "labels.csv", "sorted", *mode, "--dry-run")
    assert dry.exit_code == code
    said = f"{here}/sorted has no room: the files need 50 bytes, 49 are free."
    assert (said in dry.stderr) == (code == 5)
    monkeypatch.setattr(os, "statvfs", lambda _: Room(50))
    assert invoke("sort", "labels.csv", "sorted", *mode, "--dry-run").exit_code == 0


def test_a_dest_with_an_unusable_table(here: Path) -> None:
    make_tree(here, {"sorted": {"labels.csv": "my,own\n"}})
    before = read_tree(here)
    assert invoke("sort", "labels.csv", "sorted", "--dry-run").exit_code == 2
    assert before == read_tree(here)
    assert invoke("sort", "labels.csv", "sorted").exit_code == 2


def test_a_folder_that_can_not_be_listed_is_exit_code_1_everywhere(
    unprivileged: Path, monkeypatch: pytest.MonkeyPatch, model: Model
) -> None:
    use_model(monkeypatch, model)
    tree = {"a.png": digit_png(7), "closed": {"b.png": digit_png(1)}}
    monkeypatch.chdir(make_tree(unprivileged, {"scans": tree}))
    os.chmod("scans/closed", 0)
    done = [
        invoke("classify", "scans"),
        invoke("sort", "scans", "sorted", "--dry-run"),
        invoke("sort", "scans", "sorted"),
    ]
    os.chmod("scans/closed", 0o700)
    assert [each.exit_code for each in done] == [1, 1, 1]
    assert ["closed can't be listed: Permission denied" in each.stderr for each in done] == [True] * 3


MANY = 1_005


def many_rows(folder: str) -> str:
    rows = (f"{folder}/{n}.png,{n % 10},0.9,uncertain,7\n" for n in range(MANY))
    return "path,label,confidence,status,human\n" + "".join(rows)


@pytest.mark.parametrize(
    "command",
    [
        ("sort", "labels.csv", "sorted"),
        ("sort", "labels.csv", "sorted", "--dry-run"),
        ("review", "labels.csv"),
        ("evaluate", "labels.csv", "-m", "any.pkl", "--report", "report.html"),
    ],
    ids=" ".join,
)
def test_a_renamed_folder_is_five_lines_and_a_hint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: Model, command: tuple[str, ...]
) -> None:
    """Nothing is written, and nothing says that it was."""
    use_model(monkeypatch, model)
    monkeypatch.chdir(make_tree(tmp_path, {"labels.csv": many_rows("scans")}))
    before = read_tree(tmp_path)
    done = invoke(*command)
    assert done.exit_code == 1
    assert before == read_tree(tmp_path)
    lines = [line.strip() for line in done.output.splitlines()]
    named = [line for line in lines if "/scans/" in line]
    assert len(named) == 5
    place = lines.index(named[-1])
    assert lines[place + 1].removeprefix("leave ") == "… and 1,000 more"
    assert "If their folder was renamed or moved, name it with --root DIR." in lines
    assert "ritten to" not in done.output


def test_root_finds_the_files_of_a_renamed_folder(here: Path, model: Model) -> None:
    """Their paths are relative; what exists is not looked for elsewhere."""
    (here / "scans").rename(here / "renamed")
    done = invoke("sort", "labels.csv", "sorted", "--root", "renamed")
    assert (done.exit_code, counts(done.stderr)) == (0, [5, 1, 0])
    rows = "path,label,status\nother/0.png,7,ok\n"
    make_tree(here, {"l.csv": rows, "renamed": {"0.png": b"not this one"}})
    done = invoke("sort", "l.csv", "again", "--root", ".")
    assert (here / "again" / "7" / "0.png").read_bytes() == SCANS["0.png"]


def test_some_files_that_are_gone_are_named_and_the_page_is_written(here: Path) -> None:
    remove(here)
    done = invoke("review", "labels.csv", "--all")
    assert done.exit_code == 0
    assert "2 of 6 files can't be read:" in done.stderr
    assert "scans/3.png: No such file or directory" in done.stderr
    assert "Written to review.html" in done.stderr
    done = invoke("review", "labels.csv", "--all", "-q", "--force")
    assert (done.exit_code, done.stderr) == (0, "")


def test_each_reason_has_its_own_lines(here: Path) -> None:
    """The sixth file with one reason is counted; another reason is still seen."""
    scans = {f"{n}.png": b"x" for n in range(7)} | {"z.png": b"z"}
    make_tree(here, {"l.csv": table(scans), "scans": {"z.png": b"changed"}})
    for name in ["0.png", "1.png", "2.png", "3.png", "4.png", "5.png", "6.png"]:
        (here / "scans" / name).unlink(missing_ok=True)
    said = [line.strip() for line in invoke("sort", "l.csv", "sorted").stderr.splitlines()]
    assert said[0] == "0 copied, 0 already there, 8 skipped:"
    assert [line.rpartition("/")[2] for line in said[1:6]] == [
        f"{n}.png: No such file or directory" for n in (0, *range(1, 5))
    ]
    assert said[6] == "… and 2 more"
    assert said[7].endswith("scans/z.png: changed since it was labelled")


def test_classify_that_can_read_nothing_does_not_say_written(
    here: Path, monkeypatch: pytest.MonkeyPatch, model: Any
) -> None:
    use_model(monkeypatch, model)
    done = invoke("classify", "scans", "-o", "a.csv")
    assert done.exit_code == 1
    assert "No file could be read. The reasons are in a.csv." in done.stderr
    assert "Written" not in done.stderr
