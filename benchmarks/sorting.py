"""Sorting beside `cp -r` and `mv`, in one run; a plan of a million rows.

python -m benchmarks.sorting [--files N] [--rounds N] [--rows N] [--in DIR]
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

BYTES_A_FILE = 600
"""About what a 28x28 PNG has."""

COLUMNS = "path label confidence status reason second second_confidence sha256 model".split()

PLAN = """
import json, resource, sys, time
from pathlib import Path
from digitsort.labels.labels_csv import read_labels
from digitsort.sorting.plan import plan_sort
start, start_cpu = time.perf_counter(), time.process_time()
plan = plan_sort(read_labels(Path(sys.argv[1])), Path(sys.argv[2]))
seconds, cpu = time.perf_counter() - start, time.process_time() - start_cpu
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps([len(plan.operations), seconds, cpu, peak / 1024]))
"""


def make_scans(folder: Path, count: int) -> list[list[str]]:
    """Small files, a thousand a folder, and their rows."""
    rows = []
    for index in range(count):
        path = folder / f"{index // 1000:04d}" / f"scan_{index}.png"
        if index % 1000 == 0:
            path.parent.mkdir(parents=True)
        content = index.to_bytes(8, "big") + bytes(BYTES_A_FILE - 8)
        path.write_bytes(content)
        rows.append(row(path, index, hashlib.sha256(content).hexdigest()))
    return rows


def row(path: Path | str, index: int, sha256: str) -> list[str]:
    """A row as `classify` writes it."""
    confidence = f"{1 - (index % 977) / 10_000:.4f}"
    return [str(path), str(index % 10), confidence, "ok", "", "1", "0.0100", sha256, "0123456789ab"]


def write_rows(path: Path, rows: list[list[str]]) -> None:
    """A labels.csv."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(rows)


def timed(action: Callable[[], object]) -> float:
    """Seconds that an action takes; what was written before is on the disk already."""
    os.sync()
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def sort(labels: Path, dest: Path, *options: str) -> None:
    """Run the command as a user would."""
    command = [sys.executable, "-m", "digitsort", "sort", str(labels), str(dest), "-q", *options]
    subprocess.run(command, check=True)


def move(scans: Path, dest: Path) -> None:
    """`mv` of all files into one folder."""
    dest.mkdir()
    for folder in sorted(scans.iterdir()):
        subprocess.run(["mv", "-t", str(dest), *map(str, folder.iterdir())], check=True)


def measure(top: Path, files: int, rounds: int) -> None:
    """Copy and move the same files with both, in turn; print medians and the ratio."""
    seconds: dict[str, list[float]] = {name: [] for name in ("cp -r", "copy", "mv", "move", "undo")}
    for number in range(rounds):
        for name, spent in _round(top / str(number), files).items():
            seconds[name].append(spent)
    middle = {name: statistics.median(each) for name, each in seconds.items()}
    print(
        f"{files:,} files of {BYTES_A_FILE} bytes, {rounds} alternating rounds, median, whole commands"
    )
    print("\n| command | median s | µs a file | min-max s | speed beside |")
    print("| --- | --- | --- | --- | --- |")
    beside = {"copy": "cp -r", "move": "mv", "undo": "mv"}
    for name, each in seconds.items():
        other = beside.get(name)
        ratio = "" if other is None else f"{middle[other] / middle[name]:.2f} of `{other}`"
        shown = f"`{name}`" if other is None else f"digitsort {name}"
        print(
            f"| {shown} | {middle[name]:.2f} | {middle[name] / files * 1e6:.0f} "
            f"| {min(each):.2f}-{max(each):.2f} | {ratio} |"
        )


def _round(top: Path, files: int) -> dict[str, float]:
    """Seconds of each command.

    Nothing is deleted between them: ext4 looks through what was deleted in the last minutes whenever it
    makes a file, which can make a copy after it five times slower.
    """
    top.mkdir()
    scans, labels, dest = top / "scans", top / "labels.csv", top / "sorted"
    undo = [sys.executable, "-m", "digitsort", "undo", str(dest), "-q"]
    write_rows(labels, make_scans(scans, files))
    spent = {"cp -r": timed(lambda: subprocess.run(["cp", "-r", scans, top / "cp"], check=True))}
    spent["copy"] = timed(lambda: sort(labels, top / "copied"))
    spent["move"] = timed(lambda: sort(labels, dest, "--move"))
    spent["undo"] = timed(lambda: subprocess.run(undo, check=True))
    spent["mv"] = timed(lambda: move(scans, top / "mv"))
    return spent


def plan(top: Path, rows: int) -> None:
    """Read a labels.csv and plan it, in a process of its own; print time and peak memory."""
    labels = top / "million.csv"
    write_rows(
        labels,
        [
            row(
                f"scans/ward_{i // 1000:04d}/scan_{i:07d}.png", i, hashlib.sha256(b"%d" % i).hexdigest()
            )
            for i in range(rows)
        ],
    )
    command = [sys.executable, "-c", PLAN, str(labels), str(top / "dest")]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    count, seconds, cpu, peak = json.loads(done.stdout)
    print(
        f"A labels.csv of {count:,} rows read and planned: {seconds:.1f} s ({cpu:.1f} s of one core), "
        f"peak {peak:.0f} MiB\n"
    )


def main() -> None:
    """Measure both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--in", dest="folder", help="a folder on the file system to measure")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as temporary:
        if options.rows:
            plan(Path(temporary), options.rows)
        if options.files:
            measure(Path(temporary), options.files, options.rounds)


if __name__ == "__main__":
    main()
