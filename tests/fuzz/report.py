"""What a fuzzer's process counts, and how it runs under limits."""

from __future__ import annotations

import faulthandler
import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

REPOSITORY = Path(__file__).parent.parent.parent

MEMORY_BYTES = 2**30
"""Of address space, the interpreter and its libraries included."""

HANG_S = 60
"""A process that is busy with one mutant for so long is ended with a traceback."""


@dataclass
class Report:
    """Counts of one process.

    Attributes
    ----------
    outcomes : dict
        How many mutants ended in each way.
    slowest_s : float
        Processor time of the slowest one.
    peak_mib : int
        Largest memory in use (resident).
    at_once_mib : int
        Most that one mutant took, of those that were `measured`.
    beyond_mib : int
        As `at_once_mib`, without 4 bytes for each pixel of the picture.
    bad : list of str
        Accepted models that plain Python does not load, or that answer otherwise there.
    """

    outcomes: dict[str, int] = field(default_factory=dict)
    slowest_s: float = 0.0
    peak_mib: int = 0
    beyond_mib: int = 0
    at_once_mib: int = 0
    bad: list[str] = field(default_factory=list)

    @contextmanager
    def timed(self) -> Iterator[None]:
        """Note how long a mutant takes."""
        faulthandler.dump_traceback_later(HANG_S, exit=True)
        started = time.process_time()
        yield
        faulthandler.cancel_dump_traceback_later()
        self.slowest_s = max(self.slowest_s, time.process_time() - started)

    @contextmanager
    def measured(self, pixels: Callable[[], int]) -> Iterator[None]:
        """Note how long a mutant takes, and how much memory; `pixels` is asked afterwards."""
        before = _peak_from_now_on()
        with self.timed():
            yield
        taken = max(0, peak_mib() - before)
        self.at_once_mib = max(self.at_once_mib, taken)
        self.beyond_mib = max(self.beyond_mib, taken - 4 * pixels() // 2**20)

    def finish(self) -> None:
        """Print the report for the parent."""
        self.peak_mib = peak_mib()
        print(json.dumps(asdict(self)))


def _peak_from_now_on() -> int:
    """Forget the peak so far; give what is in use."""
    forget = Path("/proc/self/clear_refs")
    if forget.exists():
        forget.write_text("5")  # proc(5)
    return peak_mib()


def peak_mib() -> int:
    """The most memory that this process had in use."""
    status = Path("/proc/self/status")
    if status.exists():  # getrusage starts from what the parent had
        return int(status.read_text().split("VmHWM:")[1].split()[0]) // 2**10
    import resource

    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most // (2**20 if sys.platform == "darwin" else 2**10)


def limit_memory() -> None:
    """Let this process fail instead of taking more."""
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))


def run_fuzzer(module: str, count: int, processes: int = 2) -> Report:
    """Run so many mutants in processes side by side; a process that dies or warns is an error.

    Each gets a seed of its own, so that the same mutants come whatever the machine.
    """
    share = -(-count // processes)
    with ThreadPoolExecutor(processes) as waiting:
        return _joined(list(waiting.map(lambda seed: _run(module, seed, share), range(processes))))


def _run(module: str, seed: int, count: int) -> Report:
    environment = {
        **os.environ,
        "PYTHONPATH": str(REPOSITORY),
        "PYTHONFAULTHANDLER": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }
    command = [sys.executable, "-W", "error", "-m", module, str(seed), str(count)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, ""), (
        f"{module} {seed}: {done.returncode}\n{done.stderr}"
    )
    return Report(**json.loads(done.stdout.splitlines()[-1]))


def _joined(reports: list[Report]) -> Report:
    total: Counter[str] = Counter()
    for report in reports:
        total.update(report.outcomes)
    return Report(
        dict(total.most_common()),
        max(report.slowest_s for report in reports),
        max(report.peak_mib for report in reports),
        max(report.beyond_mib for report in reports),
        max(report.at_once_mib for report in reports),
        [line for report in reports for line in report.bad],
    )
