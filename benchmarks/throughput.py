"""Images a second, from a folder to a finished CSV, beside what reading the files alone takes.

    python -m benchmarks.throughput [--rounds N] [--share S] [--folder DIR] [--only NAME]

Three folders: MNIST's PNG files, simulated scans, photos. In alternating rounds: the floor (Pillow
opens and decodes, nothing else) and `digitsort classify` with one and two processes, the tutorial's
loop, a CNN behind a PyTorch DataLoader (skipped where it is not installed). Then the share of each
stage, and how long short commands take.
"""

from __future__ import annotations

import argparse
import csv
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from contextlib import ExitStack
from importlib.util import find_spec
from itertools import islice
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from benchmarks.compare import run_digitsort, tutorial
from benchmarks.data import export_png, mnist

if TYPE_CHECKING:
    from digitsort.labels.labels_csv import LabelsWriter
    from digitsort.outcomes import Outcome

Program = Callable[[Path], object]

FOLDERS = {"MNIST 28x28": 60_000, "scans 170x130": 5_000, "photos 1500x1500": 300}
"""Name to number of files."""

SEED = 2026


def make_folders(root: Path, share: float = 1) -> dict[str, Path]:
    """Write the files of the three folders, or a share of them, where they are not there already."""
    makers = (_digits, _scans, _photos)
    made = {}
    for (name, whole), make in zip(FOLDERS.items(), makers, strict=True):
        count = round(whole * share)
        folder = root / f"{name.split()[0]}-{count}"
        if not folder.exists():
            make(folder, count)
        made[name] = folder
    return made


def _digits(folder: Path, count: int) -> None:
    images, labels = mnist()
    export_png(images[:count], labels[:count], folder)


def _scans(folder: Path, count: int) -> None:
    from digitsort.training.paper import draw_look, put_on_paper

    images, labels = mnist()
    rng = np.random.default_rng(SEED)
    for index in range(count):
        place = folder / labels[index] / f"{index}.png"
        place.parent.mkdir(parents=True, exist_ok=True)
        put_on_paper(images[index], draw_look(rng), rng).save(place)


def _photos(folder: Path, count: int) -> None:
    from digitsort.training.paper import draw_look, put_on_paper

    images, labels = mnist()
    rng = np.random.default_rng(SEED)
    for index in range(count):
        place = folder / labels[index] / f"{index}.jpg"
        place.parent.mkdir(parents=True, exist_ok=True)
        scan = put_on_paper(images[-1 - index], draw_look(rng), rng).convert("RGB")
        scan.resize((1500, 1500), Image.Resampling.BICUBIC).save(place, quality=90)


def _decode(paths: list[str]) -> int:
    for path in paths:
        with Image.open(path) as image:
            image.load()
    return len(paths)


def floor(processes: int, stack: ExitStack) -> Program:
    """Open and decode every file, in processes that run already, until the stack is left."""
    pool = stack.enter_context(ProcessPoolExecutor(processes, mp_context=get_context("fork")))
    list(pool.map(_decode, [[]] * processes))

    def run(folder: Path) -> None:
        paths = files_in(folder)
        chunk = max(1, min(250, len(paths) // (4 * processes)))
        list(pool.map(_decode, [paths[i : i + chunk] for i in range(0, len(paths), chunk)]))

    return run


def files_in(folder: Path) -> list[str]:
    """All files below a folder."""
    return [str(Path(place, name)) for place, _, names in os.walk(folder) for name in names]


def classify(workers: int) -> Program:
    """Run the command as a user would, start included."""

    def run(folder: Path) -> None:
        labels = folder.parent / "labels.csv"
        run_digitsort("classify", folder, "-o", labels, "-q", "--force", "--workers", str(workers))

    return run


class _Files:
    """Data set of pictures for a DataLoader."""

    def __init__(self, paths: list[str]) -> None:
        self.paths = paths

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> Any:
        import torch

        with Image.open(self.paths[index]) as image:
            small = image.convert("L").resize((28, 28))
        return torch.from_numpy(np.asarray(small, np.float32)[None] / 255)


def cnn(folder: Path) -> None:
    """Classify with a small CNN behind a DataLoader of two processes, and write a CSV."""
    import torch
    from torch.utils.data import DataLoader

    nn = torch.nn
    model = nn.Sequential(
        *(nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.Linear(32 * 49, 128), nn.ReLU(), nn.Linear(128, 10)),
    ).eval()
    paths = files_in(folder)
    loader: Any = DataLoader(_Files(paths), batch_size=256, num_workers=2)  # type: ignore[arg-type,unused-ignore]
    with torch.no_grad():
        labels = [int(label) for batch in loader for label in model(batch).argmax(1)]
    with (folder.parent / "cnn.csv").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(zip(paths, labels, strict=True))


def programs(stack: ExitStack) -> dict[str, Program]:
    """All that can be run here."""
    found: dict[str, Program] = {
        "read + decode, 1 process": floor(1, stack),
        "read + decode, 2 processes": floor(2, stack),
        "digitsort --workers 1": classify(1),
        "digitsort --workers 2": classify(2),
        "tutorial's loop": tutorial,
    }
    if find_spec("torch"):
        found["CNN, DataLoader of 2"] = cnn
    else:
        print("CNN skipped: PyTorch is not installed")
    return found


def measure(folder: Path, rounds: int, runs: dict[str, Program]) -> None:
    """Run the programs in turn, and print a table."""
    count = len(files_in(folder))
    seconds: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, program in runs.items():
            start = time.perf_counter()
            program(folder)
            seconds[name].append(time.perf_counter() - start)
    base = statistics.median(seconds["read + decode, 2 processes"])
    print("| program | images/s | µs an image | min-max | times the floor of 2 |")
    print("| --- | --- | --- | --- | --- |")
    for name, taken in seconds.items():
        each = [s / count * 1e6 for s in taken]
        middle = statistics.median(each)
        print(
            f"| {name} | {1e6 / middle:,.0f} | {middle:,.0f} | {min(each):,.0f}-{max(each):,.0f} "
            f"| {middle * count / 1e6 / base:.2f} |",
            flush=True,
        )


def stages(folder: Path, limit: int = 5_000) -> None:
    """Time each stage in one process, a stack at a time and as a worker does it; print its share."""
    from digitsort import Settings, default_model
    from digitsort.classification.classify import classify_files
    from digitsort.images.read import grays_of, read
    from digitsort.labels.labels_csv import LabelsWriter, Layout
    from digitsort.recognition.ink import find_ink
    from digitsort.recognition.normalize import normalize
    from digitsort.recognition.score import score
    from digitsort.recognition.vectorize import STACK, gradient_features
    from digitsort.workers.tuning import keep_freed_memory, one_blas_thread

    keep_freed_memory()
    model = default_model()
    paths = iter(files_in(folder)[:limit])
    spent = dict.fromkeys(("read", "ink", "normalize", "features", "score", "write"), 0.0)
    count = 0

    def timed(stage: str, work: Callable[..., Any], *arguments: Any) -> Any:
        start = time.perf_counter()
        result = work(*arguments)
        spent[stage] += time.perf_counter() - start
        return result

    with one_blas_thread(), tempfile.TemporaryDirectory() as place:
        sample = list(classify_files(files_in(folder)[:STACK], model, Settings()))
        with Path(place, "l.csv").open("w", encoding="utf-8", newline="") as file:
            writer = LabelsWriter(file, Layout(str(folder), model.card.short))
            while stack := list(islice(paths, STACK)):
                count += len(stack)
                grays = timed("read", lambda paths: grays_of([read(path) for path in paths]), stack)
                ink = timed("ink", find_ink, grays)
                vectors = timed("features", gradient_features, timed("normalize", normalize, ink))
                timed("score", score, vectors, model.machine)
                timed("write", _write_all, writer, sample[: len(stack)])
    total = sum(spent.values())
    print("| stage | µs an image | share |")
    print("| --- | --- | --- |")
    for stage, seconds in spent.items():
        print(f"| {stage} | {seconds / count * 1e6:,.1f} | {seconds / total:.0%} |")


def _write_all(writer: LabelsWriter, outcomes: list[Outcome]) -> None:
    for outcome in outcomes:
        writer.write(outcome)


def start_up(folder: Path, rounds: int) -> None:
    """Time short commands, from the shell."""
    files = files_in(folder)
    with tempfile.TemporaryDirectory() as place:
        few = Path(place, "list")
        few.write_text("\n".join(files[:100]))
        commands: dict[str, list[str]] = {
            "digitsort --help": ["--help"],
            "classify, one image": ["classify", files[0], "-o", "-"],
            "classify, 100 images": ["classify", "--files-from", str(few), "-o", "-"],
        }
        print("| command | median s | min-max |")
        print("| --- | --- | --- |")
        for name, command in commands.items():
            taken = []
            for _ in range(2 * rounds + 1):
                start = time.perf_counter()
                run_digitsort(*command, capture_output=True)
                taken.append(time.perf_counter() - start)
            print(f"| {name} | {statistics.median(taken):.2f} | {min(taken):.2f}-{max(taken):.2f} |")


def main() -> None:
    """Make the folders, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", type=Path, help="keep the files here for the next run")
    parser.add_argument("--share", type=float, default=1.0, help="of the files, 0-1")
    parser.add_argument("--only", default="", help="folders, or `stages`, that contain this")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary, ExitStack() as stack:
        folders = make_folders(options.folder or Path(temporary), options.share)
        run_digitsort("model", capture_output=True)  # trains the default model, if need be
        runs = programs(stack)
        for name, folder in folders.items():
            if options.only in name:
                print(f"\n## {name}: {len(files_in(folder)):,} files, {options.rounds} rounds\n")
                measure(folder, options.rounds, runs)
            if options.only in f"{name} stages":
                print(f"\n### {name}: stages, one process\n")
                stages(folder)
        if options.only in "start":
            print("\n## Short commands\n")
            start_up(folders["MNIST 28x28"], options.rounds)


if __name__ == "__main__":
    main()
