"""The same pictures loose, in archives and in a bucket, to CSV and Parquet: time, memory, bytes.

    python -m benchmarks.archives [--count N] [--rounds N] [--workers N [N]] [--folder DIR]

The pictures are MNIST's digits as PNG, 1,000 a folder. The runs alternate; those of a bucket are last.
The bucket is moto's server on this machine (`pip install moto[server] s3fs`); without it, its rows are
left out. Processor time is that of all processes of the run; it depends less than the wall time on what
else the machine does. The last column is the time of a hundred million images at this rate: with one
worker, divide it by the number of workers of a cluster.
"""

from __future__ import annotations

import argparse
import ctypes
import logging
import os
import resource
import statistics
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any, NamedTuple

from benchmarks.compare import run_digitsort
from benchmarks.data import export_png, mnist
from benchmarks.million import PER_FOLDER, Seen, link_tree, run

DISTINCT = 4_000

PR_SET_CHILD_SUBREAPER = 36
"""From Linux's <linux/prctl.h>."""

HEAD = (
    "source",
    "table",
    "workers",
    "µs an image",
    "CPU µs",
    "time, loose = 1",
    "parent MiB",
    "worker MiB",
    "table, bytes a row",
    "10⁸ images, hours",
)

SECONDS_PER_HOUR = 3600

LOOSE, IN_BUCKET = "loose files", "S3 on loopback"

BUCKET = "scans"
ACCOUNT = {
    "AWS_ACCESS_KEY_ID": "testing",
    "AWS_SECRET_ACCESS_KEY": "testing",
    "AWS_DEFAULT_REGION": "us-east-1",
}


def make_sources(root: Path, count: int) -> dict[str, str]:
    """Make the pictures in every form; return their places by name."""
    images, labels = mnist()
    export_png(images[:DISTINCT], labels[:DISTINCT], root / "originals")
    link_tree(root / "loose", sorted((root / "originals").rglob("*.png")), count, PER_FOLDER)
    files = sorted((root / "loose").rglob("*.png"))
    with (
        tarfile.open(root / "a.tar", "w") as tar,
        tarfile.open(root / "a.tar.gz", "w:gz") as compressed,
        zipfile.ZipFile(root / "a.zip", "w", zipfile.ZIP_DEFLATED) as packed,
    ):
        for file in files:
            name = str(file.relative_to(root / "loose"))
            info = tarfile.TarInfo(name)
            info.size = file.stat().st_size
            for archive in (tar, compressed):
                with file.open("rb") as content:
                    archive.addfile(info, content)
            packed.write(file, name)
    forms = ("a.tar", "a.zip", "a.tar.gz")
    return {LOOSE: str(root / "loose")} | {form[2:]: str(root / form) for form in forms}


@contextmanager
def bucket(folder: Path) -> Iterator[Mapping[str, str]]:
    """Yield the environment of a bucket on this machine with the files of a folder."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # a line for each request
    server: Any = import_module("moto.server").ThreadedMotoServer(
        ip_address="127.0.0.1", port=0, verbose=False
    )
    server.start()
    host, port = server.get_host_and_port()
    found = {**ACCOUNT, "AWS_ENDPOINT_URL": f"http://{host}:{port}"}
    client = import_module("boto3").client("s3", endpoint_url=found["AWS_ENDPOINT_URL"])
    try:
        client.create_bucket(Bucket=BUCKET)
        for file in folder.rglob("*.png"):
            client.put_object(Bucket=BUCKET, Key=str(file.relative_to(folder)), Body=file.read_bytes())
        yield found
    finally:
        server.stop()


class Case(NamedTuple):
    """What is run: where the pictures are, the kind of table, and the number of workers."""

    source: str
    form: str
    workers: int


class Run(NamedTuple):
    """What one run took; time is that of all processes, in seconds."""

    seen: Seen
    processor_s: float
    table_bytes: int


def timed(place: str, output: Path, workers: int) -> Run:
    """Run once."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    seen = run(place, output, workers)
    with suppress(ChildProcessError):
        while True:
            os.wait()  # for workers that outlived their parent
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Run(seen, used, output.stat().st_size)


def adopt_orphans() -> None:
    """Make this process the parent of its descendants' orphans, so that their time is counted.

    Workers are killed by a server that ends at once, so nobody else waits for them.
    """
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "the time of workers can't be measured")


def cases_of(sources: Mapping[str, str], workers: Sequence[int]) -> list[Case]:
    """Return what to run with files: every source to CSV; loose files and a tar to Parquet too."""
    to_csv = [(name, ".csv") for name in sources]
    to_parquet = [(LOOSE, ".parquet"), ("tar", ".parquet")]
    return [Case(name, form, count) for count in workers for name, form in (*to_csv, *to_parquet)]


def measure(
    sources: Mapping[str, str],
    cases: Sequence[Case],
    rounds: int,
    root: Path,
    loose_s: dict[int, float],
) -> None:
    """Run all cases in turn, so often; print medians. Loose files' seconds are kept by workers."""
    results: dict[Case, list[Run]] = {case: [] for case in cases}
    for _ in range(rounds):
        for case, runs in results.items():
            output = root / f"labels{case.form}"
            runs.append(timed(sources[case.source], output, case.workers))
    for case, runs in results.items():
        if (case.source, case.form) == (LOOSE, ".csv"):
            loose_s[case.workers] = _seconds(runs)
        show(case, runs, loose_s[case.workers])


def _seconds(runs: Sequence[Run]) -> float:
    return statistics.median(run.seen.seconds for run in runs)


def show(case: Case, runs: Sequence[Run], loose_s: float) -> None:
    """Print a row of the table."""
    rows, seconds = runs[0].seen.rows, _seconds(runs)
    cells = (
        case.source,
        case.form[1:],
        f"{case.workers}",
        f"{seconds / rows * 1e6:,.0f}",
        f"{statistics.median(run.processor_s for run in runs) / rows * 1e6:,.0f}",
        f"{seconds / loose_s:.2f}",
        f"{max(run.seen.parent_mib for run in runs):.0f}",
        f"{max(run.seen.worker_mib for run in runs):.0f}",
        f"{runs[0].table_bytes / rows:.0f}",
        f"{seconds / rows * 1e8 / SECONDS_PER_HOUR:,.1f}",
    )
    print(f"| {' | '.join(cells)} |", flush=True)


def main() -> None:
    """Make the sources, run, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--workers", type=int, nargs="+", default=[2, 1])
    parser.add_argument("--folder", type=Path, help="where to make the files")
    options = parser.parse_args()
    adopt_orphans()
    with tempfile.TemporaryDirectory(dir=options.folder) as temporary:
        root = Path(temporary)
        sources = make_sources(root, options.count)
        run_digitsort("model", capture_output=True)
        print(f"{options.count:,} names of {DISTINCT:,} pictures, medians of {options.rounds}")
        print()
        print(f"| {' | '.join(HEAD)} |")
        print(f"| {' | '.join('---' for _ in HEAD)} |", flush=True)
        loose_s: dict[int, float] = {}
        measure(sources, cases_of(sources, options.workers), options.rounds, root, loose_s)
        if not (find_spec("moto") and find_spec("s3fs")):
            return
        os.environ.update(ACCOUNT)
        with bucket(root / "loose") as environment:
            os.environ.update(environment)
            cases = [Case(IN_BUCKET, ".csv", count) for count in options.workers]
            measure({IN_BUCKET: f"s3://{BUCKET}"}, cases, options.rounds, root, loose_s)


if __name__ == "__main__":
    main()
