"""`digitsort watch`: every complete file is delivered once, whatever happens meanwhile."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from digitsort import SortOptions
from digitsort.errors import OutputError, UsageError
from digitsort.files.regular import is_open_for_writing
from digitsort.labels.row import Row
from digitsort.outcomes import Outcome, Status
from digitsort.sorting import inbox as inboxes
from digitsort.sorting.arrivals import Arrivals, read_when_saved, sort_complete
from digitsort.sorting.books import read_books, update_books
from digitsort.sorting.dest import locked
from digitsort.sorting.free_names import file_sha256
from digitsort.sorting.inbox import Inbox
from digitsort.sorting.journal import journals, read_runs
from digitsort.sorting.plan import Mode
from tests.conftest import digit_png, invoke, make_tree
from tests.sorting.tying import bind

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals and permissions of POSIX")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    make_tree(tmp_path, {"in": {"7.png": digit_png(7), "sub": {"3.png": digit_png(3)}}})
    monkeypatch.chdir(tmp_path)
    return tmp_path


def files_of(folder: Path) -> dict[str, bytes]:
    """Sorted files by path below DEST."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and ".digitsort" not in path.parts and path.name != "labels.csv"
    }


@pytest.fixture
def once(model_file: Path) -> Callable[..., str]:
    def run(*options: str, code: int = 0) -> str:
        words = ["watch", "in", "out", "--once", "--settle", "0", "--workers", "0", *options]
        done = invoke(*words, "-m", model_file)
        assert done.exit_code == code, done.output
        return done.stdout

    return run


def test_files_are_sorted_once(here: Path, once: Callable[..., str]) -> None:
    """A second run delivers nothing; a file with another name, or another content, is another one."""
    assert once().splitlines()[0].startswith("7.png -> 7/7.png  ok 7 (")
    assert once() == ""
    shutil.copy(here / "in/7.png", here / "in/more.png")
    make_tree(here, {"in": {"sub/3.png": digit_png(4)}})
    records = [json.loads(line) for line in once("--json").splitlines()]
    assert [(r["path"], r["label"], r["action"]) for r in records] == [
        ("more.png", "7", "sorted"),
        ("sub/3.png", "4", "sorted"),
    ]
    assert list(files_of(here / "out")) == ["3/3.png", "4/3.png", "7/7.png", "7/more.png"]
    assert len(journals(str(here / "out"))) == 1
    assert invoke("verify", "out").exit_code == 0
    rows = read_books(str(here / "out"))
    assert {Path(path).name: Path(row.source).name for path, row in rows.items()} == {
        "7.png": "7.png",
        "3.png": "3.png",
        "more.png": "more.png",
    }


def test_undo_takes_the_files_back_and_they_are_sorted_again(
    here: Path, once: Callable[..., str]
) -> None:
    before = files_of(here / "in")
    once("--move")
    make_tree(here, {"in": {"1.png": digit_png(1)}})
    once("--move", "--keep-folders")
    assert files_of(here / "in") == {}
    assert list(files_of(here / "out")) == ["1/1.png", "3/3.png", "7/7.png"]
    assert invoke("undo", "out").exit_code == 0
    assert files_of(here / "in") == {**before, "1.png": digit_png(1)}
    once("--move", "--keep-folders")
    assert list(files_of(here / "out")) == ["1/1.png", "3/sub/3.png", "7/7.png"]


def test_what_a_person_moves_or_removes_in_dest_is_not_delivered_again(
    here: Path, once: Callable[..., str]
) -> None:
    """Also if the next run is killed: what an earlier one had finished is not looked at again."""
    once()
    (here / "out/7/7.png").unlink()
    (here / "out/3/3.png").rename(here / "out/7/3.png")
    make_tree(here, {"in": {"1.png": digit_png(1)}})
    rows = read_books(str(here / "out"))
    with locked(here / "out") as held:
        arrivals = Arrivals(held, SortOptions(set_aside=True))
        path = str(here / "in/1.png")
        arrivals.deliver([Row(path, "1", Status.OK, sha256=file_sha256(path))])
    assert read_books(str(here / "out")) == rows  # as a kill leaves it
    assert once() == "1.png -> 1/1.png (before a kill)  ok\n"
    assert once() == ""
    assert list(files_of(here / "out")) == ["1/1.png", "7/3.png"]
    assert len(read_books(str(here / "out"))) == 3


def test_files_that_a_killed_run_moved_have_a_line(
    here: Path, once: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the next start, with all that the killed one knew; it may have printed them too."""
    with monkeypatch.context() as patched:
        patched.setattr("digitsort.cli.watch._Printing.print", killed)
        patched.setattr(Arrivals, "stop", lambda _: None)
        with pytest.raises(Killed):
            once("--move")
    assert files_of(here / "in") == {}
    records = [json.loads(line) for line in once("--move", "--json").splitlines()]
    assert [(r["path"], r["label"], r["action"]) for r in records] == [
        ("7.png", "7", "before a kill"),
        ("sub/3.png", "3", "before a kill"),
    ]
    rows = {row.path: row for row in read_books(str(here / "out")).values()}
    for record in records:
        row = rows[str(here / "out" / record["target"].removeprefix("../out/"))]
        assert [record[name] for name in ("sha256", "model")] == [row.sha256, row.model]
        assert f"{record['confidence']:.4f}" == row.cells["confidence"]
    assert once("--move") == ""


@pytest.mark.parametrize("mode", [(), ("--move",)])
def test_a_file_that_is_too_large_for_a_picture_is_not_hashed(
    here: Path, once: Callable[..., str], mode: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It stays where it is: a sparse file with gigabytes would fill the disk of DEST."""
    hashed: list[str] = []

    def hash_it(path: str, **options: Any) -> str:
        hashed.append(path)
        return file_sha256(path, **options)

    monkeypatch.setattr("digitsort.sorting.arrivals.known_sha256", hash_it)
    (here / "in/big.png").touch()
    os.truncate(here / "in/big.png", 2**33)
    said = invoke("watch", "in", "out", "--once", "--settle", "0", "--workers", "0", *mode).stderr
    assert "in/big.png stays where it is: over 268435456 bytes: raise --max-bytes." in said
    assert [name for name in hashed if "big" in name] == []
    assert list(files_of(here / "out")) == ["3/3.png", "7/7.png"]
    (here / "in/7.png").touch()
    os.truncate(here / "in/7.png", 2**33)  # a name that was delivered
    assert "7.png" not in once(*mode, code=1)
    assert [name for name in hashed if "7.png" in name] == []


def test_a_labels_csv_that_is_half_saved_is_waited_for(
    here: Path, once: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether the half is no table or one without some rows; a person's work is in it then."""
    once()
    table = here / "out/labels.csv"
    whole = table.read_text().replace("ok,,", "ok,by hand,", 1)
    header, first, second = whole.splitlines(keepends=True)
    states = ["", header + first[:9], header + first, header + first + second]
    looks: list[str] = []

    def save_on(_: float) -> None:
        looks.append(state := states.pop(0))
        table.write_text(state)
        if not states:
            os.utime(table, (1e9, 1e9))  # at rest

    monkeypatch.setattr("digitsort.sorting.arrivals.time.sleep", save_on)
    make_tree(here, {"in": {"1.png": digit_png(1)}})
    with locked(here / "out") as held:
        table.write_text(header[:9])
        read_when_saved(held.dest, 10.0)
        assert len(looks) == 4
        arrivals = Arrivals(held, SortOptions(set_aside=True))
        states, looks = [header, whole], []
        table.write_text("path,lab")
        assert list(take(Inbox(str(here / "in"), 0), arrivals, labelled)) == []
        assert len(looks) == 2
        assert arrivals.tables == []
    rows = read_books(str(here / "out"))
    assert (len(rows), table.read_text().count("by hand")) == (3, 1)


def test_a_labels_csv_that_is_half_saved_is_waited_for_after_a_kill(
    here: Path, once: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rows of the killed run go into it before any file of the new one is looked at."""
    once()
    make_tree(here, {"in": {"1.png": digit_png(1)}})
    with locked(here / "out") as held:
        path = str(here / "in/1.png")
        row = Row(path, "1", Status.OK, sha256=file_sha256(path))
        Arrivals(held, SortOptions(set_aside=True)).deliver([row])  # and a kill
    table = here / "out/labels.csv"
    whole = table.read_text().replace("ok,,", "ok,by hand,", 1)
    states = [whole[:150], whole]

    def save_on(_: float) -> None:
        table.write_text(states.pop(0))
        if not states:
            os.utime(table, (1e9, 1e9))  # at rest

    monkeypatch.setattr("digitsort.sorting.arrivals.time.sleep", save_on)
    table.write_text(whole[:9])
    assert once() == "1.png -> 1/1.png (before a kill)  ok\n"
    assert (len(read_books(str(here / "out"))), table.read_text().count("by hand")) == (3, 1)
    assert states == []
    assert [path.name for path in (here / "out").glob("*.csv")] == ["labels.csv"]


def test_a_labels_csv_that_stays_broken_ends_the_run(
    here: Path, once: Callable[..., str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once, after some seconds; the end does not wait again, and the next start has all rows."""
    once()
    monkeypatch.setattr("digitsort.sorting.arrivals.SAVING_S", 0.3)
    table, looks = here / "out/labels.csv", list[float]()
    whole = table.read_text()
    with locked(here / "out") as held:
        arrivals = Arrivals(held, SortOptions(set_aside=True))
        make_tree(here, {"in": {"1.png": digit_png(1)}})
        path = str(here / "in/1.png")
        arrivals.deliver([Row(path, "1", Status.OK, sha256=file_sha256(path))])
        table.write_text("path,lab")
        with pytest.raises(UsageError):
            arrivals.close_books(now=True)
        monkeypatch.setattr("digitsort.sorting.arrivals.time.sleep", looks.append)
        arrivals.stop()
    assert looks == []
    table.write_text(whole)
    assert "1.png -> 1/1.png" in once()
    assert len(read_books(str(here / "out"))) == 3


class Killed(BaseException):
    """Ends a run as a kill does: nothing is cleaned up."""


def killed(*_: object) -> None:
    raise Killed


def test_what_was_not_sorted_is_counted(here: Path, model_file: Path) -> None:
    """A second copy of a delivered file stays, and one that is still written too."""
    words = ("watch", "in", "out", "--once", "--settle", "0", "--workers", "0", "-m", model_file)
    assert "2 files sorted." in invoke(*words, "--move").stderr
    make_tree(here, {"in": {"7.png": digit_png(7)}})
    with (here / "in/5.png").open("wb") as file:
        file.write(digit_png(5))
        file.flush()
        said = invoke(*words, "--move").stderr
    if not sys.platform.startswith("linux"):
        pytest.skip("only Linux tells who writes")
    assert "0 files sorted, 1 already there, 1 not complete yet." in said


def test_unreadable_files_are_set_aside_once(here: Path, once: Callable[..., str]) -> None:
    make_tree(here, {"in": {"broken.png": b"no", "empty.png": b""}})
    said = once("--move", code=1)
    assert "broken.png -> _unreadable/broken.png  error: not a supported image" in said
    assert once("--move") == ""
    assert {"_unreadable/broken.png", "_unreadable/empty.png"} < files_of(here / "out").keys()
    assert invoke("verify", "out").exit_code == 0


def test_a_file_that_cannot_be_read_stays_and_is_said_once(
    unprivileged: Path, model_file: Path
) -> None:
    make_tree(unprivileged, {"in": {"7.png": digit_png(7)}})
    (unprivileged / "in/7.png").chmod(0)
    box = Inbox(str(unprivileged / "in"), 0)
    with locked(unprivileged / "out") as held:
        arrivals = Arrivals(held, SortOptions(set_aside=True))
        said = [list(take(box, arrivals, refused)) for _ in range(2)]
        arrivals.close_books(now=True)
    assert said == [[(str(unprivileged / "in/7.png"), "permission denied")], []]


def refused(paths: object) -> Iterator[Outcome]:
    for path in list(paths):  # type: ignore[call-overload]
        yield Outcome(path, Status.ERROR, reason="permission denied")


def take(
    box: Inbox, arrivals: Arrivals, classify: Callable[..., Iterator[Outcome]]
) -> Iterator[tuple[str, str]]:
    for batch in sort_complete(box, box.look()[0], arrivals, classify, "0123456789ab"):
        yield from batch.arrived.left


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("in in", "same folder"),
        ("in in/out", "DEST is inside INBOX"),
        ("in/sub in", "INBOX is inside DEST"),
        ("in/7.png out", "not a folder"),
        ("none out", "Name a file or folder that exists"),
        ("in in/7.png", "is a file"),
    ],
)
def test_folders_that_contain_each_other_are_refused(here: Path, words: str, said: str) -> None:
    done = invoke("watch", *words.split(), "--once")
    assert (done.exit_code, said in done.stderr) == (2, True), done.stderr
    assert not (here / "out").exists()


def test_a_second_run_is_told_who_is_at_it(here: Path, model_file: Path) -> None:
    with locked(here / "out"):
        done = invoke("watch", "in", "out", "--once", "-m", model_file)
    assert done.exit_code == 5
    assert f"process {os.getpid()}" in done.stderr


class Clock:
    """Time that a test sets."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(inboxes, "time", clock)
    return clock


def names(box: Inbox) -> list[str]:
    return [Path(path).name for path, _ in box.look()[0]]


def test_a_file_is_complete_when_it_is_at_rest(tmp_path: Path, clock: Clock) -> None:
    """By this process's clock, from the last change on; a file that is replaced is a new one."""
    box, path = Inbox(str(tmp_path), 2.0), tmp_path / "a.png"
    path.write_bytes(b"1")
    assert names(box) == []
    clock.now += 1.9
    with path.open("ab") as file:
        file.write(b"2")
    assert names(box) == []
    clock.now += 1.9
    assert names(box) == []
    clock.now += 0.2
    ((found, version),) = box.look()[0]
    assert found == str(path)
    box.handle(found, version)
    clock.now += 9
    assert names(box) == []
    (tmp_path / "new").write_bytes(b"12")
    (tmp_path / "new").replace(path)
    assert names(box) == []
    clock.now += 2
    assert names(box) == ["a.png"]


def test_a_file_that_was_renamed_is_complete(tmp_path: Path, clock: Clock) -> None:
    """Its content was written earlier than its name: by the clock of the file system alone."""
    box = Inbox(str(tmp_path), 2.0)
    (tmp_path / "a.part").write_bytes(b"1")
    os.utime(tmp_path / "a.part", (1, time.time() - 60))
    assert names(box) == []
    (tmp_path / "a.part").rename(tmp_path / "a.png")
    assert names(box) == ["a.png"]


@pytest.mark.skipif(sys.platform != "linux", reason="leases are Linux's")
def test_a_file_that_is_open_for_writing_is_not_complete(tmp_path: Path) -> None:
    box, path = Inbox(str(tmp_path), 0), tmp_path / "a.png"
    with path.open("wb") as file:
        file.write(b"1")
        file.flush()
        if not is_open_for_writing(str(path)):
            pytest.skip("no leases on this file system")
        assert names(box) == []
    assert names(box) == ["a.png"]
    with path.open("rb"):
        assert names(box) == ["a.png"]


def test_a_file_that_changes_while_it_is_read_is_not_delivered(tmp_path: Path) -> None:
    make_tree(tmp_path, {"in": {"a.png": b"1"}})
    box, path = Inbox(str(tmp_path / "in"), 0), tmp_path / "in/a.png"

    def changed(paths: object) -> Iterator[Outcome]:
        for each in list(paths):  # type: ignore[call-overload]
            path.write_bytes(path.read_bytes() + b"2")
            yield Outcome(each, Status.OK, label="7", sha256="ab" * 32)

    with locked(tmp_path / "out") as held:
        arrivals = Arrivals(held, SortOptions(set_aside=True))
        assert list(take(box, arrivals, changed)) == []
        arrivals.close_books(now=True)
        assert journals(held.dest) == []
        assert names(box) == ["a.png"]


@pytest.mark.parametrize("part", ["", "3"])
def test_dest_is_no_inbox_by_a_link_or_otherwise(tmp_path: Path, part: str) -> None:
    """A folder of the inbox became a link to DEST, and each look copied one file deeper."""
    make_tree(tmp_path, {"in": {"a.png": b"1"}, "out": {"3": {"b.png": b"2"}}})
    box = Inbox(str(tmp_path / "in"), 0, dest=str(tmp_path / "out"))
    assert names(box) == ["a.png"]
    (tmp_path / "in").rename(tmp_path / "old")
    (tmp_path / "in").symlink_to(tmp_path / "out" / part)
    assert names(box) == []


@pytest.mark.parametrize("mode", [(), ("--move",)])
@pytest.mark.parametrize("is_in_dest", [False, True], ids=["DEST/3 in INBOX", "INBOX in DEST/3"])
def test_a_part_of_dest_is_no_inbox_by_a_mount(
    here: Path, once: Callable[..., str], mode: tuple[str, ...], is_in_dest: bool
) -> None:
    """With --keep-folders, each look sorted the same file one folder deeper."""
    make_tree(here, {"in": {"view": {}}, "out": {"3": {"by hand.png": digit_png(8)}}})
    with ExitStack() as stack:
        ends = here / "out/3", here / "in/view"
        bind(stack, *(reversed(ends) if is_in_dest else ends))
        make_tree(here, {"in": {"view": {"9.png": digit_png(9)}}})
        for _ in range(3):
            once("--keep-folders", *mode)
        found = [name for name in files_of(here / "out") if not name.startswith("3/by hand")]
    assert found == ["3/9.png", "3/sub/3.png", "7/7.png"]


def test_a_part_of_dest_is_refused_as_an_inbox(here: Path, model_file: Path) -> None:
    make_tree(here, {"view": {}, "out": {"3": {"x": {"by hand.png": digit_png(8)}}}})
    with ExitStack() as stack:
        bind(stack, here / "out/3", here / "view")
        done = invoke("watch", "view/x", "out", "--once", "--move", "-m", model_file)
    assert (done.exit_code, "INBOX is inside DEST" in done.stderr) == (2, True)
    assert (here / "out/3/x/by hand.png").exists()


def test_what_is_no_regular_file_is_not_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """To open a device can have effects, and a writer of a pipe is killed when its reader goes."""
    os.mkfifo(tmp_path / "a.png")
    (tmp_path / "b.png").symlink_to("/dev/zero")
    opened: list[object] = []
    monkeypatch.setattr("digitsort.files.regular.os.open", lambda path, *_: opened.append(path))
    assert not any(is_open_for_writing(str(tmp_path / name)) for name in ("a.png", "b.png"))
    assert opened == []


def test_a_new_folder_in_the_place_of_dest_gets_no_files(tmp_path: Path) -> None:
    """The journal is in the old one, so nothing could undo or verify what lay in the new one."""
    make_tree(tmp_path, {"in": {"3.png": b"1"}})
    box, dest = Inbox(str(tmp_path / "in"), 0), tmp_path / "out"
    with locked(dest) as held:
        arrivals = Arrivals(held, SortOptions(Mode.MOVE, move_from=str(tmp_path / "in")))
        assert list(take(box, arrivals, labelled)) == []
        dest.rename(tmp_path / "old")
        make_tree(tmp_path, {"in": {"4.png": b"2"}, "out": {}})
        with pytest.raises(OutputError, match="no longer the folder in which this run began"):
            list(take(box, arrivals, labelled))
    assert (tmp_path / "in/4.png").read_bytes() == b"2"
    assert (tmp_path / "old/3/3.png").read_bytes() == b"1"


def test_an_inbox_that_is_gone_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="not a folder any more"):
        Inbox(str(tmp_path / "in"), 0).look()


def labelled(paths: object) -> Iterator[Outcome]:
    """Label files without a model, by their names."""
    for path in list(paths):  # type: ignore[call-overload]
        yield Outcome(path, Status.OK, label=Path(path).name[0], sha256=file_sha256(path))


def test_many_small_batches_are_few_journals(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And labels.csv is not written for each of them."""
    written: list[int] = []

    def update(*arguments: Any, **options: Any) -> str:
        written.append(1)
        return update_books(*arguments, **options)

    monkeypatch.setattr("digitsort.sorting.arrivals.MOST_ENTRIES", 25)
    monkeypatch.setattr("digitsort.sorting.arrivals.update_books", update)
    ticks = iter(range(10**6))
    (tmp_path / "in").mkdir()
    with locked(tmp_path / "out") as held:
        arrivals = Arrivals(held, SortOptions(set_aside=True), clock=lambda: next(ticks))
        box = Inbox(str(tmp_path / "in"), 0)
        for n in range(60):
            (tmp_path / f"in/{n}.png").write_text(str(n))
            assert list(take(box, arrivals, labelled)) == []
        arrivals.close_books(now=True)
    assert len(read_books(str(tmp_path / "out"))) == 60
    assert len(journals(str(tmp_path / "out"))) == 3
    assert 3 <= len(written) <= 30
    assert all(run.end == "done" for run in read_runs(str(tmp_path / "out")))


SERVICE = """\
import sys
from digitsort.start import main
sys.argv[0] = "digitsort"
main()
"""


class Service:
    """`digitsort watch` in a process of its own."""

    def __init__(self, top: Path, model: Path, *options: str) -> None:
        self.lines = top / "lines"
        self._out = self.lines.open("ab")
        words = ["watch", "in", "out", "-m", str(model), "--settle", "0.3", *options]
        self.process = subprocess.Popen(
            [sys.executable, "-c", SERVICE, *words],
            cwd=top,
            stdin=subprocess.DEVNULL,
            stdout=self._out,
            stderr=subprocess.PIPE,
            encoding="utf-8",
        )

    def end(self, number: int) -> str:
        self.process.send_signal(number)
        said = self.process.communicate()[1]
        self._out.close()
        return said


def wait_for(condition: Callable[[], bool]) -> None:
    """Wait until something is so; a test that waits for ever is stopped from outside."""
    while not condition():
        time.sleep(0.05)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("options", "number"), [((), signal.SIGTERM), (("--poll", "0.2"), signal.SIGINT)]
)
def test_a_service_sorts_what_arrives(
    here: Path, model_file: Path, options: tuple[str, ...], number: int
) -> None:
    service = Service(here, model_file, *options)
    wait_for(lambda: len(files_of(here / "out")) == 2 or service.process.poll() is not None)
    make_tree(here, {"in": {"later/1.png": digit_png(1)}})
    wait_for(lambda: len(files_of(here / "out")) == 3 or service.process.poll() is not None)
    wait_for(lambda: service.lines.read_text().count("\n") == 3)
    said = service.end(number)
    assert service.process.returncode == 128 + number
    assert said.count("\n") == 2
    assert "interrupted. The files sorted so far stay. Finish with: digitsort watch in out" in said
    assert len(read_books(str(here / "out"))) == 3
    assert invoke("verify", "out").exit_code == 0


def sources_of(dest: Path) -> list[tuple[str, str]]:
    """What was delivered, by the journals: source and content."""
    return [(entry.source, entry.sha256) for run in read_runs(str(dest)) for entry in run.delivered]


@pytest.mark.slow
@pytest.mark.parametrize("mode", [(), ("--move",)])
def test_killed_services_deliver_each_file_once(
    here: Path, model_file: Path, request: pytest.FixtureRequest, mode: tuple[str, ...]
) -> None:
    """Killed at a random moment, while files arrive; none is lost, torn or delivered twice."""
    kills = 500 if request.config.getoption("--all-cases") else 3
    chance = random.Random(len(mode))
    shutil.rmtree(here / "in")
    (here / "in").mkdir()
    contents: dict[str, bytes] = {}
    for n in range(kills):
        service = Service(here, model_file, "--poll", "0.05", "--workers", "0", *mode)
        end = time.monotonic() + chance.uniform(0.5, 5)
        while time.monotonic() < end:
            for _ in range(chance.randrange(1, 8) if chance.random() < 0.05 else 0):
                name = f"{len(contents)}.png"
                contents[name] = digit_png(chance.randrange(10)) + str(len(contents)).encode()
                (here / "in" / f".{name}").write_bytes(contents[name])
                (here / "in" / f".{name}").rename(here / "in" / name)
            time.sleep(0.05)
        service.end(signal.SIGKILL)
        assert n < kills
    done = invoke("watch", "in", "out", "--once", "--settle", "0", "-q", "-m", model_file, *mode)
    assert done.exit_code == 0, done.output
    assert sorted(files_of(here / "out").values()) == sorted(contents.values())
    delivered = sources_of(here / "out")
    assert len(delivered) == len(set(delivered)) == len(contents)
    assert {Path(row.source).name for row in read_books(str(here / "out")).values()} == set(contents)
    assert files_of(here / "in") == ({} if mode else contents)
    assert not list((here / "out").rglob("*.tmp"))
    assert invoke("verify", "out").exit_code == 0


@pytest.mark.slow
def test_ten_thousand_files_at_once(
    here: Path, model_file: Path, request: pytest.FixtureRequest
) -> None:
    """While the service runs; a file with the same name follows in each subfolder."""
    count = 10_000 if request.config.getoption("--all-cases") else 1000
    contents = {
        f"{n // 1000}/{n % 500}_{n // 500}.png": digit_png(n % 10) + str(n).encode()
        for n in range(count)
    }
    make_tree(here / "drop", contents)
    service = Service(here, model_file)
    wait_for(lambda: len(files_of(here / "out")) == 2 or service.process.poll() is not None)
    (here / "drop").rename(here / "in/drop")
    wait_for(lambda: service.lines.read_text().count("\n") == count + 2)
    service.end(signal.SIGTERM)
    sorted_files = files_of(here / "out")
    assert len(sorted_files) == count + 2
    assert set(contents.values()) < set(sorted_files.values())
    assert len(read_books(str(here / "out"))) == count + 2
    assert len(journals(str(here / "out"))) == 1
