"""What a stranger's labels.csv names outside of its folder is not moved, and never changed."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.sorting.stranger import (
    Ended,
    World,
    contents,
    differences,
    new_world,
    quick_folder,
    run,
    sha,
    snapshot,
)

pytestmark = pytest.mark.skipif(os.name != "posix", reason="made of POSIX paths")

HEADER = "path,label,status,sha256,source,human"


@pytest.fixture
def world() -> Iterator[World]:
    """An archive with a table; DEST, which is elsewhere, is the user's own."""
    with quick_folder() as top:
        made = new_world(top)
        (made.top / "archive/scans").mkdir()
        (made.top / "archive/scans/7.png").write_bytes(b"seven")
        (made.top / "archive/scans/deep").mkdir()
        yield made


def _link(world: World, name: str, target: Path) -> None:
    (world.top / "archive" / name).symlink_to(target)


SEVEN, ONE = sha(b"seven"), sha(b"one")

Rows = Callable[[World], str]

OUTSIDE: dict[str, Rows] = {
    "..": lambda w: f"../home/7.png,7,ok,{SEVEN},,",
    "../..": lambda w: "scans/../../home/7.png,7,ok,,,",
    "..s that a link would mislead": lambda w: "out/../../home/7.png,7,ok,,,",
    "absolute": lambda w: f"{w.home}/7.png,7,ok,{SEVEN},,",
    "absolute with ..": lambda w: f"{w.top}/archive/../home/7.png,7,ok,{SEVEN},,",
    "two slashes": lambda w: f"//{w.home}/7.png,7,ok,{SEVEN},,",
    "a reference": lambda w: "file:..%2Fhome%2F7.png,7,ok,,,",
    "an absolute reference": lambda w: f"file:{w.home}/7.png,7,ok,,,",
    "a reference with .. inside": lambda w: "file:scans/%2E%2E/../home/7.png,7,ok,,,",
    "through a linked folder": lambda w: f"out/7.png,7,ok,{SEVEN},,",
    "through a link in a folder": lambda w: "scans/up/home/7.png,7,ok,,,",
    "a link to a file": lambda w: f"scans/linked.png,7,ok,{SEVEN},,",
    "with a source inside": lambda w: "../home/7.png,7,ok,,scans/7.png,",
    "a key": lambda w: "../home/.ssh/authorized_keys,7,ok,,,",
    "a person's label": lambda w: "../home/7.png,,error,,,7",
    "none": lambda w: "../home/7.png,_none,rejected,,,",
    "uncertain": lambda w: "../home/7.png,7,uncertain,,,",
    "among good ones": lambda w: f"scans/7.png,7,ok,{SEVEN},,\n../home/1.png,1,ok,{ONE},,",
    # The first of two files with one content is not there: the second one takes its place.
    "in place of one that is gone": lambda w: (
        f"scans/gone/7.png,7,ok,{SEVEN},,\n../home/7.png,7,ok,{SEVEN},,"
    ),
    "in place of one that changed": lambda w: (
        f"scans/1.png,7,ok,{ONE},,\n../home/1.png,7,ok,,,\nscans/7.png,7,ok,,,"
    ),
    "in place of two": lambda w: (
        f"scans/gone/7.png,7,ok,{SEVEN},,\nscans/none/7.png,7,ok,{SEVEN},,\nout/7.png,7,ok,{SEVEN},,"
    ),
    "a folder": lambda w: "../home,7,ok,,,",
    "the folder above": lambda w: "..,7,ok,,,",
    "the table's folder": lambda w: ".,7,ok,,,",
    ".. with backslashes": lambda w: "scans\\..\\..\\home\\7.png,7,ok,,,",
    "a drive and ..": lambda w: "C:\\..\\..\\home\\7.png,7,ok,,,",
    "a drive and a linked folder": lambda w: f"C:\\x\\out\\7.png,7,ok,{SEVEN},,",
    "a drive and a link upwards": lambda w: "D:/scans/up/home/7.png,7,ok,,,",
    "a share": lambda w: f"\\{w.home}/7.png,7,ok,{SEVEN},,".replace("/", "\\"),
    "a drive and the folder above": lambda w: "C:\\home\\..,7,ok,,,",
}


@pytest.mark.parametrize("mode", ["move", "copy", "hard", "sym"])
@pytest.mark.parametrize("kind", OUTSIDE)
def test_files_outside_of_the_tables_folder_stay(world: World, kind: str, mode: str) -> None:
    """A move of them ends with a sentence; a copy or a link does not change them; nor does its undo."""
    _link(world, "out", world.home)
    _link(world, "scans/up", world.top)
    _link(world, "scans/linked.png", world.home / "7.png")
    table = world.top / "archive/labels.csv"
    table.write_text(f"{HEADER}\n{OUTSIDE[kind](world)}\n")
    own, home, before = (
        snapshot(world.top / "own"),
        snapshot(world.home, linked=True),
        contents(world.top),
    )
    options = {"move": True} if mode == "move" else {} if mode == "copy" else {"link": mode}
    dest = world.top / "sorted"
    ended = run("sort", source=table, dest=dest, **options)
    assert ended.code in ({1, 2} if mode == "move" else {0, 1}), ended
    assert ended.text.strip()
    _check(world, own, home, before)
    if dest.exists():
        ended = run("undo", dest=dest)
        assert ended.code in {0, 1}, ended
        _check(world, own, home, before)


def _check(world: World, own: dict, home: dict, before: dict) -> None:  # type: ignore[type-arg]
    assert differences(home, snapshot(world.home, linked=True)) == []
    assert differences(own, snapshot(world.top / "own")) == []
    assert set(before) <= set(contents(world.top))


@pytest.mark.parametrize("mode", ["move", "hard", "copy", "sym"])
@pytest.mark.parametrize(
    "name",
    [
        "sorted/.digitsort/run-000001.jsonl",
        "sorted/.digitsort/lock",
        "sorted/.digitsort/labels.seal",
        "sorted/labels.csv",
        "sorted/7/../.digitsort/run-000001.jsonl",
        "inside/run-000001.jsonl",
    ],
)
def test_digitsorts_own_files_stay(tmp_path: Path, name: str, mode: str) -> None:
    """A table can't take the journals away with which a sort is undone, nor lock DEST for ever."""
    (tmp_path / "7.png").write_bytes(b"seven")
    (tmp_path / "labels.csv").write_text("path,label,status\n7.png,7,ok\n")
    dest = tmp_path / "sorted"
    assert run("sort", source=tmp_path / "labels.csv", dest=dest, move=True).code == 0
    (tmp_path / "inside").symlink_to(dest / ".digitsort")
    table = tmp_path / "hostile.csv"
    table.write_text(f"path,label,status\n{name},1,ok\n")
    options = {"move": True} if mode == "move" else {} if mode == "copy" else {"link": mode}
    assert run("sort", source=table, dest=dest, **options).code in {0, 1}
    undone = run("undo", dest=dest, everything=True)
    assert (tmp_path / "7.png").read_bytes() == b"seven"
    if mode in ("move", "hard"):  # a copy of labels.csv is left: that changed since
        assert undone.code == 0
        assert not dest.exists()


@pytest.mark.parametrize("options", [{"move": True}, {}, {"link": "hard"}, {"link": "sym"}])
def test_a_dest_with_foreign_rows_gives_them_no_power(world: World, options: dict) -> None:  # type: ignore[type-arg]
    """Rows of DEST/labels.csv that name the home are rows, no more: in sort, undo and verify."""
    rows = [
        f"../../home/{name},7,ok,{SEVEN},{world.home}/1.png,7"
        for name in ("7.png", "1.png", "secret.txt")
    ]
    rows += [f"{world.home}/7.png,7,ok,,,", f"{world.scans}/7.png,7,ok,{SEVEN},{world.home}/x,"]
    rows += ["7/7.png,7,ok,,../../home/secret.txt,", "file:..%2F..%2Fhome%2Flock,7,ok,,,"]
    (world.dest / "labels.csv").write_text("\n".join([HEADER, *rows, ""]))
    home, before = snapshot(world.home), contents(world.top)
    own = snapshot(world.scans, linked=True)
    assert world.sort(**options).code == 0
    assert run("verify", dest=world.dest).code == 6, "files that nobody sorted are there"
    assert run("undo", dest=world.dest).code == 0
    assert differences(home, snapshot(world.home)) == []
    found = {
        name: touched._replace(ctime_ns=0) for name, touched in own.items() if touched.kind == 0o100000
    }
    again = snapshot(world.scans, linked=True)
    assert {name: again[name]._replace(ctime_ns=0) for name in found} == found
    assert set(before) <= set(contents(world.top))


def test_links_that_are_followed_take_no_file_from_outside(world: World, monkeypatch) -> None:  # type: ignore[no-untyped-def]
    """`sort FOLDER --move --follow-links`: what a link leads to stays there."""
    from digitsort.cli import sort as command
    from digitsort.images.discover import Walk, check_sources
    from digitsort.labels.row import Row
    from digitsort.outcomes import Status

    _link(world, "scans/out", world.home)
    _link(world, "scans/linked.png", world.home / "7.png")

    def labelled(source: Path, dest: Path, *_: object, **__: object) -> command.ToSort:
        walk = Walk(check_sources([source]), True, exclude=str(dest))
        return command.ToSort([Row(path, "7", Status.OK) for path in walk.files()])

    monkeypatch.setattr(command, "classified", labelled)
    home = snapshot(world.home)
    ended: Ended = run(
        "sort",
        source=world.top / "archive/scans",
        dest=world.top / "sorted",
        move=True,
        follow_links=True,
    )
    assert ended.code == 2, ended
    assert "outside " in ended.text
    assert differences(home, snapshot(world.home)) == []
