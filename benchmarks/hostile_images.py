"""Memory and time that hostile pictures take. Arguments: a folder with another digitsort, to compare.

Each is read by a process of its own that has read a good one before.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.images.hostile import HOSTILE, SIDE

PROGRAM = """
import json, sys, time
from pathlib import Path
from digitsort.images.read import UnreadableError, read
try:
    from digitsort.images.limits import limit_decoders
    limit_decoders()
except ImportError:
    pass
def peak():
    return int(Path("/proc/self/status").read_text().split("VmHWM:")[1].split()[0]) / 2**10
try:
    read(sys.argv[1])
except UnreadableError:
    pass
before = peak()
started = time.process_time()
try:
    outcome = "read, %d x %d" % read(sys.argv[2]).gray.shape[::-1]
except UnreadableError as error:
    outcome = str(error)
print(json.dumps([peak() - before, time.process_time() - started, outcome]))
"""

GIVEN_UP_S = 120

Measure = tuple[float, float, str]
"""Peak in MiB beyond what the process had before, processor time in seconds, and the outcome."""


def main(code: str) -> None:
    """Print the table."""
    print("| file | bytes | peak MiB | CPU s | outcome |")
    print("| --- | --- | --- | --- | --- |")
    for name, make in HOSTILE.items():
        data = make()
        memory, seconds, outcome = measured(data, code)
        print(f"| {name} | {len(data):,} | {memory:,.0f} | {seconds:.2f} | {outcome} |", flush=True)


def measured(data: bytes, code: str) -> Measure:
    """Read a file in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "x")
        path.write_bytes(data)
        good = Path(folder, "good" + path.suffix)
        good.write_bytes(b"GIF89a")
        command = [sys.executable, "-P", "-c", PROGRAM, str(good), str(path)]
        try:
            done = subprocess.run(
                command,
                env={**os.environ, "PYTHONPATH": code},
                capture_output=True,
                text=True,
                check=False,
                timeout=GIVEN_UP_S,
            )
        except subprocess.TimeoutExpired:
            return 0, GIVEN_UP_S, "given up"
    if done.returncode:
        return 0, 0, f"ended with {done.returncode}"
    memory, seconds, outcome = json.loads(done.stdout)
    return memory, seconds, outcome


assert SIDE**2 == 2**26

if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else str(Path(__file__).parent.parent))
