"""Measure what faults cost: files that kill their workers, and killed Dask workers.

python -m benchmarks.faults [--count N] [--kills N] [--pause S]
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from benchmarks.data import export_png, mnist
from benchmarks.million import family
from digitsort import Model, Outcome, Settings, Status, classify_files, default_model
from digitsort.classification.classify import Line, run_line
from digitsort.images.discover import Walk
from digitsort.images.limits import Limits
from digitsort.images.read import Picture, read

POISONED = 10
SEED = 2026


def read_unless_poisoned(path: str, limits: Limits) -> Picture:
    """Read a file; one named poison kills the process."""
    if os.path.basename(path).startswith("poison"):
        os.kill(os.getpid(), signal.SIGSEGV)
    return read(path, limits)


def poisoned(root: Path, count: int, model: Model, rounds: int = 3) -> None:
    """Compare a folder with one in which ten files kill their workers."""
    names = [f"{index}.png" for index in range(count)]
    bad = random.Random(SEED).sample(range(count), POISONED)
    originals = sorted((root / "originals").rglob("*.png"))
    for kind in ("clean", "poisoned"):
        (root / kind).mkdir()
        for index, name in enumerate(names):
            chosen = f"poison {name}" if kind == "poisoned" and index in bad else name
            (root / kind / chosen).hardlink_to(originals[index % len(originals)])
    seconds: dict[str, list[float]] = {"clean": [], "poisoned": []}
    errors = {}
    for _ in range(rounds):
        for kind, taken in seconds.items():
            paths = list(Walk([str(root / kind)]).files())
            start = time.perf_counter()
            outcomes = list(run_line(Line(model, Settings(), read_unless_poisoned), paths, workers=2))
            taken.append(time.perf_counter() - start)
            errors[kind] = sum(o.status is Status.ERROR for o in outcomes)
    print(f"{count:,} files, two workers, {rounds} alternating rounds, median\n")
    print("| folder | error rows | seconds | min-max |")
    print("| --- | --- | --- | --- |")
    for kind, taken in seconds.items():
        middle = statistics.median(taken)
        print(f"| {kind} | {errors[kind]} | {middle:.1f} | {min(taken):.1f}-{max(taken):.1f} |")


@contextmanager
def killing(pause_s: float, kills: list[int]) -> Iterator[None]:
    """Kill a process of a local cluster, at random, every so often."""
    stop = threading.Event()
    rng = random.Random(SEED)

    def kill() -> None:
        while not stop.wait(pause_s):
            workers = [pid for pid in family(os.getpid())[1:] if "spawn_main" in command_line(pid)]
            if workers:
                kills.append(rng.choice(workers))
                os.kill(kills[-1], signal.SIGKILL)

    thread = threading.Thread(target=kill)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def command_line(pid: int) -> str:
    """Return the command line of a process."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""


def dying_cluster(root: Path, count: int, model: Model, wanted: int, pause_s: float) -> None:
    """Classify on a local cluster whose workers die, and compare with a run in line."""
    originals = sorted((root / "originals").rglob("*.png"))
    paths = [str(originals[index % len(originals)]) for index in range(count)]
    expected: list[Outcome] = list(classify_files(paths, model))
    kills: list[int] = []
    start = time.perf_counter()
    outcomes = classify_files(slowly(paths, kills, wanted), model, dask="local", workers=2)
    done, same = 1, next(outcomes) == expected[0]
    with killing(pause_s, kills):
        for outcome in outcomes:
            same = same and outcome == expected[done % count]
            done += 1
    print("| images | kills | seconds | outcomes |")
    print("| --- | --- | --- | --- |")
    seconds = time.perf_counter() - start
    print(f"| {done:,} | {len(kills)} | {seconds:.0f} | {'identical' if same else 'DIFFERENT'} |")


def slowly(paths: list[str], kills: list[int], wanted: int) -> Iterator[str]:
    """All paths, and again as long as there were too few kills."""
    yield from paths
    while len(kills) < wanted:
        yield from paths


def main() -> None:
    """Measure both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--pause", type=float, default=3.0)
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    images, labels = mnist()
    model = default_model()
    with tempfile.TemporaryDirectory() as temporary:
        root = Path(temporary)
        export_png(images[:2_000], labels[:2_000], root / "originals")
        if options.only in "poisoned":
            poisoned(root, options.count, model)
        if options.only in "dask" and find_spec("distributed"):
            print()
            dying_cluster(root, 2 * options.count, model, options.kills, options.pause)


if __name__ == "__main__":
    main()
