"""Archives that were made to do harm: each is read like any other, or told about."""

from __future__ import annotations

import csv
import json
import os
import resource
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

from digitsort.images.discover import Walk
from digitsort.images.limits import Limits
from digitsort.images.read import UnreadableError, read_bytes
from tests.conftest import digit_png, run_digitsort
from tests.sources.hostile import hostile_archives, overlapping

MOST_GROWTH = 300 * 2**20
"""Bytes that reading all of them may take: the largest member, once packed and once not."""

FAST = ("zip_end_", "zip_central_s", "tar_size", "name_", "cut_1_", "pax_", "long_7", "links", "sparse")


def read_all(folder: Path) -> Counter[str]:
    """Read what a walk finds in a folder of archives; count what is found and why it is not read."""
    seen: Counter[str] = Counter()
    for path in Walk([str(folder)], archives=True).files():
        try:
            seen["read" if read_bytes(path, Limits(file_bytes=2**26)) is not None else ""] += 1
        except UnreadableError as error:
            seen[str(error)] += 1
    return seen


def make_all(folder: Path, starts: tuple[str, ...] = ("",)) -> int:
    folder.mkdir()
    count = 0
    for name, data in hostile_archives(digit_png(7)):
        if name.startswith(starts):
            (folder / name).write_bytes(data)
            count += 1
    return count


def test_hostile_archives_are_read_or_told(tmp_path: Path) -> None:
    """A selection of those of the slow test, without the large ones."""
    from tests.sources import hostile

    (tmp_path / "in").mkdir()
    picture = b"no picture, but as long as one" * 9
    few = [
        *hostile._changed_zips(picture),
        *hostile._changed_large_zips(picture),
        *hostile._changed_tars(picture),
        *hostile._names(picture),
        *hostile._cut(picture),
    ][::7]
    for name, data in few:
        (tmp_path / "in" / name).write_bytes(data)
    before = sorted(os.listdir(tmp_path))
    seen = read_all(tmp_path / "in")
    assert len(few) > 40
    assert len(seen) > 3
    assert sorted(os.listdir(tmp_path)) == before


CHILD = """
import json, resource, sys
from pathlib import Path
from tests.sources.test_hostile_archives import read_all
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
seen = read_all(Path(sys.argv[1]))
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps([seen, (after - before) * 1024]))
"""


def in_child(folder: Path) -> tuple[dict[str, int], int]:
    """What reading a folder in a process of its own gives, and by how much it grew."""
    done = subprocess.run(
        [sys.executable, "-c", CHILD, str(folder)],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    assert done.returncode == 0, done.stderr
    seen, growth = json.loads(done.stdout)
    return seen, growth


@pytest.mark.slow
def test_all_hostile_archives(tmp_path: Path) -> None:
    """Over 600: no signal, flat memory, one row for each file found, nothing outside of DEST."""
    count = make_all(tmp_path / "in")
    assert count >= 600
    seen, growth = in_child(tmp_path / "in")
    assert growth < MOST_GROWTH
    assert len(seen) > 10

    outside = sorted(path for path in tmp_path.rglob("*"))
    table = tmp_path / "labels.csv"
    done = run_digitsort(
        "classify",
        tmp_path / "in",
        "--archives",
        "-o",
        table,
        "-q",
        "--workers",
        "2",
        "--max-bytes",
        str(2**26),
    )
    assert done.returncode in (0, 1), done.stderr
    with table.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == sum(seen.values())
    assert sum(row["status"] == "error" for row in rows) == sum(seen.values()) - seen["read"] + sum(
        row["status"] == "error" and bool(row["sha256"]) for row in rows
    )
    sorting = run_digitsort("sort", table, tmp_path / "sorted", "-q")
    assert sorting.returncode in (0, 1), sorting.stderr
    now = sorted(path for path in tmp_path.rglob("*") if tmp_path / "sorted" not in path.parents)
    assert now == sorted([*outside, table, tmp_path / "sorted"])


@pytest.mark.slow
def test_a_million_members_take_little_memory(tmp_path: Path) -> None:
    """Entries that are all the same bytes: the names take 32 MiB, the rows none."""
    (tmp_path / "a.zip").write_bytes(overlapping(1_000_000, 1000))
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    child = (
        "import resource, sys\n"
        "from digitsort.images.discover import Walk\n"
        "print(sum(1 for _ in Walk([sys.argv[1]]).files()))\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)\n"
    )
    answers = []
    for source in (tmp_path / "a.zip", tmp_path / "b.zip"):
        if source.name == "b.zip":
            source.write_bytes(overlapping(1000, 1000))
        said = subprocess.run(
            [sys.executable, "-c", child, str(source)], capture_output=True, text=True, check=True
        ).stdout.split()
        answers.append((int(said[0]), int(said[1]) * 1024))
    (many, large), (few, small) = answers
    assert (many, few) == (1_000_000, 1000)
    assert large - small < 80 * 2**20
    assert before >= 0
