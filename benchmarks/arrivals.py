"""Deliver files of an inbox one by one, as `watch` does: CPU time per file while DEST grows.

    python -m benchmarks.arrivals [--files N] [--folder DIR]

The files are small and not recognized: this measures journal, copies and labels.csv. Then: how long
`watch --once` takes to find that there is nothing to do.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.compare import COMMAND, user_environment
from digitsort import SortOptions
from digitsort.outcomes import Outcome, Status
from digitsort.sorting.arrivals import Arrivals, sort_complete
from digitsort.sorting.dest import locked
from digitsort.sorting.free_names import file_sha256
from digitsort.sorting.inbox import Inbox, version_of
from digitsort.sorting.journal import journals

STEP = 1000


def labelled(paths: Sequence[str]) -> Iterator[Outcome]:
    """Label files by their names."""
    for path in paths:
        yield Outcome(path, Status.OK, "7", 0.99, sha256=file_sha256(path), second="1")


def deliver_one(box: Inbox, arrivals: Arrivals, path: Path) -> None:
    """Deliver one file, as if the inbox had been looked at and had only this one."""
    path.write_text(path.name)
    version = version_of(str(path))
    assert version is not None
    for _ in sort_complete(box, [(str(path), version)], arrivals, labelled, "0123456789ab"):
        pass


def main() -> None:
    """Deliver, and print the time of each thousand."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=10_000)
    parser.add_argument("--folder", type=Path, help="where to make the files")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as temporary:
        inbox, dest = Path(temporary, "in"), Path(temporary, "out")
        inbox.mkdir()
        print("| files in DEST | CPU ms per file | the slowest |")
        print("| --- | --- | --- |")
        with locked(dest) as held:
            arrivals, box = Arrivals(held, SortOptions(set_aside=True)), Inbox(str(inbox), 0)
            times = []
            for n in range(options.files):
                start = time.process_time()
                deliver_one(box, arrivals, inbox / f"{n:06d}.png")
                times.append((time.process_time() - start) * 1000)
                if len(times) == STEP:
                    print(f"| {n + 1:,} | {sum(times) / STEP:.1f} | {max(times):.0f} |", flush=True)
                    times.clear()
            arrivals.close_books(now=True)
        print(f"\n{len(journals(str(dest)))} journals")
        command = [*COMMAND, "watch", str(inbox), str(dest), "--once", "--settle", "0"]
        start = time.perf_counter()
        subprocess.run(command, env=user_environment(), check=True)
        print(f"watch --once: {time.perf_counter() - start:.1f} s")


if __name__ == "__main__":
    main()
