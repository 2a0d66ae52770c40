"""The same pictures loose, in a tar, a zip, a compressed tar, and in a bucket: time and memory.

    python -m benchmarks.archives [--count N] [--rounds N] [--workers N] [--folder DIR]

The pictures are MNIST's digits as PNG, 1,000 a folder. The runs alternate. The bucket is moto's server
on this machine (`pip install moto[server] s3fs`); without it, that row is left out. Processor time is
that of all processes of the run; it depends less than the wall time on what else the machine does.
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
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from benchmarks.compare import run_digitsort
from benchmarks.data import export_png, mnist
from benchmarks.million import PER_FOLDER, Seen, link_tree, run

DISTINCT = 4_000

PR_SET_CHILD_SUBREAPER = 36
"""From Linux's <linux/prctl.h>."""

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
    return {"loose files": str(root / "loose")} | {form[2:]: str(root / form) for form in forms}


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


def timed(source: str, output: Path, workers: int) -> tuple[Seen, float]:
    """Run once; return what it took, and the processor time of all processes in seconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    seen = run(source, output, workers)
    with suppress(ChildProcessError):
        while True:
            os.wait()  # for workers that outlived their parent
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return seen, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def adopt_orphans() -> None:
    """Make this process the parent of its descendants' orphans, so that their time is counted.

    Workers are killed by a server that ends at once, so nobody else waits for them.
    """
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0):
        raise OSError(ctypes.get_errno(), "the time of workers can't be measured")


def measure(sources: Mapping[str, str], rounds: int, workers: int, root: Path) -> None:
    """Run all sources in turn, so often; print medians."""
    results: dict[str, list[tuple[Seen, float]]] = {name: [] for name in sources}
    for _ in range(rounds):
        for name, source in sources.items():
            results[name].append(timed(source, root / "labels.csv", workers))
    first = statistics.median(seen.seconds for seen, _ in next(iter(results.values())))
    for name, runs in results.items():
        seconds = statistics.median(seen.seconds for seen, _ in runs)
        processor = statistics.median(used for _, used in runs)
        rows = runs[0][0].rows
        print(
            f"| {name} | {rows:,} | {seconds / rows * 1e6:,.0f} | {processor / rows * 1e6:,.0f} "
            f"| {seconds / first:.2f} | {max(seen.parent_mib for seen, _ in runs):.0f} "
            f"| {max(seen.worker_mib for seen, _ in runs):.0f} |",
            flush=True,
        )


def main() -> None:
    """Make the sources, run, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--folder", type=Path, help="where to make the files")
    options = parser.parse_args()
    adopt_orphans()
    with tempfile.TemporaryDirectory(dir=options.folder) as temporary:
        root = Path(temporary)
        sources = make_sources(root, options.count)
        run_digitsort("model", capture_output=True)
        print("| source | rows | µs an image | CPU µs | time, loose = 1 | parent MiB | worker MiB |")
        print("| --- | --- | --- | --- | --- | --- | --- |")
        if not (find_spec("moto") and find_spec("s3fs")):
            measure(sources, options.rounds, options.workers, root)
            return
        os.environ.update(ACCOUNT)
        with bucket(root / "loose") as environment:
            os.environ.update(environment)
            sources["S3 on loopback"] = f"s3://{BUCKET}"
            measure(sources, options.rounds, options.workers, root)


if __name__ == "__main__":
    main()
