"""Write and read a large table as CSV, JSON lines and Parquet: bytes and CPU time per row, peak memory.

    python -m benchmarks.tables [--rows N] [--folder DIR]

The rows are made: labels and confidences are those of 2,000 of MNIST's digits, drawn at random; paths
count up in folders of 1,000 files; hashes are random. Each step runs in a process of its own.
"""

from __future__ import annotations

import argparse
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.data import export_png, mnist
from benchmarks.million import family, peak_mib
from digitsort import classify_folder
from digitsort.labels.labels_csv import Format, Layout, read_labels
from digitsort.labels.partial import labels_file
from digitsort.labels.resume import RunSettings
from digitsort.outcomes import Outcome

DISTINCT = 2_000
PER_FOLDER = 1_000

FORMS: dict[str, Format] = {"labels.csv": "csv", "labels.jsonl": "jsonl", "labels.parquet": "parquet"}


def made_rows(originals: Sequence[Outcome], folder: Path, count: int) -> Iterator[Outcome]:
    """Yield rows of files that do not exist."""
    chance = random.Random(0)
    for n in range(count):
        path = str(folder / "scans" / f"{n // PER_FOLDER:05d}" / f"scan_{n:08d}.png")
        sha256 = chance.randbytes(32).hex()
        yield chance.choice(originals)._replace(path=path, sha256=sha256)


def write(path: Path, originals: Sequence[Outcome], count: int) -> None:
    """Write a table as `classify` does."""
    layout = Layout(str(path.parent), "0123456789ab")
    form = FORMS[path.name]
    run = RunSettings.of(["scans"], False, "0123456789ab", "made", form)
    with labels_file(path, layout, run, form=form) as file:
        for _ in file.take_up(())[0]:
            pass
        for outcome in made_rows(originals, path.parent, count):
            file.write(outcome)


def read(path: Path) -> None:
    """Read a table row by row, as `evaluate` does, and keep none."""
    for _ in read_labels(path):
        pass


def measured(arguments: Sequence[str]) -> tuple[float, float]:
    """Run a step in another process; return CPU seconds, and the peak memory of the largest process.

    CPU time, with that of the process that reads Parquet, depends less on what else the machine does.
    """
    before = _cpu_seconds()
    process = subprocess.Popen([sys.executable, "-m", "benchmarks.tables", *arguments])
    peak = 0.0
    while process.poll() is None:
        peak = max([peak, *map(peak_mib, family(process.pid))])
        time.sleep(0.05)
    if process.returncode:
        raise SystemExit(process.returncode)
    return _cpu_seconds() - before, peak


def _cpu_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def step(options: argparse.Namespace) -> None:
    """Do one step in this process."""
    path = Path(options.step[1])
    if options.step[0] == "read":
        read(path)
        return
    originals = list(classify_folder(path.parent / "originals"))
    write(path, originals, options.rows)


def main() -> None:
    """Make the rows, write and read them in each format, and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path, help="where to write")
    parser.add_argument("--step", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.step:
        step(options)
        return
    images, labels = mnist()
    with tempfile.TemporaryDirectory(dir=options.folder) as temporary:
        export_png(images[:DISTINCT], labels[:DISTINCT], Path(temporary, "originals"))
        none, _ = measured(["--rows", "0", "--step", "write", str(Path(temporary, "labels.csv"))])
        Path(temporary, "labels.csv").unlink()
        print("| table | bytes a row | writing, CPU µs a row | MiB | reading, CPU µs a row | MiB |")
        print("| --- | --- | --- | --- | --- | --- |")
        for name in FORMS:
            path = Path(temporary, name)
            rows = ["--rows", str(options.rows)]
            writing, most = measured([*rows, "--step", "write", str(path)])
            reading, most_read = measured(["--step", "read", str(path)])
            print(
                f"| {name} | {path.stat().st_size / options.rows:.1f} "
                f"| {(writing - none) / options.rows * 1e6:.1f} | {most:.0f} "
                f"| {reading / options.rows * 1e6:.1f} | {most_read:.0f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
