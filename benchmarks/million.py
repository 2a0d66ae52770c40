"""A million files for real: wall time, images a second and peak memory, beside 10,000 and 100,000.

    python -m benchmarks.million [--workers N] [--counts N...] [--flat N] [--folder DIR]

The files are hard links to 4,000 of MNIST's digits, 1,000 a folder, and once all in one folder.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
import time
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from benchmarks.compare import COMMAND, run_digitsort, user_environment
from benchmarks.data import export_png, mnist

DISTINCT = 4_000
PER_FOLDER = 1_000


@dataclass(frozen=True)
class Seen:
    """Time and memory of one run; memory is the largest resident set, in MiB."""

    seconds: float
    parent_mib: float
    worker_mib: float
    rows: int


def link_tree(root: Path, originals: list[Path], count: int, per_folder: int) -> None:
    """Make `count` names for the originals."""
    for index in range(count):
        folder = root / f"{index // per_folder:04d}"
        if index % per_folder == 0:
            folder.mkdir(parents=True, exist_ok=True)
        (folder / f"scan_{index:07d}.png").hardlink_to(originals[index % len(originals)])


def run(folder: Path | str, output: Path, workers: int) -> Seen:
    """Classify a folder, and look at the memory of all its processes meanwhile."""
    command = [*COMMAND, "classify", str(folder), "-o", str(output), "-q", "--force"]
    start = time.perf_counter()
    process = subprocess.Popen([*command, "--workers", str(workers)], env=user_environment())
    peaks: dict[int, float] = {}
    while process.poll() is None:
        for pid in family(process.pid):
            peaks[pid] = max(peaks.get(pid, 0), peak_mib(pid))
        time.sleep(0.1)
    seconds = time.perf_counter() - start
    if process.returncode:
        raise SystemExit(f"digitsort ended with {process.returncode}")
    parent = peaks.pop(process.pid)
    return Seen(seconds, parent, max(peaks.values(), default=0), count_rows(output))


def count_rows(table: Path) -> int:
    """Return the number of rows of a labels.csv, or of a labels.parquet."""
    if table.suffix == ".parquet":
        rows: int = import_module("pyarrow.parquet").read_metadata(table).num_rows
        return rows
    with table.open("rb") as file:
        return sum(1 for _ in file) - 1


def family(pid: int) -> list[int]:
    """Return a process and its descendants, also those that its threads have started."""
    parents = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue  # it has ended
    found = [pid]
    for each in found:
        found.extend(child for child, parent in parents.items() if parent == each)
    return found


def peak_mib(pid: int) -> float:
    """Largest resident set so far."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    line = next((line for line in status.splitlines() if line.startswith("VmHWM")), "VmHWM: 0")
    return int(line.split()[1]) / 1024


def show(name: str, seen: Seen) -> None:
    """Print a row of the table."""
    print(
        f"| {name} | {seen.rows:,} | {seen.seconds:,.1f} | {seen.rows / seen.seconds:,.0f} "
        f"| {seen.seconds / seen.rows * 1e6:,.0f} | {seen.parent_mib:.0f} | {seen.worker_mib:.0f} |",
        flush=True,
    )


def main() -> None:
    """Make the trees, run, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--counts", type=int, nargs="*", default=[10_000, 100_000, 1_000_000])
    parser.add_argument("--flat", type=int, nargs="*", default=[10_000, 1_000_000])
    parser.add_argument("--folder", type=Path, help="where to make the trees")
    options = parser.parse_args()
    images, labels = mnist()
    with tempfile.TemporaryDirectory(dir=options.folder) as temporary:
        root = Path(temporary)
        export_png(images[:DISTINCT], labels[:DISTINCT], root / "originals")
        originals = sorted((root / "originals").rglob("*.png"))
        run_digitsort("model", capture_output=True)  # trains the default model, if need be
        print("| files | rows | seconds | images/s | µs an image | parent MiB | worker MiB |")
        print("| --- | --- | --- | --- | --- | --- | --- |")
        for kind, counts in (("1,000 a folder", options.counts), ("one folder", options.flat)):
            for count in counts:
                tree = root / f"{kind} {count}"
                link_tree(tree, originals, count, PER_FOLDER if "," in kind else count)
                show(kind, run(tree, root / "labels.csv", options.workers))


if __name__ == "__main__":
    main()
