"""Pictures in buckets: the rows of a local copy, whatever fails; and no word of credentials."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest

from digitsort.files.names import absolute, from_cell, is_url, to_cell
from digitsort.images.discover import Walk
from digitsort.images.limits import Limits
from digitsort.images.read import UnreadableError, read_bytes
from digitsort.sources import buckets
from digitsort.sources.buckets import IN_FLIGHT, Prefetch
from digitsort.sources.located import Located
from tests.conftest import digit_png, invoke, make_tree

fsspec = pytest.importorskip("fsspec")
memory = pytest.importorskip("fsspec.implementations.memory")

SECRET = "wJalrXUtnFEMI"


class NoCredentialsError(Exception):
    """Named as the one of botocore."""


class Flaky(memory.MemoryFileSystem):  # type: ignore[misc,name-defined,unused-ignore]
    """Bucket in memory whose requests fail as told."""

    protocol = "flaky"
    store: ClassVar[dict[str, Any]] = {}
    pseudo_dirs: ClassVar[list[str]] = [""]
    asked: ClassVar[Counter[str]] = Counter()
    failures: ClassVar[dict[str, Exception]] = {}
    every = 0
    pause_s = 0.0
    under_way = most = 0
    _lock = threading.Lock()

    @classmethod
    def reset(cls) -> None:
        cls.store, cls.pseudo_dirs, cls.asked, cls.failures = {}, [""], Counter(), {}
        cls.every = cls.most = cls.under_way = 0
        cls.pause_s = 0.0

    def _fail(self, path: str) -> None:
        cls = type(self)
        path = path.strip("/")
        with self._lock:
            cls.asked[path] += 1
            asked, total = cls.asked[path], cls.asked.total()
        if path in self.failures:
            raise self.failures[path]
        if self.every and asked == 1 and total % self.every == 0:
            raise OSError(f"connection reset, Authorization: {SECRET}")

    def cat_file(self, path: str, *args: Any, **kwargs: Any) -> Any:
        cls = type(self)
        with self._lock:
            cls.under_way += 1
            cls.most = max(cls.most, cls.under_way)
        try:
            time.sleep(self.pause_s)
            self._fail(path)
            return super().cat_file(path, *args, **kwargs)
        finally:
            with self._lock:
                cls.under_way -= 1

    def ls(self, path: str, *args: Any, **kwargs: Any) -> Any:
        self._fail(path)
        return super().ls(path, *args, **kwargs)

    def info(self, path: str, **kwargs: Any) -> Any:
        self._fail(path)
        return super().info(path, **kwargs)


@pytest.fixture(autouse=True)
def _bucket(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("DIGITSORT_STATE", str(tmp_path / ".state"))
    monkeypatch.setattr(buckets, "FIRST_PAUSE_S", 0.0)
    fsspec.register_implementation("flaky", Flaky, clobber=True)
    buckets._file_system.cache_clear()
    Flaky.reset()
    yield
    buckets._file_system.cache_clear()


def fill(files: dict[str, bytes]) -> None:
    bucket = fsspec.filesystem("flaky")
    for name, data in files.items():
        bucket.pipe_file(f"/b/{name}", data)
    Flaky.asked.clear()


NAMES = {
    "10.png": b"ten",
    "9.png": b"nine",
    "deep/er/1.png": b"one",
    "deep/2.png": b"two",
    "deep10/3.png": b"three",
    "tab\tand \\ =x.png": b"odd",
    ".hidden.png": b"",
    "@eaDir/4.png": b"",
    "notes.txt": b"",
}


def test_objects_are_found_as_files_are(tmp_path: Path) -> None:
    """The same order, the same that is left out; each name comes back."""
    loose = make_tree(tmp_path / "b", NAMES)
    fill(NAMES)
    local = [path.removeprefix(str(tmp_path) + "/") for path in Walk([str(loose)]).files()]
    walk = Walk(["flaky://b"])
    paths = list(walk.files())
    assert [path.removeprefix("flaky://") for path in paths] == local
    assert (walk.skipped, walk.left_out) == ({".txt": 1}, {"@eaDir": 1})
    for path in paths:
        cell = to_cell(str(path), str(tmp_path))
        assert from_cell(cell, str(tmp_path)) == path
        assert absolute(path) == path
        assert read_bytes(path, Limits()) == NAMES[path.removeprefix("flaky://b/")]
        assert read_bytes(str(path), Limits()) == NAMES[path.removeprefix("flaky://b/")]
    assert list(Walk(["flaky://b/deep", "flaky://b", "flaky://b/9.png"]).files()) == paths


def test_addresses_are_told_from_paths() -> None:
    assert all(map(is_url, ("s3://b/x", "gs://b", "https://h/x.png", "memory://x")))
    assert not any(map(is_url, ("/s3:/b", "s3:/b", "file:///x", "x/s3://b", "S3", "://x")))


def digits() -> dict[str, bytes]:
    return {f"scans/{n}.png": digit_png(n) for n in range(10)}


def test_rows_are_those_of_a_local_copy(tmp_path: Path) -> None:
    """To the byte, though one request in three fails at first."""
    fill(digits())
    make_tree(tmp_path, digits())
    Flaky.every = 3
    there, here = tmp_path / "there.csv", tmp_path / "here.csv"
    done = invoke("classify", "flaky://b/scans/", "-o", there)
    assert (done.exit_code, SECRET in done.output + done.stderr) == (0, False)
    assert invoke("classify", tmp_path / "scans", "-o", here, "-q").exit_code == 0
    assert there.read_text().replace("flaky://b/scans/", "scans/") == here.read_text()
    asked = Flaky.asked.copy()
    again = invoke("classify", "flaky://b/scans", "-o", there, "--update")
    assert "0 new, 0 changed, 10 as before, 0 gone" in again.stderr
    assert asked != Flaky.asked
    fsspec.filesystem("flaky").rm("/b/scans/3.png")
    again = invoke("classify", "flaky://b/scans", "-o", there, "--update")
    assert "0 new, 0 changed, 9 as before, 1 gone" in again.stderr


def test_sort_names_the_commands_that_sort_a_downloaded_bucket(tmp_path: Path) -> None:
    """The second one works, without reading the scans again."""
    fill(digits())
    there = tmp_path / "there.csv"
    assert invoke("classify", "flaky://b/scans", "-o", there, "-q").exit_code == 0
    refused = invoke("sort", there, tmp_path / "sorted")
    assert refused.exit_code == 2
    assert "10 files are not on a disk, such as flaky://b/scans/0.png" in refused.stderr
    assert "folder scans. Then repeat this command with --root scans" in refused.stderr
    scans = make_tree(tmp_path / "other", digits()) / "scans"
    done = invoke("sort", there, tmp_path / "sorted", "--root", scans)
    assert (done.exit_code, "10 copied" in done.stderr) == (0, True), done.stderr


@pytest.mark.parametrize(
    ("urls", "how"),
    [
        (["s3://b/x/1.png", "s3://b/x2/1.png"], "aws s3 sync s3://b b"),
        (["s3://b/a b/1.png", "s3://b/a b/c/1.png"], "aws s3 sync 's3://b/a b' 'a b'"),
        (["gs://b/x/1.png", "s3://b/x/2.png"], "gcloud storage cp --recursive gs://b/x ."),
        (["https://h/x/1.png"], "into a folder x"),
    ],
)
def test_how_a_bucket_is_downloaded(urls: list[str], how: str) -> None:
    assert how in buckets.how_to_download(buckets.folder_above(urls))[0]


@pytest.mark.parametrize(
    "words", [("sort", "DEST"), ("watch", "DEST"), ("inspect",), ("train", "-o", "m.digitsort")]
)
def test_a_command_that_reads_no_addresses_says_so(tmp_path: Path, words: tuple[str, ...]) -> None:
    command, *rest = (str(tmp_path / word) if word == "DEST" else word for word in words)
    option = ["-d"] if command == "train" else []
    done = invoke(command, *option, "s3://bucket/scans", *rest)
    assert done.exit_code == 2
    assert "s3://bucket/scans is an address, and this command reads files on a disk." in done.stderr
    assert "aws s3 sync s3://bucket/scans scans, and name scans instead." in done.stderr
    assert not (tmp_path / "DEST").exists()


def test_archives_in_buckets_are_not_read_and_said(tmp_path: Path) -> None:
    """A row for each that was asked for; others are counted."""
    fill({"1.png": digit_png(1), "more.zip": b"PK", "notes.txt": b""})
    table = tmp_path / "labels.csv"
    done = invoke("classify", "flaky://b", "-o", table)
    assert (done.exit_code, "1 archive in a bucket, 1 .txt" in done.stderr) == (0, True), done.stderr
    assert "archive in a bucket: download it, and classify the copy" in done.stderr
    row = "flaky://b/more.zip,,,error,archive in a bucket: download it,,,,"
    for words in (["flaky://b", "--archives"], ["flaky://b/more.zip"], ["flaky://b", "--any-name"]):
        assert invoke("classify", *words, "-o", table, "--force").exit_code == 1
        assert row in table.read_text()


def test_what_cannot_be_read_is_a_row(tmp_path: Path) -> None:
    fill({f"{n}.png": digit_png(n) for n in range(4)})
    Flaky.failures = {"b/0.png": PermissionError(SECRET), "b/1.png": FileNotFoundError(SECRET)}
    Flaky.failures["b/2.png"] = RuntimeError(SECRET)
    table = tmp_path / "labels.csv"
    done = invoke("classify", "flaky://b", "-o", table)
    assert done.exit_code == 1
    text = table.read_text()
    for name, reason in (("0", "permission denied"), ("1", "file not found"), ("2", "read error")):
        assert f"flaky://b/{name}.png,,,error,{reason}" in text
    assert SECRET not in text + done.output + done.stderr
    assert Flaky.asked["b/2.png"] == buckets.ATTEMPTS


@pytest.mark.parametrize("where", ["b", "b/1.png"])
def test_missing_credentials_are_a_sentence(tmp_path: Path, where: str) -> None:
    """At the first question, or at an object."""
    fill({"1.png": digit_png(1)})
    Flaky.failures = {where: NoCredentialsError(SECRET)}
    done = invoke("classify", "flaky://b", "-o", tmp_path / "labels.csv")
    assert done.exit_code == 7
    assert "needs credentials" in done.stderr
    assert SECRET not in done.output + done.stderr


def test_a_refused_or_missing_bucket_is_a_sentence(tmp_path: Path) -> None:
    fill({"1.png": b""})
    Flaky.failures = {"b": PermissionError(SECRET)}
    done = invoke("classify", "flaky://b", "-o", tmp_path / "labels.csv")
    assert (done.exit_code, "permission denied" in done.stderr) == (7, True)
    assert SECRET not in done.stderr
    done = invoke("classify", "flaky://other", "-o", tmp_path / "labels.csv")
    assert (done.exit_code, "Name one that exists" in done.stderr) == (2, True)
    done = invoke("classify", "nosuch://b", "-o", tmp_path / "labels.csv")
    assert done.exit_code == 2


def test_a_server_that_is_not_reached_is_not_a_missing_folder(tmp_path: Path) -> None:
    """The file system of fsspec for web servers raises FileNotFoundError for both."""
    fill({"1.png": b""})
    unreachable = FileNotFoundError(SECRET)
    unreachable.__cause__ = ConnectionRefusedError(SECRET)
    Flaky.failures = {"b": unreachable}
    done = invoke("classify", "flaky://b", "-o", tmp_path / "labels.csv")
    assert done.exit_code == 7
    assert "flaky://b can't be read: read error. Check the address" in done.stderr
    assert SECRET not in done.stderr


@pytest.mark.parametrize("url", [f"flaky://me:{SECRET}@b/x", f"https://h/x.png?sig={SECRET}"])
def test_credentials_in_an_address_are_refused(tmp_path: Path, url: str) -> None:
    """They would be in labels.csv; also in a list of files."""
    listed = make_tree(tmp_path, {"list.txt": url}) / "list.txt"
    for words in ([url], ["--files-from", str(listed)]):
        done = invoke("classify", *words, "-o", tmp_path / "labels.csv")
        assert done.exit_code == 2
        assert SECRET not in done.output + done.stderr
        assert not (tmp_path / "labels.csv").exists()


def test_a_folder_that_cannot_be_listed_is_told(tmp_path: Path) -> None:
    fill({"1.png": digit_png(1), "no/2.png": digit_png(2)})
    Flaky.failures = {"b/no": PermissionError("no")}
    done = invoke("classify", "flaky://b", "-o", tmp_path / "labels.csv")
    assert done.exit_code == 1
    assert "flaky://b/no can't be listed: permission denied" in done.stderr


def test_many_requests_are_under_way() -> None:
    """But no more than so many, and a batch without objects starts no thread."""
    fill({f"{n}.png": b"%d" % n for n in range(3 * IN_FLIGHT)})
    Flaky.pause_s = 0.02
    items = [Located(f"flaky://b/{n}.png", 1) for n in range(3 * IN_FLIGHT)]
    prefetch = Prefetch(items)
    taken = [prefetch.take(index) for index in range(len(items))]
    prefetch.close()
    assert [path.place for path in taken] == [b"%d" % n for n in range(3 * IN_FLIGHT)]  # type: ignore[attr-defined]
    assert IN_FLIGHT / 2 < Flaky.most <= IN_FLIGHT
    threads = threading.active_count()
    assert Prefetch(["a", "b"]).take(1) == "b"
    assert threading.active_count() == threads


def test_a_large_object_is_refused_unread() -> None:
    fill({"1.png": b"x" * 200})
    (path,) = Walk(["flaky://b"]).files()
    Flaky.asked.clear()
    with pytest.raises(UnreadableError, match="over 100 bytes"):
        read_bytes(path, Limits(file_bytes=100))
    assert not Flaky.asked
