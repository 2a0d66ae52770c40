"""Pictures in archives: found, read, sorted, and never trusted."""

from __future__ import annotations

import csv
import io
import json
import os
import tarfile
import zipfile
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from digitsort.files.names import from_cell, to_cell
from digitsort.images.discover import Walk
from digitsort.images.limits import DEFAULT_LIMITS, Limits
from digitsort.images.read import UnreadableError, read_bytes
from digitsort.sources import feeds
from digitsort.sources import members as members_module
from digitsort.sources.archives import SeenNames
from digitsort.sources.located import (
    BROKEN_ARCHIVE,
    BROKEN_MEMBER,
    DUPLICATE,
    ENCRYPTED,
    ENDS_EARLY,
    EXPANDS,
    LINK,
    SPARSE,
    SPECIAL,
    UNKNOWN_METHOD,
    UNSAFE_NAME,
    Located,
    made_absolute,
)
from digitsort.sources.members import is_archive_folder, is_inside_archive, member_exists
from digitsort.workers.engine import Done
from digitsort.workers.loop import BATCH_CARRIED_BYTES, MOST_CARRIED_BYTES, Loop
from tests.conftest import Link, digit_png, invoke, make_tree, read_tree
from tests.sources.making import (
    changed,
    make_archive,
    make_tar,
    make_zip,
    padded,
    tar_bytes,
    tar_header,
)

KINDS = ("a.zip", "a.tar", "a.tar.gz", "a.tgz", "a.tar.zst")


@pytest.fixture(autouse=True)
def _state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DIGITSORT_STATE", str(tmp_path / ".state"))


def found(source: Path, **options: Any) -> dict[str, bytes | str]:
    """What a walk finds, with the content or the reason why there is none."""
    result: dict[str, bytes | str] = {}
    for path in Walk([str(source)], **options).files():
        try:
            result[os.path.relpath(path, source)] = read_bytes(path, DEFAULT_LIMITS)
        except UnreadableError as error:
            result[os.path.relpath(path, source)] = str(error)
    return result


def by_path(source: Path, member: str) -> bytes | str:
    """The content of a member by its plain path, or the reason."""
    try:
        return read_bytes(f"{source}/{member}", DEFAULT_LIMITS)
    except UnreadableError as error:
        return str(error)


def reason_of(path: str) -> str:
    assert isinstance(path, Located)
    return path.place if isinstance(path.place, str) else ""


def rows_of(table: Path) -> list[dict[str, str]]:
    with table.open(newline="") as file:
        return list(csv.DictReader(file))


MEMBERS = {
    "7.png": b"seven",
    "deep/er/10.png": b"ten" * 300,
    "./dotted//9.png": b"nine",
    "empty.png": b"",
    "notes.txt": b"no picture",
    ".hidden.png": b"",
    ".dir/x.png": b"",
    "__MACOSX/y.png": b"",
    "\udcff\udcfe=.png": b"not UTF-8",
    "tab\there.png": b"tab",
    "x" * 240 + ".png": b"long",
}

FOUND = {
    "7.png": b"seven",
    "deep/er/10.png": b"ten" * 300,
    "dotted/9.png": b"nine",
    "empty.png": b"",
    "\udcff\udcfe=.png": b"not UTF-8",
    "tab\there.png": b"tab",
    "x" * 240 + ".png": b"long",
}


def archive_of_members(path: Path) -> Path:
    if path.suffix != ".zip":
        return make_tar(path, MEMBERS, tarfile.GNU_FORMAT)
    # zipfile can't write names that are not UTF-8, so write others of the same length
    plain = {name.replace("\udcff\udcfe", "\xff"): data for name, data in MEMBERS.items()}
    make_zip(path, plain)
    path.write_bytes(path.read_bytes().replace(b"\xc3\xbf=", b"\xff\xfe="))
    return path


@pytest.mark.parametrize("name", KINDS)
def test_members_are_found_as_files_are(tmp_path: Path, name: str) -> None:
    """Hidden files and junk are left out, others are skipped; each name comes back byte for byte."""
    if name.endswith("zst"):
        pytest.importorskip("zstandard")
    archive = archive_of_members(tmp_path / name)
    walk = Walk([str(archive)])
    paths = list(walk.files())
    assert found(archive) == FOUND
    assert (walk.skipped, walk.left_out) == ({".txt": 1}, {"__MACOSX": 1})
    for path in paths:
        cell = to_cell(str(path), str(tmp_path))
        assert from_cell(cell, str(tmp_path)) == path
        assert cell.isprintable()
    assert {member: by_path(archive, member) for member in FOUND} == FOUND
    assert by_path(archive, "none.png") == "read error"


def test_archives_in_folders_need_the_option(tmp_path: Path) -> None:
    make_tree(tmp_path, {"1.png": b"one", "b": {"2.png": b"two"}, "t.zip.d": {"3.png": b"three"}})
    make_zip(tmp_path / "a.zip", {"4.png": b"four", "in.zip": b"", "in.TGZ": b"", "form.PDF": b""})
    make_tar(tmp_path / "b" / "c.tar", {"5.png": b"five"})
    walk = Walk([str(tmp_path)])
    assert len(list(walk.files())) == 3
    assert walk.skipped == {".zip": 1, ".tar": 1}
    walk = Walk([str(tmp_path)], archives=True)
    names = [os.path.relpath(path, tmp_path) for path in walk.files()]
    assert names == ["1.png", "a.zip/4.png", "b/2.png", "b/c.tar/5.png", "t.zip.d/3.png"]
    assert walk.skipped == {"archive inside an archive": 2, "PDF in an archive": 1}
    both = Walk([str(tmp_path), str(tmp_path / "a.zip")], archives=True)
    assert len(list(both.files())) == 5  # an archive that the walk reaches is not read twice


@pytest.mark.parametrize("name", KINDS)
def test_a_folder_in_an_archive_is_found_as_one_on_disk(tmp_path: Path, name: str) -> None:
    """Also one that is hidden, if it is named itself."""
    archive = archive_of_members(tmp_path / name)
    assert found(archive / "deep") == {"er/10.png": b"ten" * 300}
    assert found(archive / "dotted") == {"9.png": b"nine"}
    assert found(archive / ".dir") == {"x.png": b""}
    assert [is_archive_folder(f"{archive}/{part}") for part in ("", "deep/./er/", "./deep")] == [
        True
    ] * 3
    others = ("7.png", "de", "deep/e", "deep/er/10.png", "deep/../deep", "..", "/deep/er/x")
    assert not any(is_archive_folder(f"{archive}/{part}") for part in others)


def test_a_folder_in_an_archive_is_read_once(tmp_path: Path) -> None:
    tree = {"in/1.png": b"", "in/deep/2.png": b"", "3.png": b"", ".in/4.png": b""}
    make_tree(tmp_path / "scans", {"5.png": b""})
    archive = make_archive(tmp_path / "scans" / "a.zip", tree)
    inside = [str(archive / part) for part in ("in", "in/deep", "in/1.png", ".in")]

    def count(*sources: str, archives: bool = False) -> int:
        return len(list(Walk(sources, archives=archives).files()))

    assert count(*inside) == 3
    assert count(str(archive), *inside) == 4
    assert count(str(tmp_path / "scans"), *inside) == 4
    assert count(str(tmp_path / "scans"), *inside, archives=True) == 5


def test_a_folder_in_an_archive_is_a_source(tmp_path: Path) -> None:
    """Of `classify`, `sort` and `evaluate`; one that is not there is a sentence."""
    archive = make_archive(tmp_path / "a.tar", {**digits(), "other/1.png": digit_png(1)})
    table = tmp_path / "labels.csv"
    assert invoke("classify", archive / "scans", "-o", table, "-q").exit_code == 0
    assert [row["path"] for row in rows_of(table)] == [f"a.tar/{name}" for name in digits()]
    assert invoke("sort", archive / "scans" / "3", tmp_path / "sorted", "-q").exit_code == 0
    assert [path.name for path in (tmp_path / "sorted").glob("[0-9_]*/*.png")] == ["30.png"]
    assert json.loads(invoke("evaluate", archive / "scans", "--json").stdout)["images"] == 10
    refused = invoke("classify", archive / "scan", "-o", tmp_path / "not.csv")
    assert refused.exit_code == 2
    assert f"{archive}/scan: not in the archive. Name a file" in refused.stderr


def test_zstd_without_its_package_has_the_remedy(tmp_path: Path, monkeypatch: Any) -> None:
    def missing(name: str) -> Any:
        raise ImportError(name)

    archive = tmp_path / "a.tar.zst"
    archive.write_bytes(b"\x28\xb5\x2f\xfd")
    monkeypatch.setattr(feeds, "import_module", missing)
    assert found(archive) == {".": "zstandard is not installed: pip install zstandard"}


def test_patterns_and_any_name_reach_into_archives(tmp_path: Path) -> None:
    archive = make_archive(
        tmp_path / "a.tar", {"old/1.png": b"", "2": digit_png(2), "3": b"no picture", "4.png": b""}
    )
    assert list(found(archive, patterns=["old"])) == ["4.png"]
    assert list(found(archive, any_name=True)) == ["old/1.png", "2", "4.png"]


def zip_with(tmp_path: Path, change: Any) -> Path:
    path = make_zip(tmp_path / "a.zip", {"1.png": b"one " * 50, "2.png": b"two " * 50})
    path.write_bytes(changed(path.read_bytes(), change))
    return path


def tar_of(tmp_path: Path, *parts: bytes) -> Path:
    path = tmp_path / "a.tar"
    path.write_bytes(b"".join(map(padded, parts)) + bytes(1024))
    return path


def set_bytes(data: bytearray, at: int, value: bytes) -> None:
    data[at : at + len(value)] = value


def both_flags(data: bytearray, flags: int) -> None:
    data[6] |= flags
    data[data.index(b"PK\1\2") + 8] |= flags


def directory_at(data: bytearray, offset: int) -> int:
    return data.index(b"PK\1\2") + offset


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (lambda data: both_flags(data, 1), {"1.png": ENCRYPTED}),
        (lambda data: set_bytes(data, directory_at(data, 10), b"\x63"), {"1.png": UNKNOWN_METHOD}),
        (lambda data: set_bytes(data, 8, b"\0"), {"1.png": BROKEN_MEMBER}),
        (lambda data: set_bytes(data, 30, b"9"), {"1.png": BROKEN_MEMBER}),
        (lambda data: set_bytes(data, 40, b"\xff" * 4), {"1.png": BROKEN_MEMBER}),
        (lambda data: set_bytes(data, directory_at(data, 42), b"\xff" * 3), {"1.png": BROKEN_MEMBER}),
        (lambda data: set_bytes(data, directory_at(data, 24), b"\1"), {"1.png": BROKEN_MEMBER}),
        (lambda data: set_bytes(data, directory_at(data, 16), b"\0\0"), {"1.png": BROKEN_MEMBER}),
        (lambda data: set_bytes(data, directory_at(data, 0), b"XX"), {".": BROKEN_ARCHIVE}),
        (lambda data: data.__delitem__(slice(-30, None)), {".": ENDS_EARLY}),
        (
            lambda data: set_bytes(data, len(data) - 12, b"\7"),
            {"1.png": b"one " * 50, "2.png": b"two " * 50, ".": BROKEN_ARCHIVE},
        ),
    ],
)
def test_what_is_wrong_with_a_zip_is_a_row(
    tmp_path: Path, change: Any, expected: dict[str, bytes | str]
) -> None:
    """Other members are read. A broken directory leaves nothing to be read behind the fault."""
    others = {} if "." in expected else {"2.png": b"two " * 50}
    assert found(zip_with(tmp_path, change)) == expected | others


def test_what_is_wrong_with_a_member_of_a_tar_is_a_row(tmp_path: Path) -> None:
    long = b"5" * 200 + b".png"
    archive = tar_of(
        tmp_path,
        *(tar_header(b"1.png", 3), b"one"),
        *(tar_header(b"1.png", 3), b"two"),
        *(tar_header(b"../2.png", 3), b"two"),
        *(tar_header(b"/etc/3.png", 5), b"three"),
        tar_header(b"4.png", 0, b"1", link=b"1.png"),
        tar_header(b"5.png", 0, b"2", link=b"/etc/passwd"),
        tar_header(b"6.png", 0, b"3"),
        tar_header(b"7.png", 0, b"6"),
        *(tar_header(b"8.png", 5, b"S"), b"eight"),
        *(tar_header(b"", len(long) + 1, b"L"), long + b"\0", tar_header(b"x", 4), b"long"),
        *(tar_header(b"", 2**21, b"x"), bytes(2**21), tar_header(b"9.png", 4), b"nine"),
        *(tar_header(b"", 12, b"x"), b"12 size=abc\n", tar_header(b"10.png", 3), b"ten"),
        *(tar_header(b"d", 0, b"5"), tar_header(b"e.png/", 0)),
        *(tar_header(b"11.png", 6), b"eleven"),
    )
    rows = [(os.path.relpath(path, archive), path) for path in Walk([str(archive)]).files()]
    seen = [(name, reason_of(path)) for name, path in rows]
    unsafe = [name for name, reason in seen if reason == UNSAFE_NAME and "%" in name]
    assert [(name, reason) for name, reason in seen if name not in unsafe] == [
        ("1.png", ""),
        ("1.png", DUPLICATE),
        ("4.png", LINK),
        ("5.png", LINK),
        ("6.png", SPECIAL),
        ("7.png", SPECIAL),
        ("8.png", SPARSE),
        (long.decode(), ""),
        ("9.png", UNSAFE_NAME),
        ("10.png", BROKEN_MEMBER),
        ("11.png", ""),
    ]
    assert [name.split("~")[0] for name in unsafe] == ["%2E%2E%2F2%2Epng", "%2Fetc%2F3%2Epng"]
    assert not any(os.path.lexists(path) for _, path in rows)
    assert by_path(archive, "1.png") == b"one"
    assert by_path(archive, "4.png") == LINK


@pytest.mark.parametrize("name", ["a.tar", "a.tar.gz"])
@pytest.mark.parametrize("keep", [600, 1100, 1536])
def test_a_tar_that_ends_early_is_told(tmp_path: Path, name: str, keep: int) -> None:
    """Members before the end are read; a last row says what is wrong."""
    archive = make_tar(tmp_path / name, {"1.png": b"one", "2.png": b"two" * 300})
    data = tar_bytes({"1.png": b"one", "2.png": b"two" * 300})[:keep]
    if name.endswith("gz"):
        import gzip

        data = gzip.compress(data)
    archive.write_bytes(data)
    result = found(archive)
    assert result["."] == ENDS_EARLY
    assert result.get("1.png") in (b"one", None, ENDS_EARLY)


@pytest.mark.parametrize("suffix", [".tar.gz", ".tar.zst"])
def test_of_a_compressed_tar_that_is_cut_all_that_is_left_is_read(tmp_path: Path, suffix: str) -> None:
    """Up to 64 KiB before the cut were lost: what a read had already decompressed."""
    contents = {f"{n:02}.png": os.urandom(3000) for n in range(40)}
    archive = make_archive(tmp_path / f"a{suffix}", contents)
    whole = archive.read_bytes()
    archive.write_bytes(whole[: len(whole) * 3 // 4])
    result = found(archive)
    read = {name: data for name, data in result.items() if isinstance(data, bytes)}
    assert len(read) >= (28 if suffix.endswith("gz") else 0)  # zstd has blocks of 128 KiB
    assert read.items() <= contents.items()
    assert list(result.values()).count(ENDS_EARLY) in (1, 2)  # the archive, and what was cut


def test_a_compressed_stream_that_is_cut_or_no_stream_is_told(tmp_path: Path) -> None:
    archive = make_tar(tmp_path / "a.tgz", {"1.png": os.urandom(5000)})
    whole = archive.read_bytes()
    archive.write_bytes(whole[:3000])
    assert found(archive) == {"1.png": ENDS_EARLY, ".": ENDS_EARLY}
    archive.write_bytes(b"no gzip")
    assert found(archive) == {".": "broken archive"}
    archive.write_bytes(b"")
    assert found(archive) == {".": ENDS_EARLY}
    assert found(make_tree(tmp_path, {"b.zip": b"no zip"}) / "b.zip") == {".": "broken archive"}


def test_bombs_are_refused_before_they_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A member over 16 MiB at 200:1, and an archive over 1 GiB (here: 1,000 bytes) at 100:1."""
    archive = make_zip(tmp_path / "a.zip", {"1.png": bytes(20 * 2**20), "2.png": b"two"})
    assert found(archive) == {"1.png": EXPANDS, "2.png": b"two"}
    monkeypatch.setattr(feeds, "FREE_BYTES", 1000)
    members = {f"{n}.png": bytes(60_000) for n in range(9)}
    reasons = list(found(make_archive(tmp_path / "b.zip", members)).values())
    assert reasons[0] == bytes(60_000)
    assert reasons[-1] == EXPANDS
    assert list(found(make_archive(tmp_path / "b.tgz", members)).values())[-1] == EXPANDS


def test_the_largest_file_holds_for_members(tmp_path: Path) -> None:
    for name in ("a.zip", "a.tar", "a.tgz"):
        archive = make_archive(tmp_path / name, {"1.png": b"x" * 200})
        for path in (*Walk([str(archive)]).files(), f"{archive}/1.png"):
            with pytest.raises(UnreadableError, match="over 100 bytes: raise --max-bytes"):
                read_bytes(path, Limits(file_bytes=100))


def test_a_replaced_archive_is_opened_again(tmp_path: Path) -> None:
    archive = make_archive(tmp_path / "a.tar", {"1.png": b"old"})
    assert by_path(archive, "1.png") == b"old"
    archive.unlink()
    make_archive(archive, {"1.png": b"newer"})
    assert by_path(archive, "1.png") == b"newer"


def test_a_compressed_tar_is_read_in_any_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where nothing of it can be kept in memory."""
    archive = make_archive(tmp_path / "a.tgz", {f"{n}.png": b"%d" % n for n in range(20)})
    monkeypatch.setattr(members_module, "_MOST_KEPT_BYTES", 0)
    for number in (7, 8, 3, 19, 0):
        assert by_path(archive, f"{number}.png") == b"%d" % number


def test_a_path_with_its_place_equals_the_plain_one(tmp_path: Path, monkeypatch: Any) -> None:
    import pickle

    path = Located("a.tar/1.png", b"content")
    assert path == "a.tar/1.png"
    assert type(str(path)) is str
    again = pickle.loads(pickle.dumps(path))
    assert (again, again.place) == (path, b"content")
    monkeypatch.chdir(tmp_path)
    assert made_absolute(path) == f"{tmp_path}/a.tar/1.png"
    assert made_absolute(path).place == b"content"  # type: ignore[attr-defined]
    archive = make_archive(tmp_path / "a.tar", {"1.png": b"one"})
    assert is_inside_archive(f"{archive}/1.png")
    assert member_exists(f"{archive}/1.png")
    assert not member_exists(f"{archive}/2.png")
    assert not is_inside_archive(f"{tmp_path}/b.tar/1.png")


def test_names_are_known_once() -> None:
    names = SeenNames()
    assert all(names.add(str(n)) for n in range(3000))
    assert not any(names.add(str(n)) for n in range(3000))


class _Engine:
    """Engine that notes how many bytes of content are under way."""

    window = 2

    def __init__(self) -> None:
        self.largest = 0

    def submit(self, items: Sequence[str], *, blamed: bool = False) -> Future[Done]:
        self.largest = max(
            self.largest, sum(item.nbytes for item in items if isinstance(item, Located))
        )
        future: Future[Done] = Future()
        future.set_result(Done(list(items), 0.001))
        return future

    def death(self, future: Future[Done]) -> None:
        return None

    def close(self, *, at_once: bool = False) -> None:
        pass


def test_content_under_way_is_bounded() -> None:
    """However many members wait, only some MiB of their content do."""
    taken = 0

    def items() -> Iterator[str]:
        nonlocal taken
        for number in range(200):
            taken += 1
            yield Located(f"{number}", bytes(2**20))

    engine = _Engine()
    done = 0
    for batch, _ in Loop(engine, lambda _: None).run(items()):
        done += len(batch)
        assert taken - done <= (MOST_CARRIED_BYTES + 4 * BATCH_CARRIED_BYTES) / 2**20
    assert (done, taken) == (200, 200)
    assert engine.largest <= BATCH_CARRIED_BYTES


DIGITS = {f"scans/{digit}/{digit}{n}.png": (digit, n) for digit in range(10) for n in range(1)}


def digits() -> dict[str, bytes]:
    return {name: digit_png(digit, example=n) for name, (digit, n) in DIGITS.items()}


def test_rows_sort_and_undo_of_archives(tmp_path: Path) -> None:
    """The rows are those of loose files; sort copies members out, undo removes the copies."""
    loose = make_tree(tmp_path / "loose", digits())
    assert invoke("classify", loose, "-o", tmp_path / "loose.csv", "-q").exit_code == 0
    expected = {row.pop("path").removeprefix("loose/"): row for row in rows_of(tmp_path / "loose.csv")}
    for name in ("a.tar", "a.zip", "a.tgz"):
        make_archive(tmp_path / name, digits())
        table, dest = tmp_path / f"{name}.csv", tmp_path / f"{name}.sorted"
        assert invoke("classify", tmp_path / name, "-o", table, "-q").exit_code == 0
        rows = {row.pop("path").removeprefix(f"{name}/"): row for row in rows_of(table)}
        assert rows == expected
        if name == "a.tar":
            continue  # its members are read like those of a zip
        assert invoke("sort", table, dest, "-q").exit_code == 0
        contents = sorted(digits().values())
        copies = list(dest.glob("[0-9_]*/*.png"))
        assert sorted(path.read_bytes() for path in copies) == contents
        assert invoke("verify", dest).exit_code == 0
        assert invoke("undo", dest).exit_code == 0
        assert not list(dest.glob("*/*.png"))


@pytest.mark.parametrize("words", [["--move"], ["--link", "sym"], ["--link", "hard"]])
def test_members_can_only_be_copied(tmp_path: Path, words: list[str]) -> None:
    archive = make_archive(tmp_path / "a.tar", {"1.png": b"one"})
    table = tmp_path / "labels.csv"
    table.write_text(f"path,label,status\n{archive.name}/1.png,1,ok\n")
    refused = invoke("sort", table, tmp_path / "sorted", *words)
    assert refused.exit_code == 2
    assert "can only be copied" in refused.stderr
    assert invoke("sort", table, tmp_path / "sorted", "-q").exit_code == 0
    assert (tmp_path / "sorted" / "1" / "1.png").read_bytes() == b"one"


@pytest.mark.parametrize("words", [["--move"], ["--link", "hard"], ["--move", "--dry-run"]])
@pytest.mark.parametrize("source", ["a.tar", "a.tar/scans", "--archives"])
def test_a_move_out_of_archives_is_refused_before_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, source: str, words: list[str]
) -> None:
    make_archive(tmp_path / "a.tar", digits())
    monkeypatch.setattr("digitsort.cli.sort.classify_files", None)
    named = [tmp_path, "--archives"] if source == "--archives" else [tmp_path / source]
    refused = invoke("sort", *named, tmp_path / "sorted", *words)
    assert refused.exit_code == 2
    assert "pictures in archives can only be copied. Use --copy." in refused.stderr
    assert not (tmp_path / "sorted").exists()


def test_update_resume_and_folders_with_archives(tmp_path: Path) -> None:
    """`--update` sees a member that is gone; another run of the same command keeps every row."""
    inbox = tmp_path / "inbox"
    make_tree(inbox, {"1.png": digit_png(1)})
    make_archive(inbox / "b.zip", {"2.png": digit_png(2), "3.png": digit_png(3)})
    table = tmp_path / "labels.csv"
    assert invoke("classify", inbox, "--archives", "-o", table, "-q").exit_code == 0
    first = table.read_bytes()
    assert [row["path"] for row in rows_of(table)] == [
        "inbox/1.png",
        "inbox/b.zip/2.png",
        "inbox/b.zip/3.png",
    ]
    again = invoke("classify", inbox, "--archives", "-o", table, "--update")
    assert "0 new, 0 changed, 3 as before, 0 gone" in again.stderr
    assert table.read_bytes() == first
    make_archive(inbox / "b.zip", {"2.png": digit_png(2)})
    again = invoke("classify", inbox / "1.png", "-o", table, "--update")
    assert "0 new, 0 changed, 2 as before, 1 gone" in again.stderr


def test_an_archive_is_a_source_of_sort_and_evaluate(tmp_path: Path) -> None:
    archive = make_archive(tmp_path / "a.tgz", digits())
    assert invoke("sort", archive, tmp_path / "sorted", "--keep-folders", "-q").exit_code == 0
    copies = [str(p.relative_to(tmp_path / "sorted")) for p in (tmp_path / "sorted").rglob("*.png")]
    assert all("/scans/" in path for path in copies)
    assert len(copies) == 10
    measured = invoke("evaluate", archive, "--json")
    assert measured.exit_code == 0
    assert invoke("review", "-o", tmp_path / "r.html", archive_rows(tmp_path, archive)).exit_code == 0


def archive_rows(tmp_path: Path, archive: Path) -> Path:
    table = tmp_path / "rows.csv"
    assert invoke("classify", archive, "-o", table, "-q").exit_code == 0
    return table


def test_an_archive_that_contains_itself_is_not_removed(tmp_path: Path) -> None:
    """Undo of a copy that is the archive itself, which is then the only file with its content."""
    from digitsort.files.disk import DISK
    from digitsort.files.places import open_places
    from digitsort.sorting.removal import remove_copy
    from digitsort.sorting.transfer import NotDeliveredError, anywhere, look

    archive = make_archive(tmp_path / "a.tar", {"1.png": b"one"})
    copy = make_tree(tmp_path, {"copy.png": b"one"}) / "copy.png"
    sha256 = look(DISK, anywhere(str(copy))).sha256
    with open_places(DISK) as places:
        remove_copy(DISK, places, places.at(str(copy)), f"{archive}/1.png", sha256)
        assert not copy.exists()
        with pytest.raises(NotDeliveredError):
            remove_copy(DISK, places, places.at(str(archive)), f"{archive}/1.png", "")


def test_the_standard_library_agrees(tmp_path: Path) -> None:
    """Names, sizes and contents of all forms that Python writes."""
    names = {f"{'d' * 90}/{'e' * n}/{n}.png": os.urandom(n * 37) for n in (1, 40, 50, 99, 100, 150)}
    for form in (tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT):
        kept = names if form != tarfile.USTAR_FORMAT else dict(list(names.items())[:3])
        archive = make_tar(tmp_path / "a.tar", kept, form)
        assert found(archive) == kept
        archive.unlink()
    for method in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        assert found(make_zip(tmp_path / f"{method}.zip", names, method)) == names
    with_64 = io.BytesIO()
    with (
        zipfile.ZipFile(with_64, "w") as large,
        large.open("1.png", "w", force_zip64=True) as member,
    ):
        member.write(b"large")
    (tmp_path / "64.zip").write_bytes(b"prefix" + with_64.getvalue())
    assert found(tmp_path / "64.zip") == {"1.png": b"large"}


def test_nothing_is_written_beside(tmp_path: Path) -> None:
    """Reading an archive whose names climb out leaves every folder as it was."""
    make_tree(tmp_path, {"keep": {"x": b"1"}, "link": Link("keep")})
    tar = tmp_path / "keep" / "a.tar"
    tar.write_bytes(padded(tar_header(b"../../up.png", 3)) + padded(b"out") + bytes(1024))
    before = read_tree(tmp_path)
    table = tmp_path.parent / f"{tmp_path.name}.csv"
    assert invoke("classify", tar, "-o", table, "-q").exit_code == 1
    assert [row["reason"] for row in rows_of(table)] == [UNSAFE_NAME]
    assert invoke("sort", table, tmp_path.parent / f"{tmp_path.name}.dest", "-q").exit_code == 1
    assert not list((tmp_path.parent / f"{tmp_path.name}.dest").rglob("*.png"))
    after = read_tree(tmp_path)
    after.pop(".state", None)
    before.pop(".state", None)
    assert before == after
