"""What a stranger made, journals and tables, has no power over what lies outside of DEST."""

from __future__ import annotations

import json
import os
import socket
import stat
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from digitsort.files import sealed
from digitsort.sorting.entries import WITHIN
from digitsort.sorting.journal import FOLDER, journals
from tests.conftest import make_tree
from tests.sorting.stranger import (
    HOME,
    SORTED,
    Ended,
    World,
    contents,
    differences,
    entries,
    entry,
    forged,
    head,
    new_world,
    quick_folder,
    run,
    sha,
    snapshot,
)

pytestmark = pytest.mark.skipif(os.name != "posix", reason="made of POSIX paths")

CODES = {0, 1, 2, 4, 5, 6}
"""2 and 4 too: a table that is none is a matter of usage, one without rows is nothing to do."""

Kind = Callable[[World], object]

LONG = "x" * 5000
DEEP = "[" * 100_000
HUGE = 10**400

EVERY = 17
"""Each kind is tried with one command, the next kind with another one; all with all when slow."""


@pytest.fixture
def top() -> Iterator[Path]:
    with quick_folder() as folder:
        yield folder


def _home_entries(world: World) -> list[list[Any]]:
    """Files of DEST said to be from the home; and files of the home said to be in DEST."""
    names = {"7/evil": "evil", "7/keys": ".ssh/authorized_keys", "7/tool": "bin/tool"}
    rows = [(world.home / name, to, SORTED[to]) for to, name in names.items()]
    rows += [
        (world.home / "7.png", "7/7.png", b"seven"),
        (world.home / "new/autostart", "x", b"secret"),
    ]
    return [entry(number, str(a), to, data) for number, (a, to, data) in enumerate(rows)]


def made_up(*ends: object, key: bytes | None = b"k" * 32, **changed: Any) -> Kind:
    """A whole journal about the home, with other records at its end."""

    def make(world: World) -> None:
        records = [head(world, **changed), {"mkdir": "7"}, entries(*_home_entries(world)), *ends]
        world.journal().write_bytes(forged(records, key))

    return make


def with_entry(data: bytes = b"seven", **changed: Any) -> Kind:
    """A journal of one entry, in which something is hostile; HOME and DEST stand for these paths."""

    def make(world: World) -> None:
        told: dict[str, Any] = {name: _told(world, value) for name, value in changed.items()}
        named = {"source": str(world.home / "7.png"), "to": "7/7.png"} | told
        source, to = named.pop("source"), named.pop("to")
        row = entry(named.pop("number", 0), source, to, data, **named)
        records = [head(world), entries(row), {"settled": 1, "failed": {}}, {"end": "done"}]
        world.journal().write_bytes(forged(records))

    return make


def within(*ends: object, links: Mapping[str, str] = MappingProxyType({}), **changed: Any) -> Kind:
    """A move within DEST of one file: where it is, or was, may be hostile, or a link."""

    def make(world: World) -> None:
        named = {"source": "DEST/8/7.png", "to": "7/7.png", "root": "DEST", "mode": WITHIN} | changed
        told = {name: _told(world, value) for name, value in named.items()}
        for name, target in links.items():
            _replaced(name, target)(world)
        beginning = head(world, mode=told["mode"], root=told["root"])
        row = entry(0, told["source"], told["to"], b"seven")
        world.journal().write_bytes(forged([beginning, entries(row), *ends]))

    return make


def _told(world: World, value: Any) -> Any:
    if not isinstance(value, str):
        return value
    return value.replace("HOME", str(world.home)).replace("DEST", str(world.dest))


def raw(data: bytes, name: str = "run-000001.jsonl") -> Kind:
    return lambda world: world.journal(name).write_bytes(data)


SETTLED: Any = ({"settled": 5, "failed": {}}, {"end": "done"})
BEGUN: Any = (*SETTLED, {"undo": "begun"})

TO = ["../../home/7.png", "../x", "/etc/passwd", "HOME/7.png", ".digitsort/lock", "7/.digitsort/x"]
TO += ["", "/", "7//7.png", "7/./7.png", "7/..", ".", "7/\0", LONG, "a/" * 2500 + "x", "labels.csv"]
TO += ["\ud800", "7/\n", "~/x", "7\\..\\x"]
SOURCES = ["/etc/passwd", "HOME/.ssh/authorized_keys", "HOME/bin/../7.png", "relative", "", "/", "\0"]
SOURCES += ["DEST/7/7.png", "DEST/8/7.png", "HOME/" + LONG, "\ud800", "/dev/zero", "/proc/self/mem"]
SOURCES += ["HOME/lock/x", "~/x", "//x", "HOME", "DEST/.digitsort/run-000002.jsonl"]
WRONG: list[Any] = [
    None,
    True,
    -1,
    1.5,
    float("nan"),
    float("inf"),
    HUGE,
    [],
    {},
    [[]],
    {"a": []},
    "x",
    [None],
]


def _journals() -> dict[str, Kind]:
    kinds: dict[str, Kind] = {
        f"{mode}, {what}": made_up(*ends, mode=mode)
        for mode in ("copy", "move", "hard link", "symbolic link", "move within DEST")
        for what, ends in (("killed", ()), ("done", SETTLED), ("undo begun", BEGUN))
    }
    kinds |= {
        "no seal": lambda world: world.journal().write_bytes(
            b"".join(
                json.dumps(r).encode() + b"\n" for r in (head(world), entries(*_home_entries(world)))
            )
        ),
        "undone, kept": made_up(*SETTLED, {"undo": "done", "kept": [0, 1, 2, 3, 4, 99]}),
        "root /": made_up(*SETTLED, root="/"),
        "no root": made_up(*SETTLED, root=""),
        "root with ..": made_up(*SETTLED, root="/home/../"),
        "made 20 levels": made_up(*SETTLED, made=20, mode="copy"),
        "continues": made_up(*SETTLED, continues=True),
        "made parents": made_up({"mkdir": "../.."}, *SETTLED),
        "made /": made_up({"mkdir": "/"}, *SETTLED),
        "made .digitsort": made_up({"mkdir": ".digitsort"}, *SETTLED),
        "version 2": made_up(*SETTLED, digitsort=2),
        "a version for the terminal": made_up(*SETTLED, digitsort="\x1b[2J\x1b]0;x\7"),
        "names for the terminal": made_up(*SETTLED, root="/\x1b[2J", dest="/\x1b[2J"),
        "version 99": made_up(*SETTLED, digitsort=99),
        "true seal, other DEST": made_up(*SETTLED, key=None, dest="/elsewhere", device=1, inode=1),
        "true seal, other DEST, killed": made_up(key=None, dest="/elsewhere", device=1, inode=1),
        "token ../x": made_up(*BEGUN, token="../../x"),
        "an open number": raw(b"", "run-999999999.jsonl"),
        "a number of 19 digits": raw(b"\n", "run-0000000000000000001.jsonl"),
        "another script's digits": raw(b"\n", "run-\u0661\u0662\u0663\u0664\u0665\u0666.jsonl"),
        "empty": raw(b""),
        "a line's end": raw(b"\n"),
        "no UTF-8": raw(b"\xff\xfe{\n" * 3),
        "NUL": raw(b"\0" * 4096),
        "a long line": raw(b"x" * 10**6),
        "a long line that ends": raw(b"x" * 10**6 + b"\n"),
        "deep": lambda world: world.journal().write_bytes(forged([DEEP])) and None,
        "deep records": lambda world: world.journal().write_bytes(forged([head(world), DEEP])) and None,
    }
    done, undoing = ({"settled": 1, "failed": {}}, {"end": "done"}), {"undo": "begun"}
    kinds |= {f"within, to {to[:20]!r}": within(*done, to=to) for to in TO}
    kinds |= {f"within, source {each[:20]!r}": within(*done, source=each) for each in SOURCES}
    for root in ("/", "", "HOME", "HOME/..", "DEST/7", "DEST/../sorted"):
        for name, ends in (("killed", ()), ("done", done), ("undo begun", (*done, undoing))):
            kinds[f"within {root!r}, {name}"] = within(*ends, root=root, source="HOME/scans/7.png")
    for at in ("8", "7", "7/7.png", "8/7.png"):
        for target in ("HOME", "HOME/scans", "HOME/7.png"):
            for name, ends in (("killed", ()), ("done", done), ("undo begun", (*done, undoing))):
                kinds[f"within, {at} -> {target}, {name}"] = within(*ends, links={at: target})
    number = "run-999999999.jsonl"
    kinds["the last number"] = lambda world: world.journal(number).write_bytes(
        forged([head(world), *SETTLED])
    )
    kinds |= {f"to {to[:20]!r}": with_entry(to=to) for to in TO}
    kinds |= {f"source {source[:20]!r}": with_entry(source=source) for source in SOURCES}
    for name in ("number", "source", "to", "sha256", "size", "mtime_ns", "mode", "cells"):
        kinds |= {f"{name} = {str(value)[:20]}": with_entry(**{name: value}) for value in WRONG}
    kinds["times of long ago"] = with_entry(mtime_ns=2**64, to="7/evil", data=b"evil", source="HOME/e")
    kinds["few cells"] = with_entry(cells=[])
    for name in ("mode", "token", "dest", "device", "inode", "root", "made", "continues", "digitsort"):
        kinds |= {f"head's {name} = {str(v)[:20]}": made_up(*SETTLED, **{name: v}) for v in WRONG}
    for name in ("mkdir", "settled", "end", "undo", "entries"):
        kinds |= {f"record {name} = {str(v)[:20]}": made_up({name: v}) for v in WRONG}
    for value in WRONG:
        kinds[f"failed = {str(value)[:20]}"] = made_up({"settled": 5, "failed": value})
        kinds[f"failed has {str(value)[:20]}"] = made_up({"settled": 5, "failed": {str(value): value}})
        kinds[f"kept = {str(value)[:20]}"] = made_up(*SETTLED, {"undo": "done", "kept": value})
        kinds[f"columns = {str(value)[:20]}"] = lambda world, value=value: (  # type: ignore[misc]
            world.journal().write_bytes(
                forged([head(world), entries(*_home_entries(world), columns=value), *SETTLED])
            )
        )
        kinds[f"record {str(value)[:20]}"] = lambda world, value=value: (  # type: ignore[misc]
            world.journal().write_bytes(forged([head(world), json.dumps(value)]))
        )
    return kinds


def _linked(name: str, target: str) -> Kind:
    """Something of digitsort's is a link."""

    def make(world: World) -> None:
        path = world.dest / name
        path.parent.mkdir(exist_ok=True)
        path.symlink_to(_told(world, target))

    return make


def _hard_linked(name: str, target: str) -> Kind:
    def make(world: World) -> None:
        path = world.dest / name
        path.parent.mkdir(exist_ok=True)
        path.hardlink_to(world.home / target)

    return make


def _pipe(name: str) -> Kind:
    def make(world: World) -> None:
        (world.dest / name).parent.mkdir(exist_ok=True)
        os.mkfifo(world.dest / name)

    return make


def _socket(name: str) -> Kind:
    def make(world: World) -> None:
        (world.dest / name).parent.mkdir(exist_ok=True)
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(str(world.dest / name))

    return make


def _folder(name: str) -> Kind:
    return lambda world: make_tree(world.dest, {f"{name}/inside": b"x"})


def _own_files() -> dict[str, Kind]:
    """Something else in the place of digitsort's own files."""
    inside = ("lock", "running", "labels.csv", "labels.seal", "labels.seal.tmp", "run-000001.jsonl")
    kinds: dict[str, Kind] = {}
    for name in (*(f"{FOLDER}/{name}" for name in inside), "labels.csv", "7", FOLDER):
        if name not in ("7",):
            kinds |= {f"{name} is a folder": _folder(name), f"{name} is a pipe": _pipe(name)}
            kinds[f"{name} is a socket"] = _socket(name)
            kinds[f"{name} is a file"] = lambda world, name=name: (  # type: ignore[misc]
                make_tree(world.dest, {name: b"something"})
            )
            for target in ("HOME/secret.txt", "HOME/lock", "HOME/nothing", "HOME/labels.csv"):
                kinds[f"{name} -> {target}"] = _linked(name, target)
            for target in ("secret.txt", "labels.csv"):
                kinds[f"{name} is {target} too"] = _hard_linked(name, target)
        for target in ("HOME", "HOME/.digitsort", "HOME/7"):
            kinds[f"{name} -> {target}"] = _replaced(name, target)
    return kinds


def _replaced(name: str, target: str) -> Kind:
    def make(world: World) -> None:
        path = world.dest / name
        if os.path.lexists(path):
            path.rename(world.top / "archive" / f"aside {path.name}")
        _linked(name, target)(world)

    return make


JOURNALS, OWN_FILES = _journals(), _own_files()


def after_own_sort(make: Kind, *, killed: bool) -> Kind:
    """The user sorted into DEST before; the stranger's journals are newer."""

    def after(world: World) -> None:
        own = make_tree(world.top / "own" / "before", {"3.png": b"three"})
        table = world.top / "own" / "before.csv"
        table.write_text(f"path,label,status,sha256\nbefore/3.png,3,ok,{sha(b'three')}\n")
        assert run("sort", source=table, dest=world.dest, move=True, quiet=True).code == 0
        journal = world.inside / "run-000001.jsonl"
        if killed:
            lines = journal.read_bytes().splitlines(keepends=True)
            journal.write_bytes(b"".join(lines[:-1]))
            (world.dest / "3/3.png").rename(own / "3.png")
        journal.rename(world.inside / "run-000000.jsonl")
        for name in ("labels.csv", "labels.seal", "lock"):
            (world.dest / FOLDER / name).unlink(missing_ok=True)
        (world.dest / "labels.csv").unlink()
        make(world)

    return after


def _commands(world: World) -> dict[str, Callable[[], Ended]]:
    dest = world.dest

    def back(**options: Any) -> Callable[[], Ended]:
        return lambda: run("undo", dest=dest, **options)

    return {
        "sort": lambda: world.sort(),
        "sort --move": lambda: world.sort(move=True),
        "sort --link hard": lambda: world.sort(link="hard"),
        "sort --link sym": lambda: world.sort(link="sym"),
        "sort --dry-run": lambda: world.sort(dry_run=True),
        "undo": back(),
        "undo --all": back(everything=True),
        "undo --dry-run": back(dry_run=True),
        "undo --dry-run --root": back(dry_run=True, everything=True, root=world.root),
        "undo --adopt": back(adopt=True),
        "undo --adopt --root": back(adopt=True, root=world.root),
        "undo --adopt --all --root": back(adopt=True, everything=True, root=world.root),
        "undo twice": lambda: (
            back(adopt=True, root=world.root)(),
            back(adopt=True, root=world.root)(),
        )[1],
        "verify": lambda: run("verify", dest=dest),
    }


COMMAND_NAMES = list(_commands(World(Path("/"))))


def attack(top: Path, make: Kind, command: str) -> Ended:
    """Run a command on what a stranger made, and check that nothing of the user's was touched."""
    world = new_world(top)
    make(world)
    linked = any(
        touched.kind == stat.S_IFREG and touched.links > 1 for touched in snapshot(world.home).values()
    )
    own, home = snapshot(world.scans, linked=True), snapshot(world.home, linked=linked)
    before = contents(world.top)
    ended = _commands(world)[command]()
    assert ended.code in CODES, ended
    assert "Traceback" not in ended.text
    assert "\x1b" not in ended.text, "the terminal is told something"
    assert ended.code == 0 or ended.text.strip(), ended
    assert differences(home, snapshot(world.home, linked=linked)) == []
    if command != "sort --move":
        assert differences(own, snapshot(world.scans, linked=True)) == []
    after = contents(world.top)
    assert set(before) <= set(after), "the last one of a content is gone"
    for content in before:
        assert after[content] <= before[content], f"a mode that nobody gave: {content!r}"
    return ended


@pytest.mark.parametrize("command", COMMAND_NAMES)
def test_a_made_up_journal_has_no_power(top: Path, command: str) -> None:
    """No file outside of DEST, and of the folder that the user names, is touched."""
    _attack_by_all(top, JOURNALS, command, EVERY)


@pytest.mark.parametrize("command", COMMAND_NAMES)
def test_nothing_is_written_through_what_lies_in_the_place_of_own_files(
    top: Path, command: str
) -> None:
    """Links, hard links, pipes, sockets and folders."""
    _attack_by_all(top, OWN_FILES, command, EVERY)


def _attack_by_all(top: Path, kinds: dict[str, Kind], command: str, every: int = 1) -> None:
    """Try every n-th kind, others with another command; print how many were tried and got through."""
    tried = list(kinds.items())[COMMAND_NAMES.index(command) % every :: every]
    through = {}
    for number, (name, make) in enumerate(tried):
        try:
            attack(top / str(number), make, command)
        except (Exception, AssertionError) as error:  # noqa: BLE001
            through[name] = f"{type(error).__name__}: {error}"
    print(f"{command}: {len(tried)} tried, {len(through)} got through")
    assert not through, "\n".join(f"{name}: {what}" for name, what in through.items())


@pytest.mark.slow
@pytest.mark.parametrize("killed", [False, True])
@pytest.mark.parametrize("command", COMMAND_NAMES)
def test_a_made_up_journal_beside_a_true_one_has_no_power(
    top: Path, command: str, killed: bool
) -> None:
    """The user's own last sort into the DEST ended, or was killed."""
    kinds = {name: after_own_sort(make, killed=killed) for name, make in JOURNALS.items()}
    _attack_by_all(top, kinds, command, 9)


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMAND_NAMES)
def test_no_made_up_journal_has_power(top: Path, command: str) -> None:
    """All of them, with every command."""
    _attack_by_all(top, JOURNALS | OWN_FILES, command)


def _own_dest(world: World, name: str, **options: Any) -> Path:
    """A DEST that the user sorted into, with a few batches' worth of lines; its journal."""
    scans = make_tree(world.top / name, {f"scans/{n}.png": f"{name}{n}".encode() for n in range(3)})
    rows = "".join(f"scans/{n}.png,{n},ok,{sha(f'{name}{n}'.encode())}\n" for n in range(3))
    (scans / "labels.csv").write_text(f"path,label,status,sha256\n{rows}")
    dest = scans / "sorted"
    assert run("sort", source=scans / "labels.csv", dest=dest, quiet=True, **options).code == 0
    return Path(*journals(str(dest)))


def _lines(path: Path) -> list[bytes]:
    return path.read_bytes().splitlines(keepends=True)


def _without_end(lines: list[bytes]) -> list[bytes]:
    return [line for line in lines if b'{"end":' not in line]


SPLICES: dict[str, Callable[[list[bytes], list[bytes]], list[bytes]]] = {
    "of another DEST": lambda own, other: other,
    "of another DEST, killed": lambda own, other: _without_end(other),
    "another's entries": lambda own, other: [own[0], *other[1:]],
    "another's head": lambda own, other: [other[0], *own[1:]],
    "another's line in the middle": lambda own, other: [*own[:4], other[4], *own[5:]],
    "another's line behind": lambda own, other: [*own, other[-1]],
    "reordered": lambda own, other: [own[0], *own[:0:-1]],
    "two lines swapped": lambda own, other: [*own[:2], own[3], own[2], *own[4:]],
    "a line twice": lambda own, other: [*own[:4], own[3], *own[4:]],
    "all twice": lambda own, other: own * 2,
    "one missing in the middle": lambda own, other: own[:3] + own[4:],
    "the first one missing": lambda own, other: own[1:],
    "the last one missing": lambda own, other: own[:-1],
    "only the first": lambda own, other: own[:1],
    "the last ones missing": lambda own, other: own[:-2],
    "killed": lambda own, other: _without_end(own),
    "joined": lambda own, other: [own[0], own[1][:-1], *own[2:]],
    "split": lambda own, other: [own[0], own[1][:9] + b"\n", own[1][9:], *own[2:]],
}


MODES: list[dict[str, Any]] = [{}, {"move": True}, {"link": "hard"}, {"link": "sym"}]

SPLICED_COMMANDS: dict[str, Callable[[World, Path, dict[str, Any]], Ended]] = {
    "sort": lambda w, dest, mode: run("sort", source=w.top / "mine/labels.csv", dest=dest, **mode),
    "undo": lambda w, dest, mode: run("undo", dest=dest),
    "undo --all": lambda w, dest, mode: run("undo", dest=dest, everything=True),
    "undo --adopt": lambda w, dest, mode: run("undo", dest=dest, adopt=True, root=w.root),
    "verify": lambda w, dest, mode: run("verify", dest=dest),
}


def _splice(top: Path, kind: str, mode: dict[str, Any], command: str) -> None:
    world = new_world(top)
    own, other = _own_dest(world, "mine", **mode), _own_dest(world, "theirs", **mode)
    own.write_bytes(b"".join(SPLICES[kind](_lines(own), _lines(other))))
    home, theirs = snapshot(world.home), snapshot(world.top / "theirs")
    before = contents(world.top)
    ended = SPLICED_COMMANDS[command](world, own.parent.parent, mode)
    assert ended.code in {0, 1, 2, 5, 6}, ended
    assert differences(home, snapshot(world.home)) == []
    assert differences(theirs, snapshot(world.top / "theirs")) == []
    assert set(before) <= set(contents(world.top))


@pytest.mark.parametrize("kind", SPLICES)
def test_lines_count_only_where_they_were_written(top: Path, kind: str) -> None:
    """Replayed, swapped, spliced: what a command then does touches no other DEST and loses nothing."""
    for number, command in enumerate(SPLICED_COMMANDS):
        mode = MODES[(number + list(SPLICES).index(kind)) % len(MODES)]
        _splice(top / str(number), kind, mode, command)


@pytest.mark.slow
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("kind", SPLICES)
def test_no_line_counts_elsewhere_in_any_mode(top: Path, kind: str, mode: dict[str, Any]) -> None:
    """All modes with all commands."""
    for number, command in enumerate(SPLICED_COMMANDS):
        _splice(top / str(number), kind, mode, command)


def test_a_journal_that_is_another_dests_too_is_not_written_into(top: Path) -> None:
    """`cp -al`, or an archive with hard links: undoing the one would say that the other is undone."""
    world = new_world(top)
    own = _own_dest(world, "mine", move=True)
    world.journal().hardlink_to(own)
    before = own.read_bytes()
    ended = run("undo", dest=world.dest, adopt=True, root=world.root)
    assert ended.code == 5, ended
    assert own.read_bytes() == before
    own_undo = run("undo", dest=own.parent.parent)
    assert own_undo.code == 0, own_undo


@pytest.mark.parametrize("command", ["sort", "undo", "undo --adopt --root", "undo --dry-run", "verify"])
def test_a_journal_of_one_endless_line_costs_little(top: Path, command: str) -> None:
    """100 MB without an end of a line; a sparse file here, as an archive can hold one."""
    import resource

    world = new_world(top)
    with world.journal().open("wb") as file:
        file.write(forged([head(world)]) if command != "sort" else b"x")
        file.truncate(2**27)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    ended = _commands(world)[command]()
    assert ended.code in CODES, ended
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 2**18, "256 MiB"
    assert world.inside.joinpath("run-000001.jsonl").stat().st_size >= 2**27, "left alone"


@pytest.mark.parametrize(
    ("variable", "below"),
    [("DIGITSORT_STATE", ""), ("XDG_STATE_HOME", "digitsort"), ("HOME", ".local/state/digitsort")],
)
def test_a_key_in_the_working_folder_is_no_key(
    top: Path, monkeypatch: pytest.MonkeyPatch, variable: str, below: str
) -> None:
    """A relative folder would be the stranger's wherever an archive is unpacked."""
    world = new_world(top)
    planted = world.top / "archive/state" / below / "key"
    planted.parent.mkdir(parents=True)
    planted.write_bytes(b"k" * 32)
    planted.chmod(0o600)
    made_up(mode="move")(world)
    monkeypatch.chdir(world.top / "archive")
    monkeypatch.delenv("DIGITSORT_STATE")
    monkeypatch.setenv("HOME", str(world.top / "own"))
    monkeypatch.setenv(variable, "state")
    home = snapshot(world.home)
    for command in ("undo", "verify", "sort"):
        ended = _commands(world)[command]()
        # The system's own rule may pass a relative folder over, and find the user's.
        assert ended.code == 5 or "another user" in ended.text or "not written by you" in ended.text
    assert differences(home, snapshot(world.home)) == []


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604])
def test_a_key_that_others_can_read_is_no_key(
    top: Path, monkeypatch: pytest.MonkeyPatch, mode: int
) -> None:
    (top / "state").mkdir()
    (top / "state/key").write_bytes(b"k" * 32)
    (top / "state/key").chmod(mode)
    monkeypatch.setenv(sealed.STATE_VARIABLE, str(top / "state"))
    made_up(mode="move")(new_world(top))
    assert run("undo", dest=World(top).dest).code == 5


def test_a_dest_that_was_renamed_takes_no_folder_above_it_away(top: Path) -> None:
    """The sort had made the folder above DEST too; where DEST lies now, another one is above it."""
    (top / "scans").mkdir()
    (top / "scans/7.png").write_bytes(b"seven")
    (top / "scans/labels.csv").write_text("path,label,status\n7.png,7,ok\n")
    dest = top / "made" / "made too" / "sorted"
    assert run("sort", source=top / "scans/labels.csv", dest=dest, move=True).code == 0
    (top / "precious" / "empty but for it").mkdir(parents=True)
    moved = dest.rename(top / "precious" / "empty but for it" / "sorted")
    assert run("undo", dest=moved).code == 0
    assert (top / "scans/7.png").read_bytes() == b"seven"
    assert (top / "precious" / "empty but for it").is_dir()


def test_the_home_of_these_tests_would_show_a_change(top: Path) -> None:
    """Each of the changes that a stranger would like to make is seen."""
    changes: list[Callable[[Path], object]] = [
        lambda home: (home / "7.png").unlink(),
        lambda home: (home / "7.png").rename(home / "8.png"),
        lambda home: (home / ".ssh/authorized_keys").chmod(0o644),
        lambda home: (home / "secret.txt").write_bytes(b"secret"),
        lambda home: (home / "new").mkdir(),
        lambda home: (home / "7/7.png").hardlink_to(home.parent / "x"),
        lambda home: os.utime(home / "bin/tool"),
    ]
    for number, change in enumerate(changes):
        home = new_world(top / str(number)).home
        (home.parent / "x").write_bytes(b"x")
        (home / "7/7.png").unlink() if number == 5 else None
        before = snapshot(home)
        change(home)
        assert differences(before, snapshot(home))
    assert set(HOME.values()) > {b"seven", b"one"}
